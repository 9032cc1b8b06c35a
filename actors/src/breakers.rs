//! The breakers: own one circuit for each deployment, which stops calls to where they would fail.
//! A crash loses what was learnt: all circuits close and learn again; what an operator forced is kept.
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
mod messages;
mod outcomes;
mod report;
mod trial;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{Actor, ArbiterHandle, AsyncContext, Context, Handler};
use tokio::sync::broadcast;

pub use figures::Figures;
pub use handle::{Breakers, Changes};
pub use report::{CircuitReport, CircuitState, Control, FailureKind, Verdict};
pub use trial::Trial;

use crate::domain::{Clock, DeploymentId};
use crate::snapshot::Publisher;
use crate::supervisor::{StartError, Supervisor};
use circuit::Circuit;
use gate::{Gate, Gates, Pulse};
use messages::{Answered, Cooled, Failed, Force, Meet, TrialEnded, TryTrial};
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
    /// Which life this is; a trial of another one decides nothing.
    life: u64,
    figures: Figures,
    clock: Clock,
    published: Publisher<Gates>,
    changes: broadcast::Sender<CircuitReport>,
}

struct Watched {
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
    let published = Publisher::new(Gates::new());
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
        changes: broadcast::Sender<CircuitReport>,
    ) -> Self {
        let now = clock.monotonic();
        let before = published.reader().get();
        let forced = before.iter().filter(|(_, gate)| gate.standing.control != Control::Automatic);
        let circuits = forced.map(|(id, gate)| {
            let circuit = Circuit::forced(gate.standing.control, (figures, now));
            (*id, Watched::of(circuit, Arc::clone(&gate.pulse), now))
        });
        let actor = Self { circuits: circuits.collect(), life, figures, clock, published, changes };
        actor.publish();
        actor
    }

    /// Lets `change` happen to a circuit that knows of every success so far, and publishes it if that moved it.
    fn with<T>(&mut self, id: DeploymentId, change: impl FnOnce(&mut Circuit, Duration) -> T) -> T {
        let now = self.clock.monotonic();
        let figures = self.figures;
        let is_new = !self.circuits.contains_key(&id);
        let watched = self.circuits.entry(id).or_insert_with(|| Watched::new(figures, now));
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

    fn publish(&self) {
        let gate = |watched: &Watched| Gate { pulse: Arc::clone(&watched.pulse), standing: watched.circuit.standing() };
        self.published.publish(self.circuits.iter().map(|(id, watched)| (*id, gate(watched))).collect());
    }

    /// Tells listeners where a circuit stands, if they were told otherwise.
    fn announce(&mut self, id: DeploymentId, now: Duration) {
        let Some(watched) = self.circuits.get_mut(&id) else { return };
        let standing = watched.circuit.standing();
        let state = standing.state(now);
        if watched.announced != state {
            watched.announced = state;
            let report = standing.report(id, &self.clock);
            log::warn!(deployment:% = id, state:?, cause = report.cause.as_deref().unwrap_or("-"); "a circuit moved");
            // Nobody need be listening.
            self.changes.send(report).ok();
        }
    }

    fn drain_all(&mut self) {
        let now = self.clock.monotonic();
        let known = self.circuits.len();
        self.circuits.retain(|_, watched| {
            watched.drain(now);
            let idle = now.saturating_sub(watched.called_at) >= FORGET_AFTER;
            !(idle && watched.circuit.standing().is_quiet(now))
        });
        if self.circuits.len() != known {
            self.publish();
        }
        // Pauses end and open circuits turn half-open by time alone.
        let ids: Vec<_> = self.circuits.keys().copied().collect();
        ids.into_iter().for_each(|id| self.announce(id, now));
    }
}

impl Watched {
    fn new(figures: Figures, now: Duration) -> Self {
        Self::of(Circuit::new(figures, now), Arc::default(), now)
    }

    fn of(circuit: Circuit, pulse: Arc<Pulse>, now: Duration) -> Self {
        let announced = circuit.standing().state(now);
        Self { circuit, pulse, called_at: now, announced }
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

    fn handle(&mut self, Meet { id, key }: Meet, _: &mut Self::Context) {
        self.with(id, |_, _| ());
        if let Some(watched) = self.circuits.get(&id) {
            watched.pulse.beat(key);
        }
    }
}

impl Handler<Answered> for BreakersActor {
    type Result = ();

    fn handle(&mut self, Answered { id, streamed, took }: Answered, _: &mut Self::Context) {
        self.with(id, |_, _| ());
        if let Some(watched) = self.circuits.get(&id) {
            watched.pulse.note(streamed, took);
        }
    }
}

impl Handler<Failed> for BreakersActor {
    type Result = ();

    fn handle(&mut self, Failed { id, key, kind }: Failed, _: &mut Self::Context) {
        self.with(id, |circuit, now| circuit.failed(key, kind, now));
    }
}

impl Handler<Cooled> for BreakersActor {
    type Result = ();

    fn handle(&mut self, Cooled { id, retry_after }: Cooled, _: &mut Self::Context) {
        self.with(id, |circuit, now| circuit.cooled(retry_after, now));
    }
}

impl Handler<TryTrial> for BreakersActor {
    type Result = Option<Trial>;

    fn handle(&mut self, TryTrial { id, back }: TryTrial, _: &mut Self::Context) -> Self::Result {
        let round = self.with(id, |circuit, now| circuit.try_trial(now))?;
        // A trial that nobody receives is dropped with the answer, and frees its place.
        Some(Trial::from(Place { mailbox: back, id, life: self.life, round }))
    }
}

impl Handler<TrialEnded> for BreakersActor {
    type Result = ();

    fn handle(&mut self, TrialEnded { id, life, round, end }: TrialEnded, _: &mut Self::Context) {
        if life != self.life {
            return;
        }
        self.with(id, |circuit, now| match end {
            TrialEnd::Succeeded => circuit.trial_succeeded(round, now),
            TrialEnd::Failed(kind) => circuit.trial_failed(round, kind, now),
            TrialEnd::Lost => circuit.trial_lost(round),
        });
    }
}

impl Handler<Force> for BreakersActor {
    type Result = ();

    fn handle(&mut self, Force { id, control }: Force, _: &mut Self::Context) {
        self.with(id, |circuit, now| circuit.force(control, now));
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(BreakersActor);
