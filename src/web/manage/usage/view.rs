//! What pages about usage answer. Owns the shapes on the wire: counts, disjoint token classes, exact decimal dollars.

use farthing_actors::domain::{Money, Units};
use schemars::JsonSchema;
use serde::Serialize;

use super::question::Question;
use crate::admin::books::Figures;
use crate::web::manage::requests::UsageView;
use crate::web::manage::rfc3339;

/// What was used.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FiguresView {
    requests: u64,
    errors: u64,
    refused: u64,
    estimated: u64,
    usage: UsageView,
    #[serde(skip_serializing_if = "Units::is_none")]
    units: Units,
    cost_usd: Money,
    adjustments_usd: Money,
}

/// The range that was really asked about, whole quarters of an hour, and how many finished calls are not counted yet.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Frame {
    from: String,
    to: String,
    time_zone: String,
    behind: u64,
}

/// One sum.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Summary {
    #[serde(flatten)]
    pub(super) frame: Frame,
    #[serde(flatten)]
    pub(super) figures: FiguresView,
}

/// A page of rows.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Rows<T> {
    #[serde(flatten)]
    pub(super) frame: Frame,
    pub(super) data: Vec<T>,
    pub(super) next_cursor: Option<String>,
}

/// A point of a series.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Point {
    pub(super) start: String,
    pub(super) end: String,
    pub(super) label: String,
    #[serde(flatten)]
    pub(super) figures: FiguresView,
}

/// A row of a breakdown; without an id, what belongs to none.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Share {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    #[serde(flatten)]
    pub(super) figures: FiguresView,
}

impl Frame {
    pub(super) fn new(question: &Question, behind: u64) -> Self {
        let range = question.range;
        Self { from: rfc3339(range.from), to: rfc3339(range.to), time_zone: question.calendar.zone(), behind }
    }
}

impl From<&Figures> for FiguresView {
    fn from(figures: &Figures) -> Self {
        let usage = figures.usage();
        Self {
            requests: count(figures.requests),
            errors: count(figures.errors),
            refused: count(figures.refused),
            estimated: count(figures.estimated),
            usage: usage.into(),
            units: usage.units,
            cost_usd: figures.cost,
            adjustments_usd: figures.adjusted,
        }
    }
}

/// A sum of whole lines, which is never negative.
pub(in crate::web) fn count(figure: i128) -> u64 {
    u64::try_from(figure.max(0)).unwrap_or(u64::MAX)
}

/// The columns of figures in an export.
pub(super) const COLUMNS: [&str; 19] = [
    "requests",
    "errors",
    "refused",
    "estimated",
    "input",
    "cache_read",
    "cache_write",
    "output",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
    "images",
    "audio_ms",
    "characters",
    "searches",
    "cost_usd",
    "adjustments_usd",
];

/// The figures in those columns.
pub(super) fn cells(figures: &Figures) -> Vec<String> {
    let counts = [figures.requests, figures.errors, figures.refused, figures.estimated].map(count);
    let [input, cache_read, write_5m, write_1h, output, reasoning, units @ ..] =
        figures.usage().classes().map(|(_, count)| count);
    let tokens = [input, cache_read, write_5m.saturating_add(write_1h), output, reasoning];
    let counts = counts.into_iter().chain(tokens).chain(units).map(|count| count.to_string());
    counts.chain([figures.cost.to_string(), figures.adjusted.to_string()]).collect()
}
