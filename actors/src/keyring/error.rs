//! Why the keyring refuses a change. Owns the kinds and their words; status codes belong to the web floor.

use thiserror::Error;

use crate::error::{ActorError, SaveError};

/// Why a project or a key was not changed. Nothing was changed, unless the message says that this is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyringError {
    /// No project or key has this id.
    #[error("no such project or key")]
    NotFound,
    /// Another project has this name.
    #[error("another project has this name; choose a different one")]
    NameTaken,
    /// A field cannot be what it is.
    #[error("{field} {reason}")]
    Invalid {
        /// The field, as the management API spells it.
        field: &'static str,
        /// What is wrong with it, to be read after the field's name.
        reason: String,
    },
    /// The change contradicts what there is.
    #[error("{0}")]
    Conflict(String),
    /// The database did not save it.
    #[error("the keyring cannot save changes now: {0}")]
    Store(String),
    /// The keyring did not answer.
    #[error(transparent)]
    Actor(#[from] ActorError),
}

impl KeyringError {
    pub(super) fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { field, reason: reason.into() }
    }
}

impl From<SaveError> for KeyringError {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Referenced(_) => Self::Conflict(error.to_string()),
            SaveError::Failed(_) | SaveError::Unknown(_) => Self::Store(error.to_string()),
        }
    }
}
