//! How one budget was spent in its window so far, how it goes on at this pace, and where its limit is. Owns the steps of a window:
//! its days, or the hours of a single day. Refuses windows without an end.

use std::sync::Arc;

use farthing_actors::domain::clock::{DAY_MS, HOUR_MS};
use farthing_actors::domain::{Money, Scope, Timestamp};
use farthing_actors::keyring::ring::{Keys, Project};
use farthing_actors::ledger::hold::Balance;

use super::dollars;
use super::projection::Pace;
use crate::admin::books::{Figures, Range, UsageFilter};
use crate::web::dashboard::chart::{self, Chart, Kind, Series};

/// A window up to this long is cut into hours: a day with a change of the clocks in it, and no more.
const ONE_DAY_MS: i64 = 36 * HOUR_MS;

/// A budget in its window.
pub(super) struct Burn {
    pace: Pace,
    limit: Money,
    step_ms: i64,
}

impl Burn {
    /// The budget of this balance; `None` if its window has no end.
    pub(super) fn new(balance: &Balance, now: Timestamp) -> Option<Self> {
        let (start, end) = balance.window_start.zip(balance.window_end)?;
        let step_ms = if end.0.saturating_sub(start.0) <= ONE_DAY_MS { HOUR_MS } else { DAY_MS };
        Some(Self { pace: Pace { spent: balance.spent, start, end, now }, limit: balance.limit, step_ms })
    }

    /// Every step of the window, those to come too.
    fn steps(&self) -> Vec<Range> {
        let Pace { start, end, .. } = self.pace;
        let step = |from: i64| {
            let to = from.saturating_add(self.step_ms).min(end.0);
            (from < to).then_some(Range { from: Timestamp(from), to: Timestamp(to) })
        };
        std::iter::successors(step(start.0), |last| step(last.to.0)).collect()
    }

    /// The steps that have begun.
    pub(super) fn begun(&self) -> Vec<Range> {
        self.steps().into_iter().filter(|step| step.from <= self.pace.now).collect()
    }

    /// The chart; `sums` are what was used in each step that has begun.
    pub(super) fn chart(&self, name: &str, sums: &[Figures]) -> Chart {
        let steps = self.steps();
        let mut spent = Vec::new();
        for figures in sums {
            let before = spent.last().copied().flatten().unwrap_or(0_i128);
            spent.push(Some(before.saturating_add((figures.cost + figures.adjusted).picos())));
        }
        spent.resize(steps.len(), None);
        let limit = vec![Some(self.limit.picos()); steps.len()];
        let series = [("spent", spent), ("at this pace", self.ahead(&steps)), ("limit", limit)];
        Chart::new(&chart::Figures {
            title: format!("Budget of {name}"),
            kind: Kind::Lines,
            times: (0..).zip(&steps).map(|(place, step)| self.label(place, step)).collect(),
            series: series.into_iter().map(|(name, values)| Series { name: name.to_owned(), values }).collect(),
            shown: dollars,
        })
    }

    /// What will be spent at the end of the present step and of those to come.
    fn ahead(&self, steps: &[Range]) -> Vec<Option<i128>> {
        let is_ahead = |step: &&Range| step.to > self.pace.now;
        let at = |step: &Range| Some(step).filter(is_ahead).and_then(|step| self.pace.at(step.to)).map(Money::picos);
        steps.iter().map(at).collect()
    }

    /// What a step is called: the hour of its day, or the day that most of it lies in.
    fn label(&self, place: u32, step: &Range) -> (String, String) {
        if self.step_ms == HOUR_MS {
            let hour = format!("{place:02}:00");
            return (hour.clone(), hour);
        }
        let noon = Timestamp(step.from.0.saturating_add(DAY_MS / 2));
        let date: String = noon.to_string().chars().take(10).collect();
        (date.chars().skip(5).collect(), date)
    }
}

/// Whose usage counts against a budget: that of a key, or of a project and of those below it.
pub(super) fn counted(scope: Scope, keys: &Keys) -> UsageFilter {
    match scope {
        Scope::Key(key) => UsageFilter { key: Some(key), ..UsageFilter::default() },
        Scope::Project(id) => {
            let counts = |project: &&Arc<Project>| keys.lineage(project.id).any(|above| above.id == id);
            let projects = keys.projects().filter(counts).map(|project| project.id).collect();
            UsageFilter { projects: Some(projects), ..UsageFilter::default() }
        }
        // A run has no window, and no rollup of its own.
        Scope::Run(_) => UsageFilter { projects: Some(Vec::new()), ..UsageFilter::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burn(days: i64, now: i64) -> Burn {
        let (limit, spent) = ("10".parse().unwrap(), "4".parse().unwrap());
        let (window_start, window_end) = (Some(Timestamp(0)), Some(Timestamp(days * DAY_MS)));
        let balance = Balance { limit, spent, held: Money::ZERO, window_start, window_end, warned: None };
        Burn::new(&balance, Timestamp(now)).unwrap()
    }

    fn used(cost: &str) -> Figures {
        Figures { cost: cost.parse().unwrap(), ..Figures::default() }
    }

    #[test]
    fn what_was_spent_grows_and_goes_on_at_its_pace_to_the_end() {
        let burn = burn(4, 2 * DAY_MS - 1);
        assert_eq!(burn.begun().len(), 2);
        let chart = burn.chart("apps", &[used("1"), used("3")]);
        let rows: Vec<_> = chart.rows.iter().map(|(day, row)| format!("{day} {}", row.join(" "))).collect();
        let expected = [
            "1970-01-01 $1.00 – $10.00",
            "1970-01-02 $4.00 $4.00 $10.00",
            "1970-01-03 – $6.00 $10.00",
            "1970-01-04 – $8.00 $10.00",
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_day_has_hours_and_a_window_without_end_no_chart() {
        let day = burn(1, 90 * 60_000);
        assert_eq!((day.steps().len(), day.begun().len()), (24, 2));
        assert_eq!(day.chart("apps", &[]).rows[13].0, "13:00");
        let none = Money::ZERO;
        let forever =
            Balance { limit: none, spent: none, held: none, window_start: None, window_end: None, warned: None };
        assert!(Burn::new(&forever, Timestamp(0)).is_none());
    }
}
