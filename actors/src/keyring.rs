//! The keyring: projects and virtual keys.

pub mod ring;
