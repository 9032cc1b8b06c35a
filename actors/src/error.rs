//! Why an actor did not answer. Owns the three ways that can happen; what an actor answers is its own matter.

use thiserror::Error;

/// The actor could not be asked. All three are passing: the remedy is to try again shortly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ActorError {
    /// Too many questions are waiting already.
    #[error("the {0} actor has too many questions waiting")]
    Busy(&'static str),
    /// It is being restarted after a fault.
    #[error("the {0} actor is being restarted")]
    Restarting(&'static str),
    /// It stopped while the question waited, so whether it acted is unknown.
    #[error("the {0} actor stopped before it answered")]
    Gone(&'static str),
}
