//! Routes in the shadow: what groups that only watch would have decided, and what that would have cost. Pure.
//! Owns the sums and the latest calls of each group. Refuses to guess: what would have been asked of a deployment without a
//! price has no cost, and is counted apart.

use std::collections::{BTreeMap, VecDeque};

use super::record::{Instance, LATEST, MOST};
use crate::domain::{DeploymentId, GroupId, Money};

/// What a group would have done with one call that was served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detour {
    /// The group.
    pub group: GroupId,
    /// The call.
    pub call: Instance,
    /// Who served it, and what that cost.
    pub served: (DeploymentId, Money),
    /// Who would have been asked first, and what the same usage would have cost there, if that has a price; `None` if nobody.
    pub chosen: Option<(DeploymentId, Option<Money>)>,
}

/// The sums of one group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteCount {
    /// The calls it was shown.
    pub calls: u64,
    /// Those of them that would have gone elsewhere.
    pub moved: u64,
    /// Those that would have gone nowhere: no rule was met, or nobody could serve them.
    pub refused: u64,
    /// What those cost that can be compared: the others lack a price, or would have gone nowhere.
    pub cost: Money,
    /// What the same usage would have cost.
    pub would_cost: Money,
    /// Those that cannot be compared for want of a price.
    pub unpriced: u64,
    /// The latest that would have gone elsewhere, or nowhere, newest first.
    pub latest: VecDeque<Detour>,
}

/// All groups that were told of.
#[derive(Debug, Default)]
pub(super) struct Routes(BTreeMap<GroupId, RouteCount>);

impl Routes {
    pub(super) fn note(&mut self, detour: Detour) {
        if self.0.len() >= MOST && !self.0.contains_key(&detour.group) {
            return;
        }
        self.0.entry(detour.group).or_default().add(detour);
    }

    pub(super) fn report(&self) -> Vec<(GroupId, RouteCount)> {
        self.0.iter().map(|(group, count)| (*group, count.clone())).collect()
    }
}

impl RouteCount {
    fn add(&mut self, detour: Detour) {
        let (served, cost) = detour.served;
        self.calls = self.calls.saturating_add(1);
        let stays = match detour.chosen {
            None => {
                self.refused = self.refused.saturating_add(1);
                false
            }
            Some((chosen, would_cost)) => {
                self.compare(cost, would_cost);
                chosen == served
            }
        };
        if !stays {
            self.moved = self.moved.saturating_add(u64::from(detour.chosen.is_some()));
            self.latest.push_front(detour);
            self.latest.truncate(LATEST);
        }
    }

    fn compare(&mut self, cost: Money, would_cost: Option<Money>) {
        match would_cost {
            Some(would_cost) => {
                self.cost += cost;
                self.would_cost += would_cost;
            }
            None => self.unpriced = self.unpriced.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{KeyId, ProjectId, RequestId, Timestamp};

    #[test]
    fn calls_that_stay_move_or_go_nowhere_are_told_apart() {
        let group = GroupId::from_u128(1);
        let call = Instance {
            request: RequestId::from_u128(1),
            key: KeyId::from_u128(1),
            project: ProjectId::from_u128(1),
            model: "m".into(),
            time: Timestamp(1),
        };
        let served = (DeploymentId::from_u128(1), Money::from_picos(70));
        let other = DeploymentId::from_u128(2);
        let mut routes = Routes::default();
        for chosen in [
            Some((served.0, Some(Money::from_picos(70)))),
            Some((other, Some(Money::from_picos(30)))),
            Some((other, None)),
            None,
        ] {
            routes.note(Detour { group, call: call.clone(), served, chosen });
        }
        let report = routes.report();
        let [(_, count)] = report.as_slice() else { panic!("one group: {report:?}") };
        assert_eq!((count.calls, count.moved, count.refused, count.unpriced), (4, 2, 1, 1));
        assert_eq!((count.cost, count.would_cost), (Money::from_picos(140), Money::from_picos(100)));
        assert_eq!(count.latest.len(), 3);
        assert_eq!(count.latest[0].chosen, None, "newest first");
    }
}
