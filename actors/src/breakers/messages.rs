//! What the breakers are asked and told. Known to the shell, the handle and the trial; nobody else sees a message.

use std::time::Duration;

use actix::Message;

use super::BreakersActor;
use super::outcomes::KeyMark;
use super::report::{Control, FailureKind};
use super::trial::{Trial, TrialEnd};
use crate::domain::DeploymentId;
use crate::mailbox::Mailbox;

/// A deployment without a gate was called with success: from now on its successes are counted.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Meet {
    pub(super) id: DeploymentId,
    pub(super) key: KeyMark,
}

/// A deployment without a gate answered: from now on it is noted how soon.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Answered {
    pub(super) id: DeploymentId,
    pub(super) streamed: bool,
    pub(super) took: Duration,
}

/// A call failed in a way that counts.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Failed {
    pub(super) id: DeploymentId,
    pub(super) key: KeyMark,
    pub(super) kind: FailureKind,
}

/// The provider asked for a pause.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Cooled {
    pub(super) id: DeploymentId,
    pub(super) retry_after: Option<Duration>,
}

/// Asks for one of a half-open circuit's places.
#[derive(Message)]
#[rtype(result = "Option<Trial>")]
pub(super) struct TryTrial {
    pub(super) id: DeploymentId,
    /// Where the trial goes when it is over.
    pub(super) back: Mailbox<BreakersActor>,
}

/// A trial is over.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct TrialEnded {
    pub(super) id: DeploymentId,
    pub(super) life: u64,
    pub(super) round: u64,
    pub(super) end: TrialEnd,
}

/// An operator takes a circuit in hand, or lets it go.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Force {
    pub(super) id: DeploymentId,
    pub(super) control: Control,
}
