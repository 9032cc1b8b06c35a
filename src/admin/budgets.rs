//! Budgets and caps are known to two owners: the keyring records them, the ledger enforces them.
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
use farthing_actors::ledger::{JournalError, Ledger, LedgerError};

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

/// A key's cap on requests before and after.
pub(super) struct CapChange {
    pub scope: Scope,
    pub before: Option<u64>,
    pub after: Option<u64>,
}

/// What is enforced beside being recorded.
trait Term: Sized {
    /// Whether the new term may refuse what the old one admitted.
    fn may_tighten(&self) -> bool;

    /// Whether what was used before counts against the new term, or the old one.
    fn counts(&self, new: bool) -> bool;

    /// Tells the ledger the new term, or the old one again.
    fn enforce(&self, ledger: &Ledger, new: bool) -> impl Future<Output = Result<(), LedgerError>>;
}

impl Term for BudgetChange {
    // Different windows cannot be compared.
    fn may_tighten(&self) -> bool {
        match (&self.before, &self.after) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(before), Some(after)) => {
                let same_window = before.window == after.window && before.time_zone == after.time_zone;
                let stricter = !same_window || after.limit_usd < before.limit_usd || !before.is_enforced();
                after.is_enforced() && stricter
            }
        }
    }

    fn counts(&self, new: bool) -> bool {
        if new { self.after.is_some() } else { self.before.is_some() }
    }

    async fn enforce(&self, ledger: &Ledger, new: bool) -> Result<(), LedgerError> {
        ledger.set_budget(self.scope, if new { self.after.clone() } else { self.before.clone() }).await
    }
}

impl Term for CapChange {
    fn may_tighten(&self) -> bool {
        self.after.is_some_and(|after| self.before.is_none_or(|before| after < before))
    }

    fn counts(&self, new: bool) -> bool {
        if new { self.after.is_some() } else { self.before.is_some() }
    }

    async fn enforce(&self, ledger: &Ledger, new: bool) -> Result<(), LedgerError> {
        ledger.set_cap(self.scope, if new { self.after } else { self.before }).await
    }
}

impl Admin {
    /// Carries `change` to the ledger around `save`, which records it in the keyring.
    pub(super) async fn with_budget(
        &self,
        change: BudgetChange,
        save: impl Future<Output = Result<(), KeyringError>>,
    ) -> Result<(), AdminError> {
        self.with_term(change, async { Ok(save.await?) }).await
    }

    /// Carries both to the ledger around `save`; what is `None` does not change.
    pub(super) async fn with_terms(
        &self,
        (budget, cap): (Option<BudgetChange>, Option<CapChange>),
        save: impl Future<Output = Result<(), KeyringError>>,
    ) -> Result<(), AdminError> {
        let save = async {
            match budget {
                Some(budget) => self.with_budget(budget, save).await,
                None => Ok(save.await?),
            }
        };
        match cap {
            Some(cap) => self.with_term(cap, save).await,
            None => save.await,
        }
    }

    async fn with_term(
        &self,
        change: impl Term,
        save: impl Future<Output = Result<(), AdminError>>,
    ) -> Result<(), AdminError> {
        let tightens = change.may_tighten();
        if tightens {
            self.enforce(&change, true).await.map_err(AdminError::Budget)?;
        }
        if let Err(error) = save.await {
            // A record that may have been written may not go unenforced.
            if tightens && is_certain(&error) {
                self.take_back(&change).await;
            }
            return Err(error);
        }
        match self.enforce(&change, true).await {
            Err(error) if tightens => {
                log::warn!(error:%; "the ledger knows a new limit but did not confirm it");
                Ok(())
            }
            confirmed => confirmed.map_err(AdminError::Budget),
        }
    }

    /// Tells the term, waiting for a ledger that is being restarted: telling it twice is the same as once.
    async fn enforce(&self, change: &impl Term, new: bool) -> Result<(), LedgerError> {
        if change.counts(new) {
            self.await_database().await?;
        }
        for _ in 1..TRIES {
            let done = change.enforce(&self.parts.ledger, new).await;
            if !matches!(done, Err(LedgerError::Actor(_))) {
                return done;
            }
            tokio::time::sleep(PAUSE).await;
        }
        change.enforce(&self.parts.ledger, new).await
    }

    /// What was used counts against a limit, and the ledger must not stop every call to wait for it: we wait here.
    async fn await_database(&self) -> Result<(), LedgerError> {
        match self.books().behind().await {
            Ok(0) => Ok(()),
            Ok(_) => Err(JournalError(StoreError::Behind.to_string()).into()),
            Err(error) => Err(JournalError(error.to_string()).into()),
        }
    }

    async fn take_back(&self, change: &impl Term) {
        if let Err(error) = self.enforce(change, false).await {
            log::warn!(error:%; "a limit that was not saved is enforced until the next change");
        }
    }
}

/// Whether nothing was recorded for sure.
fn is_certain(error: &AdminError) -> bool {
    let AdminError::Keyring(error) = error else { return false };
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
    use farthing_actors::domain::{Mode, ProjectId, Thresholds, WindowKind, window::Zone};

    fn budget(limit: &str, window: WindowKind) -> Option<Budget> {
        Some(Budget {
            limit_usd: limit.parse().unwrap(),
            window,
            time_zone: Zone::utc(),
            warn_percent: Thresholds::default(),
            mode: Mode::Enforce,
        })
    }

    #[test]
    fn only_a_change_that_can_refuse_nothing_new_goes_to_the_keyring_first() {
        let day = |limit| budget(limit, WindowKind::Day);
        let shadow = |limit| day(limit).map(|budget| Budget { mode: Mode::Shadow, ..budget });
        let cases = [
            (None, day("5"), true),
            (day("5"), day("4.99"), true),
            (day("5"), budget("500", WindowKind::Month), true),
            (day("5"), day("5"), false),
            (day("5"), day("6"), false),
            (day("5"), shadow("4"), false),
            (shadow("5"), day("6"), true),
            (shadow("5"), shadow("4"), false),
            (None, shadow("5"), true),
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
        let is_certain = |error: KeyringError| is_certain(&error.into());
        assert!(is_certain(KeyringError::NameTaken));
        assert!(is_certain(KeyringError::Actor(ActorError::Busy("keyring"))));
        assert!(!is_certain(KeyringError::Store("unknown".to_owned())));
        assert!(!is_certain(KeyringError::Actor(ActorError::Gone("keyring"))));
    }
}
