//! The book against random lives: whatever happens in whatever order, limits hold and the sums agree.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::{DeploymentId, Dialect, KeyId, Price, PriceId, ProjectId, ProviderId, WindowKind, window::Zone};
use crate::ledger::entry::Call;

const LIMIT: i128 = 1_000;

fn key(n: u128) -> Scope {
    Scope::Key(KeyId::from_u128(n))
}

fn project() -> Scope {
    Scope::Project(ProjectId::from_u128(9))
}

fn budget(limit: i128, window: WindowKind) -> Budget {
    Budget { limit_usd: Money::from_picos(limit), window, time_zone: Zone::utc() }
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
        },
        target: Target {
            provider: ProviderId::from_u128(1),
            deployment: DeploymentId::from_u128(1),
            upstream_model: "m".into(),
            price: Some(Arc::new((PriceId::from_u128(1), price))),
        },
        amount: Money::from_picos(i128::from(amount)),
        expected: Usage { input: amount, ..Usage::default() },
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

fn settle(book: &mut Book, request: u128, tokens: u64, now: Timestamp) -> Result<Money, CloseError> {
    match book.decide_close(RequestId::from_u128(request), None, outcome(tokens), now)? {
        Close::Repeated(amount) => Ok(amount),
        Close::First(closing) => {
            book.apply_close(&closing);
            Ok(closing.amount)
        }
    }
}

#[test]
fn a_hold_is_refused_by_the_level_that_cannot_cover_it_and_taken_at_none() {
    let now = Timestamp(0);
    let mut book = Book::default();
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
    let mut book = Book::default();
    book.place(hold(1, 1, 60), now).unwrap();
    assert_eq!(settle(&mut book, 1, 7, now), Ok(Money::from_picos(7)));
    assert_eq!(settle(&mut book, 1, 9, now), Ok(Money::from_picos(7)));
    assert_eq!(settle(&mut book, 2, 9, now), Err(CloseError::Unknown));
}

#[test]
fn a_hold_settles_in_the_window_it_was_made_in() {
    let day = Duration::from_secs(86_400);
    let (monday, tuesday) = (Timestamp(0), Timestamp(0).plus(day));
    let mut book = Book::default();
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
    let mut book = Book::default();
    book.set_budget(key(1), budget(100, WindowKind::Day), Money::ZERO, Timestamp(0).plus(day));
    book.place(hold(1, 1, 80), Timestamp(0).plus(day)).unwrap();
    assert!(book.place(hold(2, 1, 80), Timestamp(0)).is_err());
}

#[test]
fn a_failed_call_costs_nothing_and_an_overrun_is_posted_in_full() {
    let now = Timestamp(0);
    let mut book = Book::default();
    book.set_budget(key(1), budget(100, WindowKind::Total), Money::ZERO, now);
    book.place(hold(1, 1, 10), now).unwrap();
    book.place(hold(2, 1, 10), now).unwrap();
    let void = Outcome { status: CallStatus::UpstreamError, ..outcome(0) };
    let Close::First(closing) = book.decide_close(RequestId::from_u128(1), None, void, now).unwrap() else { panic!() };
    book.apply_close(&closing);
    assert_eq!(closing.amount, Money::ZERO);
    settle(&mut book, 2, 130, now).unwrap();
    let balance = book.balance(key(1), now).unwrap();
    assert_eq!((balance.spent, balance.held, balance.remaining()), (Money::from_picos(130), Money::ZERO, Money::ZERO));
}

#[derive(Debug, Clone)]
enum Event {
    Place { request: u128, key: u128, amount: u64 },
    Settle { request: u128, tokens: u64 },
    Withdraw { request: u128 },
    Wait { hours: u64 },
    Crash,
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0_u128..40, 1_u128..4, 1_u64..300).prop_map(|(request, key, amount)| Event::Place { request, key, amount }),
        4 => (0_u128..40, 0_u64..300).prop_map(|(request, tokens)| Event::Settle { request, tokens }),
        1 => (0_u128..40).prop_map(|request| Event::Withdraw { request }),
        1 => (0_u64..30).prop_map(|hours| Event::Wait { hours }),
        1 => Just(Event::Crash),
    ]
}

/// What a journal would remember, kept beside the book to check it.
#[derive(Default)]
struct Model {
    open: HashMap<RequestId, Arc<HoldRequest>>,
    settled: Vec<(Arc<HoldRequest>, Closing)>,
}

impl Model {
    fn spent(&self, scope: Scope, since: Timestamp) -> Money {
        let counted =
            self.settled.iter().filter(|(hold, _)| hold.call.placed_at >= since && hold.call.scopes.contains(&scope));
        counted.map(|(_, closing)| closing.amount).sum()
    }

    fn recover(&self, now: Timestamp) -> Book {
        let scopes = [key(1), key(2), key(3), project()];
        let budgets = scopes.map(|scope| {
            let budget = budget(LIMIT, WindowKind::Day);
            let spent = self.spent(scope, budget.window_at(now).start);
            (scope, budget, spent)
        });
        let closed = self.settled.iter().map(|(_, closing)| closing.clone()).collect();
        Book::recover(budgets.into(), self.open.values().cloned().collect(), closed, now)
    }
}

proptest! {
    #[test]
    fn limits_hold_and_sums_agree_through_crashes(events in prop::collection::vec(any_event(), 1..400)) {
        let mut now = Timestamp(1_700_000_000_000);
        let mut model = Model::default();
        let mut book = model.recover(now);
        for event in events {
            match event {
                Event::Place { request, key, amount } => {
                    let known = model.settled.iter().any(|(hold, _)| hold.call.request == RequestId::from_u128(request));
                    if !known && !model.open.contains_key(&RequestId::from_u128(request))
                        && let Ok(hold) = book.place(hold(request, key, amount), now)
                    {
                        model.open.insert(hold.call.request, hold);
                    }
                }
                Event::Settle { request, tokens } => {
                    // True costs stay within the hold here: overruns may exceed a limit by design.
                    let id = RequestId::from_u128(request);
                    let held = model.open.get(&id).map_or(u64::MAX, |hold| hold.expected.input);
                    if let Ok(Close::First(closing)) = book.decide_close(id, None, outcome(tokens.min(held)), now) {
                        book.apply_close(&closing);
                        model.settled.push((model.open.remove(&id).unwrap(), *closing));
                    }
                }
                Event::Withdraw { request } => {
                    book.withdraw(RequestId::from_u128(request));
                    model.open.remove(&RequestId::from_u128(request));
                }
                Event::Wait { hours } => now = now.plus(Duration::from_secs(3_600 * hours)),
                Event::Crash => book = model.recover(now),
            }
            let since = budget(LIMIT, WindowKind::Day).window_at(now).start;
            for scope in [key(1), key(2), key(3), project()] {
                let balance = book.balance(scope, now).unwrap();
                prop_assert!(balance.spent + balance.held <= balance.limit);
                prop_assert_eq!(balance.spent, model.spent(scope, since));
                let held = model.open.values().filter(|hold| hold.call.placed_at >= since && hold.call.scopes.contains(&scope));
                prop_assert_eq!(balance.held, held.map(|hold| hold.amount).sum());
            }
            prop_assert_eq!(book.open_count(), model.open.len());
        }
    }
}
