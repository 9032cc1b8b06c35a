//! Calls, one row each, as lists show them. `static/js/calls.js` makes the same row of an event.
//! Owns how loud a status is. Refuses what only a call's own page tells.

use farthing_actors::domain::CallStatus;
use farthing_actors::keyring::ring::Keys;
use farthing_actors::registry::catalogue::Catalogue;

use super::shown::{self, Amount, Moment};
use crate::admin::books::Line;

/// One finished call. Names are of today; what has gone meanwhile is shown by its id.
pub(super) struct CallRow {
    pub(super) id: String,
    pub(super) closed_ms: i64,
    pub(super) closed: Moment,
    pub(super) time: String,
    pub(super) project: String,
    pub(super) key: String,
    pub(super) model: String,
    pub(super) provider: String,
    pub(super) status: CallStatus,
    pub(super) http_status: u16,
    pub(super) tone: &'static str,
    pub(super) input: String,
    pub(super) output: String,
    pub(super) cost: Amount,
    pub(super) latency: String,
}

impl CallRow {
    pub(super) fn new(line: &Line, keys: &Keys, catalogue: &Catalogue) -> Self {
        let entry = &line.entry;
        let (call, outcome) = (&entry.call, line.outcome());
        let provider = entry.target.as_ref().map(|target| {
            let found = catalogue.provider(target.provider);
            found.map_or_else(|| target.provider.to_string(), |provider| provider.name.clone())
        });
        Self {
            id: call.request.to_string(),
            closed_ms: entry.closed_at.0,
            closed: entry.closed_at.into(),
            time: shown::time_of_day(entry.closed_at),
            project: keys.project(call.project).map_or_else(|| call.project.to_string(), |found| found.name.clone()),
            key: keys.key(call.key).map_or_else(|| call.key.to_string(), |found| found.key.name.clone()),
            model: call.model.to_string(),
            provider: provider.unwrap_or_else(|| "–".to_owned()),
            status: outcome.status,
            http_status: outcome.http_status,
            tone: tone(outcome.status),
            input: shown::count(outcome.usage.prompt()),
            output: shown::count(outcome.usage.generated()),
            cost: line.cost().into(),
            latency: shown::millis(outcome.latency_ms),
        }
    }
}

/// How loud a status is: a client that left is nobody's fault.
pub(super) fn tone(status: CallStatus) -> &'static str {
    match status {
        CallStatus::Ok => "good",
        CallStatus::ClientGone | CallStatus::Refused => "fair",
        CallStatus::UpstreamCut | CallStatus::UpstreamError | CallStatus::Interrupted => "bad",
    }
}
