//! What the breakers are asked and told. Known to the shell, the handle and the trial; nobody else sees a message.

use std::time::Duration;

use actix::Message;

use super::BreakersActor;
use super::outcomes::KeyMark;
use super::report::{Control, FailureKind};
use super::trial::{Trial, TrialEnd};
use crate::domain::{Callee, DeploymentId, ProviderId};
use crate::mailbox::Mailbox;

/// A deployment without a gate was called with success: from now on its successes are counted.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Meet {
    pub(super) callee: Callee,
    pub(super) key: KeyMark,
}

/// A deployment without a gate answered: from now on it is noted how soon.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Answered {
    pub(super) callee: Callee,
    pub(super) streamed: bool,
    pub(super) took: Duration,
}

/// A call failed in a way that counts.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Failed {
    pub(super) callee: Callee,
    pub(super) key: KeyMark,
    pub(super) kind: FailureKind,
}

/// The provider asked for a pause.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Cooled {
    pub(super) callee: Callee,
    pub(super) retry_after: Option<Duration>,
}

/// Asks for one of a half-open circuit's places.
#[derive(Message)]
#[rtype(result = "Option<Trial>")]
pub(super) struct TryTrial {
    pub(super) callee: Callee,
    /// Where the trial goes when it is over.
    pub(super) back: Mailbox<BreakersActor>,
}

/// A trial is over.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct TrialEnded {
    pub(super) callee: Callee,
    pub(super) life: u64,
    pub(super) round: u64,
    pub(super) end: TrialEnd,
}

/// An operator takes all circuits of a provider in hand, or lets them go.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Force {
    pub(super) provider: ProviderId,
    /// Those that listeners should hear of, though nobody called them yet.
    pub(super) deployments: Vec<DeploymentId>,
    pub(super) control: Control,
}

/// A provider refused our key.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct KeyRefused {
    pub(super) provider: ProviderId,
    pub(super) status: u16,
}

/// A provider took our key, or has another.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct KeyTaken {
    pub(super) provider: ProviderId,
}
