//! What an operator can do: one verb for each, the same for the API, the dashboard and commands.
//! Owns the order of steps where a change concerns two owners, and the checks that need more than one of them.
//! Refuses state: every change goes to its owner, and is read back from what that owner published.

pub mod adjustments;
pub mod audit;
pub mod backups;
pub mod books;
mod budgets;
pub mod cache;
mod circuits;
pub mod credits;
pub mod error;
pub mod etag;
pub mod groups;
mod hashing;
pub mod key_tokens;
pub mod keys;
pub mod models;
pub mod oidc;
pub mod passage;
pub mod people;
pub mod price_changes;
pub mod price_lists;
pub mod projects;
pub mod providers;
pub mod reconcile;
pub mod routes;
pub mod runs;
pub mod secrets;
pub mod set_up;
pub mod shadow;
pub mod sign_in;
pub mod tokens;
mod vouched;

use std::sync::Arc;

use farthing_actors::audit::AuditLog;
use farthing_actors::breakers::Breakers;
use farthing_actors::cache::Cache;
use farthing_actors::domain::{Author, Clock, Scope};
use farthing_actors::idempotency::Idempotency;
use farthing_actors::keyring::Keyring;
use farthing_actors::keyring::ring::Keys;
use farthing_actors::ledger::Ledger;
use farthing_actors::ledger::hold::{Balance, Cap};
use farthing_actors::registry::Registry;
use farthing_actors::registry::catalogue::Catalogue;
use farthing_actors::sessions::Sessions;
use farthing_actors::shadow::Shadow;
use tokio::sync::Mutex;

use crate::security::Security;
use crate::security::obfuscate::Naming;
use crate::store::audit::Trail;
pub use backups::BackupPlan;
pub use books::Books;
pub use error::AdminError;
pub use etag::Tagged;
use hashing::Hashing;
pub use key_tokens::TokenCounts;
pub use keys::KeyTerms;
pub use price_lists::PriceLists;
pub use secrets::Rotation;

/// What the admin floor is built from.
pub struct AdminParts {
    /// Answers that may be given again.
    pub cache: Cache,
    /// What would have been refused.
    pub shadow: Shadow,
    /// Projects and keys.
    pub keyring: Keyring,
    /// Providers, models and prices.
    pub registry: Registry,
    /// Budgets.
    pub ledger: Ledger,
    /// Circuits.
    pub breakers: Breakers,
    /// Accounts and sign-ins.
    pub sessions: Sessions,
    /// Mints, seals and signs.
    pub security: Arc<Security>,
    /// What was called and what it cost.
    pub books: Books,
    /// Idempotency keys and the sealed answers to them.
    pub idempotency: Idempotency,
    /// Where backups are, and when they are made.
    pub plan: BackupPlan,
    /// How the master key changes.
    pub rotation: Rotation,
    /// What known models cost.
    pub lists: Arc<PriceLists>,
    /// Where changes of the database go on record, in their own transaction.
    pub trail: Arc<Trail>,
    /// Where everything else does.
    pub audit: AuditLog,
    /// How often tokens of keys were used.
    pub token_counts: TokenCounts,
    /// How tokens are named on record.
    pub naming: Naming,
    /// How long keys live.
    pub key_terms: KeyTerms,
    /// Time.
    pub clock: Clock,
}

/// Everything an operator can do.
pub struct Admin {
    parts: AdminParts,
    /// A change reads a record and writes it whole, so two at once could undo each other. Changes are rare: one at a time.
    changing: Mutex<()>,
    hashing: Hashing,
}

impl Admin {
    /// The floor on top of these owners.
    pub fn new(parts: AdminParts) -> Self {
        Self { parts, changing: Mutex::new(()), hashing: Hashing::new() }
    }

    /// The program itself, as the author of a change.
    pub fn system(&self) -> Author {
        Author::new("system", self.parts.clock.now())
    }

    /// Projects and keys as last published.
    pub fn keys(&self) -> Arc<Keys> {
        self.parts.keyring.snapshot().get()
    }

    /// Providers and models as last published.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.parts.registry.snapshot().get()
    }

    /// What was called and what it cost.
    pub fn books(&self) -> &Books {
        &self.parts.books
    }

    /// What `scopes` have, in the same order, in one question; `None` for one without a budget.
    ///
    /// # Errors
    /// If the ledger did not answer.
    pub async fn balances(&self, scopes: Vec<Scope>) -> Result<Vec<Option<Balance>>, AdminError> {
        Ok(self.parts.ledger.balances(scopes).await?)
    }

    /// What `scopes` have had of their caps on requests, in the same order; `None` for one without a cap.
    ///
    /// # Errors
    /// If the ledger did not answer.
    pub async fn caps(&self, scopes: Vec<Scope>) -> Result<Vec<Option<Cap>>, AdminError> {
        Ok(self.parts.ledger.caps(scopes).await?)
    }

    /// How many calls have money set aside.
    ///
    /// # Errors
    /// If the ledger did not answer.
    pub async fn open_holds(&self) -> Result<usize, AdminError> {
        Ok(self.parts.ledger.open_holds().await?)
    }
}

#[cfg(test)]
mod tests;
