//! How it is with backups: whether there is one to go back to. Owns when that is so no more.
//! Refuses to look into a backup: that takes long, and is asked for by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use farthing_actors::domain::{BackupId, Timestamp};

use super::{Listing, Reason};
use crate::admin::{Admin, AdminError};
use crate::store::backup::BackupVerdict;

/// After so many times what is set between two, one is overdue.
const LATE: u32 = 2;

/// How it is with backups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupHealth {
    /// In a word.
    pub state: BackupState,
    /// The last one, and when it was made.
    pub last: Option<(BackupId, Timestamp)>,
    /// How long ago that was.
    pub age: Option<Duration>,
    /// When the last one was last seen to be whole.
    pub verified_at: Option<Timestamp>,
    /// Why the last attempt failed, what is wrong with the last one, or which one cannot say what it is.
    pub fault: Option<String>,
}

/// The word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupState {
    /// There is one.
    Fine,
    /// There is none, and none is wanted by itself yet.
    Absent,
    /// None was made by itself for too long.
    Overdue,
    /// The last attempt since the start failed.
    Failed,
    /// The last one was looked at since the start, and is not what it was; or one cannot say what it is.
    Faulty,
}

/// What was seen of backups since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Noted {
    /// Why the last attempt failed; `None` if it did not.
    pub(super) failed: Option<String>,
    /// Those that were looked at: when, and what is wrong with them.
    pub(super) checked: BTreeMap<BackupId, (Timestamp, Option<String>)>,
}

impl BackupState {
    /// As the management API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Absent => "none",
            Self::Overdue => "overdue",
            Self::Failed => "failed",
            Self::Faulty => "faulty",
        }
    }
}

impl Noted {
    /// After an attempt to make one.
    pub(super) fn tried(&self, fault: Option<String>) -> Self {
        Self { failed: fault, ..self.clone() }
    }

    /// After a look at one.
    pub(super) fn looked(&self, verdict: &BackupVerdict, at: Timestamp) -> Self {
        let mut checked = self.checked.clone();
        checked.insert(verdict.id, (at, verdict.faults.first().cloned()));
        Self { checked, ..self.clone() }
    }
}

impl BackupHealth {
    /// What the backups there are and what was seen of them say at `now`. One whose manifest cannot be read may be the last; it stays
    /// until somebody removes it, so whatever is wrong besides comes before it.
    fn of(there: &Listing, noted: &Noted, (every, started, now): (Option<Duration>, Timestamp, Timestamp)) -> Self {
        let made = &there.backups;
        let named = |verdict: &BackupVerdict| format!("{}: {}", verdict.id, verdict.faults.join("; "));
        let unreadable = there.unreadable.first().map(named);
        let last = made.first().map(|manifest| (manifest.id, Timestamp(manifest.created_at)));
        let since = |at: Timestamp| Duration::from_millis(now.millis_since(at));
        let checked = last.and_then(|(id, _)| noted.checked.get(&id));
        let wrong = checked.and_then(|(_, fault)| fault.clone());
        let scheduled = made.iter().find(|manifest| manifest.reason == Reason::Scheduled);
        let awaited_since = scheduled.map_or(started, |manifest| Timestamp(manifest.created_at).max(started));
        let is_overdue = every.is_some_and(|every| since(awaited_since) > every.saturating_mul(LATE));
        let state = match (&wrong, &noted.failed) {
            (Some(_), _) => BackupState::Faulty,
            (None, Some(_)) => BackupState::Failed,
            (None, None) if is_overdue => BackupState::Overdue,
            (None, None) if unreadable.is_some() => BackupState::Faulty,
            (None, None) if last.is_none() => BackupState::Absent,
            (None, None) => BackupState::Fine,
        };
        let whole_at = checked.map(|(at, _)| *at);
        // Each was checked when it was made, or it would not be there.
        let verified_at =
            if wrong.is_some() || unreadable.is_some() { None } else { whole_at.or(last.map(|(_, at)| at)) };
        let fault = wrong.or_else(|| noted.failed.clone()).or(unreadable);
        Self { state, last, age: last.map(|(_, at)| since(at)), verified_at, fault }
    }
}

impl Admin {
    /// How it is with backups.
    ///
    /// # Errors
    /// If their folder cannot be read.
    pub async fn backup_health(&self) -> Result<BackupHealth, AdminError> {
        let (plan, now) = (&self.parts.plan, self.parts.clock.now());
        Ok(BackupHealth::of(&self.backups().await?, &plan.noted.load(), (plan.every, plan.started, now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::backups::Manifest;

    const HOUR: Duration = Duration::from_secs(3_600);
    const START: Timestamp = Timestamp(1_800_000_000_000);

    fn made(id: u128, hours: u32, reason: Reason) -> Manifest {
        Manifest {
            id: BackupId::from_u128(id),
            created_at: START.plus(HOUR * hours).0,
            reason,
            schema: String::new(),
            tables: Default::default(),
            entries: 0,
            chain_head: String::new(),
            audit_head: String::new(),
            imbalance_usd: String::new(),
            generation: 1,
            bytes: 0,
            sha256: String::new(),
            key_id: String::new(),
            mac: String::new(),
        }
    }

    fn there(made: &[Manifest]) -> Listing {
        Listing { backups: made.to_vec(), unreadable: Vec::new() }
    }

    fn state(made: &[Manifest], noted: &Noted, every: Option<u32>, hours: u32) -> BackupState {
        let every = every.map(|hours| HOUR * hours);
        BackupHealth::of(&there(made), noted, (every, START, START.plus(HOUR * hours))).state
    }

    #[test]
    fn one_is_overdue_after_twice_the_time_and_only_where_they_are_made_by_themselves() {
        let (scheduled, manual) = (made(1, 10, Reason::Scheduled), made(2, 40, Reason::Manual));
        let none = Noted::default();
        assert_eq!(state(&[], &none, None, 1_000), BackupState::Absent);
        assert_eq!(state(&[], &none, Some(24), 48), BackupState::Absent);
        assert_eq!(state(&[], &none, Some(24), 49), BackupState::Overdue);
        assert_eq!(state(std::slice::from_ref(&scheduled), &none, Some(24), 58), BackupState::Fine);
        assert_eq!(state(&[manual.clone(), scheduled], &none, Some(24), 59), BackupState::Overdue);
        assert_eq!(state(&[manual], &none, None, 1_000), BackupState::Fine);
    }

    #[test]
    fn what_failed_and_what_was_found_is_told_until_it_is_made_good() {
        let (last, now) = (made(2, 10, Reason::Manual), START.plus(HOUR * 20));
        let verdict = |id, faults: &[&str]| BackupVerdict {
            id: BackupId::from_u128(id),
            faults: faults.iter().map(|fault| (*fault).to_owned()).collect(),
        };
        let told = |noted: &Noted| BackupHealth::of(&there(std::slice::from_ref(&last)), noted, (None, START, now));
        let fine = told(&Noted::default());
        assert_eq!(
            (fine.state, fine.age, fine.verified_at),
            (BackupState::Fine, Some(HOUR * 10), fine.last.map(|it| it.1))
        );
        let faulty = Noted::default().looked(&verdict(2, &["altered"]), now);
        assert_eq!((told(&faulty).state, told(&faulty).verified_at), (BackupState::Faulty, None));
        assert_eq!(told(&faulty).fault.as_deref(), Some("altered"));
        assert_eq!(
            told(&faulty.looked(&verdict(1, &[]), now)).state,
            BackupState::Faulty,
            "it is not made good by another"
        );
        assert_eq!(told(&faulty.looked(&verdict(2, &[]), now)).verified_at, Some(now));
        assert_eq!(
            told(&Noted::default().looked(&verdict(1, &["altered"]), now)).state,
            BackupState::Fine,
            "an older one"
        );
        let failed = Noted::default().tried(Some("the disk is full".to_owned()));
        assert_eq!(
            (told(&failed).state, told(&failed).fault.as_deref()),
            (BackupState::Failed, Some("the disk is full"))
        );
        assert_eq!(told(&failed.tried(None)).state, BackupState::Fine);
    }

    #[test]
    fn one_that_cannot_say_what_it_is_may_be_the_last() {
        let unreadable = vec![BackupVerdict { id: BackupId::from_u128(7), faults: vec!["cut short".to_owned()] }];
        for backups in [vec![], vec![made(2, 10, Reason::Manual)]] {
            let there = Listing { backups, unreadable: unreadable.clone() };
            let told = BackupHealth::of(&there, &Noted::default(), (None, START, START.plus(HOUR * 20)));
            assert_eq!(
                (told.state, told.verified_at, told.last.is_some()),
                (BackupState::Faulty, None, !there.backups.is_empty())
            );
            assert_eq!(told.fault, Some(format!("{}: cut short", BackupId::from_u128(7))));
            let failed = Noted::default().tried(Some("the disk is full".to_owned()));
            let told = BackupHealth::of(&there, &failed, (None, START, START.plus(HOUR * 20)));
            assert_eq!((told.state, told.fault.as_deref()), (BackupState::Failed, Some("the disk is full")));
        }
    }
}
