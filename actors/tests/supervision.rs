//! Supervision and mailboxes, shown on an actor that does what it is told, dying included.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use actix::{Actor, ActorContext, Arbiter, Context, Handler, Message};
use farthing_actors::domain::{Clock, Timestamp};
use farthing_actors::error::ActorError;
use farthing_actors::mailbox::Mailbox;
use farthing_actors::supervisor::{StartError, Supervisor};
use farthing_actors::testing::{Panic, crash};
use tokio::sync::mpsc;

/// Counts what it is told, and knows which of its lives it is in.
struct Counter {
    life: u64,
    count: u64,
}

#[derive(Message)]
#[rtype(result = "(u64, u64)")]
struct LifeAndCount;

#[derive(Message)]
#[rtype(result = "()")]
struct Count;

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

impl Actor for Counter {
    type Context = Context<Self>;
}

impl Handler<LifeAndCount> for Counter {
    type Result = actix::MessageResult<LifeAndCount>;

    fn handle(&mut self, _: LifeAndCount, _: &mut Self::Context) -> Self::Result {
        actix::MessageResult((self.life, self.count))
    }
}

impl Handler<Count> for Counter {
    type Result = ();

    fn handle(&mut self, _: Count, _: &mut Self::Context) {
        self.count += 1;
    }
}

impl Handler<Panic> for Counter {
    type Result = ();

    fn handle(&mut self, _: Panic, _: &mut Self::Context) {
        panic!("the test asked for it");
    }
}

impl Handler<Stop> for Counter {
    type Result = ();

    fn handle(&mut self, _: Stop, context: &mut Self::Context) {
        context.stop();
    }
}

/// A supervisor, its time, and the faults it reported as fatal.
fn supervisor() -> (Supervisor, Clock, mpsc::UnboundedReceiver<StartError>) {
    let clock = Clock::manual(Timestamp(1_000_000));
    let (report, fatal) = mpsc::unbounded_channel();
    let supervisor = Supervisor::new(clock.clone(), Arc::new(move |error| drop(report.send(error))));
    (supervisor, clock, fatal)
}

async fn counter(supervisor: &Supervisor) -> Mailbox<Counter> {
    let lives = AtomicU64::new(1);
    let factory = move || Ok(Counter { life: lives.fetch_add(1, Ordering::Relaxed), count: 0 });
    supervisor.start("counter", Arbiter::current(), factory).await.unwrap()
}

fn poll_once<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match future.poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[actix::test]
async fn a_factory_that_fails_or_panics_at_start_is_reported_to_the_starter() {
    let (supervisor, _, mut fatal) = supervisor();
    let fails = || Err::<Counter, _>("no disk".to_owned());
    let error = supervisor.start("counter", Arbiter::current(), fails).await.err().unwrap();
    assert_eq!(error.to_string(), "the counter actor cannot run: no disk");
    let panics = || -> Result<Counter, String> { panic!("the test asked for it") };
    let error = supervisor.start("counter", Arbiter::current(), panics).await.err().unwrap();
    assert_eq!(error.reason, "its factory panicked");
    assert!(fatal.try_recv().is_err());
}

#[actix::test]
async fn a_thread_that_is_gone_is_reported_to_the_starter() {
    let (supervisor, ..) = supervisor();
    let arbiter = Arbiter::new();
    let handle = arbiter.handle();
    arbiter.stop();
    arbiter.join().unwrap();
    let error = supervisor.start("counter", handle, || Ok(Counter { life: 1, count: 0 })).await.err().unwrap();
    assert_eq!(error.reason, "its thread is gone");
}

#[actix::test]
async fn the_mailbox_survives_a_panic_and_a_stop_and_leads_to_a_fresh_actor() {
    let (supervisor, _, mut fatal) = supervisor();
    let mailbox = counter(&supervisor).await;
    let clone = mailbox.clone();
    mailbox.tell(Count);
    assert_eq!(clone.ask(LifeAndCount).await, Ok((1, 1)));
    assert_eq!(clone.vitals().died_of, None);
    crash(&mailbox).await;
    assert_eq!(clone.ask(LifeAndCount).await, Ok((2, 0)));
    let said = clone.vitals().died_of.unwrap();
    assert!(said.starts_with("the test asked for it (") && said.contains("tests/supervision.rs:"), "{said}");
    mailbox.tell(Stop);
    while mailbox.restarts() < 2 || !mailbox.is_alive() {
        tokio::task::yield_now().await;
    }
    assert_eq!(clone.ask(LifeAndCount).await, Ok((3, 0)));
    let vitals = clone.vitals();
    assert_eq!((vitals.name, vitals.alive, vitals.waiting, vitals.restarts), ("counter", true, 0, 2));
    assert!(vitals.died_of.unwrap().starts_with("it stopped itself"), "what another said before is forgotten");
    assert!(fatal.try_recv().is_err());
}

#[actix::test]
async fn callers_see_a_death_only_as_an_actor_error() {
    let (supervisor, ..) = supervisor();
    let mailbox = counter(&supervisor).await;
    mailbox.tell(Panic);
    assert_eq!(mailbox.ask(LifeAndCount).await, Err(ActorError::Gone("counter")));
    let dead_or_new = mailbox.ask(LifeAndCount).await;
    assert!(matches!(dead_or_new, Err(ActorError::Restarting("counter")) | Ok((2, 0))), "{dead_or_new:?}");
}

#[actix::test]
async fn more_than_five_deaths_in_a_minute_are_fatal() {
    let (supervisor, clock, mut fatal) = supervisor();
    let mailbox = counter(&supervisor).await;
    for _ in 0..5 {
        crash(&mailbox).await;
    }
    clock.advance(Duration::from_secs(60));
    for _ in 0..5 {
        crash(&mailbox).await;
    }
    assert!(fatal.try_recv().is_err(), "five in a minute are mended");
    mailbox.tell(Panic);
    let error = fatal.recv().await.unwrap();
    assert_eq!(error.to_string(), "the counter actor cannot run: it died more than 5 times in 60s");
    assert!(!mailbox.is_alive());
    assert_eq!(mailbox.ask(LifeAndCount).await, Err(ActorError::Restarting("counter")));
}

#[actix::test]
async fn an_actor_that_cannot_be_made_again_is_fatal() {
    for panics in [false, true] {
        let (supervisor, _, mut fatal) = supervisor();
        let works = AtomicBool::new(true);
        let factory = move || match works.swap(false, Ordering::Relaxed) {
            true => Ok(Counter { life: 1, count: 0 }),
            false if panics => panic!("the test asked for it"),
            false => Err("no disk".to_owned()),
        };
        let mailbox = supervisor.start("counter", Arbiter::current(), factory).await.unwrap();
        mailbox.tell(Panic);
        let expected = if panics { "its factory panicked" } else { "no disk" };
        assert_eq!(fatal.recv().await.unwrap().reason, expected);
        assert!(!mailbox.is_alive());
    }
}

#[actix::test]
async fn once_stopping_a_death_is_an_end() {
    let (supervisor, _, mut fatal) = supervisor();
    let mailbox = counter(&supervisor).await;
    supervisor.stop();
    mailbox.tell(Panic);
    while mailbox.is_alive() {
        tokio::task::yield_now().await;
    }
    assert_eq!((mailbox.restarts(), fatal.try_recv().is_err()), (0, true));
}

#[actix::test]
async fn questions_beyond_the_bound_are_refused_at_once_and_the_others_answered() {
    let (supervisor, ..) = supervisor();
    let mailbox = counter(&supervisor).await;
    // The actor shares this thread: until the test waits, it answers nobody.
    let mut asked: Vec<_> = (0..8_192).map(|_| Box::pin(mailbox.ask(LifeAndCount))).collect();
    assert!(asked.iter_mut().all(|question| poll_once(question.as_mut()).is_none()));
    assert_eq!(mailbox.waiting(), 8_192);
    let mut one_more = Box::pin(mailbox.ask(LifeAndCount));
    assert_eq!(poll_once(one_more.as_mut()), Some(Err(ActorError::Busy("counter"))));
    for question in asked {
        assert_eq!(question.await, Ok((1, 0)));
    }
    assert_eq!((mailbox.waiting(), mailbox.ask(LifeAndCount).await), (0, Ok((1, 0))));
}

#[actix::test]
async fn a_flood_of_hints_loses_hints_but_neither_questions_nor_tells() {
    let (supervisor, ..) = supervisor();
    let mailbox = counter(&supervisor).await;
    for _ in 0..20_000 {
        mailbox.hint(Count);
    }
    let mut question = Box::pin(mailbox.ask(LifeAndCount));
    assert!(poll_once(question.as_mut()).is_none());
    mailbox.tell(Count);
    let (_, kept) = question.await.unwrap();
    assert!((8_192..9_000).contains(&kept), "the mailbox held {kept} hints");
    assert_eq!(mailbox.ask(LifeAndCount).await, Ok((1, kept + 1)));
}
