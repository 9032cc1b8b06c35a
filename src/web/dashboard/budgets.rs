//! Budgets as bars: what is spent, behind it what is held, and what is left. Owns the proportions.
//! Refuses to be louder than a budget is close to its end.

use farthing_actors::domain::{Budget, WindowKind};
use farthing_actors::ledger::hold::Balance;

use super::shown::{self, Amount};

/// From here on a budget is nearly gone.
const LOW_PERCENT: i128 = 90;

/// A budget with its balance; widths are parts of the limit such as `42.1%`.
pub(crate) struct BudgetBar {
    pub(crate) window: &'static str,
    pub(crate) limit: Amount,
    pub(crate) spent: Amount,
    pub(crate) held: Amount,
    pub(crate) remaining: Amount,
    pub(crate) spent_width: String,
    pub(crate) taken_width: String,
    pub(crate) tone: &'static str,
}

impl BudgetBar {
    /// The bar of a budget.
    pub(crate) fn new(budget: &Budget, balance: &Balance) -> Self {
        let taken = balance.spent + balance.held;
        let low = taken.picos().saturating_mul(100) >= balance.limit.picos().saturating_mul(LOW_PERCENT);
        Self {
            window: window(budget.window),
            limit: balance.limit.into(),
            spent: balance.spent.into(),
            held: balance.held.into(),
            remaining: balance.remaining().into(),
            spent_width: shown::share(balance.spent, balance.limit),
            taken_width: shown::share(taken, balance.limit),
            tone: if low { "bad" } else { "good" },
        }
    }
}

/// For how long a limit holds.
pub(crate) fn window(kind: WindowKind) -> &'static str {
    match kind {
        WindowKind::Total => "in all",
        WindowKind::Day => "a day",
        WindowKind::Week => "a week",
        WindowKind::Month => "a month",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farthing_actors::domain::window::Zone;
    use farthing_actors::domain::{Mode, Money, Thresholds, Timestamp};

    fn bar(spent: &str, held: &str) -> BudgetBar {
        let amount = |text: &str| text.parse::<Money>().unwrap();
        let budget = Budget {
            limit_usd: amount("25"),
            window: WindowKind::Month,
            time_zone: Zone::utc(),
            warn_percent: Thresholds::default(),
            mode: Mode::Enforce,
        };
        let (spent, held) = (amount(spent), amount(held));
        let window_start = Some(Timestamp(0));
        BudgetBar::new(
            &budget,
            &Balance { limit: amount("25"), spent, held, window_start, window_end: None, warned: None },
        )
    }

    #[test]
    fn a_bar_shows_what_is_spent_and_behind_it_what_is_held() {
        let bar = bar("5", "2.5");
        assert_eq!((bar.spent_width.as_str(), bar.taken_width.as_str(), bar.tone), ("20.0%", "30.0%", "good"));
        assert_eq!((bar.remaining.short.as_str(), bar.window), ("$17.50", "a month"));
    }

    #[test]
    fn a_budget_that_is_nearly_gone_is_loud_and_a_broken_one_does_not_leave_its_bar() {
        assert_eq!(bar("22.49", "0").tone, "good");
        assert_eq!(bar("20", "2.5").tone, "bad");
        let over = bar("26", "0");
        assert_eq!((over.spent_width.as_str(), over.remaining.short.as_str()), ("100.0%", "$0"));
    }
}
