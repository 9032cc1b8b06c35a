//! What pages about usage answer. Owns the shapes on the wire: counts, disjoint token classes, exact decimal dollars.

use std::fmt;

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

/// A figure in a file: counts are numbers, dollars exact decimals in strings, as everywhere.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Cell {
    Count(u64),
    Dollars(Money),
}

/// The figures of a row of a file, each under its column.
pub(super) fn cells(figures: &Figures) -> [(&'static str, Cell); 19] {
    let usage = figures.usage();
    let units = usage.units;
    [
        ("requests", Cell::Count(count(figures.requests))),
        ("errors", Cell::Count(count(figures.errors))),
        ("refused", Cell::Count(count(figures.refused))),
        ("estimated", Cell::Count(count(figures.estimated))),
        ("input", Cell::Count(usage.input)),
        ("cache_read", Cell::Count(usage.cache_read)),
        ("cache_write", Cell::Count(usage.cache_write_5m.saturating_add(usage.cache_write_1h))),
        ("output", Cell::Count(usage.output)),
        ("reasoning", Cell::Count(usage.reasoning)),
        ("audio_input", Cell::Count(units.audio_input)),
        ("audio_output", Cell::Count(units.audio_output)),
        ("image_input", Cell::Count(units.image_input)),
        ("image_output", Cell::Count(units.image_output)),
        ("images", Cell::Count(units.images)),
        ("audio_ms", Cell::Count(units.audio_ms)),
        ("characters", Cell::Count(units.characters)),
        ("searches", Cell::Count(units.searches)),
        ("cost_usd", Cell::Dollars(figures.cost)),
        ("adjustments_usd", Cell::Dollars(figures.adjusted)),
    ]
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Dollars(money) => money.fmt(f),
        }
    }
}
