//! Turns: when a listener is passed what happened, and how much of it at once.
//! Owns that calls do not wait for their audience. Few listeners are woken by each event. Of many each looks by itself, now and
//! then and at another moment than the others: an event that woke ten thousand would hold up every call for as long.

use std::sync::Arc;
use std::time::Duration;

use farthing_actors::feed::{Notice, Subscription};

/// Events that are passed on at once, about 4 KiB: a connection's buffer does not grow by them.
const MOST: usize = 10;
/// Long enough for the connection to be written to.
pub(super) const SOON: Duration = Duration::from_millis(1);
/// So many listeners are told at once.
const FEW: usize = 64;
/// Beyond that, the time that each listener adds to everybody's wait: 10,000 look about every three seconds.
const FOR_EACH: Duration = Duration::from_micros(300);

/// One listener's place among many.
pub(super) struct Turn {
    /// From 0 to 99, so that neighbours wait for different times.
    odd: u32,
}

impl Turn {
    /// Of the listener after so many others.
    pub(super) fn new(others: usize) -> Self {
        Self { odd: u32::try_from(others % 100).unwrap_or_default() }
    }

    /// How long one of so many waits before it asks for more, having been told so many events.
    pub(super) fn pause(&self, told: usize, listeners: usize) -> Duration {
        if told == MOST {
            return SOON;
        }
        if are_few(listeners) {
            return Duration::ZERO;
        }
        let usual = FOR_EACH.saturating_mul(u32::try_from(listeners).unwrap_or(u32::MAX));
        // From half of it to one and a half.
        usual.saturating_mul(self.odd.saturating_add(50)) / 100
    }
}

/// Whether all of so many are told at once.
pub(super) fn are_few(listeners: usize) -> bool {
    listeners <= FEW
}

/// The next events, as soon as there are any; none if the feed was restarted.
pub(super) async fn next(subscription: &mut Subscription) -> Vec<Arc<Notice>> {
    let mut events = Vec::from_iter(subscription.next().await);
    if !events.is_empty() {
        add(&mut events, subscription);
    }
    events
}

/// The events that are there already, maybe none.
pub(super) fn waiting(subscription: &mut Subscription) -> Vec<Arc<Notice>> {
    let mut events = Vec::new();
    add(&mut events, subscription);
    events
}

fn add(events: &mut Vec<Arc<Notice>>, subscription: &mut Subscription) {
    while let Some(event) = (events.len() < MOST).then(|| subscription.waiting()).flatten() {
        events.push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_wait_for_nothing_and_many_for_different_times() {
        let pause = |others: usize, listeners| Turn::new(others).pause(3, listeners).as_millis();
        assert_eq!((pause(7, FEW), pause(0, 10_000), pause(99, 10_000), pause(50, 1_000)), (0, 1_500, 4_470, 300));
        assert_eq!(Turn::new(7).pause(MOST, 10_000), SOON, "the rest of what is waiting");
    }
}
