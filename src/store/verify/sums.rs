//! Sums: what each account should have, from the lines, and what it has, from the rollups.
//! Owns the comparison. Refuses to keep a sum for each quarter of an hour, which would grow with the years.

use std::collections::HashMap;

use farthing_actors::domain::Money;
use farthing_actors::ledger::entry::Line;

use super::weights::Weights;
use crate::store::adjustments::HOUSE;
use crate::store::spend::bucket_of;

/// One sum for each account, by its text.
pub(super) struct Sums {
    sums: HashMap<String, Sum>,
    weights: Weights,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
struct Sum {
    amount: Money,
    entries: i64,
    calls: i64,
    /// The figures, weighed by their quarter of an hour: money that moved from one quarter to another changes this, though no
    /// total.
    weighed: i128,
}

impl Sums {
    /// Nothing yet.
    pub(super) fn new(weights: Weights) -> Self {
        Self { sums: HashMap::new(), weights }
    }

    /// Nothing yet, to be compared with these.
    pub(super) fn another(&self) -> Self {
        Self::new(self.weights.clone())
    }

    pub(super) fn add(&mut self, line: &Line) {
        let bucket = bucket_of(line.placed_at());
        let figures = (line.amount(), 1, i64::from(line.is_admitted_call()));
        for scope in line.scopes() {
            self.add_rollup(&scope.to_string(), bucket, figures);
        }
        match (line.provider(), line) {
            (Some(provider), _) => self.add_rollup(&provider.to_string(), bucket, figures),
            (None, Line::Adjustment(_)) => self.add_rollup(HOUSE, bucket, figures),
            (None, Line::Entry(_)) => {}
        }
    }

    pub(super) fn add_rollup(&mut self, account: &str, bucket: i64, (amount, entries, calls): (Money, i64, i64)) {
        if !self.sums.contains_key(account) {
            self.sums.insert(account.to_owned(), Sum::default());
        }
        let figures = [amount.picos(), i128::from(entries), i128::from(calls)];
        let weighed = self.weights.weigh(bucket, figures);
        if let Some(sum) = self.sums.get_mut(account) {
            sum.amount += amount;
            sum.entries += entries;
            sum.calls += calls;
            sum.weighed = sum.weighed.wrapping_add(weighed);
        }
    }

    /// Tells every account whose rollups are not what its lines add up to.
    pub(super) fn differences(&self, rollups: &Self, tell: &mut dyn FnMut(String)) {
        let mut accounts: Vec<_> = self.sums.keys().chain(rollups.sums.keys()).collect();
        accounts.sort();
        accounts.dedup();
        for account in accounts {
            let lines = self.sums.get(account).copied().unwrap_or_default();
            let rolled = rollups.sums.get(account).copied().unwrap_or_default();
            if lines != rolled {
                tell(difference(account, &lines, &rolled));
            }
        }
    }
}

fn difference(account: &str, lines: &Sum, rolled: &Sum) -> String {
    if (lines.amount, lines.entries, lines.calls) == (rolled.amount, rolled.entries, rolled.calls) {
        return format!("the rollups of {account} have the right sum, but at the wrong times");
    }
    let (amount, entries, calls) = (lines.amount, lines.entries, lines.calls);
    format!(
        "the rollups of {account} say ${} in {} lines and {} calls, its lines ${amount} in {entries} and {calls}",
        rolled.amount, rolled.entries, rolled.calls
    )
}
