//! Accounts: one budget in the window it is in, and all of them.
//! Owns windows: an account always shows the one that contains the book's time. Refuses to know about calls.

use std::collections::HashMap;

use super::warning::{Mark, Warning};
use crate::domain::{Budget, Money, Scope, Timestamp, Window};

/// One budget in the window it is in.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) budget: Budget,
    pub(super) window: Window,
    pub(super) spent: Money,
    pub(super) held: Money,
    /// When something was last set aside or booked.
    pub(super) used_at: Timestamp,
    /// What was told of it in this window.
    pub(super) mark: Mark,
}

impl Account {
    /// What can still be set aside; negative where more was spent than the limit.
    pub(super) fn free(&self) -> Money {
        self.budget.limit_usd - self.spent - self.held
    }
}

/// Every account.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    all: HashMap<Scope, Account>,
    /// Thresholds crossed and not taken from here yet, oldest first.
    pub(super) warnings: Vec<Warning>,
}

impl Accounts {
    /// Opens the account of `scope`, or puts another budget in its place.
    pub(super) fn open(&mut self, scope: Scope, budget: Budget, (spent, held): (Money, Money), now: Timestamp) {
        let window = budget.window_at(now);
        let told = self.all.get(&scope).map_or(0, |before| before.told(&budget, window, spent));
        let mark = Mark::new(told, &budget);
        let mut account = Account { budget, window, spent, held, used_at: now, mark };
        account.warn(scope, now, &mut self.warnings);
        self.all.insert(scope, account);
    }

    pub(super) fn remove(&mut self, scope: Scope) {
        self.all.remove(&scope);
    }

    /// The account of `scope`, moved into the window that contains `now`.
    pub(super) fn at(&mut self, scope: Scope, now: Timestamp) -> Option<&mut Account> {
        at(&mut self.all, scope, now)
    }

    /// Changes what `scopes` have spent and hold, for something that belongs to the moment `placed_at`. A window that
    /// has ended since keeps its own sums in the database; here it is gone.
    pub(super) fn post(&mut self, scopes: &[Scope], placed_at: Timestamp, change: Change, now: Timestamp) {
        for scope in scopes {
            if let Some(account) = at(&mut self.all, *scope, now)
                && placed_at >= account.window.start
            {
                account.spent += change.spent;
                account.held += change.held;
                account.used_at = now;
                account.warn(*scope, now, &mut self.warnings);
            }
        }
    }

    /// Forgets runs that hold nothing and were not heard of since `since`.
    pub(super) fn forget_runs(&mut self, since: Timestamp) {
        self.all.retain(|scope, account| {
            !matches!(scope, Scope::Run(_)) || account.used_at >= since || account.held != Money::ZERO
        });
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn has(&self, scope: Scope) -> bool {
        self.all.contains_key(&scope)
    }
}

fn at(all: &mut HashMap<Scope, Account>, scope: Scope, now: Timestamp) -> Option<&mut Account> {
    let account = all.get_mut(&scope)?;
    if account.window.is_over(now) {
        // What was held in the old window settles there: see `post`.
        account.window = account.budget.window_at(now);
        account.spent = Money::ZERO;
        account.held = Money::ZERO;
        account.mark = Mark::new(0, &account.budget);
    }
    Some(account)
}

/// A change of an account.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Change {
    pub(super) spent: Money,
    pub(super) held: Money,
}

impl Change {
    /// Money is set aside.
    pub(super) fn hold(amount: Money) -> Self {
        Self { held: amount, ..Self::default() }
    }

    /// Money is spent.
    pub(super) fn spend(amount: Money) -> Self {
        Self { spent: amount, ..Self::default() }
    }
}
