//! Extractors: what a handler may ask for, each refusing by itself.
//! A handler that names [`operator::Operator`] or [`virtual_key::Caller`] cannot run without one.

pub mod author;
pub mod body;
pub mod operator;
pub mod request_id;
pub mod session;
pub mod virtual_key;
pub mod who;
