//! The ledger's port to disk: an append-only journal in front of the database. Implemented by the gateway's store.
//! Owns what is written and what comes back. Refuses to say how: files, segments and tables are the store's.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::entry::{Adjustment, Entry, Line, Outcome, Target};
use super::hold::{Checkpoint, HoldRequest, OpenHold};
use crate::domain::{AdjustmentId, Budget, LineKind, Money, RequestId, RunId, Scope, Timestamp};

/// What is written whole or not at all. A hold and the settlement of a finished call are one record each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// Money was set aside.
    Held(Arc<HoldRequest>),
    /// A hold that was open when a segment began: what is known of it, so that earlier segments are not needed.
    Carried(OpenHold),
    /// An attempt ended; if it was the last, the hold was closed.
    Closed(Closing),
    /// How far streams have come.
    Progress(Vec<Checkpoint>),
    /// A request was refused before a hold: recorded, never charged.
    Refused(Entry),
    /// What became known later about a closed call.
    Corrected(Entry),
    /// An operator booked something.
    Adjusted(Adjustment),
}

/// The end of an attempt; the rest of its line is in the hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Whether the hold is closed with it.
    #[serde(default, skip_serializing_if = "LineKind::is_call")]
    pub kind: LineKind,
    /// Which hold.
    pub request: RequestId,
    /// Where the attempt went; `None` where it was the hold's target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// How it ended.
    pub outcome: Outcome,
    /// What it cost.
    pub amount: Money,
    /// Of an attempt that is not the last: whether no other may be made, because what it cost leaves too little.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exhausting: bool,
    /// Of an attempt that is not the last: what was set aside for it alone, and is not any more.
    #[serde(default, skip_serializing_if = "Money::is_zero")]
    pub freed: Money,
    /// Why the call went where it went, where that became known only after its hold was placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Arc<str>>,
    /// When.
    pub closed_at: Timestamp,
}

/// What the disk knows when a ledger starts.
#[derive(Debug, Clone, Default)]
pub struct Recovered {
    /// Holds that were never closed.
    pub open: Vec<OpenHold>,
    /// Closings whose segments are still there, so that a repeated closing finds its first result.
    pub closed: Vec<Closing>,
    /// Every budget, with what was settled in the window it is in now.
    pub budgets: Vec<(Scope, Budget, Money)>,
    /// Every cap on a key's requests, with how many it has had.
    pub caps: Vec<(Scope, u64, u64)>,
    /// Runs that were heard of lately, with what they have cost.
    pub runs: Vec<(RunId, Money)>,
    /// Runs an operator has ended.
    pub killed: Vec<RunId>,
    /// The latest adjustments, so that none is booked twice.
    pub adjusted: Vec<AdjustmentId>,
    /// The ledger's time: the clock's, or that of the latest line where the clock has gone back behind it.
    pub now: Timestamp,
}

/// The journal did not do what was asked, and certainly did not do half of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct JournalError(pub String);

/// An open journal; one writer at a time.
pub trait Journal: Send {
    /// Adds `record` to those that the next [`Journal::commit`] writes, with `line`, which it completes. Nothing is
    /// promised yet.
    ///
    /// # Errors
    /// If it cannot be written; then it is not among them.
    fn stage(&mut self, record: &Record, line: Option<Line>) -> Result<(), JournalError>;

    /// Writes what is staged so that it survives the death of this process before this returns, and passes the lines on
    /// to the database.
    ///
    /// # Errors
    /// If it was not written; then nothing of it was.
    fn commit(&mut self) -> Result<(), JournalError>;

    /// Stages one record and commits it.
    ///
    /// # Errors
    /// If it was not written.
    fn append(&mut self, record: &Record, line: Option<Line>) -> Result<(), JournalError> {
        self.stage(record, line)?;
        self.commit()
    }

    /// Whether the current segment is nearly full and a new one should begin.
    fn wants_rotation(&self) -> bool;

    /// Begins a new segment with a copy of every open hold, so that older segments are needed only until applied.
    ///
    /// # Errors
    /// If it was not begun; the current segment goes on.
    fn rotate(&mut self, open: &mut dyn Iterator<Item = OpenHold>) -> Result<(), JournalError>;

    /// Whether the database is too far behind for more calls to be admitted.
    fn is_overloaded(&self) -> bool;

    /// Whether a call could be admitted now; what a failed write left behind is cleared away first, if that is possible.
    ///
    /// # Errors
    /// Why not.
    fn check(&mut self) -> Result<(), JournalError>;

    /// What was settled for `scope` by calls placed at or after `since`, everything written so far included.
    ///
    /// # Errors
    /// If the database did not answer.
    fn spent(&mut self, scope: Scope, since: Timestamp) -> Result<Money, JournalError>;

    /// How many calls of `scope` were admitted and are closed, everything written so far included.
    ///
    /// # Errors
    /// If the database did not answer.
    fn calls(&mut self, scope: Scope) -> Result<u64, JournalError>;
}

/// Where journals come from: opened at start and again whenever the ledger is replaced.
pub trait JournalSource: Send + Sync {
    /// Applies what is not applied and opens the journal for writing.
    ///
    /// # Errors
    /// If the journal or the database cannot be read, or a record before the torn tail is damaged.
    fn open(&self, now: Timestamp) -> Result<(Box<dyn Journal>, Recovered), JournalError>;
}
