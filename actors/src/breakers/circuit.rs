//! One circuit: closed while a deployment answers, open while it does not, half-open to find out. Pure.
//! Owns the rules of opening, trying and closing. Refuses clocks: every step is told the time.

use std::time::Duration;

use super::figures::Figures;
use super::gate::{Phase, Standing};
use super::outcomes::{Beats, KeyMark, Outcomes};
use super::report::FailureKind;

/// The pause after a 429 that names none.
const PAUSE: Duration = Duration::from_secs(5);
/// The longest pause a 429 can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The circuit of one deployment.
#[derive(Debug)]
pub(super) struct Circuit {
    figures: Figures,
    standing: Standing,
    outcomes: Outcomes,
    trials: Trials,
}

#[derive(Debug, Default)]
struct Trials {
    /// How often the circuit was half-open; the trials of an earlier time decide nothing.
    round: u64,
    running: u32,
    succeeded: u32,
}

impl Circuit {
    /// A closed circuit.
    pub(super) fn new(figures: Figures, now: Duration) -> Self {
        let standing = Standing { phase: Phase::Closed, cooling_until: Duration::ZERO, cause: None, since: now };
        Self { figures, standing, outcomes: Outcomes::none(&figures), trials: Trials::default() }
    }

    /// Where it stands, to be published.
    pub(super) fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// Calls succeeded.
    pub(super) fn succeeded(&mut self, beats: Beats, now: Duration) {
        if self.learns() {
            self.outcomes.succeeded(beats, now);
        }
    }

    /// A call failed. Late news from before the circuit opened change nothing.
    pub(super) fn failed(&mut self, key: KeyMark, kind: FailureKind, now: Duration) {
        if !self.learns() {
            return;
        }
        let tally = self.outcomes.failed(key, now);
        let Figures { in_a_row, window, .. } = self.figures;
        if tally.in_a_row >= u64::from(in_a_row) {
            self.open(format!("{in_a_row} failures in a row, the last: {kind}"), now);
        } else if tally.is_bad() {
            let (failures, outcomes) = (tally.failures, tally.outcomes);
            let seconds = window.as_secs();
            self.open(format!("{failures} of {outcomes} calls failed within {seconds} s, the last: {kind}"), now);
        }
    }

    /// The provider answered 429: a pause, not a failure. A shorter one never cuts a longer one.
    pub(super) fn cooled(&mut self, retry_after: Option<Duration>, now: Duration) {
        let pause = retry_after.unwrap_or(PAUSE).min(LONGEST_PAUSE);
        self.standing.cooling_until = self.standing.cooling_until.max(now.saturating_add(pause));
    }

    /// A place for a trial and its round, if the circuit is half-open and has one free. A circuit that closed meanwhile lets
    /// the call through, and learns nothing from it.
    pub(super) fn try_trial(&mut self, now: Duration) -> Option<u64> {
        match self.standing.phase {
            _ if now < self.standing.cooling_until => return None,
            Phase::Closed => return Some(0),
            Phase::Open { until } if now < until => return None,
            Phase::Open { .. } => self.half_open(now),
            Phase::HalfOpen => {}
        }
        let has_place = self.trials.running + self.trials.succeeded < self.figures.trials;
        has_place.then(|| {
            self.trials.running += 1;
            self.trials.round
        })
    }

    /// A trial succeeded; the last one closes the circuit.
    pub(super) fn trial_succeeded(&mut self, round: u64, now: Duration) {
        if self.ends_trial(round) {
            self.trials.succeeded += 1;
            if self.trials.succeeded >= self.figures.trials {
                self.close(now);
            }
        }
    }

    /// A trial failed: the circuit opens again.
    pub(super) fn trial_failed(&mut self, round: u64, kind: FailureKind, now: Duration) {
        if self.ends_trial(round) {
            self.open(format!("a trial failed: {kind}"), now);
        }
    }

    /// A trial ended without an outcome: its place is free.
    pub(super) fn trial_lost(&mut self, round: u64) {
        self.ends_trial(round);
    }

    /// Forgets what was learnt: an operator took it in hand, or let it go.
    pub(super) fn reset(&mut self, now: Duration) {
        self.close(now);
        self.standing.cooling_until = Duration::ZERO;
    }

    fn learns(&self) -> bool {
        self.standing.phase == Phase::Closed
    }

    fn ends_trial(&mut self, round: u64) -> bool {
        let counts = self.standing.phase == Phase::HalfOpen && self.trials.round == round;
        if counts {
            self.trials.running = self.trials.running.saturating_sub(1);
        }
        counts
    }

    fn open(&mut self, cause: String, now: Duration) {
        self.enter(Phase::Open { until: now.saturating_add(self.figures.open_for) }, now);
        self.standing.cause = Some(cause.into());
    }

    /// Keeps the cause: what is being tried is whether it still holds.
    fn half_open(&mut self, now: Duration) {
        self.enter(Phase::HalfOpen, now);
        self.trials = Trials { round: self.trials.round + 1, running: 0, succeeded: 0 };
    }

    fn close(&mut self, now: Duration) {
        self.enter(Phase::Closed, now);
        self.standing.cause = None;
    }

    fn enter(&mut self, phase: Phase, now: Duration) {
        self.standing.phase = phase;
        self.standing.since = now;
        self.outcomes = Outcomes::none(&self.figures);
    }
}

#[cfg(test)]
mod tests;
