//! Budgets by how near they are to their limit: bars, what their window is, and where they will stand when it ends.
//! Owns the order and the words. Refuses to show more than a page can carry; it says how many are not shown.

use farthing_actors::domain::{Budget, Money, Scope, Timestamp};
use farthing_actors::keyring::ring::Keys;
use farthing_actors::ledger::hold::Balance;

use super::projection::Pace;
use crate::web::dashboard::budgets::BudgetBar;
use crate::web::dashboard::shown::{self, Amount, Moment};

/// Rows a page shows.
const MOST: usize = 30;
/// Budgets that are asked about at all.
const MOST_ASKED: usize = 1_000;
/// From here on a budget is nearly gone.
const LOW_PERCENT: i128 = 90;

/// A budget there is, and whose.
pub(super) struct Kept {
    pub(super) scope: Scope,
    /// Of the project or the key.
    pub(super) id: String,
    pub(super) name: String,
    budget: Budget,
    href: String,
    within: Option<String>,
}

/// The budgets of a page.
pub(super) struct Budgets {
    pub(super) rows: Vec<BudgetRow>,
    pub(super) more: usize,
    pub(super) is_near: bool,
}

/// One budget and where it will stand; the width is a part of the limit such as `42.1%`.
pub(super) struct BudgetRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) href: String,
    pub(super) within: Option<String>,
    pub(super) bar: BudgetBar,
    pub(super) ends: Option<Moment>,
    pub(super) at_end: Option<Amount>,
    pub(super) at_end_width: String,
    pub(super) reaches: Option<Moment>,
    pub(super) tone: &'static str,
    pub(super) verdict: &'static str,
    /// Whether its chart is the one that is shown.
    pub(super) is_drawn: bool,
    taken_permille: i128,
}

/// Every budget of a project, then those of keys that can still call.
pub(super) fn kept(keys: &Keys, now: Timestamp) -> Vec<Kept> {
    let projects = keys.projects().filter_map(|project| {
        let within = project.parent.and_then(|parent| keys.project(parent)).map(|parent| parent.name.clone());
        let href = format!("/projects/{}", project.id);
        Some(Kept {
            scope: Scope::Project(project.id),
            id: project.id.to_string(),
            budget: project.budget.clone()?,
            name: project.name.clone(),
            href,
            within,
        })
    });
    let is_alive = |at: Option<Timestamp>| at.is_none_or(|at| at > now);
    let alive = keys.keys().filter(move |it| it.key.revoked_at.is_none() && is_alive(it.key.expires_at));
    let of_keys = alive.filter_map(|it| {
        let href = format!("/keys/{}", it.key.id);
        let within = Some(it.project.name.clone());
        Some(Kept {
            scope: Scope::Key(it.key.id),
            id: it.key.id.to_string(),
            budget: it.key.budget.clone()?,
            name: it.key.name.clone(),
            href,
            within,
        })
    });
    projects.chain(of_keys).take(MOST_ASKED).collect()
}

impl Budgets {
    /// A row each, the nearest to its limit first; `balances` are in the order of `kept`.
    pub(super) fn new(kept: &[Kept], balances: &[Option<Balance>], now: Timestamp) -> Self {
        let pairs = kept.iter().zip(balances);
        let mut rows: Vec<_> =
            pairs.filter_map(|(kept, balance)| Some(BudgetRow::new(kept, balance.as_ref()?, now))).collect();
        rows.sort_by(|one, other| {
            other.taken_permille.cmp(&one.taken_permille).then_with(|| one.name.cmp(&other.name))
        });
        let more = rows.len().saturating_sub(MOST);
        let is_near = rows.iter().any(|row| !row.verdict.is_empty());
        rows.truncate(MOST);
        Self { rows, more, is_near }
    }

    /// Which of `kept` is drawn: the one asked for, else the nearest to its limit whose window ends.
    pub(super) fn drawn(&mut self, kept: &[Kept], asked: Option<&str>) -> Option<usize> {
        let is_asked = |row: &&mut BudgetRow| asked.map_or(row.ends.is_some(), |asked| row.id == asked);
        let row = self.rows.iter_mut().find(is_asked)?;
        row.is_drawn = true;
        kept.iter().position(|kept| kept.id == row.id)
    }
}

impl BudgetRow {
    fn new(kept: &Kept, balance: &Balance, now: Timestamp) -> Self {
        let taken = balance.spent + balance.held;
        let window = balance.window_start.zip(balance.window_end);
        let pace = window.map(|(start, end)| Pace { spent: balance.spent, start, end, now });
        let at_end = pace.and_then(|pace| pace.at_end());
        let (tone, verdict) = verdict(taken, at_end, balance.limit, kept.budget.is_enforced());
        Self {
            id: kept.id.clone(),
            name: kept.name.clone(),
            href: kept.href.clone(),
            within: kept.within.clone(),
            bar: BudgetBar::new(&kept.budget, balance),
            ends: balance.window_end.map(Moment::from),
            at_end: at_end.map(Amount::from),
            at_end_width: at_end.map_or_else(|| "0%".to_owned(), |end| shown::share(end, balance.limit)),
            reaches: pace.and_then(|pace| pace.reaches(balance.limit)).filter(|at| *at > now).map(Moment::from),
            tone,
            verdict,
            is_drawn: false,
            taken_permille: permille(taken, balance.limit),
        }
    }
}

fn permille(part: Money, whole: Money) -> i128 {
    part.picos().max(0).saturating_mul(1_000).checked_div(whole.picos()).unwrap_or(1_000)
}

fn verdict(taken: Money, at_end: Option<Money>, limit: Money, is_enforced: bool) -> (&'static str, &'static str) {
    let is_low = taken.picos().saturating_mul(100) >= limit.picos().saturating_mul(LOW_PERCENT);
    match () {
        () if taken >= limit && is_enforced => ("bad", "used up"),
        () if taken >= limit => ("bad", "over, not enforced"),
        () if is_low => ("bad", "nearly used up"),
        () if at_end.is_some_and(|end| end > limit) => ("fair", "ends above its limit"),
        () => ("good", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farthing_actors::domain::window::Zone;
    use farthing_actors::domain::{Mode, ProjectId, Thresholds, WindowKind};

    const DAY: i64 = 86_400_000;

    fn kept(name: &str, mode: Mode) -> Kept {
        let limit_usd = "30".parse().unwrap();
        let (window, time_zone, warn_percent) = (WindowKind::Month, Zone::utc(), Thresholds::default());
        let budget = Budget { limit_usd, window, time_zone, warn_percent, mode };
        let scope = Scope::Project(ProjectId::generate());
        Kept { scope, id: name.to_owned(), budget, name: name.to_owned(), href: String::new(), within: None }
    }

    fn balance(spent: &str, end: Option<i64>) -> Balance {
        let (limit, spent) = ("30".parse().unwrap(), spent.parse().unwrap());
        let (window_start, window_end) = (end.map(|_| Timestamp(0)), end.map(Timestamp));
        Balance { limit, spent, held: Money::ZERO, window_start, window_end, warned: None }
    }

    fn row(spent: &str, mode: Mode) -> BudgetRow {
        BudgetRow::new(&kept("a", mode), &balance(spent, Some(30 * DAY)), Timestamp(10 * DAY))
    }

    #[test]
    fn a_row_says_where_its_budget_will_stand() {
        let calm = row("6", Mode::Enforce);
        assert_eq!((calm.verdict, calm.tone, calm.at_end.unwrap().short.as_str()), ("", "good", "$18.00"));
        assert_eq!((calm.bar.spent_width.as_str(), calm.at_end_width.as_str(), calm.reaches), ("20.0%", "60.0%", None));
        let fast = row("15", Mode::Enforce);
        assert_eq!((fast.verdict, fast.tone, fast.at_end_width.as_str()), ("ends above its limit", "fair", "100.0%"));
        assert_eq!(fast.reaches, Some(Timestamp(20 * DAY).into()));
        assert_eq!(row("27", Mode::Enforce).verdict, "nearly used up");
        assert_eq!(row("30", Mode::Enforce).verdict, "used up");
        assert_eq!(row("31", Mode::Shadow).verdict, "over, not enforced");
    }

    #[test]
    fn the_nearest_to_its_limit_comes_first_and_one_without_end_has_no_projection() {
        let all = [kept("calm", Mode::Enforce), kept("near", Mode::Enforce), kept("gone", Mode::Enforce)];
        let balances = [Some(balance("1", Some(30 * DAY))), Some(balance("28", None)), None];
        let budgets = Budgets::new(&all, &balances, Timestamp(10 * DAY));
        let names: Vec<_> = budgets.rows.iter().map(|row| (row.name.as_str(), row.at_end.is_some())).collect();
        assert_eq!((names, budgets.more), (vec![("near", false), ("calm", true)], 0));
    }
}
