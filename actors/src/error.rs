//! Why an actor did not answer, and why its port did not read or save. Owns those few ways; what an actor answers is its
//! own matter.

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

/// Why a port to the database did not load.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct LoadError(pub String);

/// Why a port to the database did not save, in the terms an owner acts on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SaveError {
    /// Certainly nothing was saved: the owner answers the error and goes on.
    #[error("nothing was saved: {0}")]
    Failed(String),
    /// Certainly nothing was removed, because stored records refer to it.
    #[error("stored records refer to it: {0}")]
    Referenced(String),
    /// It may have been saved: the owner stops and reads the truth again.
    #[error("it is unknown whether this was saved: {0}")]
    Unknown(String),
}
