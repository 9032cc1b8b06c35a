//! The ports: where keys and sealed answers lie, and what seals them. Owns their words.
//! Refuses to know a client's key, its request or its answer: hashes and sealed bytes are all there is.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::domain::{AdjustmentId, Money, RequestId, Scope, Timestamp, Usage};
use crate::error::ActorError;

/// A client's key, of one virtual key at one route, as a hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(pub [u8; 32]);

/// The hash of a request's body.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// A request that came with an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Its key.
    pub slot: Slot,
    /// Its body.
    pub fingerprint: Fingerprint,
    /// Its id.
    pub request: RequestId,
}

/// How an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Whole.
    Whole,
    /// As server-sent events.
    Events,
    /// As a JSON array that grew.
    Array,
}

/// A finished answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// How it came.
    pub shape: Shape,
    /// Its body, sealed; `None` if it was too large to be kept.
    pub sealed: Option<Arc<[u8]>>,
}

/// One key's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The request that used it last.
    pub asked: Asked,
    /// Earlier ones, oldest first, that may have been charged although their client has no whole answer.
    pub doubtful: Vec<RequestId>,
    /// When it was used last.
    pub claimed_at: Timestamp,
    /// The answer; `None` while it runs, and if it never came.
    pub answer: Option<Kept>,
}

/// A sealed answer that is to be sealed anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// Whose answer.
    pub asked: Asked,
    /// As it is stored.
    pub sealed: Arc<[u8]>,
}

/// What came of a step of sealing anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResealStep {
    /// Where the next one begins; `None` at the end.
    pub last: Option<Slot>,
    /// How many answers could not be opened and stay as they are.
    pub unreadable: usize,
}

/// What the ledger has closed a request at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The request.
    pub request: RequestId,
    /// Everything it was charged to.
    pub scopes: Arc<[Scope]>,
    /// What it consumed.
    pub usage: Usage,
    /// What it cost; nothing once that was taken back.
    pub amount: Money,
    /// The identity of the adjustment that takes it back: always the same, so that it is booked once.
    pub adjustment: AdjustmentId,
}

/// The shelf did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ShelfError(pub String);

/// Why a request with an idempotency key is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClaimError {
    /// Another one with the key is running.
    #[error("a request with this idempotency key is still running")]
    Running,
    /// The key was used with another body.
    #[error("this idempotency key was used with another request body")]
    OtherBody,
    /// The shelf did not answer, so nothing may be sent.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The actor did not.
    #[error(transparent)]
    Actor(#[from] ActorError),
}

/// The table of keys and answers; one writer. What a verb has done survives the death of the process.
pub trait Shelf: Send {
    /// The row of a key.
    ///
    /// # Errors
    /// If it cannot be read.
    fn find(&mut self, slot: Slot) -> Result<Option<Record>, ShelfError>;

    /// Writes the row of a key, in place of any there was.
    ///
    /// # Errors
    /// If it was not written.
    fn begin(&mut self, record: &Record) -> Result<(), ShelfError>;

    /// Adds the answer to the row, unless another request has taken it over.
    ///
    /// # Errors
    /// If it was not written.
    fn keep(&mut self, asked: &Asked, kept: &Kept) -> Result<(), ShelfError>;

    /// Removes the row, unless another request has taken it over.
    ///
    /// # Errors
    /// If it was not removed.
    fn remove(&mut self, asked: &Asked) -> Result<(), ShelfError>;

    /// Removes at most `limit` rows last used before that, and gives their number.
    ///
    /// # Errors
    /// If none was removed.
    fn sweep(&mut self, before: Timestamp, limit: usize) -> Result<usize, ShelfError>;

    /// At most `limit` answers behind `slot`, in the order of their slots, that do not begin with `mark`.
    ///
    /// # Errors
    /// If they cannot be read.
    fn stale(&mut self, mark: &[u8], behind: Option<Slot>, limit: usize) -> Result<Vec<Stale>, ShelfError>;

    /// Puts answers that were sealed anew in place of those they were, unless a row has changed meanwhile.
    ///
    /// # Errors
    /// If none was written.
    fn replace(&mut self, answers: &[(Stale, Arc<[u8]>)]) -> Result<(), ShelfError>;

    /// What the ledger has closed of `requests`, everything settled before the question included.
    ///
    /// # Errors
    /// If it cannot be read.
    fn bills(&mut self, requests: &[RequestId]) -> Result<Vec<Bill>, ShelfError>;
}

/// Seals answers for the shelf. `place` belongs to the sealed bytes: they open with the same one only.
pub trait SealedAnswers: Send + Sync {
    /// Seals.
    ///
    /// # Errors
    /// Why not.
    fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, String>;

    /// Opens.
    ///
    /// # Errors
    /// Why not.
    fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, String>;

    /// What everything begins with that is sealed now; what begins otherwise is to be sealed anew.
    fn mark(&self) -> Vec<u8>;
}

impl Shape {
    /// All of them.
    const ALL: [Self; 3] = [Self::Whole, Self::Events, Self::Array];

    /// The stable name, for rows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Events => "events",
            Self::Array => "array",
        }
    }

    /// The shape of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }
}

impl Asked {
    /// What a sealed answer is bound to: key, body and request.
    pub(super) fn place(&self) -> Vec<u8> {
        [&self.slot.0[..], &self.fingerprint.0[..], self.request.to_string().as_bytes()].concat()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot(****)")
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(****)")
    }
}
