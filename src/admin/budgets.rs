//! Budgets are known to two owners: the keyring records them, the ledger enforces them.
//! Owns the order in which both learn of a change. Refuses any moment in which less is enforced than is recorded.
//!
//! A change that may tighten goes to the ledger first, one that only loosens goes to the keyring first; so if the second
//! step fails, or its caller leaves, the ledger enforces too much rather than too little. The ledger is told again at the
//! end, because one that was restarted in between has read the record of before.

use std::future::Future;
use std::time::Duration;

use farthing_actors::domain::{Budget, Scope};
use farthing_actors::error::ActorError;
use farthing_actors::keyring::KeyringError;
use farthing_actors::ledger::{JournalError, LedgerError};

use super::{Admin, AdminError};
use crate::store::StoreError;

/// How often, and how far apart, a ledger that is being restarted is asked again: about two seconds.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// A scope's budget before and after.
pub(super) struct BudgetChange {
    pub scope: Scope,
    pub before: Option<Budget>,
    pub after: Option<Budget>,
}

impl BudgetChange {
    /// Whether the new budget may refuse what the old one admitted. Different windows cannot be compared.
    fn may_tighten(&self) -> bool {
        match (&self.before, &self.after) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(before), Some(after)) => {
                let same_window = before.window == after.window && before.time_zone == after.time_zone;
                !same_window || after.limit_usd < before.limit_usd
            }
        }
    }
}

impl Admin {
    /// Carries `change` to the ledger around `save`, which records it in the keyring.
    pub(super) async fn with_budget(
        &self,
        change: BudgetChange,
        save: impl Future<Output = Result<(), KeyringError>>,
    ) -> Result<(), AdminError> {
        let tightens = change.may_tighten();
        if tightens {
            self.enforce(change.scope, change.after.clone()).await.map_err(AdminError::Budget)?;
        }
        if let Err(error) = save.await {
            // A record that may have been written may not go unenforced.
            if tightens && is_certain(&error) {
                self.take_back(change.scope, change.before).await;
            }
            return Err(error.into());
        }
        match self.enforce(change.scope, change.after).await {
            Err(error) if tightens => {
                log::warn!(scope:% = change.scope, error:% = error; "the ledger knows a new budget but did not confirm it");
                Ok(())
            }
            confirmed => confirmed.map_err(AdminError::Budget),
        }
    }

    /// Sets the budget, waiting for a ledger that is being restarted: setting it twice is the same as once.
    async fn enforce(&self, scope: Scope, budget: Option<Budget>) -> Result<(), LedgerError> {
        if budget.is_some() {
            self.await_database().await?;
        }
        for _ in 1..TRIES {
            let done = self.parts.ledger.set_budget(scope, budget.clone()).await;
            if !matches!(done, Err(LedgerError::Actor(_))) {
                return done;
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.parts.ledger.set_budget(scope, budget).await
    }

    /// What was spent counts against a budget, and the ledger must not stop every call to wait for it: we wait here.
    async fn await_database(&self) -> Result<(), LedgerError> {
        match self.books().behind().await {
            Ok(0) => Ok(()),
            Ok(_) => Err(JournalError(StoreError::Behind.to_string()).into()),
            Err(error) => Err(JournalError(error.to_string()).into()),
        }
    }

    async fn take_back(&self, scope: Scope, before: Option<Budget>) {
        if let Err(error) = self.enforce(scope, before).await {
            log::warn!(scope:% = scope, error:% = error; "a budget that was not saved is enforced until the next change");
        }
    }
}

/// Whether nothing was recorded for sure.
fn is_certain(error: &KeyringError) -> bool {
    match error {
        KeyringError::NotFound
        | KeyringError::NameTaken
        | KeyringError::Invalid { .. }
        | KeyringError::Conflict(_)
        | KeyringError::Actor(ActorError::Busy(_) | ActorError::Restarting(_)) => true,
        KeyringError::Store(_) | KeyringError::Actor(ActorError::Gone(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farthing_actors::domain::{ProjectId, WindowKind, window::Zone};

    fn budget(limit: &str, window: WindowKind) -> Option<Budget> {
        Some(Budget { limit_usd: limit.parse().unwrap(), window, time_zone: Zone::utc() })
    }

    #[test]
    fn only_a_change_that_can_refuse_nothing_new_goes_to_the_keyring_first() {
        let day = |limit| budget(limit, WindowKind::Day);
        let cases = [
            (None, day("5"), true),
            (day("5"), day("4.99"), true),
            (day("5"), budget("500", WindowKind::Month), true),
            (day("5"), day("5"), false),
            (day("5"), day("6"), false),
            (day("5"), None, false),
            (None, None, false),
        ];
        for (before, after, tightens) in cases {
            let change = BudgetChange { scope: Scope::Project(ProjectId::from_u128(1)), before, after };
            assert_eq!(change.may_tighten(), tightens, "{:?} to {:?}", change.before, change.after);
        }
    }

    #[test]
    fn a_record_that_may_exist_stays_enforced() {
        assert!(is_certain(&KeyringError::NameTaken));
        assert!(is_certain(&KeyringError::Actor(ActorError::Busy("keyring"))));
        assert!(!is_certain(&KeyringError::Store("unknown".to_owned())));
        assert!(!is_certain(&KeyringError::Actor(ActorError::Gone("keyring"))));
    }
}
