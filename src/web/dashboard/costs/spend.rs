//! What was spent on each day, by project or by model: the chart and the table beside it.
//! Owns the grouping and its order. Refuses more colours than can be told apart: what is small belongs to the others.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::iter;

use farthing_actors::domain::clock::DAY;
use farthing_actors::domain::{Money, Timestamp};
use farthing_actors::keyring::ring::Keys;

use crate::admin::books::{Figures, Range, SubjectName};
use crate::web::dashboard::chart::{Chart, Kind, MOST_SERIES, Series};
use crate::web::dashboard::shown::{self, Amount};
use crate::web::dashboard::{chart, costs};

/// Rows of the table.
const MOST: usize = 20;

/// What spend is told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Project,
    Model,
}

/// What was spent.
pub(super) struct Spend {
    pub(super) chart: Chart,
    pub(super) total: Amount,
    pub(super) rows: Vec<SpendRow>,
    pub(super) more: usize,
}

/// One project or model; the width is its part of the whole such as `42.1%`.
pub(super) struct SpendRow {
    pub(super) name: String,
    pub(super) requests: String,
    pub(super) cost: Amount,
    pub(super) share: String,
}

/// The last `days` days of UTC, the one of `now` the last.
pub(super) fn days(now: Timestamp, days: u32) -> Vec<Range> {
    let day = |ago: u32| {
        let from = now.midnight().before(DAY.saturating_mul(ago));
        Range { from, to: from.plus(DAY) }
    };
    (0..days).rev().map(day).collect()
}

impl By {
    /// The word in the address.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Model => "model",
        }
    }

    fn name(self, subject: &SubjectName, keys: &Keys) -> String {
        match self {
            Self::Model => subject.model.clone(),
            Self::Project => {
                let project = subject.project.parse().ok().and_then(|id| keys.project(id));
                project.map_or_else(|| subject.project.clone(), |project| project.name.clone())
            }
        }
    }
}

/// What one name spent: on each day, and in how many calls.
#[derive(Default)]
struct Spent {
    by_day: BTreeMap<usize, Money>,
    total: Money,
    requests: i128,
}

impl Spend {
    /// What `sums`, one for each of `days`, come to.
    pub(super) fn new(days: &[Range], sums: &[BTreeMap<SubjectName, Figures>], by: By, keys: &Keys) -> Self {
        let mut spent: BTreeMap<String, Spent> = BTreeMap::new();
        for (day, subjects) in sums.iter().enumerate() {
            for (subject, figures) in subjects {
                spent.entry(by.name(subject, keys)).or_default().add(day, figures);
            }
        }
        let mut spent: Vec<_> = spent.into_iter().collect();
        spent.sort_by_key(|(_, spent)| Reverse(spent.total));
        let total: Money = spent.iter().map(|(_, spent)| spent.total).sum();
        Self {
            chart: chart(days, &spent, by),
            total: total.into(),
            more: spent.len().saturating_sub(MOST),
            rows: spent.iter().take(MOST).map(|(name, spent)| spent.row(name, total)).collect(),
        }
    }
}

impl Spent {
    fn add(&mut self, day: usize, figures: &Figures) {
        let money = figures.cost + figures.adjusted;
        *self.by_day.entry(day).or_default() += money;
        self.total += money;
        self.requests = self.requests.saturating_add(figures.requests);
    }

    fn row(&self, name: &str, total: Money) -> SpendRow {
        SpendRow {
            name: name.to_owned(),
            requests: shown::count(self.requests.max(0)),
            cost: self.total.into(),
            share: shown::share(self.total, total),
        }
    }
}

fn chart(days: &[Range], spent: &[(String, Spent)], by: By) -> Chart {
    let own = if spent.len() > MOST_SERIES { MOST_SERIES.saturating_sub(1) } else { spent.len() };
    let (large, small) = spent.split_at_checked(own).unwrap_or((spent, &[]));
    let others = (!small.is_empty()).then(|| series("others", days.len(), small.iter().map(|(_, spent)| spent)));
    let series = large.iter().map(|(name, spent)| series(name, days.len(), iter::once(spent))).chain(others);
    let date = |range: &Range| range.from.to_string().chars().take(10).collect::<String>();
    let times = days.iter().map(date).map(|date| (date.chars().skip(5).collect(), date));
    Chart::new(&chart::Figures {
        title: format!("Spend by day and {}", by.word()),
        kind: Kind::Columns,
        times: times.collect(),
        series: series.collect(),
        shown: costs::dollars,
    })
}

fn series<'a>(name: &str, days: usize, spent: impl Iterator<Item = &'a Spent> + Clone) -> Series {
    let on = |day: usize| spent.clone().filter_map(|spent| spent.by_day.get(&day)).copied().sum::<Money>().picos();
    Series { name: name.to_owned(), values: (0..days).map(|day| Some(on(day))).collect() }
}

#[cfg(test)]
mod tests {
    use farthing_actors::domain::clock::DAY_MS;

    use super::*;

    fn on_a_day(amounts: &[(&str, &str)]) -> BTreeMap<SubjectName, Figures> {
        let subject = |model: &str| SubjectName {
            project: "prj_gone".to_owned(),
            key: String::new(),
            model: model.to_owned(),
            provider: String::new(),
        };
        let figures = |cost: &str| Figures { requests: 2, cost: cost.parse().unwrap(), ..Figures::default() };
        amounts.iter().map(|(model, cost)| (subject(model), figures(cost))).collect()
    }

    #[test]
    fn days_are_whole_and_today_is_the_last() {
        let days = days(Timestamp(DAY_MS * 20_000 + 5), 3);
        assert_eq!(days.iter().map(|day| day.from.0 / DAY_MS).collect::<Vec<_>>(), [19_998, 19_999, 20_000]);
        assert!(days.iter().all(|day| day.to.0 - day.from.0 == DAY_MS));
    }

    #[test]
    fn the_dearest_come_first_and_the_small_ones_together() {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let today: Vec<_> =
            names.iter().zip(["1", "2", "3", "4", "5", "6", "7"]).map(|(name, cost)| (*name, cost)).collect();
        let sums = [on_a_day(&[("a", "100")]), on_a_day(&today)];
        let spend = Spend::new(&days(Timestamp(0), 2), &sums, By::Model, &Keys::default());
        assert_eq!(spend.chart.names, ["a", "g", "f", "e", "d", "others"]);
        assert_eq!(spend.chart.rows[1].1.last().unwrap(), "$5.00", "b and c");
        let rows: Vec<_> = spend.rows.iter().map(|row| (row.name.as_str(), row.cost.short.as_str())).collect();
        assert_eq!((rows[0], rows[1], spend.total.exact.as_str()), (("a", "$101.00"), ("g", "$7.00"), "$128.00"));
        assert_eq!((spend.rows[0].requests.as_str(), spend.more), ("4", 0));
    }

    #[test]
    fn a_project_that_is_gone_has_its_id() {
        let spend = Spend::new(&days(Timestamp(0), 1), &[on_a_day(&[("a", "1")])], By::Project, &Keys::default());
        assert_eq!(spend.chart.names, ["prj_gone"]);
    }
}
