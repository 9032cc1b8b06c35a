//! The trail's port. Implemented by the gateway's store. Owns what is kept, filed and retired.
//! Refuses to say how: tables and files are the store's.

use crate::domain::{Event, Timestamp};
use crate::error::SaveError;

/// Where the trail is kept. Blocking: its actor has a thread that may wait.
pub trait AuditStore: Send + Sync {
    /// Adds events at the end, all or none.
    ///
    /// # Errors
    /// If the database refuses, or the trail is kept in a file alone that cannot be written.
    fn append(&self, events: &[Event]) -> Result<(), SaveError>;

    /// Brings some events to the file that it lacks, oldest first, and says how many.
    ///
    /// # Errors
    /// If the file or the database refuses; then they are brought again.
    fn file(&self) -> Result<usize, SaveError>;

    /// Removes some events that are older than they need be at `now`, oldest first, and says how many.
    ///
    /// # Errors
    /// If the database refuses.
    fn retire(&self, now: Timestamp) -> Result<usize, SaveError>;
}
