//! The handle: find an answer, keep one, throw them away.
//!
//! Whoever finds nothing asks a provider: a cache that is away, or busy, is an empty one.

use std::sync::Arc;
use std::time::Duration;

use super::CacheActor;
use super::entries::{Bounds, Kept, Purged, Slot, Tally};
use super::messages::{Count, Find, Keep, Purge};
use crate::domain::ProjectId;
use crate::error::ActorError;
use crate::mailbox::{Mailbox, Vitals};

/// The way to the kept answers. Cheap to clone.
#[derive(Clone)]
pub struct Cache {
    mailbox: Mailbox<CacheActor>,
    bounds: Bounds,
}

impl Cache {
    pub(super) fn new(mailbox: Mailbox<CacheActor>, bounds: Bounds) -> Self {
        Self { mailbox, bounds }
    }

    /// How much is kept, and for how long.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The answer in `slot`, if it may still be given and is younger than `max_age`.
    pub async fn find(&self, slot: Slot, max_age: Duration) -> Option<Arc<Kept>> {
        self.mailbox.ask(Find(slot, max_age)).await.ok().flatten()
    }

    /// Keeps an answer in place of any there was; may be lost under pressure. Who hears of it afterwards and asks, finds it.
    pub fn keep(&self, slot: Slot, kept: Kept) {
        self.mailbox.hint(Keep(slot, Box::new(kept)));
    }

    /// Throws away the answers of `project`, or all. What was asked before is not kept afterwards.
    ///
    /// # Errors
    /// If the cache did not answer.
    pub async fn purge(&self, project: Option<ProjectId>) -> Result<Purged, ActorError> {
        self.mailbox.ask(Purge(project)).await
    }

    /// What is kept and what was counted since the start.
    ///
    /// # Errors
    /// If the cache did not answer.
    pub async fn tally(&self) -> Result<Tally, ActorError> {
        self.mailbox.ask(Count).await
    }

    /// How the actor is, for the system page.
    pub fn vitals(&self) -> Vitals {
        self.mailbox.vitals()
    }

    /// Kills the actor and waits for its successor, to prove what a crash loses.
    #[cfg(feature = "testing")]
    pub async fn crash(&self) {
        crate::testing::crash(&self.mailbox).await;
    }
}
