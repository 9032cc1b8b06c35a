//! For applications: the routes a virtual key opens.

pub mod answer;
pub mod chat_completions;
pub mod key;
pub mod models;
