//! One request's state, a type for each phase, so that a later phase cannot run before an earlier one.
//! Owns what is known when; refuses to do anything with it.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farthing_actors::cache::Slot;
use farthing_actors::domain::{
    CallStatus, Clock, DeploymentId, GroupId, KeyId, Money, Provenance, RequestId, RunId, Scope, Timestamp, Usage,
};
use farthing_actors::idempotency::Claim;
use farthing_actors::keyring::ring::AuthorizedKey;
use farthing_actors::ledger::{Call, Hold, Target};
use farthing_actors::limiters::{Headroom, Permit};
use farthing_actors::registry::catalogue::Candidate;
use farthing_actors::registry::classifier::Rated;
use sha2::{Digest, Sha256};

use super::abandoned::Flight;
use super::cached::{CacheState, Caching, Keepsake};
use super::estimate::Estimate;
use super::pipe::Outflow;
use crate::dialect::{Head, Reading, Request};
use crate::upstream::Delivery;

/// What a client asks.
pub struct Ask {
    /// The request, in the client's dialect.
    pub request: Request,
    /// Headers that mean something to a provider of the same dialect: names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The agent's run it is part of, by the client's name for it.
    pub run: Option<Arc<str>>,
    /// Tags that the rules of groups may look at, separated by commas.
    pub tags: Option<Box<str>>,
    /// The client's idempotency key, in use by this request. Boxed: few requests have one.
    pub claim: Option<Box<Claim>>,
    /// What it wants of the cache, where it or its project asked for one.
    pub caching: Option<Caching>,
}

/// A request that has arrived. Boxed as soon as it is there, as [`Admitted`] is: each phase is a future that would copy it.
pub(super) struct Exchange {
    pub id: RequestId,
    pub key: Arc<AuthorizedKey>,
    pub ask: Ask,
    pub arrived: Duration,
    pub placed_at: Timestamp,
    /// Why it goes where it goes, once that is decided.
    pub why: Option<Arc<str>>,
    /// What became of what it wanted of the cache.
    pub cache: Option<CacheState>,
    /// Where its answer is kept, if it is.
    pub slot: Option<Slot>,
    /// That answer, once it has begun.
    pub keepsake: Option<Box<Keepsake>>,
    /// Where it is now.
    pub flight: Flight,
    /// The usage that stood beside the failure of the last attempt.
    pub told: Cell<Reading>,
    /// What came of asking the classifier of a group, once it was asked.
    pub rated: Option<(GroupId, Rated)>,
}

/// A request that may be sent: money and a place are set aside for it.
pub(super) struct Admitted {
    pub candidates: Vec<Candidate>,
    /// Where the hold says that the request goes.
    pub held: DeploymentId,
    pub estimate: Estimate,
    pub hold: Hold,
    pub permit: Permit,
    /// Requests sent so far, that to a classifier included.
    pub attempts: u16,
    /// Those of them that went to a classifier.
    pub asked: u16,
    /// Where the last of them went.
    pub tried: Option<Target>,
    /// The last of them that ended, while it is not booked.
    pub unbooked: Option<Unbooked>,
    /// What those that are booked cost.
    pub booked: Money,
    /// The tokens they consumed.
    pub tokens: u64,
    /// The cap on output, where a budget forced one lower than the client's.
    pub lowered: Option<u64>,
    /// Time spent waiting for providers, which is not ours.
    pub waited: Duration,
    /// Fields passed over in the last attempt.
    pub ignored: Vec<String>,
}

impl Admitted {
    /// Tells the ledger of a request that goes elsewhere than its hold says, so that a crash meanwhile is booked where it went.
    pub(super) async fn note_target(&self, candidate: &Candidate, streamed: bool) {
        // What was booked meanwhile has taken the first note back.
        if self.attempts > 1 || self.held != candidate.deployment.id {
            self.hold.note_target(&target(candidate), self.estimate.presumed(streamed)).await;
        }
    }
}

/// An attempt that ended and is not the last: it failed, or went to a classifier.
pub(super) struct Unbooked {
    /// Where it went.
    pub target: Target,
    /// How it ended.
    pub status: CallStatus,
    /// The status code that stands for that.
    pub http_status: u16,
    /// What it consumed.
    pub usage: Usage,
    /// How we know.
    pub provenance: Provenance,
    /// What was set aside for it alone.
    pub freed: Money,
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
    /// Complete and settled; with its content type where that is not plainly JSON's.
    Whole(Bytes, Option<Box<str>>),
    /// Pieces as they arrive; the last one follows the settlement.
    Stream(Outflow, Delivery),
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
    /// Fields of the request that the provider has no place for, passed over because they are hints.
    pub ignored: Vec<String>,
    /// The cap on output, where a budget forced one lower than the client's.
    pub lowered: Option<u64>,
    /// What became of what the request wanted of the cache, where one was asked for.
    pub cache: Option<CacheState>,
}

impl Exchange {
    pub(super) fn new(id: RequestId, key: Arc<AuthorizedKey>, ask: Ask, clock: &Clock) -> Self {
        let (arrived, placed_at) = (clock.monotonic(), clock.now());
        let (cache, slot, keepsake, rated) = (None, None, None, None);
        let (flight, told) = (Flight::default(), Cell::new(Reading::Absent));
        Self { id, key, ask, arrived, placed_at, why: None, cache, slot, keepsake, flight, told, rated }
    }

    /// What the request is, without its words.
    pub(super) fn head(&self) -> &Head {
        self.ask.request.head()
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
            scopes: self.scopes(),
            model: self.head().model.as_str().into(),
            dialect: self.ask.request.dialect(),
            stream: self.head().stream,
            run: self.ask.run.clone(),
            route: self.why.clone(),
        }
    }

    /// Whether anything limits what the call may cost, so that it needs a price and an output cap.
    pub(super) fn is_budgeted(&self) -> bool {
        self.key.budgeted || self.run_limit().is_some()
    }

    /// What its run may cost, if it is part of one and its key limits that.
    pub(super) fn run_limit(&self) -> Option<Money> {
        self.key.key.run_limit.filter(|_| self.ask.run.is_some())
    }

    fn scopes(&self) -> Arc<[Scope]> {
        match &self.ask.run {
            None => Arc::clone(&self.key.scopes),
            Some(run) => self.key.scopes.iter().copied().chain([Scope::Run(run_id(self.key_id(), run))]).collect(),
        }
    }

    /// When it arrived, in seconds since 1970.
    pub(super) fn seconds(&self) -> u64 {
        u64::try_from(self.placed_at.0.div_euclid(1_000)).unwrap_or(0)
    }

    pub(super) fn elapsed(&self, clock: &Clock) -> Duration {
        clock.monotonic().saturating_sub(self.arrived)
    }
}

impl Unbooked {
    /// What it will be booked at: what failed before it consumed anything costs nothing, whatever the fee of a request.
    pub(super) fn cost(&self) -> Money {
        if self.usage.is_nothing() { Money::ZERO } else { self.target.cost(&self.usage) }
    }
}

impl Admitted {
    /// Requests sent so far for the answer itself.
    pub(super) fn tries(&self) -> u16 {
        self.attempts.saturating_sub(self.asked)
    }
}

/// The id of the run that `key` calls `name`: two keys' runs of one name are different runs.
pub(crate) fn run_id(key: KeyId, name: &str) -> RunId {
    let digest = Sha256::new().chain_update(key.to_string()).chain_update([0]).chain_update(name).finalize();
    let half = digest.first_chunk::<16>().copied().unwrap_or_default();
    RunId::from_u128(u128::from_be_bytes(half))
}

/// The candidate as the ledger books it.
pub(super) fn target(candidate: &Candidate) -> Target {
    Target {
        provider: candidate.provider.id,
        deployment: candidate.deployment.id,
        upstream_model: Arc::clone(&candidate.deployment.upstream_model),
        price: candidate.deployment.price.clone(),
    }
}
