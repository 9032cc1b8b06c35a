//! Projects with their budgets: how much is spent, set aside, and left.
//! Owns the bars' proportions. Refuses to show more projects than a page can carry; it says how many are not shown.

use std::sync::Arc;

use farthing_actors::domain::{Budget, WindowKind};
use farthing_actors::keyring::ring::{Keys, Project};
use farthing_actors::ledger::hold::Balance;

use crate::web::dashboard::shown::{self, Amount};

/// More belong on a page of their own.
const MOST: usize = 100;
/// From here on a budget is nearly gone.
const LOW_PERCENT: i128 = 90;

/// The projects a page shows, those at the top before those below others.
pub(super) struct Projects {
    pub(super) shown: Vec<Arc<Project>>,
    pub(super) more: usize,
}

/// One project.
pub(super) struct ProjectRow {
    pub(super) name: String,
    pub(super) parent: Option<String>,
    pub(super) budget: Option<BudgetBar>,
}

/// A budget with its balance; widths are parts of the limit such as `42.1%`.
pub(super) struct BudgetBar {
    pub(super) window: &'static str,
    pub(super) limit: Amount,
    pub(super) spent: Amount,
    pub(super) held: Amount,
    pub(super) remaining: Amount,
    pub(super) spent_width: String,
    pub(super) taken_width: String,
    pub(super) tone: &'static str,
}

impl Projects {
    pub(super) fn first(keys: &Keys) -> Self {
        let mut shown: Vec<_> = keys.projects().cloned().collect();
        shown.sort_by_key(|project| project.parent.is_some());
        let more = shown.len().saturating_sub(MOST);
        shown.truncate(MOST);
        Self { shown, more }
    }

    /// A row each; `balances` are in the same order.
    pub(super) fn rows(&self, keys: &Keys, balances: &[Option<Balance>]) -> Vec<ProjectRow> {
        let row = |(project, balance): (&Arc<Project>, &Option<Balance>)| ProjectRow {
            name: project.name.clone(),
            parent: project.parent.and_then(|parent| keys.project(parent)).map(|parent| parent.name.clone()),
            budget: project.budget.as_ref().zip(balance.as_ref()).map(|(budget, it)| BudgetBar::new(budget, it)),
        };
        self.shown.iter().zip(balances).map(row).collect()
    }
}

impl BudgetBar {
    fn new(budget: &Budget, balance: &Balance) -> Self {
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

fn window(kind: WindowKind) -> &'static str {
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
