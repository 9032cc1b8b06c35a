//! Endings: how an attempt ended, as the relay tells it. Owns which of them cost nothing. Refuses amounts: the pricer has them.

use std::sync::Arc;

use super::{CallStatus, LineKind, Money, Outcome, Provenance, RequestId, Target, Usage};

/// The end of an attempt, as the relay tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whether the hold ends with it.
    pub kind: LineKind,
    /// Whose.
    pub request: RequestId,
    /// Where it went; `None` where it was the hold's target.
    pub target: Option<Target>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was set aside for this attempt alone, of one that is not the last.
    pub freed: Money,
    /// Why the call went where it went, if that became known after its hold was placed.
    pub route: Option<Arc<str>>,
}

/// The end of a call of which nothing is left to book.
pub(super) fn nothing_more(outcome: Outcome) -> Outcome {
    Outcome { usage: Usage::default(), ..outcome }
}

/// A void: the call failed or was refused before it consumed anything, so not even a request fee is due.
pub(super) fn consumed_nothing(outcome: &Outcome) -> bool {
    let void = match outcome.status {
        CallStatus::UpstreamError | CallStatus::Refused => true,
        // It left after a failure that is not billed; else what it took is reported or estimated.
        CallStatus::ClientGone => outcome.provenance == Provenance::Counted,
        _ => false,
    };
    void && outcome.usage.is_nothing()
}
