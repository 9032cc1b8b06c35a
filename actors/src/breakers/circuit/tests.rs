//! The rules of a circuit, told with a hand-moved time.

use super::*;
use crate::breakers::report::CircuitState;

const ALICE: KeyMark = KeyMark(1);
const BOB: KeyMark = KeyMark(3);
const START: Duration = Duration::from_secs(1_000);

/// A circuit and the time, which the story moves.
struct Story {
    circuit: Circuit,
    now: Duration,
}

impl Story {
    fn begins() -> Self {
        Self { circuit: Circuit::new(Figures::default(), START), now: START }
    }

    fn fails(&mut self, key: KeyMark, times: usize) -> &mut Self {
        for _ in 0..times {
            self.circuit.failed(key, FailureKind::Status(503), self.now);
        }
        self
    }

    fn succeeds(&mut self, key: KeyMark, successes: u64) -> &mut Self {
        self.circuit.succeeded(Beats { successes, key, several_keys: false }, self.now);
        self
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    fn trial(&mut self) -> Option<u64> {
        self.circuit.try_trial(self.now)
    }

    fn state(&self) -> CircuitState {
        self.circuit.standing().state(self.now)
    }

    fn cause(&self) -> String {
        self.circuit.standing().cause.unwrap_or_default().to_string()
    }

    fn half_open() -> Self {
        let mut story = Self::begins();
        story.fails(ALICE, 3).after(30);
        story
    }
}

#[test]
fn other_figures_are_gone_by() {
    let seconds = Duration::from_secs;
    let figures = Figures { in_a_row: 1, window: seconds(10), open_for: seconds(7), trials: 2 };
    let mut story = Story { circuit: Circuit::new(figures, START), now: START };
    assert_eq!(story.fails(ALICE, 1).state(), CircuitState::Open);
    assert_eq!((story.after(6).state(), story.after(1).state()), (CircuitState::Open, CircuitState::HalfOpen));
    let rounds: Vec<_> = std::iter::repeat_with(|| story.trial()).take(3).collect();
    assert!(rounds[0].is_some() && rounds[1].is_some() && rounds[2].is_none(), "{rounds:?}");
    rounds.into_iter().flatten().for_each(|round| story.circuit.trial_succeeded(round, story.now));
    assert_eq!(story.state(), CircuitState::Closed);

    // Half of at least twenty, and those of more than ten seconds ago are forgotten.
    let patient = Figures { in_a_row: 100, window: seconds(10), ..figures };
    let mut story = Story { circuit: Circuit::new(patient, START), now: START };
    assert_eq!(story.fails(ALICE, 19).after(10).fails(ALICE, 1).state(), CircuitState::Closed);
    assert_eq!(story.fails(ALICE, 19).state(), CircuitState::Open);
    assert!(story.cause().contains("20 of 20 calls failed within 10 s"), "{}", story.cause());
}

#[test]
fn three_failures_in_a_row_open_it() {
    let mut story = Story::begins();
    assert_eq!(story.fails(ALICE, 2).state(), CircuitState::Closed);
    assert_eq!(story.fails(ALICE, 1).state(), CircuitState::Open);
    assert_eq!(story.cause(), "3 failures in a row, the last: status 503");
}

#[test]
fn a_success_in_between_begins_the_count_again() {
    let mut story = Story::begins();
    story.fails(ALICE, 2).succeeds(ALICE, 100).fails(ALICE, 2);
    assert_eq!(story.state(), CircuitState::Closed);
    assert_eq!(story.fails(ALICE, 1).state(), CircuitState::Open);
}

#[test]
fn half_of_twenty_outcomes_within_a_minute_open_it() {
    let mut story = Story::begins();
    for _ in 0..9 {
        story.after(1).succeeds(ALICE, 1).fails(ALICE, 1);
    }
    assert_eq!(story.succeeds(ALICE, 1).state(), CircuitState::Closed, "19 outcomes say nothing");
    assert_eq!(story.fails(ALICE, 1).state(), CircuitState::Open);
    assert_eq!(story.cause(), "10 of 20 calls failed within 60 s, the last: status 503");
}

#[test]
fn less_than_half_or_too_long_ago_does_not_open_it() {
    let mut story = Story::begins();
    for _ in 0..50 {
        story.succeeds(ALICE, 2).fails(ALICE, 1);
    }
    assert_eq!(story.state(), CircuitState::Closed, "a third is not a half");
    let mut story = Story::begins();
    for _ in 0..50 {
        story.after(7).succeeds(ALICE, 1).fails(ALICE, 1);
    }
    assert_eq!(story.state(), CircuitState::Closed, "a minute never holds twenty");
}

#[test]
fn one_key_alone_cannot_open_it_while_another_calls() {
    let mut story = Story::begins();
    story.succeeds(BOB, 1).fails(ALICE, 50);
    assert_eq!(story.state(), CircuitState::Closed, "two of fifty count");
    assert_eq!(story.fails(BOB, 1).state(), CircuitState::Open, "the third is somebody else's");
}

#[test]
fn what_a_key_failed_before_is_not_held_against_a_row_of_many() {
    let mut story = Story::begins();
    for key in [ALICE, BOB] {
        story.fails(key, 2).succeeds(key, 1);
    }
    assert_eq!(story.fails(ALICE, 1).fails(BOB, 1).state(), CircuitState::Closed);
    assert_eq!(story.fails(ALICE, 1).state(), CircuitState::Open, "the third in a row, of two keys");
}

#[test]
fn a_key_that_always_fails_does_not_make_anothers_rare_failure_a_row() {
    let mut story = Story::begins();
    for key in 10..20 {
        story.succeeds(KeyMark(key), 1);
    }
    story.fails(ALICE, 50).succeeds(BOB, 1).fails(ALICE, 50).fails(BOB, 1);
    assert_eq!(story.state(), CircuitState::Closed);
    assert_eq!(story.fails(KeyMark(10), 1).state(), CircuitState::Open, "three of them are enough");
}

#[test]
fn a_long_row_is_made_by_few_keys_too() {
    let figures = Figures { in_a_row: 10, ..Figures::default() };
    let mut story = Story { circuit: Circuit::new(figures, START), now: START };
    for key in [ALICE, BOB] {
        story.fails(key, 2).succeeds(key, 1);
    }
    for _ in 0..4 {
        assert_eq!(story.fails(ALICE, 1).fails(BOB, 1).state(), CircuitState::Closed);
    }
    assert_eq!(story.fails(ALICE, 1).fails(BOB, 1).state(), CircuitState::Open);
}

#[test]
fn a_share_is_of_all_keys_unless_one_alone_makes_it() {
    let mut story = Story::begins();
    for _ in 0..10 {
        for key in [ALICE, BOB] {
            story.fails(key, 1).succeeds(key, 1);
        }
    }
    assert_eq!(story.fails(ALICE, 1).state(), CircuitState::Open, "both fail every second time");
    let mut story = Story::begins();
    for _ in 0..10 {
        story.fails(ALICE, 2).succeeds(BOB, 1);
    }
    assert_eq!(story.fails(ALICE, 1).state(), CircuitState::Closed, "only one of them fails");
}

#[test]
fn one_key_alone_opens_it_where_nobody_else_calls_any_more() {
    let mut story = Story::begins();
    story.succeeds(BOB, 1).fails(ALICE, 50).after(61).fails(ALICE, 1);
    assert_eq!(story.state(), CircuitState::Open);
}

#[test]
fn open_lets_nothing_through_for_thirty_seconds() {
    let mut story = Story::begins();
    story.fails(ALICE, 3).after(29);
    assert_eq!((story.state(), story.trial()), (CircuitState::Open, None));
    assert_eq!(story.after(1).state(), CircuitState::HalfOpen);
    assert!(story.trial().is_some());
}

#[test]
fn five_trials_run_at_once_and_all_must_succeed() {
    let mut story = Story::half_open();
    let rounds: Vec<_> = std::iter::from_fn(|| story.trial()).collect();
    assert_eq!(rounds.len(), 5);
    for round in &rounds[1..] {
        story.circuit.trial_succeeded(*round, story.now);
    }
    assert_eq!((story.state(), story.trial()), (CircuitState::HalfOpen, None));
    story.circuit.trial_succeeded(rounds[0], story.now);
    assert_eq!((story.state(), story.cause()), (CircuitState::Closed, String::new()));
}

#[test]
fn a_failed_trial_opens_it_again_and_its_companions_decide_nothing() {
    let mut story = Story::half_open();
    let (first, second) = (story.trial().unwrap(), story.trial().unwrap());
    story.circuit.trial_failed(first, FailureKind::Timeout, story.now);
    assert_eq!((story.state(), story.cause()), (CircuitState::Open, "a trial failed: no answer in time".to_owned()));
    story.after(30);
    let next = story.trial().unwrap();
    story.circuit.trial_failed(second, FailureKind::Timeout, story.now);
    assert_eq!(story.state(), CircuitState::HalfOpen);
    assert_ne!(next, second);
}

#[test]
fn a_lost_trial_frees_its_place() {
    let mut story = Story::half_open();
    let rounds: Vec<_> = std::iter::from_fn(|| story.trial()).collect();
    story.circuit.trial_lost(rounds[0]);
    assert!(story.trial().is_some());
    assert_eq!(story.trial(), None);
}

#[test]
fn a_429_pauses_and_is_not_a_failure() {
    let mut story = Story::begins();
    story.circuit.cooled(None, story.now);
    assert_eq!(story.after(4).state(), CircuitState::Cooling);
    story.circuit.cooled(Some(Duration::from_secs(600)), story.now);
    story.circuit.cooled(Some(Duration::ZERO), story.now);
    assert_eq!(story.after(59).state(), CircuitState::Cooling, "sixty seconds at most, and never cut short");
    assert_eq!(story.after(1).state(), CircuitState::Closed);
    story.fails(ALICE, 2);
    story.circuit.cooled(None, story.now);
    assert_eq!(story.after(5).state(), CircuitState::Closed);
}

#[test]
fn late_news_from_before_it_opened_change_nothing() {
    let mut story = Story::half_open();
    story.fails(ALICE, 5).succeeds(ALICE, 5);
    assert_eq!(story.state(), CircuitState::HalfOpen);
}

#[test]
fn an_operator_makes_it_begin_anew_and_trials_from_before_decide_nothing() {
    let mut story = Story::half_open();
    let before = story.trial().unwrap();
    story.circuit.cooled(None, story.now);
    story.circuit.reset(story.now);
    assert_eq!((story.state(), story.cause()), (CircuitState::Closed, String::new()));
    story.fails(ALICE, 3).after(30);
    assert_ne!(story.trial(), None);
    story.circuit.trial_failed(before, FailureKind::Timeout, story.now);
    assert_eq!(story.state(), CircuitState::HalfOpen);
}
