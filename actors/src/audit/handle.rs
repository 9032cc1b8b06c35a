//! The audit trail as everybody else sees it: something to note, something that must be on record first.
//! Hides messages and restarts. Refuses to read: pages ask the store.

use super::AuditActor;
use super::messages::{Flush, Note, Record};
use crate::domain::Event;
use crate::error::SaveError;
use crate::mailbox::{Mailbox, Vitals};

/// The trail. Cheap to clone.
#[derive(Clone)]
pub struct AuditLog(Mailbox<AuditActor>);

impl AuditLog {
    pub(super) fn new(mailbox: Mailbox<AuditActor>) -> Self {
        Self(mailbox)
    }

    /// Notes a read or a refusal; it is written within half a second. Refusals that repeat within a minute are one event more,
    /// with their number in `repeated`.
    pub fn note(&self, event: Event) {
        self.0.hint(Note(event));
    }

    /// Puts an event on record before what it says is done.
    ///
    /// # Errors
    /// If it could not be written: then it must not be done.
    pub async fn record(&self, event: Event) -> Result<(), SaveError> {
        match self.0.ask(Record(event)).await {
            Ok(recorded) => recorded,
            Err(error) => Err(SaveError::Failed(error.to_string())),
        }
    }

    /// Ends when everything noted so far was written, or tried.
    pub async fn flush(&self) {
        self.0.ask(Flush).await.ok();
    }

    /// How the actor is.
    pub fn vitals(&self) -> Vitals {
        self.0.vitals()
    }

    /// Kills the actor and waits for its successor, to prove what a crash loses.
    #[cfg(feature = "testing")]
    pub async fn crash(&self) {
        crate::testing::crash(&self.0).await;
    }
}
