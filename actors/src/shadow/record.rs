//! The record: how often each rule of each scope would have refused, and the latest times it did. Pure.
//! Owns the bound on what is remembered. Refuses to sum over scopes: one call may be refused by several.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::routes::{Detour, RouteCount, Routes};
use crate::domain::{GroupId, KeyId, ProjectId, RequestId, Shadowed, Timestamp};

/// The latest calls of each rule that are remembered one by one.
pub(super) const LATEST: usize = 20;
/// Rules of scopes that are counted; beyond them, new ones are not.
pub(super) const MOST: usize = 10_000;

/// A call that passed and would have been refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The call.
    pub request: RequestId,
    /// Its key.
    pub key: KeyId,
    /// That key's project.
    pub project: ProjectId,
    /// The model it asked for.
    pub model: Arc<str>,
    /// When it came.
    pub time: Timestamp,
}

/// One rule of one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Whose, and which.
    pub shadowed: Shadowed,
    /// How many calls it would have refused.
    pub refused: u64,
    /// The latest of them, newest first.
    pub latest: Vec<Instance>,
}

/// Everything that was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Since when.
    pub since: Timestamp,
    /// In the order of scopes and rules.
    pub counts: Vec<Count>,
    /// What groups in the shadow would have decided, in the order of the groups.
    pub routes: Vec<(GroupId, RouteCount)>,
}

/// What is remembered.
#[derive(Debug)]
pub(super) struct Record {
    since: Timestamp,
    by_rule: BTreeMap<Shadowed, (u64, VecDeque<Instance>)>,
    routes: Routes,
}

impl Record {
    /// Nothing yet.
    pub(super) fn since(since: Timestamp) -> Self {
        Self { since, by_rule: BTreeMap::new(), routes: Routes::default() }
    }

    pub(super) fn note(&mut self, shadowed: Shadowed, instance: Instance) {
        if self.by_rule.len() >= MOST && !self.by_rule.contains_key(&shadowed) {
            return;
        }
        let (refused, latest) = self.by_rule.entry(shadowed).or_default();
        *refused = refused.saturating_add(1);
        latest.push_front(instance);
        latest.truncate(LATEST);
    }

    pub(super) fn note_route(&mut self, detour: Detour) {
        self.routes.note(detour);
    }

    pub(super) fn report(&self) -> Report {
        let count = |(shadowed, (refused, latest)): (&Shadowed, &(u64, VecDeque<Instance>))| Count {
            shadowed: *shadowed,
            refused: *refused,
            latest: latest.iter().cloned().collect(),
        };
        let counts = self.by_rule.iter().map(count).collect();
        Report { since: self.since, counts, routes: self.routes.report() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Rule, Scope};

    #[test]
    fn each_rule_counts_by_itself_and_remembers_the_latest() {
        let mut record = Record::since(Timestamp(5));
        let key = KeyId::from_u128(1);
        let instance = |number| Instance {
            request: RequestId::from_u128(number),
            key,
            project: ProjectId::from_u128(1),
            model: "m".into(),
            time: Timestamp(1),
        };
        let rule = |rule| Shadowed { scope: Scope::Key(key), rule };
        for number in 1..=30 {
            record.note(rule(Rule::Budget), instance(number));
        }
        record.note(rule(Rule::Requests), instance(31));
        let Report { since, counts, .. } = record.report();
        let told: Vec<_> =
            counts.iter().map(|count| (count.shadowed.rule, count.refused, count.latest.len())).collect();
        assert_eq!((since, told), (Timestamp(5), vec![(Rule::Budget, 30, 20), (Rule::Requests, 1, 1)]));
        assert_eq!(counts[0].latest[0], instance(30), "newest first");
    }
}
