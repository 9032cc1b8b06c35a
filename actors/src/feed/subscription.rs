//! Subscriptions: recent events, then live ones, through a queue that a slow reader cannot make grow.
//! Owns the bound and the count of who listens. Refuses to hold anybody up: what a reader misses it is told the number of.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::vec;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::event::Event;

/// Live events a subscriber may be behind; then the oldest are dropped.
pub(super) const QUEUE: usize = 256;

/// How many listen now; clones share it.
#[derive(Clone, Default)]
pub(super) struct Listeners(Arc<AtomicUsize>);

/// One listener's place in the feed. Dropped, it is forgotten.
pub struct Subscription {
    recent: vec::IntoIter<Arc<Event>>,
    live: broadcast::Receiver<Arc<Event>>,
    listeners: Listeners,
}

impl Subscription {
    pub(super) fn new(recent: Vec<Arc<Event>>, live: broadcast::Receiver<Arc<Event>>, listeners: &Listeners) -> Self {
        listeners.0.fetch_add(1, Ordering::Relaxed);
        Self { recent: recent.into_iter(), live, listeners: listeners.clone() }
    }

    /// The next event: first the recent ones, oldest first, then each as it happens. [`Event::Lagged`] stands where events
    /// were dropped. `None` when the feed was restarted: subscribe again.
    ///
    /// May be given up and called again without losing an event.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        if let Some(event) = self.recent.next() {
            return Some(event);
        }
        match self.live.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(missed)) => Some(Arc::new(Event::Lagged { missed })),
            Err(RecvError::Closed) => None,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.listeners.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Listeners {
    /// Whether anybody listens. May be a moment late: events are hints.
    pub(super) fn any(&self) -> bool {
        self.count() > 0
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}
