//! Granting: what a hold is given by the budgets of its scopes, and what those in shadow mode would have said.
//! Owns the rule that a budget in shadow mode is charged like any other and refuses nothing. Refuses to change a balance.

use super::account::Account;
use super::{Book, HoldError, HoldRequest, Mode, Money, Rule, Scope, Shadowed};

impl Book {
    /// What would have refused the hold that was placed last, were it enforced.
    pub fn take_shadowed(&mut self) -> Vec<Shadowed> {
        std::mem::take(&mut self.shadowed)
    }

    /// How much of `hold` is granted: less than it asks for where a budget covers only that, but never less than its least.
    pub(super) fn grant(&mut self, hold: &HoldRequest) -> Result<Money, HoldError> {
        let (needed, mut granted) = (hold.amount, hold.amount);
        self.shadowed.clear();
        // What consumes nothing needs no money, and passes a budget of which more was spent than there was.
        if hold.expected.is_nothing() && needed == Money::ZERO {
            return Ok(granted);
        }
        for scope in hold.call.scopes.iter().copied() {
            let Some(account) = self.accounts.at(scope, self.now) else { continue };
            let free = account.free();
            let short = free < needed && free < hold.least.max(Money::ONE);
            match (short, account.budget.mode) {
                (true, Mode::Enforce) => {
                    let (remaining, window_end) = (free.at_least_zero(), account.window.end);
                    return Err(HoldError::OverBudget { scope, remaining, needed, window_end });
                }
                (true, Mode::Shadow) => self.shadowed.push(Shadowed { scope, rule: Rule::Budget }),
                (false, Mode::Enforce) => granted = granted.min(free),
                (false, Mode::Shadow) => {}
            }
        }
        Ok(granted)
    }

    /// Whether `amount` can be spent at every scope beside what is held.
    pub(super) fn covers(&mut self, scopes: &[Scope], amount: Money) -> bool {
        let now = self.now;
        let covers = |account: &mut Account| !account.budget.is_enforced() || account.free() >= amount;
        scopes.iter().all(|scope| self.accounts.at(*scope, now).is_none_or(covers))
    }
}
