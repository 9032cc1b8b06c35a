//! Permits: a call's share of its limits, given back when the call is over.
//! Owns the promise that whatever happens to a call, its place is freed once. Refuses to be forgotten.

use std::sync::Arc;

use super::LimitersActor;
use super::answer::Headroom;
use super::messages::Close;
use crate::domain::{Limits, Scope, Shadowed};
use crate::mailbox::{Mailbox, Together};

/// Admission by the limiters. However it ends, at most one message is sent, and none where only requests are limited.
///
/// Dropped, it frees its place and keeps the estimate: the call may have been sent.
#[must_use = "a permit that is dropped at once frees the call's place while the call runs"]
pub struct Permit(Option<Grant>);

/// What a permit took and where it goes back to.
pub(super) struct Grant {
    pub(super) mailbox: Mailbox<LimitersActor>,
    pub(super) limits: Arc<[(Scope, Limits)]>,
    pub(super) tokens: u64,
    pub(super) life: u64,
    pub(super) headroom: Headroom,
    pub(super) shadowed: Vec<Shadowed>,
}

impl Permit {
    /// A permit where nothing is limited.
    pub(super) fn unlimited() -> Self {
        Self(None)
    }

    /// The call is over and took `tokens`: frees its place and corrects the estimate.
    ///
    /// What comes back is room at once, also when the estimate was refilled meanwhile.
    pub fn finish(mut self, tokens: u64) {
        self.end(Some(tokens));
    }

    /// The call was never sent: frees its place and gives all tokens back. The request still counts.
    pub fn give_back(mut self) {
        self.end(Some(0));
    }

    /// What the call left of its limits when it was admitted; `None` where nothing is limited.
    pub fn headroom(&self) -> Option<Headroom> {
        self.0.as_ref().map(|grant| grant.headroom)
    }

    /// Limits that would have refused it, were they enforced.
    pub fn shadowed(&self) -> &[Shadowed] {
        self.0.as_ref().map_or(&[], |grant| &grant.shadowed)
    }

    fn end(&mut self, actual: Option<u64>) {
        if let Some((mailbox, close)) = self.0.take().and_then(|grant| grant.end(actual)) {
            mailbox.tell_together(close);
        }
    }
}

impl From<Grant> for Permit {
    fn from(grant: Grant) -> Self {
        Self(Some(grant))
    }
}

impl Drop for Permit {
    // At once: a permit is also dropped with its thread, when no turn follows.
    fn drop(&mut self) {
        if let Some((mailbox, close)) = self.0.take().and_then(|grant| grant.end(None)) {
            mailbox.tell(Together(vec![close]));
        }
    }
}

impl Grant {
    /// What is told where; `None` if it would change nothing.
    fn end(self, actual: Option<u64>) -> Option<(Mailbox<LimitersActor>, Close)> {
        let corrects = |tpm: u64| actual.is_some_and(|actual| actual != self.tokens.min(tpm));
        let matters = |limits: &Limits| limits.concurrency.is_some() || limits.tpm.is_some_and(corrects);
        let told = self.limits.iter().any(|(_, limits)| matters(limits));
        let Self { mailbox, limits, tokens, life, .. } = self;
        told.then_some((mailbox, Close { limits, tokens, actual, life }))
    }
}
