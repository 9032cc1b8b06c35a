//! Farthing, a self-hosted LLM gateway whose books balance. The tour, in reading order:
//!
//! - [`dialect`]: the wire formats. Pure: bytes and values in, bytes and values out.
//! - [`store`]: the database, and the journal in front of it.
//! - [`config`]: every setting, its default, and the report of all faults at once.
//! - [`logging`]: the form of a log line.
//! - [`cli`]: the command line.
//! - [`app`]: puts everything together, starts it, and stops it in order.

pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod dialect;
pub mod logging;
pub mod store;
