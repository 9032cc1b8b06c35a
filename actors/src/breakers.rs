//! The breakers: own one circuit for each deployment, which stops calls to where they would fail, and what is held against a
//! provider as a whole: an operator's hand, and a key that it refuses.
//! A crash loses what was learnt: all circuits close and learn again; what an operator forced, and refused keys, are kept.
//! Refuses to be asked about healthy deployments: verdicts are published, and successes are counted where they happen.
//!
//! Beside the circuit lies how soon the deployment answers, which groups choose by.
//!
//! A success adds one to a shared pulse instead of sending a message; the actor drains it before it judges a
//! failure, and every few seconds. Two things are therefore approximate: a success within a mailbox's delay of a failure
//! may count as the earlier of both, and a success is dated to the moment it was drained.

mod circuit;
mod figures;
mod gate;
mod handle;
mod held;
mod messages;
mod outcomes;
mod report;
mod trial;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{Actor, ArbiterHandle, AsyncContext, Context, Handler};
use tokio::sync::broadcast;

pub use figures::Figures;
pub use handle::{Breakers, Changes};
pub use report::{Change, CircuitReport, CircuitState, Control, FailureKind, RefusedKey, Verdict};
pub use trial::Trial;

use crate::domain::{Callee, Clock, DeploymentId, ProviderId};
use crate::snapshot::Publisher;
use crate::supervisor::{StartError, Supervisor};
use circuit::Circuit;
use gate::{Gate, Gates, Pulse};
use held::Held;
use messages::{Answered, Cooled, Failed, Force, KeyRefused, KeyTaken, Meet, TrialEnded, TryTrial};
use trial::{Place, TrialEnd};

/// How far off the date of a drained success may be; a twelfth of the window that counts.
const DRAIN_EVERY: Duration = Duration::from_secs(5);
/// When a deployment that nobody calls is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(600);
/// Changes a slow listener may be behind before it misses some.
const CHANGES_KEPT: usize = 64;

/// The shell: brings outcomes and the time to the circuits, and publishes where they stand.
struct BreakersActor {
    circuits: HashMap<DeploymentId, Watched>,
    providers: HashMap<ProviderId, Held>,
    /// Which life this is; a trial of another one decides nothing.
    life: u64,
    figures: Figures,
    clock: Clock,
    published: Publisher<Gates>,
    changes: broadcast::Sender<Change>,
}

struct Watched {
    provider: ProviderId,
    circuit: Circuit,
    pulse: Arc<Pulse>,
    called_at: Duration,
    /// What listeners were told last.
    announced: CircuitState,
}

/// Starts the breakers on `arbiter`, with every circuit closed and going by `figures`.
///
/// # Errors
/// If that thread is gone.
pub async fn start(
    supervisor: &Supervisor,
    arbiter: ArbiterHandle,
    clock: Clock,
    figures: Figures,
) -> Result<Breakers, StartError> {
    // Made once, outside the factory: readers and listeners outlive every actor they hear from.
    let published = Publisher::new(Gates::default());
    let (changes, _) = broadcast::channel(CHANGES_KEPT);
    let (gates, heard, time) = (published.reader(), changes.clone(), clock.clone());
    let lives = AtomicU64::new(0);
    let factory = move || {
        let life = lives.fetch_add(1, Ordering::Relaxed);
        Ok(BreakersActor::new((life, figures), clock.clone(), published.clone(), changes.clone()))
    };
    let mailbox = supervisor.start("breakers", arbiter, factory).await?;
    Ok(Breakers::new(mailbox, gates, heard, time))
}

impl BreakersActor {
    fn new(
        (life, figures): (u64, Figures),
        clock: Clock,
        published: Publisher<Gates>,
        changes: broadcast::Sender<Change>,
    ) -> Self {
        let providers = published.reader().get().providers.clone();
        let actor = Self { circuits: HashMap::new(), providers, life, figures, clock, published, changes };
        actor.publish();
        actor
    }

    /// Lets `change` happen to a circuit that knows of every success so far, and publishes it if that moved it.
    fn with<T>(&mut self, callee: Callee, change: impl FnOnce(&mut Circuit, Duration) -> T) -> T {
        let (now, id) = (self.clock.monotonic(), callee.deployment);
        let (figures, provider) = (self.figures, callee.provider);
        let is_new = !self.circuits.contains_key(&id);
        let watched = self.circuits.entry(id).or_insert_with(|| Watched::new(provider, figures, now));
        watched.drain(now);
        watched.called_at = now;
        let before = watched.circuit.standing();
        let answer = change(&mut watched.circuit, now);
        if is_new || before != watched.circuit.standing() {
            self.publish();
        }
        self.announce(id, now);
        answer
    }

    /// As [`Self::with`], unless an operator decides: then nothing is learnt.
    fn learn(&mut self, callee: Callee, change: impl FnOnce(&mut Circuit, Duration)) {
        if self.control(callee.provider) == Control::Automatic {
            self.with(callee, change);
        }
    }

    fn control(&self, provider: ProviderId) -> Control {
        held::control(&self.providers, provider)
    }

    /// Lets `change` happen to what is held against a provider, and publishes it.
    fn hold<T>(&mut self, provider: ProviderId, change: impl FnOnce(&mut Held, Duration) -> T) -> T {
        let now = self.clock.monotonic();
        let held = self.providers.entry(provider).or_insert_with(|| Held::nothing(now));
        let answer = change(held, now);
        if held.is_nothing(now) {
            self.providers.remove(&provider);
        }
        self.publish();
        answer
    }

    fn gates(&self) -> Gates {
        let gate = |watched: &Watched| Gate { pulse: Arc::clone(&watched.pulse), standing: watched.circuit.standing() };
        let circuits = self.circuits.iter().map(|(id, watched)| (*id, gate(watched)));
        Gates { circuits: circuits.collect(), providers: self.providers.clone() }
    }

    fn publish(&self) {
        self.published.publish(self.gates());
    }

    /// Tells listeners where a circuit stands, if they were told otherwise.
    fn announce(&mut self, id: DeploymentId, now: Duration) {
        let Some(provider) = self.circuits.get(&id).map(|watched| watched.provider) else { return };
        let control = self.control(provider);
        let Some(watched) = self.circuits.get_mut(&id) else { return };
        let state = watched.circuit.standing().state_under(control, now);
        if watched.announced != state {
            watched.announced = state;
            let report = self.gates().report(Callee { deployment: id, provider }, &self.clock);
            log::warn!(deployment:% = id, state:?, cause = report.cause.as_deref().unwrap_or("-"); "a circuit moved");
            self.tell(Change::Circuit(report));
        }
    }

    fn tell(&self, change: Change) {
        // Nobody need be listening.
        self.changes.send(change).ok();
    }

    fn drain_all(&mut self) {
        let now = self.clock.monotonic();
        let known = self.circuits.len();
        self.circuits.retain(|_, watched| {
            watched.drain(now);
            let idle = now.saturating_sub(watched.called_at) >= FORGET_AFTER;
            !(idle && watched.circuit.standing().state(now) == CircuitState::Closed)
        });
        let held = self.providers.len();
        self.providers.retain(|_, held| !held.is_nothing(now));
        if (self.circuits.len(), self.providers.len()) != (known, held) {
            self.publish();
        }
        // Pauses end and open circuits turn half-open by time alone.
        let ids: Vec<_> = self.circuits.keys().copied().collect();
        ids.into_iter().for_each(|id| self.announce(id, now));
    }
}

impl Watched {
    fn new(provider: ProviderId, figures: Figures, now: Duration) -> Self {
        let (circuit, announced) = (Circuit::new(figures, now), CircuitState::Closed);
        Self { provider, circuit, pulse: Arc::default(), called_at: now, announced }
    }

    fn drain(&mut self, now: Duration) {
        if let Some(beats) = self.pulse.drain() {
            self.called_at = now;
            self.circuit.succeeded(beats, now);
        }
    }
}

impl Actor for BreakersActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(DRAIN_EVERY, |actor, _| actor.drain_all());
    }
}

impl Handler<Meet> for BreakersActor {
    type Result = ();

    fn handle(&mut self, Meet { callee, key }: Meet, _: &mut Self::Context) {
        self.with(callee, |_, _| ());
        if let Some(watched) = self.circuits.get(&callee.deployment) {
            watched.pulse.beat(key);
        }
    }
}

impl Handler<Answered> for BreakersActor {
    type Result = ();

    fn handle(&mut self, Answered { callee, streamed, took }: Answered, _: &mut Self::Context) {
        self.with(callee, |_, _| ());
        if let Some(watched) = self.circuits.get(&callee.deployment) {
            watched.pulse.note(streamed, took);
        }
    }
}

impl Handler<Failed> for BreakersActor {
    type Result = ();

    fn handle(&mut self, Failed { callee, key, kind }: Failed, _: &mut Self::Context) {
        self.learn(callee, |circuit, now| circuit.failed(key, kind, now));
    }
}

impl Handler<Cooled> for BreakersActor {
    type Result = ();

    fn handle(&mut self, Cooled { callee, retry_after }: Cooled, _: &mut Self::Context) {
        self.learn(callee, |circuit, now| circuit.cooled(retry_after, now));
    }
}

impl Handler<TryTrial> for BreakersActor {
    type Result = Option<Trial>;

    fn handle(&mut self, TryTrial { callee, back }: TryTrial, _: &mut Self::Context) -> Self::Result {
        let round = match self.control(callee.provider) {
            Control::ForcedOpen => return None,
            // A trial of no round: nothing is learnt from it.
            Control::ForcedClosed => 0,
            Control::Automatic => self.with(callee, |circuit, now| circuit.try_trial(now))?,
        };
        // A trial that nobody receives is dropped with the answer, and frees its place.
        Some(Trial::from(Place { mailbox: back, callee, life: self.life, round }))
    }
}

impl Handler<TrialEnded> for BreakersActor {
    type Result = ();

    fn handle(&mut self, TrialEnded { callee, life, round, end }: TrialEnded, _: &mut Self::Context) {
        if life != self.life {
            return;
        }
        self.learn(callee, |circuit, now| match end {
            TrialEnd::Succeeded => circuit.trial_succeeded(round, now),
            TrialEnd::Failed(kind) => circuit.trial_failed(round, kind, now),
            TrialEnd::Lost => circuit.trial_lost(round),
        });
    }
}

impl Handler<Force> for BreakersActor {
    type Result = ();

    fn handle(&mut self, Force { provider, deployments, control }: Force, _: &mut Self::Context) {
        if self.control(provider) == control {
            return;
        }
        // Whoever was forgotten meanwhile stands where the former decision put it, so that listeners hear of the end.
        for deployment in deployments.iter().copied() {
            self.with(Callee { deployment, provider }, |_, _| ());
        }
        self.hold(provider, |held, now| held.force(control, now));
        let known = self.circuits.iter().filter(|(_, watched)| watched.provider == provider).map(|(id, _)| *id);
        let all: HashSet<DeploymentId> = known.chain(deployments).collect();
        for deployment in all {
            self.with(Callee { deployment, provider }, Circuit::reset);
        }
    }
}

impl Handler<KeyRefused> for BreakersActor {
    type Result = ();

    fn handle(&mut self, KeyRefused { provider, status }: KeyRefused, _: &mut Self::Context) {
        if self.hold(provider, |held, now| held.refused(status, now)) {
            log::error!(provider_id:% = provider, status; "a provider refuses our key");
            let refused = self.gates().refused_key(provider, &self.clock);
            refused.into_iter().for_each(|refused| self.tell(Change::KeyRefused(refused)));
        }
    }
}

impl Handler<KeyTaken> for BreakersActor {
    type Result = ();

    fn handle(&mut self, KeyTaken { provider }: KeyTaken, _: &mut Self::Context) {
        if self.hold(provider, |held, _| held.taken()) {
            log::info!(provider_id:% = provider; "a provider's key is tried in its turn again");
            self.tell(Change::KeyTaken(provider));
        }
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(BreakersActor);
