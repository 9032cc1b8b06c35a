//! The server: what applications, operators and probes can call.
//! Owns HTTP: routes, extractors, status codes. Refuses decisions: handlers ask the relay, the admin floor, or a handle.

mod connection;
pub mod dashboard;
pub mod data;
pub mod error;
pub mod extract;
pub mod feed;
pub mod forms;
pub mod front;
pub mod manage;
pub mod metrics;
pub mod middleware;
pub mod openapi;
pub mod probes;
pub mod room;
pub mod routes;
pub mod server;
pub mod strangers;
pub mod tls;
pub mod uses;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use farthing_actors::audit::AuditLog;
use farthing_actors::breakers::Breakers;
use farthing_actors::cache::Cache;
use farthing_actors::domain::{Clock, Patterns};
use farthing_actors::feed::Feed;
use farthing_actors::idempotency::Idempotency;
use farthing_actors::keyring::ring::Keys;
use farthing_actors::ledger::Ledger;
use farthing_actors::limiters::Limiters;
use farthing_actors::mailbox::Vitals;
use farthing_actors::registry::catalogue::Catalogue;
use farthing_actors::sessions::People;
use farthing_actors::shadow::Shadow;
use farthing_actors::snapshot::Snapshot;
use farthing_actors::tasks::{Stage, Tasks};

use crate::admin::Admin;
use crate::admin::oidc::Oidc;
use crate::config::Listed;
use crate::relay::CountQueue;
use crate::security::Security;
use error::{Code, Problem};
use front::Front;
use metrics::Tally;
use room::Room;
use strangers::Strangers;
use tls::Certificate;
use uses::Uses;

/// An actor that does nothing for so long counts as away.
const STALLED: Duration = Duration::from_secs(5);

/// Everything handlers may ask, put together by `app`.
pub struct Gateway {
    /// What an address may try before anybody looks.
    pub strangers: Strangers,
    /// Where keys are used from.
    pub uses: Uses,
    /// How the outside sees us.
    pub front: Front,
    /// What TLS is spoken with, if it is spoken here.
    pub certificate: Option<Certificate>,
    /// Recognises keys and tokens.
    pub security: Arc<Security>,
    /// Signs people in by their identity provider's word, if there is one.
    pub oidc: Option<Oidc>,
    /// Keys and projects as last published.
    pub keyring: Snapshot<Keys>,
    /// Accounts and sessions as last published.
    pub people: Snapshot<People>,
    /// Providers and deployments as last published.
    pub catalogue: Snapshot<Catalogue>,
    /// Where models go that nobody has set up.
    pub patterns: Patterns,
    /// Balances and holds.
    pub ledger: Ledger,
    /// Traffic limits.
    pub limiters: Limiters,
    /// Health of deployments.
    pub breakers: Breakers,
    /// What happens, as it happens.
    pub feed: Feed,
    /// Answers that may be given again.
    pub cache: Cache,
    /// What would have been refused.
    pub shadow: Shadow,
    /// Idempotency keys and the answers to them.
    pub idempotency: Idempotency,
    /// Who did what.
    pub audit: AuditLog,
    /// What an operator can do.
    pub admin: Admin,
    /// What is counted while requests are answered.
    pub tally: Tally,
    /// Every setting that is in force, as it was given.
    pub settings: ArcSwap<Vec<Listed>>,
    /// How each actor is.
    pub vitals: Vec<Box<dyn Fn() -> Vitals + Send + Sync>>,
    /// Counts tokens beside the request threads.
    pub counts: CountQueue,
    /// Work that a stop waits for.
    pub tasks: Tasks,
    /// Time.
    pub clock: Clock,
    /// Whether new work is welcome; nobody is refused for that yet.
    pub ready: AtomicBool,
    /// The most calls in flight.
    pub max_in_flight: usize,
    /// The most of a body that is read.
    pub max_body_bytes: usize,
    /// How much of all bodies may be in memory.
    pub room: Room,
    /// How long a client may make no progress while it sends.
    pub client_patience: Duration,
}

impl Gateway {
    /// Whether one more call may come in, before its body is read.
    ///
    /// # Errors
    /// 503 once the gateway has closed its door, or is full.
    pub fn admit(&self) -> Result<(), Problem> {
        // Between the signal to stop and that, balancers that have not noticed may still send some.
        if !self.ready.load(Ordering::Acquire) && self.tasks.has_reached(Stage::Closing) {
            return Err(Problem::plain(Code::ShuttingDown).retry_after(Duration::from_secs(1)));
        }
        if self.tasks.running() >= self.max_in_flight || self.room.is_tight() {
            return Err(Problem::plain(Code::Overloaded).retry_after(Duration::from_secs(1)));
        }
        Ok(())
    }

    /// The actors that are away right now, or have done nothing for [`STALLED`].
    pub fn missing_actors(&self) -> Vec<&'static str> {
        let missing = |actor: &Vitals| !actor.alive || actor.silent >= STALLED;
        self.vitals.iter().map(|vitals| vitals()).filter(missing).map(|actor| actor.name).collect()
    }
}
