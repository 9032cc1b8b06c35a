//! Warnings: that a budget's spend has crossed one of its thresholds, told once in each window.
//! Owns what was told. Refuses to stop a call: that is the limit's work.

use super::Book;
use super::account::Account;
use crate::domain::threshold::{amount, percent};
use crate::domain::{Budget, Money, Scope, Timestamp, Window};

/// More than is ever spent: no threshold is left.
const NEVER: Money = Money::from_picos(i128::MAX);

/// A threshold that was crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warning {
    /// Whose budget.
    pub scope: Scope,
    /// The threshold, in percent of the limit.
    pub percent: u8,
    /// The limit.
    pub limit: Money,
    /// What was spent in the window then.
    pub spent: Money,
    /// The first moment after the window; `None` if it never ends.
    pub window_end: Option<Timestamp>,
    /// When it was crossed.
    pub at: Timestamp,
}

/// How far an account's spend has come in its window. It does not go back when money is given back, so that nothing is
/// told twice.
#[derive(Debug)]
pub(super) struct Mark {
    /// Up to which percent everything was told.
    told: u8,
    /// The spend at which there is more to tell: all that is looked at while there is nothing.
    next: Money,
}

impl Mark {
    /// Everything up to `told` percent of `budget` was told.
    pub(super) fn new(told: u8, budget: &Budget) -> Self {
        let next = budget.warn_percent.above(told).map_or(NEVER, |percent| amount(percent, budget.limit_usd));
        Self { told, next }
    }
}

impl Account {
    /// The highest threshold that was crossed in this window.
    pub(super) fn warned(&self) -> Option<u8> {
        self.budget.warn_percent.up_to(self.mark.told)
    }

    /// Adds each threshold that was crossed since the last time to `warnings`, lowest first.
    pub(super) fn warn(&mut self, scope: Scope, now: Timestamp, warnings: &mut Vec<Warning>) {
        if self.spent >= self.mark.next {
            let (limit, spent, window_end) = (self.budget.limit_usd, self.spent, self.window.end);
            let reached = percent(spent, limit);
            let mut told = self.mark.told;
            while let Some(percent) = self.budget.warn_percent.above(told).filter(|percent| *percent <= reached) {
                warnings.push(Warning { scope, percent, limit, spent, window_end, at: now });
                told = percent;
            }
            self.mark = Mark::new(reached, &self.budget);
        }
    }

    /// Up to which percent of `budget`, which takes this one's place, nothing is to be told: what was past before, unless
    /// the new limit is so much higher that it is to be crossed once more.
    pub(super) fn told(&self, budget: &Budget, window: Window, spent: Money) -> u8 {
        if self.window != window {
            return 0;
        }
        let before = percent(spent, self.budget.limit_usd).max(self.mark.told);
        let same = self.budget.limit_usd == budget.limit_usd;
        if same { before } else { before.min(percent(spent, budget.limit_usd)) }
    }
}

impl Book {
    /// The thresholds that were crossed since this was asked last, oldest first.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.accounts.warnings)
    }
}
