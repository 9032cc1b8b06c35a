//! Why a change of people or sessions is refused. Owns the kinds and their words; status codes belong to the web floor.

use thiserror::Error;

use crate::error::{ActorError, SaveError};

/// Why nothing was changed; unless the message says that this is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionsError {
    /// No user has this id, or no session was ended because there is none.
    #[error("no such user or session")]
    NotFound,
    /// Another user has this name.
    #[error("another user has this name; choose a different one")]
    NameTaken,
    /// Another user is who this one is at the identity provider.
    #[error("another user is this one at the identity provider")]
    SubjectTaken,
    /// This was to be the first account, and there is one.
    #[error("there are accounts already; sign in, or ask an owner")]
    NotFirst,
    /// A field cannot be what it is.
    #[error("{field} {reason}")]
    Invalid {
        /// The field, as the management API spells it.
        field: &'static str,
        /// What is wrong with it, to be read after the field's name.
        reason: &'static str,
    },
    /// Nobody would be left who may do everything.
    #[error("this is the last owner; make another one first")]
    LastOwner,
    /// The database did not save it.
    #[error("accounts and sessions cannot be changed now: {0}")]
    Store(String),
    /// The actor did not answer.
    #[error(transparent)]
    Actor(#[from] ActorError),
}

impl SessionsError {
    pub(super) fn invalid(field: &'static str, reason: &'static str) -> Self {
        Self::Invalid { field, reason }
    }
}

impl From<SaveError> for SessionsError {
    fn from(error: SaveError) -> Self {
        Self::Store(error.to_string())
    }
}
