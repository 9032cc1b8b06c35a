//! The keyring's port to the database. Implemented by the gateway's store.
//! Owns what is loaded and saved. Refuses to say how: tables are the store's.

use super::changes::Change;
use super::ring::{Project, VirtualKey};
use crate::domain::Event;
use crate::error::{LoadError, SaveError};

/// Where projects and keys are kept. Blocking: changes are rare, and nothing on the request path waits for them.
pub trait KeyringStore: Send + Sync {
    /// Every project and every key, revoked ones included.
    ///
    /// # Errors
    /// If the database does not answer or a row is damaged.
    fn load(&self) -> Result<(Vec<Project>, Vec<VirtualKey>), LoadError>;

    /// Saves one change as a whole, and puts `event` on record in the same transaction; it is durable when this returns.
    ///
    /// # Errors
    /// [`SaveError`] says whether the change is certainly absent.
    fn save(&self, change: &Change, event: &Event) -> Result<(), SaveError>;
}
