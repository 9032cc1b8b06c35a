//! The limiters as everybody else sees them: one question for each call, and a permit to hold while it runs.
//! Hides messages, lives and restarts. Refuses to ask where nothing is limited.

use std::sync::Arc;

use super::LimitersActor;
use super::answer::LimitError;
use super::messages::Admit;
use super::permit::Permit;
use crate::domain::{Limits, Scope};
use crate::mailbox::{Mailbox, Vitals};

/// Traffic limits of keys and projects. Cheap to clone.
///
/// What is accepted in any minute is at most the rate and the burst: a sixth of the rate for requests (at least one), the
/// whole rate for tokens. Tokens are taken as estimated and corrected when the permit ends.
#[derive(Clone)]
pub struct Limiters {
    mailbox: Mailbox<LimitersActor>,
}

impl Limiters {
    pub(super) fn new(mailbox: Mailbox<LimitersActor>) -> Self {
        Self { mailbox }
    }

    /// Admits one call that may take `tokens`, by all of `limits` at once or by none. A caller that gives up waiting takes
    /// nothing.
    ///
    /// # Errors
    /// [`LimitError::Limited`] if a limit is used up, [`LimitError::Actor`] if the limiters did not answer.
    pub async fn admit(&self, limits: &Arc<[(Scope, Limits)]>, tokens: u64) -> Result<Permit, LimitError> {
        if limits.is_empty() {
            return Ok(Permit::unlimited());
        }
        self.mailbox.ask_together(Admit { limits: Arc::clone(limits), tokens, back: self.mailbox.clone() }).await?
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
