//! Settlement: the only closer of holds.
//! Owns which usage counts (the provider's figures, else what was seen, flagged) and what is told afterwards.

use std::sync::Arc;
use std::time::Duration;

use farthing_actors::domain::{CallStatus, EstimateReason, Money, Price, Provenance, ProviderId, Units, Usage};
use farthing_actors::feed::{Event, UsageRecorded};
use farthing_actors::ledger::{Hold, Outcome, Target};

use super::estimate::Estimate;
use super::exchange::{Admitted, Exchange, Unbooked};
use super::fallback::may_have_worked;
use super::{Relay, RelayError, Sent};
use crate::dialect::{Endpoint, Reading, Seen, plain};
use crate::logging;
use crate::upstream::UpstreamError;

/// What a client sees that has left: nothing. The number is nginx's, which logs and dashboards know.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// How an exchange ended and what it consumed.
pub(super) struct End {
    pub status: CallStatus,
    pub http_status: u16,
    pub usage: Usage,
    pub provenance: Provenance,
    pub first_token: Option<Duration>,
}

/// Why an answer was given up before it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unopened {
    /// The client left.
    ClientGone,
    /// The gateway stops, and has waited long enough.
    Stopped,
}

impl Unopened {
    fn estimate(self) -> EstimateReason {
        match self {
            Self::ClientGone => EstimateReason::ClientGone,
            Self::Stopped => EstimateReason::Stopped,
        }
    }
}

/// Usage and how we know it: the provider's figures, or else what was seen, with the reason.
pub(super) fn consumed(
    reading: Reading,
    estimate: &Estimate,
    seen: Seen,
    missing: EstimateReason,
) -> (Usage, Provenance) {
    match reading {
        // Figures of a stream that did not end are figures of its beginning.
        Reading::Figures(usage)
            if estimate.allows(&usage)
                && missing != EstimateReason::Missing
                && usage.generated() < estimate.seen(seen).output =>
        {
            let output = estimate.seen(seen).output.saturating_sub(usage.reasoning);
            (Usage { output, ..usage }, Provenance::Estimated(missing))
        }
        Reading::Figures(usage) if estimate.allows(&usage) => (usage, Provenance::Provider),
        Reading::Figures(_) => insane("far more than was sent or asked for", estimate, seen),
        Reading::Absent | Reading::Pictures(_) => (unreported(estimate, seen), Provenance::Estimated(missing)),
        Reading::Insane(what) => insane(what, estimate, seen),
    }
}

fn insane(what: &str, estimate: &Estimate, seen: Seen) -> (Usage, Provenance) {
    log::warn!(reason = what; "the provider's usage figures are impossible, estimating");
    (unreported(estimate, seen), Provenance::Estimated(EstimateReason::Insane))
}

/// What was seen and what is likely beside it, in the tier that the provider named, or else the one that was asked for.
pub(super) fn unreported(estimate: &Estimate, seen: Seen) -> Usage {
    let tier = seen.tier.or(estimate.tier).unwrap_or_default();
    Usage { tier, units: estimate.likely, ..estimate.seen(seen) }
}

/// The usage of an answer that has nothing but its pictures to count: exact where they are billed by the picture, else
/// what their tokens likely are.
pub(super) fn pictures(images: u64, estimate: &Estimate, price: Option<&Price>) -> (Usage, Provenance) {
    let counted = Usage { units: Units { images, ..Units::NONE }, ..Usage::default() };
    let likely = Usage { units: plain::images::likely(images), ..unreported(estimate, Seen::default()) };
    match price {
        Some(price) if price.cost(&likely) != price.cost(&counted) => {
            (likely, Provenance::Estimated(EstimateReason::Missing))
        }
        _ => (counted, Provenance::Counted),
    }
}

impl Relay {
    /// Closes what was set aside for `exchange` and tells everybody. Gives what it cost with all its attempts; `None` if
    /// the last could not be written down, which is logged and mended at the next start.
    pub(super) async fn settle(
        &self,
        exchange: &Exchange,
        admitted: Box<Admitted>,
        target: Option<Target>,
        end: End,
    ) -> Option<Money> {
        let Admitted { candidates, hold, permit, attempts, booked, tokens, .. } = *admitted;
        permit.finish(end.usage.total().saturating_add(tokens));
        if let Some(target) = target.as_ref().filter(|_| end.status == CallStatus::Ok) {
            self.note_detour(exchange, target, &end.usage);
        }
        let outcome = Outcome {
            status: end.status,
            http_status: end.http_status,
            usage: end.usage,
            provenance: end.provenance,
            attempts,
            latency_ms: millis(exchange.elapsed(&self.clock)),
            first_token_ms: end.first_token.map(millis),
        };
        let provider = target.as_ref().map(|target| target.provider);
        let provider = provider.or_else(|| candidates.first().map(|first| first.provider.id));
        self.book(exchange, hold, (target, provider), (outcome, booked)).await
    }

    /// Closes a hold at `outcome` and tells everybody what it cost, with what was `booked` of it before.
    pub(super) async fn book(
        &self,
        exchange: &Exchange,
        hold: Hold,
        (target, provider): (Option<Target>, Option<ProviderId>),
        (outcome, booked): (Outcome, Money),
    ) -> Option<Money> {
        let mut event = usage_recorded(exchange, &outcome);
        let cost = self.close(hold, target, outcome).await.map(|last| last + booked);
        event.time = self.clock.now();
        event.provider_id = provider;
        event.cost_usd = cost.unwrap_or_default();
        self.feed.publish(Event::Usage(event));
        cost
    }

    /// Closes a hold; a failure is logged here, once.
    pub(super) async fn close(&self, hold: Hold, target: Option<Target>, outcome: Outcome) -> Option<Money> {
        let request = hold.request();
        let closed = hold.settle(target, outcome).await;
        closed.inspect_err(|error| log::error!((logging::REQUEST_ID):% = request, (logging::ERROR):% = error; "settlement not recorded")).ok()
    }

    /// Every attempt failed: nothing is due unless the provider may have worked before it failed.
    pub(super) async fn fail(&self, exchange: &Exchange, admitted: Box<Admitted>, error: RelayError) -> RelayError {
        let ended = admitted.unbooked.as_ref();
        let (usage, provenance) = ended.map_or_else(nothing, |ended| (ended.usage, ended.provenance));
        let target = ended.map(|ended| ended.target.clone()).or_else(|| admitted.tried.clone());
        let end = End {
            status: if is_refusal(&error) { CallStatus::Refused } else { CallStatus::UpstreamError },
            http_status: super::error::upstream_status(&error),
            usage,
            provenance,
            first_token: None,
        };
        let (attempts, model) =
            (admitted.tries(), admitted.tried.as_ref().map(|tried| Arc::clone(&tried.upstream_model)));
        let cost = self.settle(exchange, admitted, target, end).await;
        let sent = model.filter(|_| attempts > 0).map(|model| Box::new(Sent { model, attempts, cost }));
        told(error, exchange.ask.request.endpoint(), sent)
    }

    /// How an attempt ended that is not the last.
    pub(super) fn outcome_of_earlier(&self, exchange: &Exchange, admitted: &Admitted, ended: &Unbooked) -> Outcome {
        Outcome {
            status: ended.status,
            http_status: ended.http_status,
            usage: ended.usage,
            provenance: ended.provenance,
            attempts: admitted.attempts,
            latency_ms: millis(exchange.elapsed(&self.clock)),
            first_token_ms: None,
        }
    }

    /// Nobody waited for the answer to begin: the upstream call is cancelled, its prompt was taken in; if none was sent
    /// yet, nothing was.
    pub(super) async fn give_up(&self, exchange: &Exchange, admitted: Box<Admitted>, why: Unopened) {
        let (usage, provenance) = match (admitted.attempts, &admitted.unbooked) {
            (0, _) => (Usage::default(), Provenance::Counted),
            (_, Some(ended)) => (ended.usage, ended.provenance),
            (_, None) => (unreported(&admitted.estimate, Seen::default()), Provenance::Estimated(why.estimate())),
        };
        let end = match why {
            Unopened::ClientGone => client_gone(usage, provenance, None),
            Unopened::Stopped => {
                End { status: CallStatus::Interrupted, http_status: 503, usage, provenance, first_token: None }
            }
        };
        let tried = admitted.tried.clone();
        self.settle(exchange, admitted, tried, end).await;
    }
}

fn usage_recorded(exchange: &Exchange, outcome: &Outcome) -> UsageRecorded {
    UsageRecorded {
        time: exchange.placed_at,
        request_id: exchange.id,
        project_id: exchange.key.project.id,
        key_id: exchange.key_id(),
        model: exchange.head().model.as_str().into(),
        provider_id: None,
        status: outcome.status,
        http_status: outcome.http_status,
        input_tokens: outcome.usage.prompt(),
        output_tokens: outcome.usage.generated(),
        cost_usd: Money::ZERO,
        latency_ms: outcome.latency_ms,
        first_token_ms: outcome.first_token_ms,
    }
}

/// What a failed attempt consumed: what it `told` beside its failure, or else its prompt where the provider may have worked before
/// it failed.
pub(super) fn failed_usage(estimate: &Estimate, told: Reading, error: &UpstreamError) -> (Usage, Provenance) {
    match told {
        Reading::Figures(usage) if estimate.allows(&usage) => (usage, Provenance::Provider),
        _ if may_be_billed(error) => {
            (unreported(estimate, Seen::default()), Provenance::Estimated(EstimateReason::UpstreamCut))
        }
        _ => nothing(),
    }
}

fn nothing() -> (Usage, Provenance) {
    (Usage::default(), Provenance::Counted)
}

/// The end of an exchange whose client left.
pub(super) fn client_gone(usage: Usage, provenance: Provenance, first_token: Option<Duration>) -> End {
    End { status: CallStatus::ClientGone, http_status: CLIENT_CLOSED_REQUEST, usage, provenance, first_token }
}

/// `error` with what was `sent`. A call that may have made a work is not to be sent again, by nobody.
fn told(error: RelayError, endpoint: Endpoint, sent: Option<Box<Sent>>) -> RelayError {
    match error {
        RelayError::Upstream { provider, error, again, .. } => {
            let again = again && !(endpoint.makes_works() && may_have_worked(&error));
            RelayError::Upstream { provider, error, again, sent }
        }
        other => other,
    }
}

/// Whether nothing was sent at all, because of what was asked.
fn is_refusal(error: &RelayError) -> bool {
    matches!(error, RelayError::Upstream { error: UpstreamError::Inexpressible(_), .. })
}

/// Whether the provider may have worked, and bill for it, although no answer came.
fn may_be_billed(error: &UpstreamError) -> bool {
    // An answer that cannot be read is an answer: only an error in the provider's own words says that nothing is due.
    matches!(error, UpstreamError::Timeout(_) | UpstreamError::Cut(_) | UpstreamError::Garbage(_))
}

/// Whole milliseconds, for a row.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
