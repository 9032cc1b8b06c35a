//! The ledger's shell on an in-memory journal: what it writes before it answers, and what a crash loses (nothing).

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::mem_forget,
    reason = "a test fails by panicking, and a dead process forgets"
)]

use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering};
use std::time::Duration;

use actix::Arbiter;
use actix::clock::sleep;
use farthing_actors::domain::window::Zone;
use farthing_actors::domain::{
    Budget, CallStatus, Clock, DeploymentId, Dialect, EstimateReason, KeyId, Money, Price, PriceId, ProjectId,
    Provenance, ProviderId, RequestId, Scope, Thresholds, Timestamp, Usage, WindowKind,
};
use farthing_actors::ledger::{
    self, Call, CloseError, Closing, HoldError, HoldRequest, Journal, JournalError, JournalSource, Ledger, Line,
    OpenHold, Outcome, Record, Recovered, Target,
};
use farthing_actors::supervisor::Supervisor;
use tokio::sync::watch;

/// A disk in memory: every record ever appended, and whether writes fail.
#[derive(Clone)]
struct Disk {
    records: Arc<watch::Sender<Vec<Record>>>,
    broken: Arc<AtomicBool>,
    /// Whether the next write is the last thing its ledger does.
    deadly: Arc<AtomicBool>,
    /// Whether the database is too far behind.
    behind: Arc<AtomicBool>,
    budgets: Vec<(Scope, Budget)>,
}

struct OpenDisk(Disk, Vec<Record>);

impl Disk {
    fn new(budgets: Vec<(Scope, Budget)>) -> Self {
        let records = Arc::new(watch::channel(vec![]).0);
        Self { records, broken: Arc::default(), deadly: Arc::default(), behind: Arc::default(), budgets }
    }

    fn open_holds(&self) -> Vec<OpenHold> {
        let mut open: Vec<OpenHold> = vec![];
        for record in self.records.borrow().iter() {
            match record {
                Record::Held(hold) => open.push(hold.clone().into()),
                Record::Closed(closing) if closing.kind.is_call() => {
                    open.retain(|hold| hold.request() != closing.request);
                }
                _ => {}
            }
        }
        open
    }

    fn closings(&self) -> Vec<Closing> {
        let records = self.records.borrow();
        let closed = records.iter().filter_map(|record| match record {
            Record::Closed(closing) => Some(closing.clone()),
            _ => None,
        });
        closed.collect()
    }

    fn spent(&self) -> Money {
        self.closings().iter().map(|closing| closing.amount).sum()
    }
}

impl JournalSource for Disk {
    fn open(&self, _: Timestamp) -> Result<(Box<dyn Journal>, Recovered), JournalError> {
        let budgets = self.budgets.iter().map(|(scope, budget)| (*scope, budget.clone(), self.spent())).collect();
        let found = Recovered { open: self.open_holds(), closed: self.closings(), budgets, ..Recovered::default() };
        Ok((Box::new(OpenDisk(self.clone(), vec![])), found))
    }
}

impl Journal for OpenDisk {
    fn stage(&mut self, record: &Record, line: Option<Line>) -> Result<(), JournalError> {
        assert_eq!(line.is_some(), !matches!(record, Record::Held(_) | Record::Progress(_)));
        self.1.push(record.clone());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), JournalError> {
        let staged = std::mem::take(&mut self.1);
        if self.0.broken.load(Ordering::Relaxed) {
            return Err(JournalError("no space left".to_owned()));
        }
        self.0.records.send_modify(|records| records.extend(staged));
        assert!(!self.0.deadly.swap(false, Ordering::Relaxed), "written, but never told");
        Ok(())
    }

    fn wants_rotation(&self) -> bool {
        false
    }

    fn rotate(&mut self, _: &mut dyn Iterator<Item = OpenHold>) -> Result<(), JournalError> {
        Ok(())
    }

    fn check(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn is_overloaded(&self) -> bool {
        self.0.behind.load(Ordering::Relaxed)
    }

    fn spent(&mut self, _: Scope, _: Timestamp) -> Result<Money, JournalError> {
        Ok(self.0.spent())
    }

    fn calls(&mut self, _: Scope) -> Result<u64, JournalError> {
        Ok(self.0.closings().len() as u64)
    }
}

fn key() -> Scope {
    Scope::Key(KeyId::from_u128(1))
}

/// One token costs one picodollar.
fn request(number: u128, amount: u64) -> HoldRequest {
    let rate = "0.000001".parse().unwrap();
    let price = Price { input_cost_per_m: rate, output_cost_per_m: rate, ..Price::default() };
    HoldRequest {
        call: Call {
            request: RequestId::from_u128(number),
            placed_at: Timestamp(0),
            key: KeyId::from_u128(1),
            project: ProjectId::from_u128(1),
            scopes: Arc::from([key()]),
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
        patience_ms: 60_000,
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

async fn start(disk: &Disk) -> Ledger {
    start_at(disk, Clock::manual(Timestamp(0))).await
}

async fn start_at(disk: &Disk, clock: Clock) -> Ledger {
    let supervisor = Supervisor::new(clock.clone(), Arc::new(|error| panic!("{error}")));
    ledger::start(&supervisor, Arbiter::current(), clock, Arc::new(disk.clone())).await.unwrap()
}

fn budgeted(limit: i128) -> Disk {
    let budget = Budget {
        limit_usd: Money::from_picos(limit),
        window: WindowKind::Total,
        time_zone: Zone::utc(),
        warn_percent: Thresholds::default(),
        mode: Default::default(),
    };
    Disk::new(vec![(key(), budget)])
}

#[actix::test]
async fn a_crash_forgets_neither_holds_nor_spend() {
    let disk = budgeted(100);
    let ledger = start(&disk).await;
    let first = ledger.hold(request(1, 40)).await.unwrap();
    assert_eq!(first.settle(None, outcome(30)).await, Ok(Money::from_picos(30)));
    let second = ledger.hold(request(2, 60)).await.unwrap();
    let before = ledger.balance(key()).await.unwrap();
    ledger.crash().await;
    assert_eq!(ledger.balance(key()).await.unwrap(), before);
    assert!(matches!(ledger.hold(request(3, 20)).await, Err(HoldError::OverBudget { .. })));
    assert_eq!(second.settle(None, outcome(50)).await, Ok(Money::from_picos(50)));
    let after = ledger.balance(key()).await.unwrap().unwrap();
    assert_eq!((after.spent, after.held), (Money::from_picos(80), Money::ZERO));
}

#[actix::test]
async fn a_listener_outlives_a_crash_and_is_told_nothing_twice() {
    let disk = budgeted(100);
    let ledger = start(&disk).await;
    let mut warnings = ledger.warnings();
    let spend = async |number, tokens| {
        let hold = ledger.hold(request(number, tokens)).await.unwrap();
        hold.settle(None, outcome(tokens)).await.unwrap();
    };
    spend(1, 85).await;
    assert_eq!(warnings.next().await.map(|told| (told.scope, told.percent)), Some((key(), 80)));
    ledger.crash().await;
    assert_eq!(ledger.balance(key()).await.unwrap().unwrap().warned, Some(80));
    spend(2, 11).await;
    let told = warnings.next().await.unwrap();
    assert_eq!((told.percent, told.spent), (95, Money::from_picos(96)), "and not 80 again");
}

#[actix::test]
async fn calls_in_flight_during_a_crash_settle_once() {
    let disk = budgeted(1_000_000);
    let ledger = start(&disk).await;
    let mut holds = vec![];
    for number in 0..50 {
        holds.push(ledger.hold(request(number, 10)).await.unwrap());
    }
    for (index, hold) in holds.into_iter().enumerate() {
        if index == 25 {
            ledger.crash().await;
        }
        assert_eq!(hold.settle(None, outcome(7)).await, Ok(Money::from_picos(7)));
    }
    assert_eq!(disk.closings().len(), 50);
    assert_eq!(ledger.open_holds().await, Ok(0));
}

#[actix::test]
async fn a_dropped_hold_is_closed_by_presumption_and_flagged() {
    let disk = budgeted(100);
    let ledger = start(&disk).await;
    drop(ledger.hold(request(1, 40)).await.unwrap());
    assert_eq!(ledger.open_holds().await, Ok(0));
    let closings = disk.closings();
    assert_eq!(closings[0].outcome.status, CallStatus::Interrupted);
    assert_eq!(closings[0].outcome.provenance.family(), "estimated");
    assert_eq!(closings[0].amount, Money::from_picos(40));
}

#[actix::test]
async fn a_question_nobody_waits_for_leaves_nothing_held() {
    let disk = budgeted(100);
    let ledger = start(&disk).await;
    drop(Box::pin(ledger.hold(request(1, 40))));
    let mut asked = Box::pin(ledger.hold(request(2, 40)));
    // Polled once, so that the question is on its way; then the caller goes away.
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(asked.as_mut().poll(cx).is_pending())).await);
    drop(asked);
    assert_eq!(ledger.open_holds().await, Ok(0));
    assert_eq!(ledger.balance(key()).await.unwrap().unwrap().held, Money::ZERO);
}

#[actix::test]
async fn a_hold_that_cannot_be_written_is_not_placed_and_a_settlement_waits_for_the_disk() {
    let disk = budgeted(100);
    let ledger = start(&disk).await;
    let hold = ledger.hold(request(1, 40)).await.unwrap();
    disk.broken.store(true, Ordering::Relaxed);
    assert!(matches!(ledger.hold(request(2, 10)).await, Err(HoldError::Unavailable(_))));
    assert_eq!(ledger.balance(key()).await.unwrap().unwrap().held, Money::from_picos(40));
    let broken = Arc::clone(&disk.broken);
    let (settled, ()) = tokio::join!(hold.settle(None, outcome(5)), async move {
        tokio::task::yield_now().await;
        broken.store(false, Ordering::Relaxed);
    });
    assert_eq!(settled, Ok(Money::from_picos(5)));
}

#[actix::test]
async fn a_hold_of_which_nothing_is_heard_is_reaped_and_one_that_lives_is_not() {
    let (disk, clock) = (budgeted(100), Clock::manual(Timestamp(0)));
    let ledger = start_at(&disk, clock.clone()).await;
    let short = HoldRequest { patience_ms: 10_000, ..request(3, 1) };
    let living = ledger.hold(request(2, 30)).await.unwrap();
    std::mem::forget((ledger.hold(request(1, 40)).await.unwrap(), ledger.hold(short).await.unwrap()));
    // The others are waited for a minute each; half of it passes, then one gives a sign of life, and the other half passes.
    for still_open in [2, 1] {
        living.note_progress(&request(2, 30).target, Usage { output: 3, ..Usage::default() });
        clock.advance(Duration::from_secs(31));
        while ledger.open_holds().await.unwrap() > still_open {
            sleep(Duration::from_millis(20)).await;
        }
    }
    let reaped = disk.closings().pop().unwrap();
    assert_eq!((reaped.request, reaped.amount), (RequestId::from_u128(1), Money::from_picos(40)));
    assert_eq!(reaped.outcome.provenance, Provenance::Estimated(EstimateReason::Missing));
    assert_eq!(living.settle(None, outcome(5)).await, Ok(Money::from_picos(5)));
}

#[actix::test]
async fn a_database_too_far_behind_admits_no_call_and_loses_none() {
    let disk = budgeted(100);
    let ledger = start(&disk).await;
    let admitted = ledger.hold(request(1, 40)).await.unwrap();
    disk.behind.store(true, Ordering::Relaxed);
    assert!(matches!(ledger.hold(request(2, 10)).await, Err(HoldError::Unavailable(_))));
    assert_eq!(admitted.settle(None, outcome(30)).await, Ok(Money::from_picos(30)));
    disk.behind.store(false, Ordering::Relaxed);
    assert_eq!(ledger.hold(request(3, 10)).await.unwrap().settle(None, outcome(9)).await, Ok(Money::from_picos(9)));
    assert_eq!(disk.spent(), Money::from_picos(39));
}

#[actix::test]
async fn what_was_set_aside_by_a_ledger_that_died_before_it_could_say_so_costs_nothing() {
    let disk = budgeted(100);
    let ledger = start(&disk).await;
    drop(ledger.hold(request(1, 10)).await.unwrap().settle(None, outcome(1)).await);
    disk.deadly.store(true, Ordering::Relaxed);
    assert!(matches!(ledger.hold(request(2, 40)).await, Err(HoldError::Actor(_))));
    assert_eq!(ledger.open_holds().await, Ok(0));
    let closing = disk.closings().pop().unwrap();
    assert_eq!((closing.request, closing.outcome.status), (RequestId::from_u128(2), CallStatus::Refused));
    let balance = ledger.balance(key()).await.unwrap().unwrap();
    assert_eq!((balance.spent, balance.held), (Money::from_picos(1), Money::ZERO));
}

#[actix::test]
async fn a_new_process_closes_what_the_dead_one_left() {
    let disk = budgeted(100);
    let first = start(&disk).await;
    std::mem::forget(first.hold(request(1, 40)).await.unwrap());
    let second = start(&disk).await;
    assert_eq!(second.close_interrupted().await, Ok::<_, CloseError>(1));
    assert_eq!(second.open_holds().await, Ok(0));
    assert_eq!(second.balance(key()).await.unwrap().unwrap().spent, Money::from_picos(40));
}
