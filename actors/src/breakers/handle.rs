//! The breakers as everybody else sees them: a verdict before a call, an outcome after it.
//! Hides messages, pulses and restarts. Refuses to make a caller wait for a verdict: only a trial is
//! asked for, and a failure waits a moment for its judgement.

use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Context, Handler, Message};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::BreakersActor;
use super::gate::Gates;
use super::messages::{Answered, Cooled, Failed, Force, KeyRefused, KeyTaken, Meet, TryTrial};
use super::outcomes::KeyMark;
use super::report::{Change, CircuitReport, Control, FailureKind, RefusedKey, Verdict};
use super::trial::Trial;
use crate::domain::{Callee, Clock, DeploymentId, KeyId, ProviderId};
use crate::error::ActorError;
use crate::mailbox::{Mailbox, Vitals};
use crate::snapshot::Snapshot;

/// How long a failed call waits for its judgement.
const JUDGED_WITHIN: Duration = Duration::from_millis(100);

/// One circuit for each deployment. Cheap to clone.
///
/// Before a call take the [`Breakers::verdict`]; where it says half-open, ask for a [`Breakers::try_trial`]. After a call
/// tell its outcome: a success or a failure to the trial if there was one, else here; a 429 always here. How long it took is told apart.
#[derive(Clone)]
pub struct Breakers {
    mailbox: Mailbox<BreakersActor>,
    gates: Snapshot<Gates>,
    changes: broadcast::Sender<Change>,
    clock: Clock,
}

/// Circuits as they move and keys as they are refused, for the feed. A listener that falls far behind misses some.
pub struct Changes(broadcast::Receiver<Change>);

impl Breakers {
    pub(super) fn new(
        mailbox: Mailbox<BreakersActor>,
        gates: Snapshot<Gates>,
        changes: broadcast::Sender<Change>,
        clock: Clock,
    ) -> Self {
        Self { mailbox, gates, changes, clock }
    }

    /// Whether the deployment may be called now. Asks nobody.
    pub fn verdict(&self, callee: Callee) -> Verdict {
        self.gates.load().verdict(callee, &self.clock)
    }

    /// A place for one trial of a half-open circuit; `None` if all are taken, it is not to be tried yet, or the breakers do
    /// not answer.
    pub async fn try_trial(&self, callee: Callee) -> Option<Trial> {
        self.mailbox.ask(TryTrial { callee, back: self.mailbox.clone() }).await.ok().flatten()
    }

    /// A call with `key` was answered. Sends no message but for the first call in a long while.
    pub fn succeeded(&self, callee: Callee, key: KeyId) {
        let key = KeyMark::of(key);
        match self.gates.load().circuits.get(&callee.deployment) {
            Some(gate) => gate.pulse.beat(key),
            None => self.mailbox.hint(Meet { callee, key }),
        }
    }

    /// The answer to a call, or its first event, took so long. Sends no message but for a deployment nobody called lately.
    pub fn timed(&self, callee: Callee, streamed: bool, took: Duration) {
        match self.gates.load().circuits.get(&callee.deployment) {
            Some(gate) => gate.pulse.note(streamed, took),
            None => self.mailbox.hint(Answered { callee, streamed, took }),
        }
    }

    /// How soon the deployment answers, weighted to the latest calls; `None` if it had none lately. Asks nobody.
    pub fn pace(&self, id: DeploymentId, streamed: bool) -> Option<Duration> {
        self.gates.load().circuits.get(&id).and_then(|gate| gate.pulse.pace(streamed))
    }

    /// A call with `key` failed in a way that counts. Ends once it was judged: whoever hears of the failure and calls again
    /// meets the circuit as it then stands.
    pub async fn failed(&self, callee: Callee, key: KeyId, cause: FailureKind) {
        self.judged(Failed { callee, key: KeyMark::of(key), kind: cause }).await;
    }

    /// The provider answered 429: no calls for `retry_after` (5 s if it named none, 60 s at most). Not a failure. Ends as
    /// [`Breakers::failed`] does.
    pub async fn cooled(&self, callee: Callee, retry_after: Option<Duration>) {
        self.judged(Cooled { callee, retry_after }).await;
    }

    /// The provider refused our key with `status`: others have their turn before it for a minute. Not a failure, and no call
    /// is kept from it that has nowhere else to go. Ends as [`Breakers::failed`] does.
    pub async fn key_refused(&self, provider: ProviderId, status: u16) {
        self.judged(KeyRefused { provider, status }).await;
    }

    /// The provider took our key, or has another now. Sends no message but for one that was refused.
    pub fn key_taken(&self, provider: ProviderId) {
        if self.gates.load().providers.get(&provider).is_some_and(|held| !held.takes_the_key()) {
            self.mailbox.hint(KeyTaken { provider });
        }
    }

    /// Whether others have their turn before the provider, because it refused our key lately. Asks nobody.
    pub fn is_out_of_turn(&self, provider: ProviderId) -> bool {
        self.gates.load().is_out_of_turn(provider, &self.clock)
    }

    /// The refusal of a provider's key, if it is refused. Asks nobody.
    pub fn refused_key(&self, provider: ProviderId) -> Option<RefusedKey> {
        self.gates.load().refused_key(provider, &self.clock)
    }

    /// Asks, and waits a little: breakers that are away or slow cost knowledge of one failure, never the answer.
    async fn judged<M>(&self, outcome: M)
    where
        BreakersActor: Handler<M>,
        M: Message<Result = ()> + Send + 'static,
        Context<BreakersActor>: ToEnvelope<BreakersActor, M>,
    {
        timeout(JUDGED_WITHIN, self.mailbox.ask(outcome)).await.ok();
    }

    /// Takes every circuit of a provider in hand, those of deployments to come included, or lets them go. Listeners hear of
    /// `deployments`. Survives a crash of the actor, not the end of the process.
    ///
    /// # Errors
    /// If the breakers did not answer.
    pub async fn force(
        &self,
        provider: ProviderId,
        deployments: Vec<DeploymentId>,
        control: Control,
    ) -> Result<(), ActorError> {
        self.mailbox.ask(Force { provider, deployments, control }).await
    }

    /// One circuit as it stands now. Asks nobody.
    pub fn report(&self, callee: Callee) -> CircuitReport {
        self.gates.load().report(callee, &self.clock)
    }

    /// Everything that changes from now on.
    pub fn changes(&self) -> Changes {
        Changes(self.changes.subscribe())
    }

    /// How the actor is.
    pub fn vitals(&self) -> Vitals {
        self.mailbox.vitals()
    }

    /// Kills the actor and waits for its successor, to prove what a crash loses.
    #[cfg(feature = "testing")]
    pub async fn crash(&self) {
        crate::testing::crash(&self.mailbox).await;
    }
}

impl Changes {
    /// The next change; `None` once the breakers are gone for good.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            match self.0.recv().await {
                Ok(change) => return Some(change),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
