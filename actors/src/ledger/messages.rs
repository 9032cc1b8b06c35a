//! What the ledger actor is asked and told. Private to the ledger: callers use the handle.

use actix::Message;

use super::book::Ended;
use super::entry::{Adjustment, Entry};
use super::hold::{Balance, Cap, Checkpoint, CloseError, Granted, HoldError, HoldRequest};
use super::journal::JournalError;
use crate::domain::{Budget, Money, Provenance, RequestId, RunId, Scope, Usage};

/// Set money aside.
#[derive(Message)]
#[rtype(result = "Result<Granted, HoldError>")]
pub(super) struct PlaceHold(pub HoldRequest);

/// Close a hold at the true cost of its last attempt.
#[derive(Message)]
#[rtype(result = "Result<Money, CloseError>")]
pub(super) struct CloseHold(pub Ended);

/// An attempt that is not the last has ended; the answer is whether the hold covers another.
#[derive(Message)]
#[rtype(result = "Result<bool, CloseError>")]
pub(super) struct BookAttempt(pub Ended);

/// What is known of a call in flight.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct NoteProgress(pub Checkpoint);

/// What became known about a call whose usage was estimated. The answer is the difference in its cost.
#[derive(Message)]
#[rtype(result = "Result<Money, CloseError>")]
pub(super) struct CorrectEstimate(pub RequestId, pub Usage, pub Provenance);

/// Charge or give back money.
#[derive(Message)]
#[rtype(result = "Result<(), JournalError>")]
pub(super) struct BookAdjustment(pub Adjustment);

/// Let a key have so many requests, those it has had included; any number with `None`.
#[derive(Message)]
#[rtype(result = "Result<(), JournalError>")]
pub(super) struct SetCap(pub Scope, pub Option<u64>);

/// What keys have had of their caps.
#[derive(Message)]
#[rtype(result = "Vec<Option<Cap>>")]
pub(super) struct ReadCaps(pub Vec<Scope>);

/// Admit no more calls of a run.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct KillRun(pub RunId);

/// Nobody will close this hold: close it by presumption.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct AbandonHold(pub RequestId);

/// Record a request that was refused before a hold.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct RecordRefusal(pub Box<Entry>);

/// Close every hold that a dead process left open.
#[derive(Message)]
#[rtype(result = "Result<usize, CloseError>")]
pub(super) struct CloseInterrupted;

/// Give a scope a budget, or take it away.
#[derive(Message)]
#[rtype(result = "Result<(), JournalError>")]
pub(super) struct SetBudget(pub Scope, pub Option<Budget>);

/// What scopes have.
#[derive(Message)]
#[rtype(result = "Vec<Option<Balance>>")]
pub(super) struct ReadBalances(pub Vec<Scope>);

/// Whether a call could be admitted now.
#[derive(Message)]
#[rtype(result = "Result<(), JournalError>")]
pub(super) struct CheckJournal;

/// How many holds are open.
#[derive(Message)]
#[rtype(result = "usize")]
pub(super) struct CountOpenHolds;
