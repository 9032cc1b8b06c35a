//! Projects with their budgets: how much is spent, set aside, and left.
//! Owns which of them are on the page. Refuses to show more projects than a page can carry; it says how many are not shown.

use std::sync::Arc;

use farthing_actors::keyring::ring::{Keys, Project};
use farthing_actors::ledger::hold::Balance;

use crate::web::dashboard::budgets::BudgetBar;

/// More belong on a page of their own.
const MOST: usize = 100;

/// The projects a page shows, those at the top before those below others.
pub(super) struct Projects {
    pub(super) shown: Vec<Arc<Project>>,
    pub(super) more: usize,
}

/// One project.
pub(super) struct ProjectRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) parent: Option<String>,
    pub(super) budget: Option<BudgetBar>,
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
            id: project.id.to_string(),
            name: project.name.clone(),
            parent: project.parent.and_then(|parent| keys.project(parent)).map(|parent| parent.name.clone()),
            budget: project.budget.as_ref().zip(balance.as_ref()).map(|(budget, it)| BudgetBar::new(budget, it)),
        };
        self.shown.iter().zip(balances).map(row).collect()
    }
}
