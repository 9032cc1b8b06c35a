//! The tables of usage: the sum, the shares of groups, and the latencies of providers.
//! Owns their rows and words. Refuses fractions: rates are in tenths of a percent, cut.

use farthing_actors::keyring::ring::Keys;
use farthing_actors::registry::catalogue::Catalogue;

use super::charts::Points;
use crate::admin::books::{Figures, Latencies, Steps};
use crate::web::dashboard::shown::{self, Amount};
use crate::web::manage::usage::group::{Group, Names};
use crate::web::manage::usage::latency::{Timed, together};

/// Rows of a breakdown; the export has all.
const MOST_ROWS: usize = 100;

/// The sum over the range.
pub(super) struct Summary {
    pub(super) requests: String,
    pub(super) errors: String,
    pub(super) error_rate: String,
    pub(super) refused: String,
    pub(super) estimated: String,
    pub(super) input: String,
    pub(super) cached: String,
    pub(super) output: String,
    pub(super) cost: Amount,
    pub(super) adjusted: Option<Amount>,
    /// The times that half and 99 of a hundred calls took.
    pub(super) latency: Option<(String, String)>,
}

/// Who used how much.
pub(super) struct Breakdown {
    pub(super) by: &'static str,
    pub(super) rows: Vec<Share>,
    /// How many are not shown.
    pub(super) more: usize,
}

/// One of a group.
pub(super) struct Share {
    pub(super) name: String,
    /// The filter of the requests it is made of; `None` for what belongs to none.
    pub(super) filter: Option<(&'static str, String)>,
    pub(super) requests: String,
    pub(super) error_rate: String,
    pub(super) input: String,
    pub(super) cached: String,
    pub(super) output: String,
    pub(super) cost: Amount,
}

/// How fast providers were.
pub(super) struct Latency {
    pub(super) rows: Vec<LatencyRow>,
}

/// One provider.
pub(super) struct LatencyRow {
    pub(super) name: String,
    pub(super) calls: String,
    pub(super) whole: [String; 3],
    pub(super) first_token: [String; 3],
}

impl Summary {
    pub(super) fn new(figures: &Figures, timed: Option<&Timed>) -> Self {
        let usage = figures.usage();
        let all = timed.map(|timed| together(timed.points.iter().flat_map(|(_, providers)| providers.values())));
        let latency = all.and_then(|all| all.whole.percentile(50).zip(all.whole.percentile(99)));
        Self {
            requests: shown::count(figures.requests),
            errors: shown::count(figures.errors),
            error_rate: rate(figures.errors, figures.requests),
            refused: shown::count(figures.refused),
            estimated: shown::count(figures.estimated),
            input: shown::count(usage.prompt()),
            cached: shown::count(usage.cache_read),
            output: shown::count(usage.generated()),
            cost: figures.cost.into(),
            adjusted: (!figures.adjusted.is_zero()).then(|| figures.adjusted.into()),
            latency: latency.map(|(half, most)| (shown::millis(half), shown::millis(most))),
        }
    }
}

/// The groups, the dearest first.
pub(super) fn breakdown(points: &Points, by: Group, keys: &Keys, catalogue: &Catalogue) -> Breakdown {
    let groups = points.groups(by);
    let more = groups.len().saturating_sub(MOST_ROWS);
    let rows = groups.into_iter().take(MOST_ROWS).map(|(id, figures)| Share::new(by, id, &figures, (keys, catalogue)));
    Breakdown { by: word(by), rows: rows.collect(), more }
}

impl Share {
    fn new(by: Group, id: String, figures: &Figures, (keys, catalogue): (&Keys, &Catalogue)) -> Self {
        let usage = figures.usage();
        Self {
            name: name_of(by, &id, keys, catalogue),
            requests: shown::count(figures.requests),
            error_rate: rate(figures.errors, figures.requests),
            input: shown::count(usage.prompt()),
            cached: shown::count(usage.cache_read),
            output: shown::count(usage.generated()),
            cost: figures.cost.into(),
            filter: (!id.is_empty()).then_some((word(by), id)),
        }
    }
}

/// Providers by their names.
pub(super) fn latencies(timed: &Timed, catalogue: &Catalogue) -> Latency {
    let name = |id: &str| id.parse().map_or_else(|_| id.to_owned(), |id| catalogue.provider_name(id));
    let row = |(id, latencies): (String, Latencies)| LatencyRow {
        name: name(&id),
        calls: shown::count(latencies.whole.count()),
        whole: percentiles(&latencies.whole),
        first_token: percentiles(&latencies.first_token),
    };
    let mut rows: Vec<_> = timed.by_provider().into_iter().map(row).collect();
    rows.sort_by(|left, right| left.name.cmp(&right.name));
    Latency { rows }
}

fn percentiles(steps: &Steps) -> [String; 3] {
    [50, 90, 99].map(|percent| steps.percentile(percent).map_or_else(|| "–".to_owned(), shown::millis))
}

/// What people call a group's member.
pub(super) fn name_of(by: Group, id: &str, keys: &Keys, catalogue: &Catalogue) -> String {
    if id.is_empty() {
        return "none".to_owned();
    }
    Names { keys, catalogue }.of(by, id).unwrap_or_else(|| id.to_owned())
}

/// The group's name, which is the parameter of its filter, too.
pub(super) fn word(by: Group) -> &'static str {
    by.columns().last().copied().unwrap_or_default()
}

/// `1.2 %`.
fn rate(part: i128, whole: i128) -> String {
    let permille = part.saturating_mul(1_000).checked_div(whole).unwrap_or(0);
    format!("{}.{} %", permille / 10, permille % 10)
}
