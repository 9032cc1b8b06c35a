//! The feed as everybody else sees it: publish and forget, or subscribe.
//! Hides messages and restarts. Refuses to cost a request anything worth mentioning while nobody listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::FeedActor;
use super::audiences::Audience;
use super::event::Event;
use super::listeners::{Holder, Listeners, SubscribeError};
use super::messages::{Publish, Redeem, Subscribe};
use super::redeemed::OneTimeTicket;
use super::subscription::Subscription;
use crate::domain::Clock;
use crate::error::ActorError;
use crate::mailbox::{Mailbox, Vitals};

/// While nobody listens, one request in this time is enough to fill the recent events: a message for each of them would wake
/// the feed's thread thousands of times a second for nobody. In microseconds.
const UNHEARD: u64 = 10_000;
/// So many listeners are told of every request.
const FEW: u64 = 64;
/// Beyond that, what each listener adds to the time between two requests that all are told of, in microseconds: all together
/// are sent 25,000 messages a second at most, because calls must not wait for their audience.
const FOR_EACH: u64 = 40;

/// The live stream of events. Cheap to clone.
#[derive(Clone)]
pub struct Feed {
    mailbox: Mailbox<FeedActor>,
    listeners: Listeners,
    sampler: Arc<Sampler>,
    clock: Clock,
}

/// When the next frequent event is due, in microseconds of the monotonic clock.
#[derive(Default)]
struct Sampler(AtomicU64);

impl Feed {
    pub(super) fn new(mailbox: Mailbox<FeedActor>, listeners: Listeners, clock: Clock) -> Self {
        Self { mailbox, listeners, sampler: Arc::default(), clock }
    }

    /// Passes an event on. It may be lost: if the feed is away or far behind, or, for usage, if nobody listens, or very many,
    /// and another came shortly before it.
    pub fn publish(&self, event: Event) {
        let gap = if event.is_frequent() { gap(self.listeners.count()) } else { 0 };
        if gap == 0 || self.sampler.is_due(self.clock.monotonic(), gap) {
            self.mailbox.hint(Publish(event));
        }
    }

    /// The recent events of all projects, and from then on every new one that is for `audience`.
    ///
    /// # Errors
    /// If the feed did not answer, or too many listen.
    pub async fn subscribe(&self, holder: Holder, audience: Audience) -> Result<Subscription, SubscribeError> {
        self.mailbox.ask(Subscribe(holder, audience)).await?
    }

    /// Whether the ticket is good now and used for the first time; then it is used.
    ///
    /// # Errors
    /// If the feed did not answer.
    pub async fn redeem(&self, ticket: OneTimeTicket) -> Result<bool, ActorError> {
        self.mailbox.ask(Redeem(ticket, self.clock.now())).await
    }

    /// How many listen now.
    pub fn listeners(&self) -> usize {
        self.listeners.count()
    }

    /// How the actor is.
    pub fn vitals(&self) -> Vitals {
        self.mailbox.vitals()
    }

    /// Kills the actor and waits for its successor, to prove what a crash loses.
    #[cfg(feature = "testing")]
    pub async fn crash(&self) {
        crate::testing::crash(&self.mailbox).await;
    }
}

/// The least time between two frequent events, in microseconds.
fn gap(listeners: usize) -> u64 {
    match u64::try_from(listeners).unwrap_or(u64::MAX) {
        0 => UNHEARD,
        1..=FEW => 0,
        many => many.saturating_mul(FOR_EACH),
    }
}

impl Sampler {
    /// Whether one is due at `now`; of several that ask at once, one is told so.
    fn is_due(&self, now: Duration, gap: u64) -> bool {
        let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let due = self.0.load(Ordering::Relaxed);
        let next = now.saturating_add(gap);
        now >= due && self.0.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_audience_is_told_of_some() {
        let told = |listeners| {
            let (sampler, gap) = (Sampler::default(), gap(listeners));
            (0..10_000).filter(|ms| gap == 0 || sampler.is_due(Duration::from_millis(*ms), gap)).count()
        };
        assert_eq!(
            [0, 1, 64, 1_000, 10_000].map(told),
            [1_000, 10_000, 10_000, 250, 25],
            "of 1,000 calls a second for 10 s"
        );
    }
}
