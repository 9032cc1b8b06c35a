//! One request's state, a type for each phase, so that a later phase cannot run before an earlier one.
//! Owns what is known when; refuses to do anything with it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farthing_actors::domain::{Clock, KeyId, Money, RequestId, Timestamp};
use farthing_actors::keyring::ring::AuthorizedKey;
use farthing_actors::ledger::{Call, Hold, Target};
use farthing_actors::limiters::{Headroom, Permit};
use farthing_actors::registry::catalogue::Candidate;
use tokio::sync::mpsc;

use super::DIALECT;
use super::estimate::Estimate;
use crate::dialect::openai_chat::request::ChatRequest;

/// A request that has arrived.
pub(super) struct Exchange {
    pub id: RequestId,
    pub key: Arc<AuthorizedKey>,
    pub chat: ChatRequest,
    pub arrived: Duration,
    pub placed_at: Timestamp,
}

/// A request that may be sent: money and a place are set aside for it.
pub(super) struct Admitted {
    pub candidates: Vec<Candidate>,
    pub estimate: Estimate,
    pub hold: Hold,
    pub permit: Permit,
    /// Attempts begun so far.
    pub attempts: u16,
    /// Time spent waiting for providers, which is not ours.
    pub waited: Duration,
}

/// The head of an answer, and its body.
pub struct Answer {
    /// What the headers say.
    pub facts: Facts,
    /// The rest.
    pub body: AnswerBody,
}

/// The body of an answer.
pub enum AnswerBody {
    /// Complete and settled.
    Whole(Bytes),
    /// Server-sent events as they arrive; the last one follows the settlement.
    Stream(mpsc::Receiver<Bytes>),
}

/// What an answer's headers say.
pub struct Facts {
    /// The provider's name.
    pub provider: String,
    /// The model as the provider names it.
    pub model: Arc<str>,
    /// Attempts made.
    pub attempts: u16,
    /// What it cost; `None` in streams, where the cost comes with the usage.
    pub cost: Option<Money>,
    /// Microseconds that Farthing itself took until the head.
    pub overhead_us: u128,
    /// What is left of the caller's limits.
    pub headroom: Option<Headroom>,
}

impl Exchange {
    pub(super) fn new(id: RequestId, key: Arc<AuthorizedKey>, chat: ChatRequest, clock: &Clock) -> Self {
        Self { id, key, chat, arrived: clock.monotonic(), placed_at: clock.now() }
    }

    pub(super) fn key_id(&self) -> KeyId {
        self.key.key.id
    }

    /// The call as the ledger books it.
    pub(super) fn call(&self) -> Call {
        Call {
            request: self.id,
            placed_at: self.placed_at,
            key: self.key.key.id,
            project: self.key.project.id,
            scopes: Arc::clone(&self.key.scopes),
            model: self.chat.head.model.as_str().into(),
            dialect: DIALECT,
            stream: self.chat.head.stream,
        }
    }

    pub(super) fn elapsed(&self, clock: &Clock) -> Duration {
        clock.monotonic().saturating_sub(self.arrived)
    }
}

/// The candidate as the ledger books it.
pub(super) fn target(candidate: &Candidate) -> Target {
    Target {
        provider: candidate.provider.id,
        deployment: candidate.deployment.id,
        upstream_model: Arc::clone(&candidate.deployment.upstream_model),
        price: candidate.deployment.price,
    }
}
