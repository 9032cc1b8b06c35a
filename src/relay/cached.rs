//! Cached: an answer that was given before, given again to whoever of the same project asks the same.
//! Owns what makes two requests the same, and which answers are kept: whole, settled, not cut short by a budget, and text.
//! A hit passes the same limits as any call and has its line in the books; it only costs nothing, and asks no provider.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farthing_actors::cache::{Kept, Slot};
use farthing_actors::domain::{CallStatus, Money, Provenance, ProviderId, Units, Usage};
use farthing_actors::idempotency::Shape;
use farthing_actors::ledger::{Hold, HoldRequest, Outcome, Target};
use farthing_actors::limiters::{Headroom, Permit};
use farthing_actors::registry::catalogue::{Candidate, Provider};
use sha2::{Digest, Sha256};

use super::exchange::{Answer, AnswerBody, Exchange, Facts};
use super::keeping::shape_of;
use super::pipe::pipe;
use super::settlement::millis;
use super::stream::clients_delivery;
use super::{Client, Relay, RelayError};
use crate::dialect::{Endpoint, Request};

/// Nothing is sent for a hit, so only a dying process leaves its hold open.
const PATIENCE_MS: u64 = 60_000;

/// What a request wants of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caching {
    /// An answer that is there may be given if it is younger than this; with `None` it is asked anew.
    pub find: Option<Duration>,
    /// The answer may be given again for so long; with `None` it is not kept.
    pub keep: Option<Duration>,
}

/// What became of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheState {
    /// The answer was there.
    Hit,
    /// It was not.
    Miss,
    /// Nobody looked: the request asked for that, or such answers are never kept.
    Bypass,
}

/// An answer that will be kept when it is complete, all but its body.
pub(super) struct Keepsake(Slot, Kept);

impl Relay {
    /// The answer that may be given again to `exchange`, if there is one. Notes where its own will be kept.
    pub(super) async fn find_kept(&self, exchange: &mut Exchange) -> Option<(Arc<Kept>, Arc<Provider>)> {
        let caching = exchange.ask.caching?;
        exchange.cache = Some(CacheState::Bypass);
        if self.cache.bounds().max_bytes == 0 || !is_kept(&exchange.ask.request) {
            return None;
        }
        let slot = slot(exchange);
        exchange.slot = caching.keep.map(|_| slot);
        let max_age = caching.find?;
        exchange.cache = Some(CacheState::Miss);
        if !self.is_offered(exchange) {
            return None;
        }
        let kept = self.cache.find(slot, max_age).await?;
        let provider = self.catalogue.load().provider(kept.provider).filter(|provider| provider.enabled).cloned()?;
        exchange.cache = Some(CacheState::Hit);
        Some((kept, provider))
    }

    /// Whether the caller may use the model, and it still is one. Where it would go is decided only if it goes.
    fn is_offered(&self, exchange: &Exchange) -> bool {
        let (model, catalogue) = (&exchange.head().model, self.catalogue.load());
        let known = !catalogue.candidates(model).is_empty() || catalogue.group_by_name(model).is_some();
        exchange.key.admits(model) && (known || self.patterns.find(model).is_some())
    }

    /// Gives `kept` to the client of `exchange`, booked like any call, at nothing.
    pub(super) async fn give_again(
        &self,
        mut exchange: Box<Exchange>,
        kept: Arc<Kept>,
        provider: &Provider,
        client: Client,
    ) {
        exchange.why = Some(format!("cached answer of {}", kept.request).into());
        let (permit, hold) = match self.admit_again(&exchange, &kept).await {
            Ok(admitted) => admitted,
            Err(error) => return self.refuse(exchange, client, error).await,
        };
        let facts = self.facts_again(&exchange, &kept, provider, permit.headroom());
        let cost = self.book_again(&exchange, (permit, hold), kept.provider).await;
        let shape = shape_of(&exchange.ask.request);
        if exchange.ask.claim.is_some() {
            self.keep(&mut exchange, cost, (shape, Some(kept.body.to_vec()))).await;
        }
        let body = Bytes::from_owner(Arc::clone(&kept.body));
        let body = match shape {
            Shape::Whole => AnswerBody::Whole(body, None),
            Shape::Events | Shape::Array => {
                let (pieces, stream) = pipe();
                // There is room for one, and who would read it is here.
                pieces.send(body).await.ok();
                AnswerBody::Stream(stream, clients_delivery(&exchange.ask.request))
            }
        };
        // Booked whether or not the client is still there.
        drop(client.send(Ok(Answer { facts: Facts { cost, ..facts }, body })));
    }

    /// The limits and caps of any call, and a hold of nothing.
    async fn admit_again(&self, exchange: &Exchange, kept: &Kept) -> Result<(Permit, Hold), RelayError> {
        let hold = HoldRequest {
            call: exchange.call(),
            // Without a price, so that whatever becomes of the hold, it costs nothing.
            target: Target {
                provider: kept.provider,
                deployment: kept.deployment,
                upstream_model: Arc::clone(&kept.upstream_model),
                price: None,
            },
            amount: Money::ZERO,
            expected: Usage::default(),
            least: Money::ZERO,
            run_limit: exchange.run_limit(),
            patience_ms: PATIENCE_MS,
        };
        self.admit_both(exchange, hold, 0).await
    }

    async fn book_again(
        &self,
        exchange: &Exchange,
        (permit, hold): (Permit, Hold),
        provider: ProviderId,
    ) -> Option<Money> {
        permit.finish(0);
        let latency_ms = millis(exchange.elapsed(&self.clock));
        let outcome = Outcome {
            status: CallStatus::Ok,
            http_status: 200,
            usage: Usage::default(),
            provenance: Provenance::Cached,
            attempts: 0,
            latency_ms,
            first_token_ms: Some(latency_ms),
        };
        self.book(exchange, hold, (None, Some(provider)), (outcome, Money::ZERO)).await
    }

    fn facts_again(&self, exchange: &Exchange, kept: &Kept, provider: &Provider, headroom: Option<Headroom>) -> Facts {
        Facts {
            provider: provider.name.clone(),
            model: Arc::clone(&kept.upstream_model),
            attempts: 0,
            cost: None,
            overhead_us: exchange.elapsed(&self.clock).as_micros(),
            headroom,
            ignored: kept.ignored.clone(),
            lowered: None,
            cache: exchange.cache,
        }
    }

    /// What of the answer is known when it begins, if it is to be kept.
    pub(super) fn keepsake(exchange: &Exchange, facts: &Facts, candidate: &Candidate) -> Option<Box<Keepsake>> {
        let (slot, lifetime) = (exchange.slot?, exchange.ask.caching?.keep?);
        // An answer that a budget cut short is not the answer to the request.
        if facts.lowered.is_some() {
            return None;
        }
        let kept = Kept {
            project: exchange.key.project.id,
            request: exchange.id,
            asked_at: exchange.arrived,
            lifetime,
            provider: candidate.provider.id,
            deployment: candidate.deployment.id,
            upstream_model: Arc::clone(&facts.model),
            ignored: facts.ignored.clone(),
            body: Arc::new([]),
        };
        Some(Box::new(Keepsake(slot, kept)))
    }

    /// Keeps a complete answer that is settled, with `units` beside its text.
    pub(super) fn keep_for_others(&self, keepsake: Keepsake, units: &Units, body: &[u8]) {
        let Keepsake(slot, kept) = keepsake;
        if is_text(units) && body.len() <= self.cache.bounds().max_entry_bytes {
            self.cache.keep(slot, Kept { body: body.into(), ..kept });
        }
    }
}

impl CacheState {
    /// The name in the header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
        }
    }
}

/// Whether answers to such requests are ever kept: not those of sound and pictures, nor those that depend on what a provider
/// has stored.
fn is_kept(request: &Request) -> bool {
    let text = match request.endpoint() {
        Endpoint::Images | Endpoint::Speech | Endpoint::Transcriptions => false,
        Endpoint::Conversation
        | Endpoint::Completions
        | Endpoint::Embeddings
        | Endpoint::BatchEmbeddings
        | Endpoint::Moderations
        | Endpoint::Rerank => true,
    };
    text && request.stored_state().is_none()
}

fn is_text(units: &Units) -> bool {
    let Units { audio_output, image_output, images, audio_ms, characters, .. } = units;
    [audio_output, image_output, images, audio_ms, characters].into_iter().all(|count| *count == 0)
}

/// Everything that may change the answer, and whose it is; of the body what it says, not how that is written.
fn slot(exchange: &Exchange) -> Slot {
    let Exchange { ask, key, .. } = exchange;
    let (request, head) = (&ask.request, exchange.head());
    let digest = [
        key.project.id.to_string().as_str(),
        request.dialect().name(),
        &format!("{:?}", request.endpoint()),
        if head.stream { "stream" } else { "whole" },
        if request.wants_array() { "array" } else { "" },
        &head.model,
        ask.tags.as_deref().unwrap_or(""),
    ]
    .into_iter()
    .chain(ask.headers.iter().flat_map(|(name, value)| [*name, value.as_str()]))
    .fold(Sha256::new(), framed);
    Slot(digest.chain_update(request.sameness()).finalize().into())
}

/// With a text whose end cannot be mistaken.
fn framed(digest: Sha256, text: &str) -> Sha256 {
    digest.chain_update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes()).chain_update(text)
}
