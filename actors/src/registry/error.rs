//! Why the registry refuses a change. Owns the kinds and their words; status codes belong to the web floor.

use thiserror::Error;

use crate::error::{ActorError, SaveError};

/// Why a provider or a deployment was not changed. Nothing was changed, unless the message says that this is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// No provider or deployment has this id.
    #[error("no such provider or deployment")]
    NotFound,
    /// Another provider has this name.
    #[error("another provider has this name; choose a different one")]
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
    #[error("the registry cannot save changes now: {0}")]
    Store(String),
    /// The registry did not answer.
    #[error(transparent)]
    Actor(#[from] ActorError),
}

impl RegistryError {
    pub(super) fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { field, reason: reason.into() }
    }
}

impl From<SaveError> for RegistryError {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Referenced(_) => Self::Conflict(error.to_string()),
            SaveError::Failed(_) | SaveError::Unknown(_) => Self::Store(error.to_string()),
        }
    }
}
