//! The limiters as a caller meets them: the real shell, a hand-moved clock, and permits that end in every way.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix::Arbiter;
use farthing_actors::domain::{Clock, KeyId, Limits, Scope, Timestamp};
use farthing_actors::limiters::{self, LimitError, LimitKind, Limiters};
use farthing_actors::supervisor::Supervisor;

type Chain = Arc<[(Scope, Limits)]>;

async fn start() -> (Limiters, Clock) {
    let clock = Clock::manual(Timestamp(1_000_000));
    let supervisor = Supervisor::new(clock.clone(), Arc::new(|error| panic!("{error}")));
    let limiters = limiters::start(&supervisor, Arbiter::current(), clock.clone()).await.unwrap();
    (limiters, clock)
}

fn chain(limits: Limits) -> Chain {
    Arc::new([(Scope::Key(KeyId::from_u128(1)), limits)])
}

fn one_place() -> Chain {
    chain(Limits { concurrency: Some(1), ..Limits::default() })
}

async fn refusal(limiters: &Limiters, limits: &Chain, tokens: u64) -> (LimitKind, Duration, u64) {
    match limiters.admit(limits, tokens).await {
        Err(LimitError::Limited { what, retry_after, remaining, .. }) => (what, retry_after, remaining),
        Err(error) => panic!("expected a limit, got {error}"),
        Ok(_) => panic!("expected a limit, got a permit"),
    }
}

fn poll_once(future: std::pin::Pin<&mut impl Future>) -> bool {
    matches!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(_))
}

#[actix::test]
async fn where_nothing_is_limited_nobody_is_asked() {
    let (limiters, _) = start().await;
    let nothing: Chain = Arc::new([]);
    let mut asked = pin!(limiters.admit(&nothing, 1_000_000));
    assert!(poll_once(asked.as_mut()), "answered without waiting for the actor");
    assert_eq!(limiters.admit(&nothing, 0).await.unwrap().headroom(), None);
}

#[actix::test]
async fn a_place_is_freed_however_the_call_ends() {
    let (limiters, _) = start().await;
    let limits = one_place();
    limiters.admit(&limits, 0).await.unwrap().finish(10);
    limiters.admit(&limits, 0).await.unwrap().give_back();
    drop(limiters.admit(&limits, 0).await.unwrap());
    let held = limiters.admit(&limits, 0).await.unwrap();
    assert_eq!(refusal(&limiters, &limits, 0).await.0, LimitKind::Concurrency);
    drop(held);
    assert!(limiters.admit(&limits, 0).await.is_ok());
}

#[actix::test]
async fn a_caller_that_gives_up_takes_nothing() {
    let (limiters, _) = start().await;
    let limits = one_place();
    {
        let mut before_the_actor_saw_it = pin!(limiters.admit(&limits, 0));
        assert!(!poll_once(before_the_actor_saw_it.as_mut()));
    }
    assert!(limiters.admit(&limits, 0).await.is_ok());
    {
        let mut after_it_was_granted = pin!(limiters.admit(&limits, 0));
        assert!(!poll_once(after_it_was_granted.as_mut()));
        assert_eq!(refusal(&limiters, &limits, 0).await.0, LimitKind::Concurrency);
    }
    assert!(limiters.admit(&limits, 0).await.is_ok());
}

#[actix::test]
async fn tokens_are_taken_as_estimated_and_corrected_at_the_end() {
    let (limiters, clock) = start().await;
    let limits = chain(Limits { tpm: Some(1_000), ..Limits::default() });
    limiters.admit(&limits, 900).await.unwrap().finish(300);
    limiters.admit(&limits, 600).await.unwrap().give_back();
    drop(limiters.admit(&limits, 600).await.unwrap());
    let (what, wait, remaining) = refusal(&limiters, &limits, 400).await;
    assert_eq!((what, wait, remaining), (LimitKind::Tokens, Duration::from_secs(18), 100));
    clock.advance(wait);
    let headroom = limiters.admit(&limits, 400).await.unwrap().headroom().unwrap();
    assert_eq!((headroom.tokens.unwrap().limit, headroom.tokens.unwrap().remaining), (1_000, 0));
    assert_eq!(headroom.requests, None);
}

#[actix::test]
async fn a_crash_is_met_as_an_error_and_leaves_half() {
    let (limiters, clock) = start().await;
    let limits = chain(Limits { rpm: Some(60), concurrency: Some(2), ..Limits::default() });
    let before = limiters.admit(&limits, 0).await.unwrap();

    let ask_on = || async {
        let mut unanswered = 0;
        while limiters.vitals().restarts == 0 || !limiters.vitals().alive {
            unanswered += u32::from(matches!(limiters.admit(&limits, 0).await, Err(LimitError::Actor(_))));
            tokio::task::yield_now().await;
        }
        unanswered
    };
    // The first asks before the actor is told to die, the last while that message waits.
    let (_, _, unanswered) = tokio::join!(ask_on(), limiters.crash(), ask_on());
    assert!(unanswered > 0);
    assert_eq!(limiters.vitals().restarts, 1);

    clock.advance(Duration::from_secs(5));
    let half = limiters.admit(&limits, 0).await.unwrap();
    drop(before);
    assert_eq!(
        refusal(&limiters, &limits, 0).await.0,
        LimitKind::Concurrency,
        "a permit of the life before frees nothing"
    );
    drop(half);
    clock.advance(Duration::from_secs(60));
    let both = (limiters.admit(&limits, 0).await.unwrap(), limiters.admit(&limits, 0).await.unwrap());
    assert_eq!(both.1.headroom().unwrap().requests.unwrap().remaining, 8);
}
