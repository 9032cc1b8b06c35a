//! What people are told in words: why a request was refused, where its figures come from, what headers its client saw.
//! Owns the words. Refuses to guess: a header that cannot be derived from the books is not listed.

use farthing_actors::domain::{CallStatus, EstimateReason, Provenance};
use farthing_actors::ledger::entry::Outcome;

use crate::admin::books::Line;

/// A header of the answer.
pub(super) struct Header {
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// Why nothing was sent; `None` if something was.
pub(super) fn refusal(outcome: &Outcome) -> Option<&'static str> {
    (outcome.status == CallStatus::Refused).then_some(match outcome.http_status {
        400 => "The request could not be sent as it was: a part of it fits no deployment of the model.",
        402 => "A budget of its key, its run, its project or a project above could not cover what it might cost.",
        403 => "Its key may not use this model, this endpoint or this parameter.",
        404 => "No deployment offers this model to its key.",
        409 => "Its idempotency key was in use for another request, or what came of it is in doubt.",
        429 => {
            "A limit on requests, tokens or calls at a time was reached: of its key, its project, or a project above."
        }
        503 => "The gateway or every deployment of the model could take no call at that moment.",
        _ => "It was refused before anything was sent.",
    })
}

/// Where the figures come from.
pub(super) fn provenance(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Provider => "as the provider reported it",
        Provenance::Counted => "counted by Farthing: the provider consumed nothing that it would report",
        Provenance::Cached => "nothing: an earlier answer was given again",
        Provenance::Estimated(why) => match why {
            EstimateReason::Missing => "estimated: the provider reported none",
            EstimateReason::ClientGone => "estimated: the client left before the provider reported it",
            EstimateReason::UpstreamCut => "estimated: the provider's answer broke off",
            EstimateReason::Crash => "estimated: the gateway died while it ran",
            EstimateReason::Stopped => "estimated: the gateway was stopped while it ran",
            EstimateReason::Insane => "estimated: what the provider reported could not be true",
        },
    }
}

/// Whether an earlier answer was given again.
pub(super) fn is_cached(outcome: &Outcome) -> bool {
    outcome.provenance == Provenance::Cached
}

/// The headers that follow from the books.
pub(super) fn headers(line: &Line, provider: Option<&str>) -> Vec<Header> {
    let (entry, outcome) = (&line.entry, line.outcome());
    let mut headers = vec![Header { name: "x-farthing-request-id", value: entry.call.request.to_string() }];
    // An error carries the id alone.
    if outcome.http_status != 200 {
        return headers;
    }
    let mut tell = |name, value: Option<String>| headers.extend(value.map(|value| Header { name, value }));
    tell("x-farthing-provider", provider.map(ToOwned::to_owned));
    tell("x-farthing-model", entry.target.as_ref().map(|target| target.upstream_model.to_string()));
    tell("x-farthing-attempts", Some(outcome.attempts.to_string()));
    // A stream's head is sent before anybody knows what it will cost.
    tell("x-farthing-cost", (!entry.call.stream).then(|| line.cost().to_string()));
    tell("x-farthing-cache", is_cached(outcome).then(|| "hit".to_owned()));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use farthing_actors::domain::Usage;

    #[test]
    fn only_a_refusal_has_a_reason_and_every_one_has() {
        let outcome = |status, http_status| Outcome {
            status,
            http_status,
            usage: Usage::default(),
            provenance: Provenance::Counted,
            attempts: 0,
            latency_ms: 1,
            first_token_ms: None,
        };
        assert_eq!(refusal(&outcome(CallStatus::UpstreamError, 402)), None);
        assert!(refusal(&outcome(CallStatus::Refused, 402)).unwrap().contains("budget"));
        assert!(refusal(&outcome(CallStatus::Refused, 599)).is_some());
    }
}
