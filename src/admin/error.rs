//! Why an operator's wish was not carried out. Owns the kinds and their words; status codes belong to the web floor.

use farthing_actors::error::{ActorError, SaveError};
use farthing_actors::keyring::KeyringError;
use farthing_actors::ledger::LedgerError;
use farthing_actors::registry::RegistryError;
use farthing_actors::sessions::SessionsError;
use thiserror::Error;

use crate::security::{NoEntropy, PasswordError, SessionError, TokenError, VaultError};
use crate::store::StoreError;

/// Why nothing was changed, or nothing can be shown.
#[derive(Debug, Error)]
pub enum AdminError {
    /// Nothing has this id or name.
    #[error("there is no {noun} {wanted:?}")]
    Absent {
        /// What was looked for, such as `project`.
        noun: &'static str,
        /// Its id or name, as asked.
        wanted: String,
    },
    /// A field cannot be what it is.
    #[error("{field} {reason}")]
    Invalid {
        /// The field, as the management API spells it.
        field: &'static str,
        /// What is wrong with it, to be read after the field's name.
        reason: String,
    },
    /// The keyring refused.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The registry refused.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The sessions actor refused.
    #[error(transparent)]
    People(#[from] SessionsError),
    /// Whoever signs in did not prove who they are.
    #[error("the name or the password is wrong")]
    WrongCredentials,
    /// Too many passwords wait to be hashed.
    #[error("too many people are signing in at once; try again")]
    HashingBusy,
    /// The account or the role stands above the author's.
    #[error("{0}")]
    AboveRank(String),
    /// A session's token could not be made.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The ledger did not take a budget.
    #[error("the ledger did not confirm the budget; send the request again: {0}")]
    Budget(LedgerError),
    /// The ledger did not answer.
    #[error(transparent)]
    Ledger(#[from] ActorError),
    /// The breakers did not answer.
    #[error("the breakers did not answer, and some circuits may be as wished; send the request again: {0}")]
    Breakers(ActorError),
    /// The ledger did not take an adjustment.
    #[error("the ledger did not confirm the adjustment; send the request again with the same id: {0}")]
    Adjustment(LedgerError),
    /// The request is about another version of it.
    #[error("it was changed meanwhile")]
    Changed,
    /// It contradicts what there is.
    #[error("{0}")]
    Conflict(String),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be put on record, so it was not done.
    #[error("the audit trail cannot be written, so nothing was done: {0}")]
    Unrecorded(#[from] SaveError),
    /// A provider's key could not be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The system has no randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// A token could not be issued.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl AdminError {
    /// A field that cannot be what it is.
    pub(super) fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { field, reason: reason.into() }
    }

    /// Nothing has this id or name.
    pub fn absent(noun: &'static str, wanted: impl ToString) -> Self {
        Self::Absent { noun, wanted: wanted.to_string() }
    }
}
