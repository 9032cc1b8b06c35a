//! The books as operators read them: what was called, what it cost, and whether it all adds up.
//! Owns the port and what is asked of it. Refuses to say how: tables and queries are the store's.

use std::future::Future;
use std::pin::Pin;

use farthing_actors::domain::{KeyId, Money, ProjectId, RequestId};
use farthing_actors::ledger::entry::Entry;

use crate::store::StoreError;

/// An answer of the books, when it comes.
pub type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Where finished calls are read. Every answer includes all calls that were settled before the question.
pub trait Books: Send + Sync {
    /// Lines that fit `filter`, newest first.
    fn requests(&self, filter: RequestFilter) -> Reading<'_, Vec<Line>>;

    /// The line of one request.
    fn request(&self, id: RequestId) -> Reading<'_, Option<Line>>;

    /// Recomputes everything.
    fn verify(&self) -> Reading<'_, Verdict>;
}

/// One line of the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number; later lines have larger ones.
    pub seq: i64,
    /// What it says.
    pub entry: Entry,
}

/// Which lines to show; an absent condition admits all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestFilter {
    /// Called with a key of exactly this project.
    pub project: Option<ProjectId>,
    /// Called with this key.
    pub key: Option<KeyId>,
    /// Older than the line of this number.
    pub before_seq: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// What the recomputation found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Lines read.
    pub entries: u64,
    /// Different requests among them.
    pub requests: u64,
    /// All debits less all credits.
    pub imbalance: Money,
    /// What is wrong, in words.
    pub faults: Vec<String>,
}

impl Verdict {
    /// Whether the books balance and nothing is wrong with them.
    pub fn is_ok(&self) -> bool {
        self.faults.is_empty() && self.imbalance == Money::ZERO
    }
}
