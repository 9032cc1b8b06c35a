//! The rules of admission, told with a hand-moved time.

use proptest::prelude::*;

use super::*;
use crate::domain::{KeyId, Mode, ProjectId, Rule};

const KEY: Scope = Scope::Key(KeyId::from_u128(1));
const PROJECT: Scope = Scope::Project(ProjectId::from_u128(2));

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn places(concurrency: u32) -> Limits {
    Limits { concurrency: Some(concurrency), ..Limits::default() }
}

fn requests(rpm: u32) -> Limits {
    Limits { rpm: Some(rpm), ..Limits::default() }
}

fn tokens(tpm: u64) -> Limits {
    Limits { tpm: Some(tpm), ..Limits::default() }
}

fn refused_by(result: Result<Headroom, LimitError>) -> (Scope, LimitKind, Duration) {
    match result {
        Err(LimitError::Limited { scope, what, retry_after, .. }) => (scope, what, retry_after),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn a_refusal_by_one_scope_takes_nothing_from_the_others() {
    let mut meters = Meters::unused();
    let both = [(KEY, requests(60)), (PROJECT, places(0))];
    for _ in 0..100 {
        assert_eq!(refused_by(meters.admit(&both, 0, seconds(0))).0, PROJECT);
    }
    let left = meters.admit(&[(KEY, requests(60))], 0, seconds(0)).unwrap();
    assert_eq!(left.requests.unwrap().remaining, 9);
}

#[test]
fn the_longest_wait_is_the_one_that_is_told() {
    let mut meters = Meters::unused();
    let both = [(KEY, requests(6)), (PROJECT, tokens(600))];
    meters.admit(&both, 600, seconds(0)).unwrap();
    assert_eq!(refused_by(meters.admit(&both, 600, seconds(0))), (PROJECT, LimitKind::Tokens, seconds(60)));
    assert_eq!(refused_by(meters.admit(&both, 10, seconds(0))), (KEY, LimitKind::Requests, seconds(10)));
}

#[test]
fn a_shadow_limit_refuses_nothing_and_counts_as_if_it_did() {
    let mut meters = Meters::unused();
    let shadow = Limits { mode: Mode::Shadow, ..places(1) };
    let both = [(KEY, shadow), (PROJECT, requests(60))];
    let told = vec![Shadowed { scope: KEY, rule: Rule::Concurrency }];
    let first = meters.admit(&both, 0, seconds(0)).unwrap();
    assert_eq!((first.requests.unwrap().remaining, meters.take_shadowed()), (9, vec![]));
    assert_eq!(meters.admit(&both, 0, seconds(0)).unwrap().requests.unwrap().remaining, 8);
    assert_eq!(meters.take_shadowed(), told);
    // The second took no place, so its end frees none; the end of the first does.
    meters.close(&[(PROJECT, requests(60))], 0, Some(0));
    meters.admit(&both, 0, seconds(0)).unwrap();
    assert_eq!(meters.take_shadowed(), told);
    meters.close(&both, 0, Some(0));
    let refused = [(KEY, shadow), (PROJECT, requests(0))];
    assert!(meters.admit(&refused, 0, seconds(0)).is_err());
    meters.admit(&both, 0, seconds(0)).unwrap();
    assert_eq!(meters.take_shadowed(), vec![], "and what another limit refuses has taken none");
}

#[test]
fn tokens_are_corrected_by_what_they_came_to() {
    let mut meters = Meters::unused();
    let limits = [(KEY, tokens(1_000))];
    meters.admit(&limits, 900, seconds(0)).unwrap();
    meters.close(&limits, 900, Some(100));
    let left = meters.admit(&limits, 0, seconds(0)).unwrap().tokens.unwrap();
    assert_eq!((left.limit, left.remaining, left.reset), (1_000, 900, seconds(6)));
    meters.close(&limits, 0, Some(2_900));
    assert_eq!(refused_by(meters.admit(&limits, 0, seconds(0))).2, seconds(120));
}

#[test]
fn a_lowered_limit_forgives_what_lies_beyond_it() {
    let mut meters = Meters::unused();
    meters.admit(&[(KEY, tokens(1_000_000))], 1_000_000, seconds(0)).unwrap();
    assert_eq!(refused_by(meters.admit(&[(KEY, tokens(10))], 10, seconds(0))).2, seconds(60));
}

#[test]
fn a_place_is_freed_only_by_a_call_that_took_one() {
    let mut meters = Meters::unused();
    let unlimited = [(KEY, requests(600))];
    meters.admit(&unlimited, 0, seconds(0)).unwrap();
    meters.admit(&[(KEY, places(1))], 0, seconds(0)).unwrap();
    meters.close(&unlimited, 0, None);
    assert_eq!(refused_by(meters.admit(&[(KEY, places(1))], 0, seconds(0))).1, LimitKind::Concurrency);
}

#[test]
fn after_a_crash_everything_counts_as_half_used_for_a_minute() {
    let mut meters = Meters::half_used(seconds(1_000));
    let limits = [(KEY, Limits { rpm: Some(600), tpm: Some(1_000), concurrency: Some(5), ..Limits::default() })];
    let left = meters.admit(&limits, 0, seconds(1_000)).unwrap();
    assert_eq!((left.requests.unwrap().remaining, left.tokens.unwrap().remaining), (49, 500));
    meters.admit(&limits, 0, seconds(1_000)).unwrap();
    meters.admit(&limits, 0, seconds(1_000)).unwrap();
    assert_eq!(refused_by(meters.admit(&limits, 0, seconds(1_059))).1, LimitKind::Concurrency);
    let left = meters.admit(&limits, 0, seconds(1_060)).unwrap();
    assert_eq!((left.requests.unwrap().remaining, left.tokens.unwrap().remaining), (99, 1_000));
}

#[test]
fn idle_scopes_are_forgotten_and_busy_ones_are_not() {
    let mut meters = Meters::unused();
    meters.admit(&[(KEY, places(1))], 0, seconds(0)).unwrap();
    meters.admit(&[(PROJECT, requests(6))], 0, seconds(0)).unwrap();
    meters.sweep(seconds(9));
    assert_eq!(meters.by_scope.len(), 2);
    meters.sweep(seconds(10));
    assert_eq!(meters.by_scope.len(), 1);
    meters.close(&[(KEY, places(1))], 0, None);
    meters.sweep(seconds(10));
    assert!(meters.by_scope.is_empty());
}

proptest! {
    #[test]
    fn calls_in_flight_never_exceed_the_tightest_limit(
        limits in (0_u32..6, 0_u32..6),
        steps in prop::collection::vec(any::<bool>(), 1..200),
    ) {
        let mut meters = Meters::unused();
        let chain = [(KEY, places(limits.0)), (PROJECT, places(limits.1))];
        let mut running = 0;
        for begins in steps {
            if begins {
                let admitted = meters.admit(&chain, 0, Duration::ZERO).is_ok();
                prop_assert_eq!(admitted, running < limits.0.min(limits.1));
                running += u32::from(admitted);
            } else if running > 0 {
                meters.close(&chain, 0, None);
                running -= 1;
            }
        }
    }

    #[test]
    fn waiting_as_long_as_told_makes_room(
        rpm in 1_u32..100,
        tpm in 1_u64..10_000,
        calls in prop::collection::vec((0_u64..20_000, 0_u64..20_000), 1..30),
    ) {
        let mut meters = Meters::unused();
        let limits = [(KEY, Limits { rpm: Some(rpm), tpm: Some(tpm), ..Limits::default() }), (PROJECT, requests(rpm * 2))];
        let mut now = Duration::ZERO;
        for (estimate, actual) in calls {
            if let Err(refusal) = meters.admit(&limits, estimate, now) {
                now += refusal.wait();
                prop_assert!(meters.admit(&limits, estimate, now).is_ok());
            }
            meters.close(&limits, estimate, Some(actual));
        }
    }

    #[test]
    fn no_minute_takes_more_tokens_than_rate_and_burst(
        tpm in 1_u64..10_000,
        calls in prop::collection::vec((0_u64..12_000, 0_u64..20_000), 1..100),
    ) {
        let mut meters = Meters::unused();
        let limits = [(KEY, tokens(tpm))];
        let (mut now, mut taken) = (0, Vec::new());
        for (estimate, pause_ms) in calls {
            if meters.admit(&limits, estimate, Duration::from_millis(now)).is_ok() {
                taken.push((now, estimate.min(tpm)));
            }
            now += pause_ms;
        }
        for (first, (start, _)) in taken.iter().enumerate() {
            let within = taken[first..].iter().take_while(|(at, _)| *at <= start + 60_000);
            prop_assert!(within.map(|(_, tokens)| tokens).sum::<u64>() <= 2 * tpm);
        }
    }
}
