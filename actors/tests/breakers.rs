//! The breakers as a caller meets them: the real shell, a hand-moved clock, successes that send no message.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use farthing_actors::breakers::{self, Breakers, Change, CircuitState, Control, FailureKind, Figures, Trial, Verdict};
use farthing_actors::domain::{Callee, Clock, DeploymentId, KeyId, ProviderId, Timestamp};
use farthing_actors::supervisor::Supervisor;

const MODEL: Callee = callee(1, 1);
const OTHER: Callee = callee(2, 2);
const ALICE: KeyId = KeyId::from_u128(1);
const BOB: KeyId = KeyId::from_u128(2);
const START: i64 = 1_000_000;

const fn callee(deployment: u128, provider: u128) -> Callee {
    Callee { deployment: DeploymentId::from_u128(deployment), provider: ProviderId::from_u128(provider) }
}

async fn force(breakers: &Breakers, callee: Callee, control: Control) {
    breakers.force(callee.provider, vec![callee.deployment], control).await.unwrap();
}

async fn start() -> (Breakers, Clock) {
    let clock = Clock::manual(Timestamp(START));
    let supervisor = Supervisor::new(clock.clone(), Arc::new(|error| panic!("{error}")));
    let breakers = breakers::start(&supervisor, Arbiter::current(), clock.clone(), Figures::default()).await.unwrap();
    (breakers, clock)
}

/// Waits until the actor has handled everything told before: a question passes behind it.
async fn settled(breakers: &Breakers) {
    force(breakers, OTHER, Control::Automatic).await;
}

async fn fails(breakers: &Breakers, key: KeyId, times: usize) {
    for _ in 0..times {
        breakers.failed(MODEL, key, FailureKind::Unreachable).await;
    }
}

async fn half_open() -> (Breakers, Clock) {
    let (breakers, clock) = start().await;
    fails(&breakers, ALICE, 3).await;
    clock.advance(Duration::from_secs(30));
    assert_eq!(breakers.verdict(MODEL), Verdict::HalfOpen);
    (breakers, clock)
}

async fn all_trials(breakers: &Breakers) -> Vec<Trial> {
    let mut trials = Vec::new();
    while let Some(trial) = breakers.try_trial(MODEL).await {
        trials.push(trial);
    }
    trials
}

#[actix::test]
async fn failures_open_a_circuit_and_everybody_sees_why() {
    let (breakers, _) = start().await;
    let mut changes = breakers.changes();
    assert_eq!(breakers.verdict(MODEL), Verdict::Closed);
    fails(&breakers, ALICE, 3).await;
    let retry_at = Timestamp(START + 30_000);
    assert_eq!(breakers.verdict(MODEL), Verdict::Open { retry_at });
    assert_eq!(breakers.verdict(OTHER), Verdict::Closed);
    let report = breakers.report(MODEL);
    assert_eq!(changes.next().await.unwrap(), Change::Circuit(report.clone()));
    assert_eq!(
        serde_json::to_value(&report).unwrap(),
        serde_json::json!({
            "deployment_id": MODEL.deployment, "state": "open", "control": "automatic",
            "cause": "3 failures in a row, the last: the provider cannot be reached",
            "since": START, "next_trial_at": START + 30_000,
        })
    );
}

#[actix::test]
async fn a_success_between_failures_begins_the_count_again() {
    let (breakers, _) = start().await;
    breakers.succeeded(MODEL, ALICE);
    fails(&breakers, ALICE, 2).await;
    breakers.succeeded(MODEL, ALICE);
    fails(&breakers, ALICE, 2).await;
    assert_eq!(breakers.verdict(MODEL), Verdict::Closed);
    fails(&breakers, ALICE, 1).await;
    assert_ne!(breakers.verdict(MODEL), Verdict::Closed);
}

#[actix::test]
async fn successes_of_another_key_show_that_it_calls_too() {
    let (breakers, _) = start().await;
    breakers.succeeded(MODEL, BOB);
    settled(&breakers).await;
    breakers.succeeded(MODEL, BOB);
    fails(&breakers, ALICE, 50).await;
    assert_eq!(breakers.verdict(MODEL), Verdict::Closed);
}

#[actix::test]
async fn the_pace_of_a_deployment_is_known_from_its_first_answer() {
    let (breakers, _) = start().await;
    assert_eq!(breakers.pace(MODEL.deployment, true), None);
    breakers.timed(MODEL, true, Duration::from_millis(80));
    settled(&breakers).await;
    breakers.timed(MODEL, true, Duration::from_millis(160));
    assert_eq!(
        (breakers.pace(MODEL.deployment, true), breakers.pace(MODEL.deployment, false)),
        (Some(Duration::from_millis(90)), None)
    );
}

#[actix::test]
async fn five_successful_trials_close_it() {
    let (breakers, _) = half_open().await;
    let trials = all_trials(&breakers).await;
    assert_eq!(trials.len(), 5);
    for trial in trials {
        assert_eq!(breakers.verdict(MODEL), Verdict::HalfOpen);
        trial.succeeded();
        settled(&breakers).await;
    }
    assert_eq!(breakers.verdict(MODEL), Verdict::Closed);
    assert_eq!(breakers.report(MODEL).state, CircuitState::Closed);
}

#[actix::test]
async fn a_failed_trial_opens_it_and_a_dropped_one_frees_its_place() {
    let (breakers, _) = half_open().await;
    let mut trials = all_trials(&breakers).await;
    drop(trials.pop());
    let again = all_trials(&breakers).await;
    assert_eq!(again.len(), 1);
    trials.pop().unwrap().failed(FailureKind::Status(500));
    settled(&breakers).await;
    assert!(matches!(breakers.verdict(MODEL), Verdict::Open { .. }));
}

#[actix::test]
async fn a_question_that_is_given_up_leaves_no_trial_behind() {
    let (breakers, _) = half_open().await;
    for _ in 0..10 {
        // The biased choice polls the question once, then gives it up.
        tokio::select! { biased; _ = breakers.try_trial(MODEL) => {}, () = std::future::ready(()) => {} }
        settled(&breakers).await;
    }
    assert_eq!(all_trials(&breakers).await.len(), 5);
}

#[actix::test]
async fn a_429_pauses_for_as_long_as_it_says() {
    let (breakers, clock) = start().await;
    breakers.cooled(MODEL, Some(Duration::from_secs(7))).await;
    assert_eq!(breakers.verdict(MODEL), Verdict::Open { retry_at: Timestamp(START + 7_000) });
    assert_eq!(breakers.report(MODEL).state, CircuitState::Cooling);
    clock.advance(Duration::from_secs(7));
    assert_eq!(breakers.verdict(MODEL), Verdict::Closed);
}

#[actix::test]
async fn a_crash_closes_what_was_learnt_and_keeps_what_was_forced() {
    let (breakers, _) = start().await;
    force(&breakers, OTHER, Control::ForcedOpen).await;
    for _ in 0..3 {
        breakers.failed(MODEL, ALICE, FailureKind::Cut).await;
    }
    force(&breakers, callee(3, 3), Control::ForcedClosed).await;
    assert!(matches!(breakers.verdict(MODEL), Verdict::Open { .. }));

    let ask_on = || async {
        let mut unanswered = 0;
        while breakers.vitals().restarts == 0 || !breakers.vitals().alive {
            unanswered += u32::from(breakers.force(MODEL.provider, Vec::new(), Control::Automatic).await.is_err());
            assert!(matches!(breakers.verdict(OTHER), Verdict::Open { .. }), "verdicts outlive the actor");
            tokio::task::yield_now().await;
        }
        unanswered
    };
    // The first asks before the actor is told to die, the last while that message waits.
    let (_, _, unanswered) = tokio::join!(ask_on(), breakers.crash(), ask_on());
    assert!(unanswered > 0);
    assert_eq!(breakers.verdict(MODEL), Verdict::Closed);
    assert_eq!(breakers.report(OTHER).control, Control::ForcedOpen);
    force(&breakers, OTHER, Control::Automatic).await;
    fails(&breakers, ALICE, 3).await;
    assert!(matches!(breakers.verdict(MODEL), Verdict::Open { .. }), "it learns again");
}

#[actix::test]
async fn an_operator_decides_for_deployments_to_come_and_what_happens_meanwhile_is_not_learnt() {
    let (breakers, _) = start().await;
    let mut changes = breakers.changes();
    force(&breakers, MODEL, Control::ForcedOpen).await;
    let told = changes.next().await.unwrap();
    assert_eq!(told, Change::Circuit(breakers.report(MODEL)));
    let later = Callee { deployment: DeploymentId::from_u128(9), ..MODEL };
    for callee in [MODEL, later] {
        let retry_at = Timestamp(START + 30_000);
        assert_eq!(breakers.verdict(callee), Verdict::Open { retry_at }, "{callee:?}");
        assert!(breakers.try_trial(callee).await.is_none());
        assert_eq!(breakers.report(callee).cause.as_deref(), Some("forced by an operator"));
    }
    assert_eq!(breakers.verdict(OTHER), Verdict::Closed);
    force(&breakers, MODEL, Control::ForcedClosed).await;
    fails(&breakers, ALICE, 100).await;
    breakers.cooled(MODEL, None).await;
    assert_eq!((breakers.verdict(MODEL), breakers.verdict(later)), (Verdict::Closed, Verdict::Closed));
    assert!(breakers.try_trial(MODEL).await.is_some());
    force(&breakers, MODEL, Control::Automatic).await;
    assert_eq!(breakers.report(MODEL).state, CircuitState::Closed);
    fails(&breakers, ALICE, 3).await;
    assert!(matches!(breakers.verdict(MODEL), Verdict::Open { .. }), "it learns again");
    assert_eq!(breakers.verdict(later), Verdict::Closed, "each by itself");
}

#[actix::test]
async fn listeners_hear_of_the_end_of_a_decision_though_the_circuits_were_forgotten() {
    let (breakers, _) = start().await;
    force(&breakers, MODEL, Control::ForcedOpen).await;
    breakers.crash().await;
    let mut changes = breakers.changes();
    force(&breakers, MODEL, Control::ForcedOpen).await;
    force(&breakers, MODEL, Control::Automatic).await;
    let mut last = None;
    while last != Some(CircuitState::Closed) {
        let Change::Circuit(report) = changes.next().await.unwrap() else { panic!("no circuit") };
        last = Some(report.state);
    }
}

#[actix::test]
async fn a_refused_key_is_told_once_gives_others_their_turn_for_a_minute_and_opens_nothing() {
    let (breakers, clock) = start().await;
    let (mut changes, provider) = (breakers.changes(), MODEL.provider);
    breakers.key_refused(provider, 401).await;
    clock.advance(Duration::from_secs(30));
    breakers.key_refused(provider, 403).await;
    let refused = breakers.refused_key(provider).unwrap();
    assert_eq!((refused.status, refused.since), (403, Timestamp(START)));
    assert_eq!(breakers.verdict(MODEL), Verdict::Closed);
    clock.advance(Duration::from_secs(59));
    assert!(breakers.is_out_of_turn(provider) && !breakers.is_out_of_turn(OTHER.provider));
    clock.advance(Duration::from_secs(1));
    assert!(!breakers.is_out_of_turn(provider), "one call finds out");
    assert!(breakers.refused_key(provider).is_some(), "and until it has, it is known to be refused");
    breakers.crash().await;
    assert!(breakers.refused_key(provider).is_some());
    breakers.key_taken(provider);
    settled(&breakers).await;
    assert_eq!(breakers.refused_key(provider), None);
    clock.advance(Duration::from_secs(600));
    breakers.key_refused(provider, 401).await;
    let told = [changes.next().await, changes.next().await, changes.next().await];
    assert!(
        matches!(told, [Some(Change::KeyRefused(_)), Some(Change::KeyTaken(_)), Some(Change::KeyRefused(_))]),
        "{told:?}"
    );
}
