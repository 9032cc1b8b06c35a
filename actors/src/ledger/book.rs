//! The book: budgets, what is spent and held against them, and which holds are open. Pure.
//! Owns every decision about money: whether a hold fits, and that each is closed once. Refuses clocks and disks.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::entry::{Entry, Outcome, Target};
use super::hold::{Balance, CloseError, HoldError, HoldRequest};
use super::journal::Closing;
use crate::domain::{Budget, CallStatus, Estimate, Money, Provenance, RequestId, Scope, Timestamp, Usage, Window};

/// Closings remembered so that a repeated one finds its first result: more than can be in flight at once.
const REMEMBERED_CLOSINGS: usize = 16_384;

/// Balances and open holds.
#[derive(Debug, Default)]
pub struct Book {
    accounts: HashMap<Scope, Account>,
    open: HashMap<RequestId, Arc<HoldRequest>>,
    closed: ClosedHolds,
    /// The latest time seen: the book's time never goes backwards, so no window is entered twice.
    now: Timestamp,
}

/// One budget in the window it is in.
#[derive(Debug)]
struct Account {
    budget: Budget,
    window: Window,
    spent: Money,
    held: Money,
}

/// What closing a hold decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Close {
    /// The first closing: write it down, then apply it.
    First(Box<Closing>),
    /// It was closed before, at this cost; nothing changes.
    Repeated(Money),
}

impl Close {
    /// Whether it is the first closing of `request`, not yet applied.
    pub fn is_first_of(&self, request: RequestId) -> bool {
        matches!(self, Self::First(closing) if closing.request == request)
    }
}

impl Book {
    /// A book as the disk remembers it.
    pub fn recover(
        budgets: Vec<(Scope, Budget, Money)>,
        open: Vec<Arc<HoldRequest>>,
        closed: Vec<Closing>,
        now: Timestamp,
    ) -> Self {
        let mut book = Self { now, ..Self::default() };
        for hold in open {
            book.open.insert(hold.call.request, hold);
        }
        for closing in closed {
            book.closed.remember(closing.request, closing.amount);
        }
        for (scope, budget, spent) in budgets {
            book.set_budget(scope, budget, spent, now);
        }
        book
    }

    /// Sets money aside at every scope of the call that has a budget, or at none. Gives the hold its time.
    ///
    /// # Errors
    /// [`HoldError::OverBudget`], naming the first budget that cannot cover it.
    pub fn place(&mut self, mut hold: HoldRequest, now: Timestamp) -> Result<Arc<HoldRequest>, HoldError> {
        self.advance(now);
        hold.call.placed_at = self.now;
        for scope in hold.call.scopes.iter() {
            self.check(*scope, hold.amount)?;
        }
        for scope in hold.call.scopes.iter() {
            if let Some(account) = self.accounts.get_mut(scope) {
                account.held += hold.amount;
            }
        }
        let hold = Arc::new(hold);
        self.open.insert(hold.call.request, Arc::clone(&hold));
        Ok(hold)
    }

    /// Takes back a placement that could not be written down.
    pub fn withdraw(&mut self, request: RequestId) {
        if let Some(hold) = self.open.remove(&request) {
            self.release(&hold, Money::ZERO);
        }
    }

    /// Decides how a hold closes: at the true cost of what was consumed, whatever was held. Changes nothing yet.
    ///
    /// # Errors
    /// [`CloseError::Unknown`] if there is no such hold.
    pub fn decide_close(
        &mut self,
        request: RequestId,
        target: Option<Target>,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<Close, CloseError> {
        self.advance(now);
        if let Some(amount) = self.closed.amount(request) {
            return Ok(Close::Repeated(amount));
        }
        let hold = self.open.get(&request).ok_or(CloseError::Unknown)?;
        let target = target.filter(|target| *target != hold.target);
        let priced_by = target.as_ref().unwrap_or(&hold.target);
        let amount = if consumed_nothing(&outcome) { Money::ZERO } else { priced_by.cost(&outcome.usage) };
        Ok(Close::First(Box::new(Closing { request, target, outcome, amount, closed_at: self.now })))
    }

    /// The line that `closing` completes; `None` if its hold is not open.
    pub fn entry(&self, closing: &Closing) -> Option<Entry> {
        let hold = self.open.get(&closing.request)?;
        Some(hold.entry(closing))
    }

    /// Applies a closing that is written down: returns the hold, posts the cost.
    pub fn apply_close(&mut self, closing: &Closing) {
        if let Some(hold) = self.open.remove(&closing.request) {
            self.release(&hold, closing.amount);
            self.closed.remember(closing.request, closing.amount);
        }
    }

    /// How an open hold closes when nobody can say what happened to its call.
    ///
    /// A stream is taken to have consumed its prompt, a whole answer everything it was allowed to.
    pub fn presume(&self, request: RequestId, why: Estimate) -> Option<Outcome> {
        let hold = self.open.get(&request)?;
        let generated = if hold.call.stream { 0 } else { hold.expected.output };
        Some(Outcome {
            status: CallStatus::Interrupted,
            http_status: 0,
            usage: Usage { output: generated, ..hold.expected },
            provenance: Provenance::Estimated(why),
            attempts: 1,
            latency_ms: self.now.millis_since(hold.call.placed_at),
            first_token_ms: None,
        })
    }

    /// Gives `scope` a budget of which `spent` is used in the window that contains `now`.
    pub fn set_budget(&mut self, scope: Scope, budget: Budget, spent: Money, now: Timestamp) {
        self.advance(now);
        let window = budget.window_at(self.now);
        let counts =
            |hold: &&Arc<HoldRequest>| hold.call.placed_at >= window.start && hold.call.scopes.contains(&scope);
        let held = self.open.values().filter(counts).map(|hold| hold.amount).sum();
        self.accounts.insert(scope, Account { budget, window, spent, held });
    }

    /// Removes the budget of `scope`.
    pub fn clear_budget(&mut self, scope: Scope) {
        self.accounts.remove(&scope);
    }

    /// What `scope` has, if it has a budget.
    pub fn balance(&mut self, scope: Scope, now: Timestamp) -> Option<Balance> {
        self.advance(now);
        let account = self.current(scope)?;
        let starts = account.window.end.map(|_| account.window.start);
        Some(Balance {
            limit: account.budget.limit_usd,
            spent: account.spent,
            held: account.held,
            window_start: starts,
            window_end: account.window.end,
        })
    }

    /// Holds that are not closed.
    pub fn open(&self) -> impl Iterator<Item = &Arc<HoldRequest>> {
        self.open.values()
    }

    /// How many holds are not closed.
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    fn check(&mut self, scope: Scope, needed: Money) -> Result<(), HoldError> {
        let Some(account) = self.current(scope) else { return Ok(()) };
        let free = account.budget.limit_usd - account.spent - account.held;
        if needed <= free {
            return Ok(());
        }
        Err(HoldError::OverBudget { scope, remaining: free.at_least_zero(), needed, window_end: account.window.end })
    }

    /// The account of `scope`, moved into the window that contains the book's time.
    fn current(&mut self, scope: Scope) -> Option<&mut Account> {
        let now = self.now;
        let account = self.accounts.get_mut(&scope)?;
        if account.window.is_over(now) {
            // What was held in the old window settles there; see `release`.
            account.window = account.budget.window_at(now);
            account.spent = Money::ZERO;
            account.held = Money::ZERO;
        }
        Some(account)
    }

    fn release(&mut self, hold: &HoldRequest, cost: Money) {
        for scope in hold.call.scopes.iter() {
            if let Some(account) = self.current(*scope)
                && hold.call.placed_at >= account.window.start
            {
                account.held -= hold.amount;
                account.spent += cost;
            }
        }
    }
}

impl HoldRequest {
    /// The line that `closing` makes of this hold.
    pub fn entry(&self, closing: &Closing) -> Entry {
        Entry {
            call: self.call.clone(),
            target: Some(closing.target.as_ref().unwrap_or(&self.target).clone()),
            outcome: closing.outcome.clone(),
            held: self.amount,
            amount: closing.amount,
            closed_at: closing.closed_at,
        }
    }
}

/// A void: the call failed or was refused before it consumed anything, so not even a request fee is due.
fn consumed_nothing(outcome: &Outcome) -> bool {
    matches!(outcome.status, CallStatus::UpstreamError | CallStatus::Refused) && outcome.usage.is_nothing()
}

/// The latest closings, oldest forgotten first.
#[derive(Debug, Default)]
struct ClosedHolds {
    amounts: HashMap<RequestId, Money>,
    order: VecDeque<RequestId>,
}

impl ClosedHolds {
    fn remember(&mut self, request: RequestId, amount: Money) {
        if self.amounts.insert(request, amount).is_none() {
            self.order.push_back(request);
        }
        if self.order.len() > REMEMBERED_CLOSINGS
            && let Some(oldest) = self.order.pop_front()
        {
            self.amounts.remove(&oldest);
        }
    }

    fn amount(&self, request: RequestId) -> Option<Money> {
        self.amounts.get(&request).copied()
    }
}

#[cfg(test)]
mod tests;
