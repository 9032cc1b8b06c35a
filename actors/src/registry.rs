//! The registry: providers and deployments.

pub mod catalogue;
