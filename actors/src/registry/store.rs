//! The registry's port to the database. Implemented by the gateway's store.
//! Owns what is loaded and saved. Refuses to say how: tables are the store's.

use super::catalogue::{Deployment, Provider};
use super::changes::Change;
use super::group::Group;
use crate::domain::Event;
use crate::error::{LoadError, SaveError};

/// Where providers, deployments and every version of their prices are kept. Blocking: changes are rare, and nothing on
/// the request path waits for them.
pub trait RegistryStore: Send + Sync {
    /// Every provider and every deployment with its present price.
    ///
    /// # Errors
    /// If the database does not answer or a row is damaged.
    fn load(&self) -> Result<(Vec<Provider>, Vec<Deployment>), LoadError>;

    /// Every group.
    ///
    /// # Errors
    /// As [`RegistryStore::load`].
    fn load_groups(&self) -> Result<Vec<Group>, LoadError>;

    /// Saves one change as a whole, and puts `event` on record in the same transaction; it is durable when this returns. Versions of prices are added, never altered.
    ///
    /// # Errors
    /// [`SaveError`] says whether the change is certainly absent.
    fn save(&self, change: &Change, event: &Event) -> Result<(), SaveError>;
}
