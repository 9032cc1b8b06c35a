//! The charts of usage. Owns which figures stand on one another, and which groups have a colour of their own.
//! Refuses more colours than can be told apart: the smaller groups are one, "others".

use std::collections::BTreeMap;

use farthing_actors::domain::{Money, Timestamp};
use farthing_actors::keyring::ring::Keys;
use farthing_actors::registry::catalogue::Catalogue;

use super::tables::{name_of, word};
use crate::admin::books::{Figures, Latencies, Steps, SubjectName};
use crate::web::dashboard::chart::{self, Chart, Kind, MOST_SERIES, Series};
use crate::web::dashboard::shown::{self, Amount};
use crate::web::manage::usage::calendar::{Calendar, Interval};
use crate::web::manage::usage::group::{Group, sum_by};
use crate::web::manage::usage::latency::{Timed, together};

/// Points in time, what was used in each, and by whom.
pub(super) struct Points {
    /// The short word and the whole one.
    pub(super) times: Vec<(String, String)>,
    pub(super) figures: Vec<Figures>,
    /// Empty where groups are not told apart over time.
    pub(super) by_subject: Vec<BTreeMap<SubjectName, Figures>>,
    /// Over all points.
    pub(super) whole: BTreeMap<SubjectName, Figures>,
}

impl Points {
    /// The points whose groups are known.
    pub(super) fn of_groups(times: Vec<(String, String)>, by_subject: Vec<BTreeMap<SubjectName, Figures>>) -> Self {
        let mut whole: BTreeMap<SubjectName, Figures> = BTreeMap::new();
        for (name, figures) in by_subject.iter().flatten() {
            *whole.entry(name.clone()).or_default() += *figures;
        }
        Self { times, figures: by_subject.iter().map(sum).collect(), by_subject, whole }
    }

    /// The sum of all.
    pub(super) fn total(&self) -> Figures {
        sum(&self.whole)
    }

    /// The sums of groups over all points, the dearest first.
    pub(super) fn groups(&self, by: Group) -> Vec<(String, Figures)> {
        let sums = sum_by(&[by], "", &self.whole).into_iter();
        let mut groups: Vec<_> = sums.map(|(id, figures)| (id.concat(), figures)).collect();
        groups.sort_by_key(|(id, figures)| (-figures.cost.picos(), -figures.requests, id.clone()));
        groups
    }
}

fn sum(subjects: &BTreeMap<SubjectName, Figures>) -> Figures {
    subjects.values().fold(Figures::default(), |sum, figures| sum + *figures)
}

/// What the point that begins at `start` is called.
pub(super) fn words(calendar: &Calendar, start: Timestamp, interval: Interval) -> (String, String) {
    let whole = calendar.label(start, interval);
    let short = match interval {
        Interval::Hour => whole.chars().skip(11).take(5).collect(),
        Interval::Day => whole.chars().skip(5).collect(),
        Interval::Month => whole.clone(),
    };
    (short, whole)
}

/// Spend by group, tokens by class, how requests ended.
pub(super) fn usage_charts(points: &Points, by: Group, keys: &Keys, catalogue: &Catalogue) -> Vec<Chart> {
    let columns = |title: String, series: Vec<Series>, shown: fn(i128) -> String| {
        let times = points.times.clone();
        Chart::new(&chart::Figures { title, kind: Kind::Columns, times, series, shown })
    };
    let each = |name: &str, value: fn(&Figures) -> i128| Series {
        name: name.to_owned(),
        values: points.figures.iter().map(|figures| Some(value(figures))).collect(),
    };
    let (spend, spent) = match points.by_subject.is_empty() {
        true => ("Spend".to_owned(), vec![each("spend", |figures| figures.cost.picos())]),
        false => (format!("Spend by {}", word(by)), spend_by(points, by, keys, catalogue)),
    };
    let tokens = vec![
        each("input", |figures| i128::from(figures.usage().input)),
        each("cache read", |figures| i128::from(figures.usage().cache_read)),
        each("cache write", |figures| {
            let usage = figures.usage();
            i128::from(usage.cache_write_5m).saturating_add(i128::from(usage.cache_write_1h))
        }),
        each("output", |figures| i128::from(figures.usage().output)),
        each("reasoning", |figures| i128::from(figures.usage().reasoning)),
    ];
    let requests = vec![
        each("answered", |figures| figures.requests - figures.errors - figures.refused),
        each("failed", |figures| figures.errors),
        each("refused", |figures| figures.refused),
    ];
    vec![
        columns(spend, spent, |picos| Amount::from(Money::from_picos(picos)).short),
        columns("Tokens by class".to_owned(), tokens, shown::count),
        columns("Requests".to_owned(), requests, shown::count),
    ]
}

/// A series for each of the dearest groups, and one for the others.
fn spend_by(points: &Points, by: Group, keys: &Keys, catalogue: &Catalogue) -> Vec<Series> {
    let mut groups = points.groups(by);
    groups.retain(|(_, figures)| !figures.cost.is_zero());
    let own = if groups.len() > MOST_SERIES { MOST_SERIES - 1 } else { groups.len() };
    let sums: Vec<_> = points.by_subject.iter().map(|subjects| sum_by(&[by], "", subjects)).collect();
    let spent = |sums: &BTreeMap<Vec<String>, Figures>, id: &str| {
        sums.get(&[id.to_owned()][..]).map_or(0, |figures| figures.cost.picos())
    };
    let series = |(id, _): &(String, Figures)| Series {
        name: name_of(by, id, keys, catalogue),
        values: sums.iter().map(|sums| Some(spent(sums, id))).collect(),
    };
    let mut all: Vec<Series> = groups.iter().take(own).map(series).collect();
    let others: Vec<_> = groups.iter().skip(own).map(|(id, _)| id).collect();
    if !others.is_empty() {
        let rest = |sums| Some(others.iter().map(|id| spent(sums, id)).fold(0, i128::saturating_add));
        all.push(Series { name: "others".to_owned(), values: sums.iter().map(rest).collect() });
    }
    all
}

/// How long calls took, and how long until their first token.
pub(super) fn latency_charts(timed: &Timed, times: &[(String, String)]) -> Vec<Chart> {
    let points: Vec<Latencies> = timed.points.iter().map(|(_, providers)| together(providers.values())).collect();
    let lines = |title: &str, steps: fn(&Latencies) -> &Steps| {
        let series = [("median", 50), ("p90", 90), ("p99", 99)].map(|(name, percent)| Series {
            name: name.to_owned(),
            values: points.iter().map(|point| steps(point).percentile(percent).map(i128::from)).collect(),
        });
        Chart::new(&chart::Figures {
            title: title.to_owned(),
            kind: Kind::Lines,
            times: times.to_vec(),
            series: series.into(),
            shown: |ms| shown::millis(u64::try_from(ms).unwrap_or(0)),
        })
    };
    vec![
        lines("Latency, to the last byte", |point| &point.whole),
        lines("Latency, to the first token of streams", |point| &point.first_token),
    ]
}
