//! The book: budgets, what is spent and held against them, and which holds are open. Pure.
//! Owns every decision about money: whether a hold fits, that each is closed once, and what is booked later. Refuses
//! clocks and disks. Deciding changes nothing; what is decided is applied when it is written down.

mod account;
mod caps;
mod closed;
mod correction;
mod ended;
mod expiry;
mod granting;
mod warning;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use self::account::{Accounts, Change};
use self::caps::Caps;
use self::closed::Latest;
pub use self::ended::Ended;
use self::ended::{consumed_nothing, nothing_more};
pub use self::warning::Warning;
use super::entry::{Call, Entry, Outcome, Target};
use super::hold::{Balance, Checkpoint, CloseError, HoldError, HoldRequest, OpenHold};
use super::journal::{Closing, Recovered};
use crate::domain::window::Zone;
use crate::domain::{
    AdjustmentId, Budget, CallStatus, EstimateReason, LineKind, Mode, Money, Provenance, RequestId, Rule, RunId, Scope,
    Shadowed, Thresholds, Timestamp, Usage, WindowKind,
};

/// Closings remembered so that a repeated one finds its first result: more than can be in flight at once.
const REMEMBERED_CLOSINGS: usize = 16_384;
/// Estimated closings remembered so that they can be corrected: those of the last minutes.
const REMEMBERED_ESTIMATES: usize = 4_096;
/// Adjustments remembered so that none is booked twice; the database refuses those that are older.
const REMEMBERED_ADJUSTMENTS: usize = 16_384;
/// Accounts beyond which idle runs are forgotten, and how long a run is idle then.
const MANY_ACCOUNTS: usize = 65_536;
const IDLE_RUN_MS: i64 = 24 * 3_600 * 1_000;

/// Balances and open holds.
#[derive(Debug)]
pub struct Book {
    accounts: Accounts,
    caps: Caps,
    killed: HashSet<RunId>,
    open: HashMap<RequestId, InFlight>,
    closed: Latest<RequestId, Money>,
    estimated: Latest<RequestId, Entry>,
    adjusted: Latest<AdjustmentId, ()>,
    /// What would have refused the hold that was placed last.
    shadowed: Vec<Shadowed>,
    /// The latest time seen: the book's time never goes backwards, so no window is entered twice.
    now: Timestamp,
}

/// An open hold and what the book needs to close it.
#[derive(Debug)]
struct InFlight {
    open: OpenHold,
    /// How long nothing was heard of it.
    silent_ms: u64,
}

/// What ending an attempt decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Close {
    /// Write it down, then apply it.
    First(Box<Closing>),
    /// The same for what is known only after the hold was closed by presumption.
    Late(Box<Entry>),
    /// It was closed before, at this cost; nothing changes.
    Repeated(Money),
}

impl Close {
    /// Whether it changes what is booked for `request`, and is not yet applied.
    pub fn changes(&self, request: RequestId) -> bool {
        match self {
            Self::First(closing) => closing.request == request,
            Self::Late(correction) => correction.call.request == request,
            Self::Repeated(_) => false,
        }
    }
}

impl Book {
    /// A book as the disk remembers it.
    pub fn recover(found: Recovered) -> Self {
        let now = found.now;
        let mut book = Self {
            accounts: Accounts::default(),
            caps: Caps::default(),
            killed: found.killed.into_iter().collect(),
            open: HashMap::new(),
            closed: Latest::new(REMEMBERED_CLOSINGS),
            estimated: Latest::new(REMEMBERED_ESTIMATES),
            adjusted: Latest::new(REMEMBERED_ADJUSTMENTS),
            shadowed: Vec::new(),
            now,
        };
        for open in found.open {
            book.open.insert(open.request(), InFlight { open, silent_ms: 0 });
        }
        for closing in found.closed.into_iter().filter(|closing| closing.kind.is_call()) {
            book.closed.remember(closing.request, closing.amount);
        }
        for id in found.adjusted {
            book.adjusted.remember(id, ());
        }
        for (scope, budget, spent) in found.budgets {
            book.set_budget(scope, budget, spent, now);
        }
        for (run, spent) in found.runs {
            book.set_budget(Scope::Run(run), unlimited(), spent, now);
        }
        book.open_runs_in_flight();
        for (scope, max, used) in found.caps {
            book.set_cap(scope, Some(max), used);
        }
        // What was crossed before was told before.
        drop(book.take_warnings());
        book
    }

    /// Sets money aside at every scope of the call that has a budget, or at none. Gives the hold its time, and less than
    /// it asks for where a budget covers only that, but never less than its least.
    ///
    /// # Errors
    /// [`HoldError`], naming the first budget that cannot cover it.
    pub fn place(&mut self, mut hold: HoldRequest, now: Timestamp) -> Result<Arc<HoldRequest>, HoldError> {
        self.advance(now);
        hold.call.placed_at = self.now;
        self.check_run(&hold)?;
        if let Some((scope, max)) = self.caps.reached(&hold.call.scopes) {
            return Err(HoldError::CapReached { scope, max });
        }
        let granted = self.grant(&hold)?;
        hold.take(granted);
        let hold = Arc::new(hold);
        self.caps.count(&hold.call.scopes);
        self.accounts.post(&hold.call.scopes, self.now, Change::hold(hold.amount), self.now);
        let in_flight = InFlight { open: Arc::clone(&hold).into(), silent_ms: 0 };
        self.open.insert(hold.call.request, in_flight);
        Ok(hold)
    }

    /// Takes back a placement that could not be written down.
    pub fn withdraw(&mut self, request: RequestId) {
        if let Some(gone) = self.open.remove(&request) {
            self.release(&gone, Money::ZERO);
            self.caps.uncount(&gone.open.hold.call.scopes);
        }
    }

    /// Decides how an attempt ends: at the true cost of what was consumed, whatever was held. Changes nothing yet.
    ///
    /// # Errors
    /// [`CloseError::Unknown`] if there is no such hold.
    pub fn decide_close(&mut self, ended: Ended, now: Timestamp) -> Result<Close, CloseError> {
        self.advance(now);
        if let Some(amount) = self.closed.get(&ended.request) {
            let repeated = Close::Repeated(*amount);
            return Ok(self.decide_late(ended).map_or(repeated, |correction| Close::Late(Box::new(correction))));
        }
        let Ended { kind, request, target, outcome, freed, route } = ended;
        let OpenHold { hold, attempts, .. } = self.open.get(&request).ok_or(CloseError::Unknown)?.open.clone();
        let target = target.filter(|target| *target != hold.target);
        let cost = target.as_ref().unwrap_or(&hold.target).cost(&outcome.usage);
        // Its last attempt has a line of its own, or none was made.
        let is_booked = outcome.attempts <= attempts;
        if is_booked && !kind.is_call() {
            return Ok(Close::Repeated(cost));
        }
        let outcome = if is_booked { nothing_more(outcome) } else { outcome };
        let amount = if is_booked || consumed_nothing(&outcome) { Money::ZERO } else { cost };
        let beyond = amount - freed;
        let exhausting =
            !kind.is_call() && (freed.is_zero() || beyond > Money::ZERO) && !self.covers(&hold.call.scopes, beyond);
        let closed_at = self.now;
        Ok(Close::First(Box::new(Closing {
            kind,
            request,
            target,
            outcome,
            amount,
            exhausting,
            freed,
            route,
            closed_at,
        })))
    }

    /// The line that `closing` completes; `None` if its hold is not open.
    pub fn entry(&self, closing: &Closing) -> Option<Entry> {
        let in_flight = self.open.get(&closing.request)?;
        Some(in_flight.open.hold.entry(closing))
    }

    /// Applies what is written down about an attempt: posts its cost, and returns the hold if it was the last. Whether
    /// what is still held covers another attempt.
    pub fn apply_close(&mut self, closing: &Closing) -> bool {
        match closing.kind {
            LineKind::Attempt => self.apply_attempt(closing),
            LineKind::Call | LineKind::Correction => {
                self.apply_last(closing);
                false
            }
        }
    }

    /// Gives `scope` a budget of which `spent` is used in the window that contains `now`.
    pub fn set_budget(&mut self, scope: Scope, budget: Budget, spent: Money, now: Timestamp) {
        self.advance(now);
        let start = budget.window_at(self.now).start;
        let counts = |call: &super::entry::Call| call.placed_at >= start && call.scopes.contains(&scope);
        let held = self.open.values().filter(|in_flight| counts(&in_flight.open.hold.call));
        let held = held.map(|in_flight| in_flight.open.held()).sum();
        self.accounts.open(scope, budget, (spent, held), self.now);
    }

    /// Removes the budget of `scope`.
    pub fn clear_budget(&mut self, scope: Scope) {
        self.accounts.remove(scope);
    }

    /// Admits no more calls of `run`.
    pub fn kill_run(&mut self, run: RunId) {
        self.killed.insert(run);
    }

    /// What `scope` has, if it has a budget.
    pub fn balance(&mut self, scope: Scope, now: Timestamp) -> Option<Balance> {
        self.advance(now);
        let account = self.accounts.at(scope, self.now)?;
        let starts = account.window.end.map(|_| account.window.start);
        Some(Balance {
            limit: account.budget.limit_usd,
            spent: account.spent,
            held: account.held,
            window_start: starts,
            window_end: account.window.end,
            warned: account.warned(),
        })
    }

    /// Holds that are not closed.
    pub fn open(&self) -> impl Iterator<Item = &OpenHold> {
        self.open.values().map(|in_flight| &in_flight.open)
    }

    /// Whether the hold of `request` is not closed.
    pub fn is_open(&self, request: RequestId) -> bool {
        self.open.contains_key(&request)
    }

    /// How many holds are not closed.
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    /// Opens the accounts of runs that have calls in flight and no line yet.
    fn open_runs_in_flight(&mut self) {
        let scopes = self.open.values().flat_map(|in_flight| in_flight.open.hold.call.scopes.iter().copied());
        let runs: HashSet<_> = scopes.filter(|scope| matches!(scope, Scope::Run(_))).collect();
        for run in runs {
            if !self.accounts.has(run) {
                self.set_budget(run, unlimited(), Money::ZERO, self.now);
            }
        }
    }

    fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// Opens the account of the call's run where it has none, with the limit the key has now.
    fn check_run(&mut self, hold: &HoldRequest) -> Result<(), HoldError> {
        for scope in hold.call.scopes.iter() {
            let Scope::Run(run) = scope else { continue };
            if self.killed.contains(run) {
                return Err(HoldError::RunKilled);
            }
            if !self.accounts.has(*scope) {
                if self.accounts.len() >= MANY_ACCOUNTS {
                    self.accounts.forget_runs(Timestamp(self.now.0.saturating_sub(IDLE_RUN_MS)));
                }
                self.accounts.open(*scope, unlimited(), (Money::ZERO, Money::ZERO), self.now);
            }
            if let Some(account) = self.accounts.at(*scope, self.now) {
                account.budget.limit_usd = hold.run_limit.unwrap_or(Money::MAX);
            }
        }
        Ok(())
    }

    fn apply_attempt(&mut self, closing: &Closing) -> bool {
        let Some(in_flight) = self.open.get_mut(&closing.request) else { return false };
        let held = in_flight.open.held();
        in_flight.open.attempt_ended(closing);
        let change = Change { spent: closing.amount, held: in_flight.open.held() - held };
        let call = &in_flight.open.hold.call;
        self.accounts.post(&call.scopes, call.placed_at, change, self.now);
        !closing.exhausting
    }

    fn apply_last(&mut self, closing: &Closing) {
        let Some(gone) = self.open.remove(&closing.request) else { return };
        self.release(&gone, closing.amount);
        if closing.outcome.status == CallStatus::Refused {
            self.caps.uncount(&gone.open.hold.call.scopes);
        }
        self.closed.remember(closing.request, closing.amount);
        if matches!(closing.outcome.provenance, Provenance::Estimated(_)) {
            self.estimated.remember(closing.request, gone.open.hold.entry(closing));
        }
    }

    fn release(&mut self, gone: &InFlight, cost: Money) {
        let call = &gone.open.hold.call;
        self.accounts.post(&call.scopes, call.placed_at, Change { spent: cost, held: -gone.open.held() }, self.now);
    }
}

/// The budget of a run that has none: it is only added up.
fn unlimited() -> Budget {
    Budget {
        limit_usd: Money::MAX,
        window: WindowKind::Total,
        time_zone: Zone::utc(),
        warn_percent: Thresholds::none(),
        mode: Mode::Enforce,
    }
}

impl HoldRequest {
    /// Takes what was granted: where it is less than was asked for, the call may generate less.
    fn take(&mut self, granted: Money) {
        if granted < self.amount {
            let price = self.target.price.as_deref();
            let affordable = price.and_then(|(_, price)| price.affordable(&self.expected, None, granted));
            self.expected.output = affordable.unwrap_or(0);
            self.amount = granted;
        }
    }

    /// The line that `closing` makes of this hold.
    pub fn entry(&self, closing: &Closing) -> Entry {
        Entry {
            kind: closing.kind,
            call: Call { route: closing.route.clone().or_else(|| self.call.route.clone()), ..self.call.clone() },
            target: Some(closing.target.as_ref().unwrap_or(&self.target).clone()),
            outcome: closing.outcome.clone(),
            held: if closing.kind.is_call() { self.amount } else { Money::ZERO },
            amount: closing.amount,
            closed_at: closing.closed_at,
        }
    }
}

#[cfg(test)]
mod tests;
