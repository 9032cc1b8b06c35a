//! Abandoned answers: their clients have left, and their providers bill them all the same. Owns for how long, and how many at a
//! time, such an answer is read to its end for the sake of its figures. Refuses to begin another attempt for nobody.

use std::cell::Cell;
use std::time::Duration;

use farthing_actors::registry::catalogue::Candidate;
use farthing_actors::tasks::Stage;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::attempt::Opened;
use super::pump::drain;
use super::{Relay, RelayError};
use crate::dialect::Passage;
use crate::upstream::{UpstreamBody, profile};

/// How long a provider may take to come to the end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many such answers a worker reads at a time; others are cancelled, and estimated.
const MAX_DRAINS: usize = 32;

/// Places for answers that nobody waits for.
pub struct Drains(Semaphore);

impl Default for Drains {
    fn default() -> Self {
        Self(Semaphore::new(MAX_DRAINS))
    }
}

impl Drains {
    /// A place for an answer; `None` where cancelling stops the bill, or if all places are taken.
    fn enter(&self, is_billed: bool) -> Option<SemaphorePermit<'_>> {
        if is_billed { self.0.try_acquire().ok() } else { None }
    }
}

/// Whether the deployment's provider bills an answer that nobody waits for.
pub(super) fn bills_abandoned(candidate: &Candidate) -> bool {
    profile(candidate.provider.kind).bills_abandoned
}

/// Where a request is, and whether anybody waits for it.
#[derive(Default)]
pub(super) struct Flight {
    /// Whether the provider that has it, if one has, bills it whatever happens.
    pub is_billed: Cell<bool>,
    /// Whether its client has left.
    pub is_abandoned: Cell<bool>,
}

impl Relay {
    /// Goes on `trying` for a client that has left, if the provider that has the request bills it anyway. `None` if it is to be cancelled,
    /// or nothing came of it.
    pub(super) async fn go_on(
        &self,
        flight: &Flight,
        trying: impl Future<Output = Result<Opened, RelayError>>,
    ) -> Option<Opened> {
        let _place = self.drains.enter(flight.is_billed.get())?;
        flight.is_abandoned.set(true);
        tokio::select! {
            opened = timeout(PATIENCE, trying) => opened.ok()?.ok(),
            () = self.tasks.reached(Stage::Cutting) => None,
        }
    }

    /// Reads a stream to its end for its figures, if its provider bills it anyway. Whether it came to its end.
    pub(super) async fn read_on(
        &self,
        candidate: &Candidate,
        reader: &mut dyn Passage,
        body: &mut UpstreamBody,
    ) -> bool {
        let Some(_place) = self.drains.enter(bills_abandoned(candidate)) else { return false };
        tokio::select! {
            is_complete = timeout(PATIENCE, drain(reader, body)) => is_complete.unwrap_or(false),
            () = self.tasks.reached(Stage::Cutting) => false,
        }
    }
}
