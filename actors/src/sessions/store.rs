//! The sessions actor's port to the database. Implemented by the gateway's store.
//! Owns what is loaded and saved. Refuses to say how: tables are the store's.

use core::net::IpAddr;

use super::lockout::Failure;
use super::people::Change;
use super::session::Session;
use super::user::User;
use crate::domain::{Event, Timestamp, UserId};
use crate::error::{LoadError, SaveError};

/// Everything there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Every account.
    pub users: Vec<User>,
    /// Every session that was not ended or swept away.
    pub sessions: Vec<Session>,
    /// Wrong guesses of the last day, at least.
    pub failures: Vec<Failure>,
    /// From which networks people have signed in, and when last.
    pub familiar: Vec<(UserId, IpAddr, Timestamp)>,
}

/// Where accounts and sessions are kept. Blocking: requests read a snapshot and do not wait for it.
pub trait SessionsStore: Send + Sync {
    /// Everything.
    ///
    /// # Errors
    /// If the database does not answer or a row is damaged.
    fn load(&self) -> Result<Stored, LoadError>;

    /// Saves one change as a whole, and puts `event` on record in the same transaction if there is one; it is durable when
    /// this returns.
    ///
    /// # Errors
    /// [`SaveError`] says whether the change is certainly absent.
    fn save(&self, change: &Change, event: Option<&Event>) -> Result<(), SaveError>;
}
