//! The handle: tell of a call that would have been refused, and read what was told.

use super::ShadowActor;
use super::messages::{Forget, Note, NoteRoute, Read};
use super::record::{Instance, Report};
use super::routes::Detour;
use crate::domain::Shadowed;
use crate::error::ActorError;
use crate::mailbox::{Mailbox, Vitals};

/// The way to the shadow. Cheap to clone.
#[derive(Clone)]
pub struct Shadow(Mailbox<ShadowActor>);

impl Shadow {
    pub(super) fn new(mailbox: Mailbox<ShadowActor>) -> Self {
        Self(mailbox)
    }

    /// A call passed that would have been refused. Who hears of the call afterwards and reads, finds it counted.
    pub fn note(&self, shadowed: Shadowed, instance: Instance) {
        self.0.tell(Note(shadowed, Box::new(instance)));
    }

    /// A group in the shadow would have done this with a call that was served.
    pub fn note_route(&self, detour: Detour) {
        self.0.tell(NoteRoute(Box::new(detour)));
    }

    /// What was counted, in the order of scopes and rules.
    ///
    /// # Errors
    /// If the shadow did not answer.
    pub async fn report(&self) -> Result<Report, ActorError> {
        self.0.ask(Read).await
    }

    /// Forgets everything: counting begins anew.
    ///
    /// # Errors
    /// If the shadow did not answer.
    pub async fn forget(&self) -> Result<(), ActorError> {
        self.0.ask(Forget).await
    }

    /// How the actor is, for the system page.
    pub fn vitals(&self) -> Vitals {
        self.0.vitals()
    }

    /// Kills the actor and waits for its successor, to prove what a crash loses.
    #[cfg(feature = "testing")]
    pub async fn crash(&self) {
        crate::testing::crash(&self.0).await;
    }
}
