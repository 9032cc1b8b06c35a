//! The keyring's port to the database. Implemented by the gateway's store.
//! Owns what is loaded and saved. Refuses to say how: tables are the store's.

use super::changes::Change;
use super::ring::{Project, VirtualKey};
use crate::domain::{Event, Timestamp, TokenId};
use crate::error::{LoadError, SaveError};

/// Everything that is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Every project.
    pub projects: Vec<Project>,
    /// Every key, revoked ones included.
    pub keys: Vec<VirtualKey>,
    /// Every token that was taken back, and when its own time is over.
    pub revoked: Vec<(TokenId, Timestamp)>,
}

/// Where projects and keys are kept. Blocking: changes are rare, and nothing on the request path waits for them.
pub trait KeyringStore: Send + Sync {
    /// Everything.
    ///
    /// # Errors
    /// If the database does not answer or a row is damaged.
    fn load(&self) -> Result<Loaded, LoadError>;

    /// Saves one change as a whole, and puts `event` on record in the same transaction; it is durable when this returns.
    ///
    /// # Errors
    /// [`SaveError`] says whether the change is certainly absent.
    fn save(&self, change: &Change, event: &Event) -> Result<(), SaveError>;
}
