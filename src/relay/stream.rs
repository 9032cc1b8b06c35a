//! Passing the answer on: whole, or as a stream whose end follows its settlement.
//! Owns what the end of an answer means for money, circuits and the client. Refuses to forward: that is the pump's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farthing_actors::breakers::Trial;
use farthing_actors::domain::{CallStatus, EstimateReason, Money, Units};
use farthing_actors::idempotency::{MAX_KEPT, Shape};
use farthing_actors::registry::catalogue::Candidate;
use farthing_actors::tasks::Stage;

use super::attempt::{Opened, OpenedAnswer, OpenedStream, OpenedWhole};
use super::exchange::{Admitted, Answer, AnswerBody, Exchange, Facts, target};
use super::keeping::{Outlet, kept_whole, shape_of};
use super::metering::{heard, read_aloud};
use super::pipe::pipe;
use super::pump::{PumpEnd, pump};
use super::recount::transcript;
use super::settlement::{End, client_gone, consumed, pictures};
use super::{Client, Relay};
use crate::dialect::{Endpoint, ErrorBody, Passage, Reading, Request, Seen, answer};
use crate::upstream::Delivery;

/// The deployment that answers, and its place in a half-open circuit until the outcome is known.
struct Chosen {
    candidate: Candidate,
    trial: Option<Trial>,
    first_token: Duration,
}

impl Relay {
    /// Phases 4 to 6 for either kind of answer.
    pub(super) async fn pass_on(
        &self,
        mut exchange: Box<Exchange>,
        admitted: Box<Admitted>,
        opened: Opened,
        client: Client,
    ) {
        let Opened { candidate, trial, first_token, answer } = opened;
        let mut facts = self.facts(&exchange, &admitted, &candidate);
        exchange.keepsake = Self::keepsake(&exchange, &facts, &candidate);
        let candidate = Chosen { candidate, trial, first_token };
        match answer {
            OpenedAnswer::Whole(whole) => {
                let (cost, units) = self.settle_whole(&exchange, admitted, candidate, &whole).await;
                facts.cost = cost;
                let kind = whole.content_type.clone();
                let body = in_clients_words(&exchange, whole, facts.cost);
                let is_abandoned = exchange.flight.is_abandoned.get();
                if let Some(keepsake) = exchange.keepsake.take().filter(|_| cost.is_some() && !is_abandoned) {
                    self.keep_for_others(*keepsake, &units, &body);
                }
                if exchange.ask.claim.is_some() {
                    Box::pin(self.keep(&mut exchange, facts.cost, (Shape::Whole, kept_whole(&body, kind.as_deref()))))
                        .await;
                }
                // Booked whether or not the client is still there.
                drop(client.send(Ok(Answer { facts, body: AnswerBody::Whole(body, kind) })));
            }
            OpenedAnswer::Stream(stream) => {
                let (pieces, body) = pipe();
                let body = AnswerBody::Stream(body, clients_delivery(&exchange.ask.request));
                drop(client.send(Ok(Answer { facts, body })));
                let pieces = Outlet::new(pieces, self.most_kept(&exchange));
                // Boxed: a whole answer should not carry the room that only a stream needs.
                Box::pin(self.relay_stream(exchange, admitted, candidate, (*stream, pieces))).await;
            }
        }
    }

    async fn settle_whole(
        &self,
        exchange: &Exchange,
        admitted: Box<Admitted>,
        chosen: Chosen,
        whole: &OpenedWhole,
    ) -> (Option<Money>, Units) {
        // What generates nothing owes nothing for the size of its answer.
        let generated = if exchange.head().output_cap == Some(0) { 0 } else { whole.body.len() };
        let seen = Seen { text_bytes: u64::try_from(generated).unwrap_or(u64::MAX), ..Seen::default() };
        let price = chosen.candidate.deployment.price.as_deref().map(|(_, price)| price);
        let (usage, provenance) = match whole.reading {
            reading if exchange.ask.request.endpoint() == Endpoint::Transcriptions => {
                heard(reading, &admitted.estimate, seen, price)
            }
            _ if exchange.ask.request.endpoint() == Endpoint::Speech => read_aloud(&admitted.estimate, price),
            Reading::Pictures(images) => pictures(images, &admitted.estimate, price),
            reading => consumed(reading, &admitted.estimate, seen, EstimateReason::Missing),
        };
        let first_token = Some(chosen.first_token);
        let target = target(&chosen.candidate);
        self.succeeded(exchange, &chosen.candidate, chosen.trial);
        let mut end = if exchange.flight.is_abandoned.get() {
            client_gone(usage, provenance, first_token)
        } else {
            End { status: CallStatus::Ok, http_status: 200, usage, provenance, first_token }
        };
        let later = self.recount(exchange, &mut end, || transcript(exchange, whole)).await;
        let cost = self.settle(exchange, admitted, Some(target), end).await;
        self.correct(exchange.id, later);
        (cost, usage.units)
    }

    /// How much of a stream is remembered, for whoever is given it again.
    fn most_kept(&self, exchange: &Exchange) -> usize {
        let named = exchange.ask.claim.as_ref().map_or(0, |_| MAX_KEPT);
        exchange.keepsake.as_ref().map_or(named, |_| self.cache.bounds().max_entry_bytes.max(named))
    }

    async fn relay_stream(
        &self,
        mut exchange: Box<Exchange>,
        admitted: Box<Admitted>,
        chosen: Chosen,
        (stream, pieces): (OpenedStream, Outlet),
    ) {
        let OpenedStream { mut reader, mut body, first } = stream;
        let keep_alive = answer::keep_alive(exchange.ask.request.dialect());
        let target = target(&chosen.candidate);
        let mut note = |reader: &dyn Passage| {
            let (usage, _) = consumed(reader.usage(), &admitted.estimate, reader.seen(), EstimateReason::Crash);
            admitted.hold.note_progress(&target, usage);
        };
        let ended = tokio::select! {
            biased;
            ended = pump(&mut *reader, &mut body, first, (&pieces, keep_alive), &mut note) => ended,
            () = self.tasks.reached(Stage::Cutting) => PumpEnd::Stopped,
        };
        let ended = match ended {
            PumpEnd::ClientGone if self.read_on(&chosen.candidate, &mut *reader, &mut body).await => PumpEnd::ReadOn,
            ended => ended,
        };
        // Which closes the upstream connection before anything else is done.
        drop(body);
        let mut end = self.judge(&exchange, &admitted, chosen, (&*reader, &ended)).await;
        let later = self.recount(&exchange, &mut end, || reader.transcript()).await;
        let units = end.usage.units;
        let cost = self.settle(&exchange, admitted, Some(target), end).await;
        self.correct(exchange.id, later);
        let last = match ended {
            PumpEnd::Complete => {
                let last = reader.tail(cost.map(|cost| receipt(&exchange, cost)).as_deref());
                let (shape, body) = (shape_of(&exchange.ask.request), pieces.kept(&last));
                if let (Some(keepsake), Some(_), Some(body)) = (exchange.keepsake.take(), cost, &body) {
                    self.keep_for_others(*keepsake, &units, body);
                }
                self.keep(&mut exchange, cost, (shape, body)).await;
                last
            }
            PumpEnd::Failed(_) => broken_off(&exchange.ask.request),
            PumpEnd::Stopped => stopped(&exchange.ask.request),
            PumpEnd::ClientGone | PumpEnd::ReadOn => return,
        };
        // Whoever reads the end of a broken answer may come again at once.
        drop(exchange.ask.claim.take());
        // A client that leaves now has missed only the end, and that is booked.
        drop(pieces.send(last).await);
    }

    /// What a stream's end means: status, usage, and what the breakers hear.
    async fn judge(
        &self,
        exchange: &Exchange,
        admitted: &Admitted,
        chosen: Chosen,
        (reader, ended): (&dyn Passage, &PumpEnd),
    ) -> End {
        let figures = |missing| consumed(reader.usage(), &admitted.estimate, reader.seen(), missing);
        let first_token = Some(chosen.first_token);
        match ended {
            PumpEnd::Complete => {
                self.succeeded(exchange, &chosen.candidate, chosen.trial);
                self.recounting.reporting.note(chosen.candidate.deployment.id, reader.usage());
                let (usage, provenance) = figures(EstimateReason::Missing);
                End { status: CallStatus::Ok, http_status: 200, usage, provenance, first_token }
            }
            PumpEnd::ReadOn => {
                let (usage, provenance) = figures(EstimateReason::Missing);
                client_gone(usage, provenance, first_token)
            }
            PumpEnd::ClientGone => {
                let (usage, provenance) = figures(EstimateReason::ClientGone);
                client_gone(usage, provenance, first_token)
            }
            PumpEnd::Failed(error) => {
                self.report(exchange, &chosen.candidate, chosen.trial, error).await;
                let (usage, provenance) = figures(EstimateReason::UpstreamCut);
                End { status: CallStatus::UpstreamCut, http_status: 200, usage, provenance, first_token }
            }
            PumpEnd::Stopped => {
                let (usage, provenance) = figures(EstimateReason::Stopped);
                End { status: CallStatus::Interrupted, http_status: 200, usage, provenance, first_token }
            }
        }
    }

    fn facts(&self, exchange: &Exchange, admitted: &Admitted, candidate: &Candidate) -> Facts {
        Facts {
            provider: candidate.provider.name.clone(),
            model: Arc::clone(&candidate.deployment.upstream_model),
            attempts: admitted.tries(),
            cost: None,
            overhead_us: exchange.elapsed(&self.clock).saturating_sub(admitted.waited).as_micros(),
            headroom: admitted.permit.headroom(),
            ignored: admitted.ignored.clone(),
            lowered: admitted.lowered,
            cache: exchange.cache,
        }
    }
}

/// What the client is told about the bill, in the usage chunk it asked for.
fn receipt(exchange: &Exchange, cost: Money) -> String {
    format!(r#"{{"cost_usd":"{cost}","request_id":"{}"}}"#, exchange.id)
}

/// A whole answer as the client reads it: as it came, or written anew in the client's dialect.
fn in_clients_words(exchange: &Exchange, whole: OpenedWhole, cost: Option<Money>) -> Bytes {
    match whole.anew {
        None => whole.body,
        Some(anew) => {
            let receipt = cost.map(|cost| receipt(exchange, cost));
            answer::finish(exchange.ask.request.dialect(), anew, receipt.as_deref())
        }
    }
}

/// How a stream goes to the client.
pub(super) fn clients_delivery(request: &Request) -> Delivery {
    if request.wants_array() { Delivery::Array } else { Delivery::Events }
}

/// The one error event of a broken answer; no end marker follows, so that stock clients raise.
fn broken_off(request: &Request) -> Bytes {
    let message = "the provider's answer broke off; what was produced until then is charged";
    ErrorBody { status: 502, message, kind: "upstream_error", param: None, code: Some("upstream_cut") }.ending(request)
}

/// The same where it is the gateway that ends it.
fn stopped(request: &Request) -> Bytes {
    let message = "the gateway is stopping; what was produced until then is charged";
    ErrorBody { status: 503, message, kind: "api_error", param: None, code: Some("server_shutdown") }.ending(request)
}
