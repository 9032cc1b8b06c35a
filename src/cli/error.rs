//! Why a command did not succeed, and the exit code that says so. Owns the codes: 1 failed, 2 wrong usage, 3 a check
//! found a fault. Refuses to lose the remedy: each message says what to do.

use thiserror::Error;

use super::http::HttpError;
use crate::app::AppError;
use crate::config::ConfigFaults;

/// What ended a command.
#[derive(Debug, Error)]
pub enum CliError {
    /// The arguments make no sense together.
    #[error("{0}")]
    Usage(String),
    /// The configuration is not sound.
    #[error("{0}")]
    Config(#[from] ConfigFaults),
    /// A part of the gateway stopped.
    #[error("{0}")]
    App(#[from] AppError),
    /// The server refused, or did not answer.
    #[error("{0}")]
    Http(#[from] HttpError),
    /// A file could not be read or written, or the output could not.
    #[error("{what}: {reason}")]
    Io {
        /// What was attempted, and on which file.
        what: String,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Anything else that was asked for and is not possible.
    #[error("{0}")]
    Failed(String),
    /// A check found faults; its reply has said them.
    #[error("the check found a fault")]
    FaultsFound,
}

impl CliError {
    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::App(_) | Self::Http(_) | Self::Io { .. } | Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::FaultsFound => 3,
        }
    }

    /// A failure of a file.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |reason| Self::Io { what, reason }
    }
}
