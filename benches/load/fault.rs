//! Why the benchmark cannot go on, or why one answer does not count.
//! Owns the messages; decides nothing.

use std::io;

use thiserror::Error;

/// What went wrong.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// A socket, file or process did not do what was asked.
    #[error("{part}: {source}")]
    Io {
        /// Which part of the benchmark.
        part: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The peer closed before its message was whole.
    #[error("the connection closed in the middle of a message")]
    Cut,
    /// An answer took longer than any scenario allows.
    #[error("no whole answer in {0} s")]
    Slow(u64),
    /// An answer is whole, and wrong.
    #[error("wrong answer: {0}")]
    Answer(String),
    /// Something the run needs is missing or refused.
    #[error("{0}")]
    Setup(String),
}

impl Fault {
    /// For `map_err`: names the part that met the error.
    pub(crate) fn io(part: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { part, source }
    }
}
