//! Farthing, a self-hosted LLM gateway whose books balance. The tour, in reading order:
//!
//! - [`dialect`]: the wire formats. Pure: bytes and values in, bytes and values out.
//! - [`store`]: the database, and the journal in front of it.
//! - [`config`]: every setting, its default, and the report of all faults at once.
//! - [`logging`]: the form of a log line.

pub mod config;
pub mod dialect;
pub mod logging;
pub mod store;
