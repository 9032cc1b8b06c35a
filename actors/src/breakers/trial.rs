//! Trials: one of the few calls a half-open circuit lets through.
//! Owns the promise that its place is freed once, whatever happens to the call.

use super::BreakersActor;
use super::messages::TrialEnded;
use super::report::FailureKind;
use crate::domain::Callee;
use crate::mailbox::Mailbox;

/// Permission to try a deployment. Dropped without an outcome, it frees its place for another trial: so ends a call whose
/// client left, or that the provider refused for the caller's fault or with a 429.
#[must_use = "a trial that is dropped at once frees its place while the call runs"]
pub struct Trial(Option<Place>);

/// Which place a trial has.
pub(super) struct Place {
    pub(super) mailbox: Mailbox<BreakersActor>,
    pub(super) callee: Callee,
    pub(super) life: u64,
    pub(super) round: u64,
}

/// How a trial ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum TrialEnd {
    Succeeded,
    Failed(FailureKind),
    Lost,
}

impl Trial {
    /// The deployment answered.
    pub fn succeeded(mut self) {
        self.end(TrialEnd::Succeeded);
    }

    /// It failed in a way that counts.
    pub fn failed(mut self, kind: FailureKind) {
        self.end(TrialEnd::Failed(kind));
    }

    fn end(&mut self, end: TrialEnd) {
        if let Some(Place { mailbox, callee, life, round }) = self.0.take() {
            mailbox.tell(TrialEnded { callee, life, round, end });
        }
    }
}

impl From<Place> for Trial {
    fn from(place: Place) -> Self {
        Self(Some(place))
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.end(TrialEnd::Lost);
    }
}
