//! Gates: what is published of a circuit, so that the hot path asks nobody.
//! Owns the pulse, the one thing a caller may write, and the reading of where a circuit stands at a moment. Refuses to move one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::held::{self, Held};
use super::outcomes::{Beats, KeyMark};
use super::report::{CircuitReport, CircuitState, Control, RefusedKey, Verdict};
use crate::domain::{Callee, Clock, DeploymentId, ProviderId, Timestamp};

/// When to look again at a circuit that an operator holds open.
const FORCED_RETRY: Duration = Duration::from_secs(30);

/// What is published. Whoever is not in it, nothing is held against.
#[derive(Default)]
pub(super) struct Gates {
    /// Every circuit that was called lately.
    pub(super) circuits: HashMap<DeploymentId, Gate>,
    pub(super) providers: HashMap<ProviderId, Held>,
}

/// One published circuit.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) pulse: Arc<Pulse>,
    pub(super) standing: Standing,
}

/// What callers write: successes since the actor last looked, whether they are of one key, and how soon calls are answered.
///
/// All loads and stores are relaxed: nothing else is read through it, and an outcome has no exact place among others.
#[derive(Default)]
pub(super) struct Pulse {
    successes: AtomicU64,
    /// The key seen last; zero for none.
    last_key: AtomicU64,
    several_keys: AtomicBool,
    pace: Pace,
}

/// How soon calls were answered lately, in microseconds; zero where none is known. Each call moves a figure an eighth of the
/// way; two at once may move it as one, which a figure of this kind can bear.
#[derive(Default)]
struct Pace {
    streamed: AtomicU64,
    whole: AtomicU64,
}

/// Where a circuit stands, until it moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) phase: Phase,
    /// Zero if the provider never asked for a pause.
    pub(super) cooling_until: Duration,
    pub(super) cause: Option<Arc<str>>,
    pub(super) since: Duration,
}

/// What the circuit decided by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Closed,
    /// Half-open from `until` on, though nobody has asked for a trial yet.
    Open {
        until: Duration,
    },
    HalfOpen,
}

impl Pace {
    fn figure(&self, streamed: bool) -> &AtomicU64 {
        if streamed { &self.streamed } else { &self.whole }
    }
}

impl Pulse {
    /// Counts a success. Threads write the key only where it differs, so that one busy key does not make them wait.
    pub(super) fn beat(&self, key: KeyMark) {
        self.successes.fetch_add(1, Ordering::Relaxed);
        if self.last_key.load(Ordering::Relaxed) != key.0 {
            let before = self.last_key.swap(key.0, Ordering::Relaxed);
            if before != 0 && before != key.0 {
                self.several_keys.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Notes how long an answer, or the first event of a streamed one, took.
    pub(super) fn note(&self, streamed: bool, took: Duration) {
        let figure = self.pace.figure(streamed);
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let known = figure.load(Ordering::Relaxed);
        let moved = if known == 0 { took } else { known - known / 8 + took / 8 };
        figure.store(moved.max(1), Ordering::Relaxed);
    }

    /// How long they take; `None` where no call is known.
    pub(super) fn pace(&self, streamed: bool) -> Option<Duration> {
        let micros = self.pace.figure(streamed).load(Ordering::Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    /// Takes what was counted; `None` if nothing was.
    pub(super) fn drain(&self) -> Option<Beats> {
        let successes = self.successes.swap(0, Ordering::Relaxed);
        let key = KeyMark(self.last_key.swap(0, Ordering::Relaxed));
        let several_keys = self.several_keys.swap(false, Ordering::Relaxed);
        (successes > 0).then_some(Beats { successes, key, several_keys })
    }
}

impl Gates {
    /// What a caller may do: an operator's word goes before the circuit's. Reads no clock where nothing is held against `callee`.
    pub(super) fn verdict(&self, callee: Callee, clock: &Clock) -> Verdict {
        match held::control(&self.providers, callee.provider) {
            Control::ForcedOpen => {
                Verdict::Open { retry_at: wall_time(clock, clock.monotonic().saturating_add(FORCED_RETRY)) }
            }
            Control::ForcedClosed => Verdict::Closed,
            Control::Automatic => {
                self.circuits.get(&callee.deployment).map_or(Verdict::Closed, |gate| gate.standing.verdict(clock))
            }
        }
    }

    /// The circuit as operators see it now.
    pub(super) fn report(&self, callee: Callee, clock: &Clock) -> CircuitReport {
        let held = self.providers.get(&callee.provider).filter(|held| held.control != Control::Automatic);
        match (held, self.circuits.get(&callee.deployment)) {
            (Some(held), _) => CircuitReport::forced(callee.deployment, held.control, wall_time(clock, held.since)),
            (None, Some(gate)) => gate.standing.report(callee.deployment, clock),
            (None, None) => CircuitReport::closed(callee.deployment),
        }
    }

    /// The refusal of a provider's key, if it is refused.
    pub(super) fn refused_key(&self, provider: ProviderId, clock: &Clock) -> Option<RefusedKey> {
        let refusal = self.providers.get(&provider)?.refusal?;
        Some(RefusedKey { provider_id: provider, status: refusal.status, since: wall_time(clock, refusal.since) })
    }

    /// Whether others have their turn before a provider, because its key was refused lately.
    pub(super) fn is_out_of_turn(&self, provider: ProviderId, clock: &Clock) -> bool {
        let refusal = self.providers.get(&provider).and_then(|held| held.refusal);
        refusal.is_some_and(|refusal| clock.monotonic() < refusal.until)
    }
}

impl Standing {
    /// What a caller may do. Reads no clock where the circuit never moved.
    fn verdict(&self, clock: &Clock) -> Verdict {
        if self.phase == Phase::Closed && self.cooling_until.is_zero() {
            return Verdict::Closed;
        }
        let now = clock.monotonic();
        match self.state(now) {
            CircuitState::Closed => Verdict::Closed,
            CircuitState::HalfOpen => Verdict::HalfOpen,
            CircuitState::Open | CircuitState::Cooling => {
                let until = self.next_trial(now).unwrap_or(now);
                Verdict::Open { retry_at: wall_time(clock, until) }
            }
        }
    }

    /// Where it stands under an operator's hand.
    pub(super) fn state_under(&self, control: Control, now: Duration) -> CircuitState {
        match control {
            Control::ForcedOpen => CircuitState::Open,
            Control::ForcedClosed => CircuitState::Closed,
            Control::Automatic => self.state(now),
        }
    }

    /// Where the circuit stands at `now`.
    pub(super) fn state(&self, now: Duration) -> CircuitState {
        match self.phase {
            Phase::Open { until } if now < until => CircuitState::Open,
            _ if now < self.cooling_until => CircuitState::Cooling,
            Phase::Closed => CircuitState::Closed,
            Phase::Open { .. } | Phase::HalfOpen => CircuitState::HalfOpen,
        }
    }

    /// The circuit as operators see it now.
    fn report(&self, deployment_id: DeploymentId, clock: &Clock) -> CircuitReport {
        let now = clock.monotonic();
        let state = self.state(now);
        let cause = match state {
            CircuitState::Closed => None,
            CircuitState::Cooling => Some(Arc::from("the provider asked for a pause (429)")),
            _ => self.cause.clone(),
        };
        let (since, next) = (wall_time(clock, self.since), self.next_trial(now).map(|at| wall_time(clock, at)));
        let control = Control::Automatic;
        CircuitReport { deployment_id, state, control, cause, since: Some(since), next_trial_at: next }
    }

    /// When calls or trials go through again; `None` if they do.
    fn next_trial(&self, now: Duration) -> Option<Duration> {
        match (self.state(now), self.phase) {
            (CircuitState::Open, Phase::Open { until }) => Some(until.max(self.cooling_until)),
            (CircuitState::Cooling, _) => Some(self.cooling_until),
            _ => None,
        }
    }
}

/// The wall time of a monotonic moment, as the wall clock goes now.
fn wall_time(clock: &Clock, at: Duration) -> Timestamp {
    let (now, wall) = (clock.monotonic(), clock.now());
    // One of the two is nothing.
    wall.plus(at.saturating_sub(now)).before(now.saturating_sub(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_follows_what_calls_take_and_keeps_streams_apart() {
        let pulse = Pulse::default();
        assert_eq!((pulse.pace(true), pulse.pace(false)), (None, None));
        pulse.note(true, Duration::from_millis(80));
        assert_eq!((pulse.pace(true), pulse.pace(false)), (Some(Duration::from_millis(80)), None));
        pulse.note(true, Duration::from_millis(160));
        assert_eq!(pulse.pace(true), Some(Duration::from_millis(90)));
        (0..100).for_each(|_| pulse.note(true, Duration::from_millis(10)));
        assert!(pulse.pace(true).is_some_and(|pace| pace < Duration::from_millis(11)), "{:?}", pulse.pace(true));
        pulse.note(false, Duration::ZERO);
        assert_eq!(pulse.pace(false), Some(Duration::from_micros(1)), "a figure, not an absent one");
    }

    #[test]
    fn a_pulse_tells_one_key_from_several_and_starts_again_when_drained() {
        let pulse = Pulse::default();
        assert!(pulse.drain().is_none());
        pulse.beat(KeyMark(1));
        pulse.beat(KeyMark(1));
        let beats = pulse.drain().unwrap();
        assert_eq!((beats.successes, beats.key, beats.several_keys), (2, KeyMark(1), false));
        pulse.beat(KeyMark(2));
        assert!(!pulse.drain().unwrap().several_keys);
        pulse.beat(KeyMark(2));
        pulse.beat(KeyMark(1));
        assert!(pulse.drain().unwrap().several_keys);
    }
}
