//! The book by example. Random lives are in `life`.

mod life;
mod terms;
mod warnings;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::{DeploymentId, Dialect, KeyId, Price, PriceId, ProjectId, ProviderId, Thresholds};
use crate::ledger::entry::Call;

fn key(n: u128) -> Scope {
    Scope::Key(KeyId::from_u128(n))
}

fn project() -> Scope {
    Scope::Project(ProjectId::from_u128(9))
}

fn budget(limit: i128, window: WindowKind) -> Budget {
    Budget {
        limit_usd: Money::from_picos(limit),
        window,
        time_zone: Zone::utc(),
        warn_percent: Thresholds::default(),
        mode: Mode::Enforce,
    }
}

/// One token costs one picodollar, so that amounts read as token counts.
fn hold(request: u128, key_number: u128, amount: u64) -> HoldRequest {
    let rate = "0.000001".parse().unwrap();
    let price = Price { input_cost_per_m: rate, output_cost_per_m: rate, ..Price::default() };
    HoldRequest {
        call: Call {
            request: RequestId::from_u128(request),
            placed_at: Timestamp(0),
            key: KeyId::from_u128(key_number),
            project: ProjectId::from_u128(9),
            scopes: Arc::from([key(key_number), project()]),
            model: "m".into(),
            dialect: Dialect::OpenaiChat,
            stream: false,
            run: None,
            route: None,
        },
        target: Target {
            provider: ProviderId::from_u128(1),
            deployment: DeploymentId::from_u128(1),
            upstream_model: "m".into(),
            price: Some(Arc::new((PriceId::from_u128(1), price))),
        },
        amount: Money::from_picos(i128::from(amount)),
        expected: Usage { input: amount, ..Usage::default() },
        least: Money::from_picos(i128::from(amount)),
        run_limit: None,
        patience_ms: 1_000,
    }
}

fn outcome(tokens: u64) -> Outcome {
    Outcome {
        status: CallStatus::Ok,
        http_status: 200,
        usage: Usage { output: tokens, ..Usage::default() },
        provenance: Provenance::Provider,
        attempts: 1,
        latency_ms: 1,
        first_token_ms: None,
    }
}

fn ended(request: u128, outcome: Outcome) -> Ended {
    Ended {
        kind: LineKind::Call,
        request: RequestId::from_u128(request),
        target: None,
        outcome,
        freed: Money::ZERO,
        route: None,
    }
}

fn settle(book: &mut Book, request: u128, tokens: u64, now: Timestamp) -> Result<Money, CloseError> {
    match book.decide_close(ended(request, outcome(tokens)), now)? {
        Close::Repeated(amount) => Ok(amount),
        Close::First(closing) => {
            book.apply_close(&closing);
            Ok(closing.amount)
        }
        Close::Late(correction) => {
            book.apply_correction(&correction);
            Ok(correction.booked())
        }
    }
}

#[test]
fn a_hold_is_refused_by_the_level_that_cannot_cover_it_and_taken_at_none() {
    let now = Timestamp(0);
    let mut book = Book::recover(Recovered::default());
    book.set_budget(key(1), budget(100, WindowKind::Total), Money::ZERO, now);
    book.set_budget(project(), budget(50, WindowKind::Total), Money::ZERO, now);
    let refused = book.place(hold(1, 1, 60), now);
    assert!(matches!(refused, Err(HoldError::OverBudget { scope, .. }) if scope == project()));
    assert_eq!(book.balance(key(1), now).unwrap().held, Money::ZERO);
    assert!(book.place(hold(2, 1, 50), now).is_ok());
    assert_eq!(book.balance(key(1), now).unwrap().held, Money::from_picos(50));
}

#[test]
fn closing_twice_gives_the_first_result() {
    let now = Timestamp(0);
    let mut book = Book::recover(Recovered::default());
    book.place(hold(1, 1, 60), now).unwrap();
    assert_eq!(settle(&mut book, 1, 7, now), Ok(Money::from_picos(7)));
    assert_eq!(settle(&mut book, 1, 9, now), Ok(Money::from_picos(7)));
    assert_eq!(settle(&mut book, 2, 9, now), Err(CloseError::Unknown));
}

#[test]
fn a_hold_settles_in_the_window_it_was_made_in() {
    let day = Duration::from_secs(86_400);
    let (monday, tuesday) = (Timestamp(0), Timestamp(0).plus(day));
    let mut book = Book::recover(Recovered::default());
    book.set_budget(key(1), budget(100, WindowKind::Day), Money::ZERO, monday);
    book.place(hold(1, 1, 80), monday).unwrap();
    assert!(book.place(hold(2, 1, 80), monday).is_err());
    book.place(hold(3, 1, 80), tuesday).unwrap();
    settle(&mut book, 1, 80, tuesday).unwrap();
    assert_eq!(book.balance(key(1), tuesday).unwrap().spent, Money::ZERO);
    assert_eq!(book.balance(key(1), tuesday).unwrap().held, Money::from_picos(80));
}

#[test]
fn a_clock_that_goes_back_opens_no_second_window() {
    let day = Duration::from_secs(86_400);
    let mut book = Book::recover(Recovered::default());
    book.set_budget(key(1), budget(100, WindowKind::Day), Money::ZERO, Timestamp(0).plus(day));
    book.place(hold(1, 1, 80), Timestamp(0).plus(day)).unwrap();
    assert!(book.place(hold(2, 1, 80), Timestamp(0)).is_err());
}

#[test]
fn a_failed_call_costs_nothing_and_an_overrun_is_posted_in_full() {
    let now = Timestamp(0);
    let mut book = Book::recover(Recovered::default());
    book.set_budget(key(1), budget(100, WindowKind::Total), Money::ZERO, now);
    book.place(hold(1, 1, 10), now).unwrap();
    book.place(hold(2, 1, 10), now).unwrap();
    let void = Outcome { status: CallStatus::UpstreamError, ..outcome(0) };
    let Close::First(closing) = book.decide_close(ended(1, void), now).unwrap() else { panic!() };
    book.apply_close(&closing);
    assert_eq!(closing.amount, Money::ZERO);
    settle(&mut book, 2, 130, now).unwrap();
    let balance = book.balance(key(1), now).unwrap();
    assert_eq!((balance.spent, balance.held, balance.remaining()), (Money::from_picos(130), Money::ZERO, Money::ZERO));
}
