//! What a hold is granted, attempts, caps, runs, corrections, adjustments and expiry, by example.

use super::*;
use crate::domain::AdjustmentId;
use crate::ledger::entry::Adjustment;

const NOW: Timestamp = Timestamp(0);

fn picos(amount: i128) -> Money {
    Money::from_picos(amount)
}

fn limited(limit: i128) -> Book {
    let mut book = Book::recover(Recovered::default());
    book.set_budget(key(1), budget(limit, WindowKind::Total), Money::ZERO, NOW);
    book
}

fn spent_and_held(book: &mut Book, scope: Scope) -> (Money, Money) {
    let balance = book.balance(scope, NOW).unwrap();
    (balance.spent, balance.held)
}

fn attempt(book: &mut Book, request: u128, number: u16, tokens: u64) -> bool {
    let outcome = Outcome { attempts: number, ..outcome(tokens) };
    let ended = Ended { kind: LineKind::Attempt, ..ended(request, outcome) };
    match book.decide_close(ended, NOW).unwrap() {
        Close::First(closing) => book.apply_close(&closing),
        Close::Repeated(_) | Close::Late(_) => panic!("booked already"),
    }
}

#[test]
fn less_is_granted_where_a_budget_covers_only_that_but_never_less_than_is_useful() {
    let mut book = limited(100);
    let wants = |request, least| HoldRequest { least: picos(least), ..hold(request, 1, 80) };
    assert_eq!(book.place(wants(1, 30), NOW).unwrap().amount, picos(80));
    assert!(matches!(book.place(wants(2, 30), NOW), Err(HoldError::OverBudget { .. })));
    assert_eq!(book.place(wants(3, 20), NOW).unwrap().amount, picos(20));
    assert_eq!(spent_and_held(&mut book, key(1)), (picos(0), picos(100)));
    assert!(matches!(book.place(wants(4, 0), NOW), Err(HoldError::OverBudget { .. })));
}

#[test]
fn each_attempt_is_charged_and_another_is_made_only_if_it_is_covered() {
    let mut book = limited(100);
    book.place(hold(1, 1, 60), NOW).unwrap();
    assert!(attempt(&mut book, 1, 1, 30));
    assert_eq!(spent_and_held(&mut book, key(1)), (picos(30), picos(60)));
    // Ten are free, the second attempt took twenty: no third is covered, so nothing is held any more.
    assert!(!attempt(&mut book, 1, 2, 20));
    assert_eq!(spent_and_held(&mut book, key(1)), (picos(50), picos(0)));
    assert_eq!(book.presume(RequestId::from_u128(1), EstimateReason::Crash).unwrap().outcome.usage, Usage::default());
    settle(&mut book, 1, 0, NOW).unwrap();
    assert_eq!(spent_and_held(&mut book, key(1)), (picos(50), picos(0)));
}

#[test]
fn what_was_set_aside_for_an_attempt_alone_is_free_when_it_ends() {
    // All of the budget is held: eighty for the call, twenty for what comes before it.
    let mut book = limited(100);
    book.place(hold(1, 1, 100), NOW).unwrap();
    let part = |number, tokens, route: &str| Ended {
        kind: LineKind::Attempt,
        freed: picos(20),
        route: Some(route.into()),
        ..ended(1, Outcome { attempts: number, ..outcome(tokens) })
    };
    let Close::First(closing) = book.decide_close(part(1, 7, "why"), NOW).unwrap() else { panic!("it is open") };
    assert_eq!(book.entry(&closing).unwrap().call.route.as_deref(), Some("why"));
    assert!(book.apply_close(&closing));
    assert_eq!(spent_and_held(&mut book, key(1)), (picos(7), picos(80)));
    let kept = serde_json::to_string(book.open().next().unwrap()).unwrap();
    let carried: OpenHold = serde_json::from_str(&kept).unwrap();
    assert_eq!(carried.held(), picos(80));
    // Thirteen are free: forty are more than the twenty it had and those.
    let Close::First(closing) = book.decide_close(part(2, 40, "why"), NOW).unwrap() else { panic!("it is open") };
    assert!(!book.apply_close(&closing));
    settle(&mut book, 1, 0, NOW).unwrap();
    assert_eq!(spent_and_held(&mut book, key(1)), (picos(47), picos(0)));
}

#[test]
fn a_call_that_ends_with_an_attempt_that_is_booked_adds_nothing() {
    let mut book = limited(100);
    book.place(hold(1, 1, 60), NOW).unwrap();
    attempt(&mut book, 1, 1, 30);
    // Whoever closes it cannot know whether the attempt's own line was written before the client left.
    assert_eq!(settle(&mut book, 1, 30, NOW), Ok(picos(0)));
    assert_eq!(spent_and_held(&mut book, key(1)), (picos(30), picos(0)));
}

#[test]
fn an_attempt_is_booked_once() {
    let mut book = limited(100);
    book.place(hold(1, 1, 60), NOW).unwrap();
    attempt(&mut book, 1, 1, 30);
    let again = Ended { kind: LineKind::Attempt, ..ended(1, outcome(30)) };
    assert_eq!(book.decide_close(again, NOW), Ok(Close::Repeated(picos(30))));
}

#[test]
fn a_cap_counts_admitted_requests_and_not_refused_ones() {
    let mut book = Book::recover(Recovered { caps: vec![(key(1), 3, 1)], ..Recovered::default() });
    book.place(hold(1, 1, 1), NOW).unwrap();
    book.place(hold(2, 1, 1), NOW).unwrap();
    assert_eq!(book.place(hold(3, 1, 1), NOW), Err(HoldError::CapReached { scope: key(1), max: 3 }));
    let refused = ended(2, Outcome { status: CallStatus::Refused, ..outcome(0) });
    let Close::First(closing) = book.decide_close(refused, NOW).unwrap() else { panic!() };
    book.apply_close(&closing);
    settle(&mut book, 1, 1, NOW).unwrap();
    assert!(book.place(hold(4, 1, 1), NOW).is_ok());
    assert!(book.place(hold(5, 1, 1), NOW).is_err());
    assert!(book.place(hold(6, 2, 1), NOW).is_ok());
}

#[test]
fn a_run_has_a_limit_of_its_own_and_can_be_ended() {
    let run = RunId::from_u128(7);
    let found = Recovered { runs: vec![(run, picos(50))], ..Recovered::default() };
    let mut book = Book::recover(found);
    let part = |request| {
        let mut hold = HoldRequest { run_limit: Some(picos(100)), ..hold(request, 1, 40) };
        hold.call.scopes = [key(1), project(), Scope::Run(run)].into();
        hold
    };
    book.place(part(1), NOW).unwrap();
    let refused = book.place(part(2), NOW);
    assert!(matches!(refused, Err(HoldError::OverBudget { scope: Scope::Run(_), .. })));
    settle(&mut book, 1, 10, NOW).unwrap();
    assert_eq!(spent_and_held(&mut book, Scope::Run(run)), (picos(60), picos(0)));
    book.kill_run(run);
    assert_eq!(book.place(part(3), NOW), Err(HoldError::RunKilled));
}

#[test]
fn a_run_whose_first_calls_are_open_is_recovered_with_them() {
    let run = Scope::Run(RunId::from_u128(7));
    let part = |request| {
        let mut hold = HoldRequest { run_limit: Some(picos(100)), ..hold(request, 1, 60) };
        hold.call.scopes = [key(1), project(), run].into();
        hold
    };
    let mut book = Book::recover(Recovered { open: vec![Arc::new(part(1)).into()], ..Recovered::default() });
    assert_eq!(spent_and_held(&mut book, run), (picos(0), picos(60)));
    assert!(book.place(part(2), NOW).is_err(), "the run's limit covers what was open when its ledger died");
    presume(&mut book, 1);
    assert_eq!(spent_and_held(&mut book, run), (picos(60), picos(0)));
    assert!(book.place(part(3), NOW).is_err());
}

fn presume(book: &mut Book, request: u128) {
    let ended = book.presume(RequestId::from_u128(request), EstimateReason::Missing).unwrap();
    let Close::First(closing) = book.decide_close(ended, NOW).unwrap() else { panic!("it was closed") };
    book.apply_close(&closing);
}

#[test]
fn a_call_that_ends_after_its_hold_expired_is_corrected_once() {
    let mut book = limited(100);
    book.place(hold(1, 1, 60), NOW).unwrap();
    presume(&mut book, 1);
    assert_eq!(spent_and_held(&mut book, key(1)), (picos(60), picos(0)));
    let again = Ended { kind: LineKind::Attempt, ..ended(1, outcome(7)) };
    assert_eq!(book.decide_close(again, NOW), Ok(Close::Repeated(picos(60))), "its attempts are not booked any more");
    let Close::Late(correction) = book.decide_close(ended(1, outcome(7)), NOW).unwrap() else { panic!("it is late") };
    assert_eq!(
        (correction.held, correction.amount, correction.outcome.status),
        (picos(60), picos(-53), CallStatus::Ok)
    );
    book.apply_correction(&correction);
    assert_eq!(spent_and_held(&mut book, key(1)), (picos(7), picos(0)));
    assert_eq!(book.decide_close(ended(1, outcome(7)), NOW), Ok(Close::Repeated(picos(7))));
}

#[test]
fn whoever_leaves_after_a_failure_that_is_not_billed_owes_not_even_a_fee() {
    let mut book = limited(100);
    let mut wanted = hold(1, 1, 60);
    let fee = Price { request_fee_usd: picos(9), ..Price::default() };
    wanted.target.price = Some(Arc::new((PriceId::from_u128(2), fee)));
    book.place(wanted, NOW).unwrap();
    let left = Outcome { status: CallStatus::ClientGone, provenance: Provenance::Counted, ..outcome(0) };
    let Close::First(closing) = book.decide_close(ended(1, left), NOW).unwrap() else { panic!("it is open") };
    assert_eq!(closing.amount, Money::ZERO);
}

#[test]
fn an_estimate_is_corrected_by_the_difference_and_only_once() {
    let mut book = limited(100);
    book.place(hold(1, 1, 60), NOW).unwrap();
    let estimate = Outcome { provenance: Provenance::Estimated(EstimateReason::Missing), ..outcome(50) };
    let Close::First(closing) = book.decide_close(ended(1, estimate), NOW).unwrap() else { panic!() };
    book.apply_close(&closing);
    let correct = |book: &mut Book, tokens| {
        let usage = Usage { output: tokens, ..Usage::default() };
        let line = book.decide_correction(RequestId::from_u128(1), usage, Provenance::Counted, NOW).unwrap();
        line.map(|line| {
            book.apply_correction(&line);
            (line.held, line.amount)
        })
    };
    assert_eq!(correct(&mut book, 42), Some((picos(50), picos(-8))));
    assert_eq!(correct(&mut book, 42), None);
    assert_eq!(correct(&mut book, 45), Some((picos(42), picos(3))));
    assert_eq!(spent_and_held(&mut book, key(1)), (picos(45), picos(0)));
    let unknown = book.decide_correction(RequestId::from_u128(2), Usage::default(), Provenance::Counted, NOW);
    assert_eq!(unknown, Err(CloseError::Unknown));
}

#[test]
fn an_adjustment_is_booked_once() {
    let mut book = limited(100);
    let adjustment = Adjustment {
        id: AdjustmentId::from_u128(1),
        scopes: [key(1)].into(),
        provider: None,
        amount: picos(-30),
        reason: "an outage".into(),
        actor: "ops".into(),
        request: None,
        booked_at: Timestamp(-5),
    };
    let decided = book.decide_adjustment(adjustment.clone(), NOW).unwrap();
    assert_eq!(decided.booked_at, NOW);
    book.apply_adjustment(&decided);
    assert_eq!(book.decide_adjustment(adjustment, NOW), None);
    assert_eq!(spent_and_held(&mut book, key(1)), (picos(-30), picos(0)));
    assert!(book.place(hold(1, 1, 130), NOW).is_ok());
}

#[test]
fn a_hold_expires_when_nothing_was_heard_of_it_whatever_the_clock_says() {
    let mut book = limited(100);
    book.place(hold(1, 1, 10), NOW).unwrap();
    book.place(hold(2, 1, 10), Timestamp(i64::MAX / 2)).unwrap();
    assert_eq!(book.wait(900), []);
    let usage = Usage { input: 3, output: 4, ..Usage::default() };
    book.take_progress(vec![Checkpoint { request: RequestId::from_u128(2), target: None, usage }]);
    assert_eq!(book.wait(900), [RequestId::from_u128(1)]);
    let presumed = book.presume(RequestId::from_u128(2), EstimateReason::Crash).unwrap();
    assert_eq!(presumed.outcome.usage, usage);
    let presumed = book.presume(RequestId::from_u128(1), EstimateReason::Crash).unwrap();
    assert_eq!(presumed.outcome.usage, Usage { input: 10, ..Usage::default() });
}

#[test]
fn a_shadow_budget_is_charged_and_says_what_it_would_have_refused() {
    let mut book = limited(100);
    let shadow = |limit| Budget { mode: Mode::Shadow, ..budget(limit, WindowKind::Total) };
    book.set_budget(project(), shadow(50), Money::ZERO, NOW);
    let told = vec![Shadowed { scope: project(), rule: Rule::Budget }];
    assert_eq!(book.place(hold(1, 1, 40), NOW).unwrap().amount, picos(40));
    assert_eq!(book.take_shadowed(), []);
    assert_eq!(book.place(hold(2, 1, 40), NOW).unwrap().amount, picos(40), "not lowered to what the shadow has");
    assert_eq!(book.take_shadowed(), told);
    assert!(attempt(&mut book, 2, 1, 20), "another attempt is covered by what is enforced");
    assert_eq!(spent_and_held(&mut book, project()), (picos(20), picos(80)));
    assert!(matches!(book.place(hold(3, 1, 40), NOW), Err(HoldError::OverBudget { scope, .. }) if scope == key(1)));
    book.clear_budget(key(1));
    book.set_budget(project(), Budget { mode: Mode::Enforce, ..shadow(50) }, picos(20), NOW);
    let nothing = HoldRequest { amount: Money::ZERO, expected: Usage::default(), ..hold(4, 1, 0) };
    assert!(book.place(nothing, NOW).is_ok(), "what consumes nothing passes an overdrawn budget");
    assert!(matches!(book.place(hold(5, 1, 1), NOW), Err(HoldError::OverBudget { scope, .. }) if scope == project()));
}
