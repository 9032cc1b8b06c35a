//! The attempts of a request and the ledger's lines about it: each in the order it was booked.
//! Owns their rows. Refuses to add up: the sum is the books'.

use farthing_actors::domain::{CallStatus, LineKind};
use farthing_actors::registry::catalogue::Catalogue;

use crate::admin::books::Line;
use crate::web::dashboard::calls::tone;
use crate::web::dashboard::shown::{self, Amount, Moment};

/// One try at one deployment.
pub(super) struct AttemptRow {
    pub(super) number: u16,
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) status: CallStatus,
    pub(super) http_status: u16,
    pub(super) tone: &'static str,
    /// From when the request was taken in until the attempt was over.
    pub(super) ended_after: String,
    pub(super) cost: Amount,
}

/// A line of the ledger.
pub(super) struct EntryRow {
    pub(super) seq: String,
    pub(super) kind: LineKind,
    pub(super) debit: String,
    pub(super) credit: String,
    pub(super) amount: Amount,
    pub(super) time: Moment,
}

/// The attempts that have a line of their own, the last one included.
pub(super) fn attempts(line: &Line, catalogue: &Catalogue) -> Vec<AttemptRow> {
    let attempts = in_order(line).into_iter().filter(|line| line.entry.kind != LineKind::Correction);
    attempts.filter_map(|line| AttemptRow::new(line, catalogue)).collect()
}

/// Every line that moves money.
pub(super) fn entries(line: &Line, catalogue: &Catalogue) -> Vec<EntryRow> {
    in_order(line).into_iter().filter_map(|line| EntryRow::new(line, catalogue)).collect()
}

fn in_order(line: &Line) -> Vec<&Line> {
    let mut lines: Vec<_> = line.beside.iter().chain([line]).collect();
    lines.sort_by_key(|line| line.seq);
    lines
}

impl AttemptRow {
    /// `None` where nothing was sent.
    fn new(line: &Line, catalogue: &Catalogue) -> Option<Self> {
        let outcome = &line.entry.outcome;
        let target = line.entry.target.as_ref()?;
        Some(Self {
            number: outcome.attempts,
            provider: catalogue.provider_name(target.provider),
            model: target.upstream_model.to_string(),
            status: outcome.status,
            http_status: outcome.http_status,
            tone: tone(outcome.status),
            ended_after: shown::millis(outcome.latency_ms),
            cost: line.entry.amount.into(),
        })
    }
}

impl EntryRow {
    fn new(line: &Line, catalogue: &Catalogue) -> Option<Self> {
        let target = line.entry.target.as_ref()?;
        Some(Self {
            seq: line.seq.to_string(),
            kind: line.entry.kind,
            debit: line.entry.call.key.to_string(),
            credit: catalogue.provider_name(target.provider),
            amount: line.entry.amount.into(),
            time: line.entry.closed_at.into(),
        })
    }
}
