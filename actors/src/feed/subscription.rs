//! Subscriptions: recent events, then live ones, through a queue that a slow reader cannot make grow.
//! Owns what is said of losses. Refuses to hold anybody up: what a reader misses it is told the number of.

use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::event::{Event, Notice};
use super::listeners::Place;
use super::window::Recent;

/// One listener's place in the feed. Dropped, it is forgotten.
pub struct Subscription {
    recent: Recent,
    /// How many of them were told.
    told: usize,
    live: broadcast::Receiver<Arc<Notice>>,
    _place: Arc<Place>,
}

impl Subscription {
    pub(super) fn new(recent: Recent, live: broadcast::Receiver<Arc<Notice>>, place: Arc<Place>) -> Self {
        Self { recent, told: 0, live, _place: place }
    }

    /// The next event: first the recent ones, oldest first, then each as it happens. [`Event::Lagged`] stands where events
    /// were dropped. `None` when the feed was restarted: subscribe again.
    ///
    /// May be given up and called again without losing an event.
    pub async fn next(&mut self) -> Option<Arc<Notice>> {
        if let Some(event) = self.recent() {
            return Some(event);
        }
        match self.live.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(missed)) => Some(lagged(missed)),
            Err(RecvError::Closed) => None,
        }
    }

    /// The next event, if it is there already.
    pub fn waiting(&mut self) -> Option<Arc<Notice>> {
        if let Some(event) = self.recent() {
            return Some(event);
        }
        match self.live.try_recv() {
            Ok(event) => Some(event),
            Err(TryRecvError::Lagged(missed)) => Some(lagged(missed)),
            Err(TryRecvError::Closed | TryRecvError::Empty) => None,
        }
    }

    /// Whether the feed was restarted and all is told: subscribe again.
    pub fn is_over(&self) -> bool {
        self.told >= self.recent.len() && self.live.is_closed() && self.live.is_empty()
    }

    /// The recent events are told once; then their list is no longer kept.
    fn recent(&mut self) -> Option<Arc<Notice>> {
        let event = self.recent.get(self.told).cloned();
        match &event {
            Some(_) => self.told = self.told.saturating_add(1),
            None if self.told > 0 => (self.recent, self.told) = (Recent::default(), 0),
            None => {}
        }
        event
    }
}

fn lagged(missed: u64) -> Arc<Notice> {
    Arc::new(Notice::new(Event::Lagged { missed }))
}
