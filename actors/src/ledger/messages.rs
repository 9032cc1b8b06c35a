//! What the ledger actor is asked and told. Private to the ledger: callers use the handle.

use actix::Message;

use super::entry::{Entry, Outcome, Target};
use super::hold::{Balance, CloseError, HoldError, HoldRequest};
use super::journal::JournalError;
use crate::domain::{Budget, Money, RequestId, Scope};

/// Set money aside.
#[derive(Message)]
#[rtype(result = "Result<(), HoldError>")]
pub(super) struct PlaceHold(pub HoldRequest);

/// Close a hold at the true cost; `target` is `None` where the first choice was the last.
#[derive(Message)]
#[rtype(result = "Result<Money, CloseError>")]
pub(super) struct CloseHold {
    pub request: RequestId,
    pub target: Option<Target>,
    pub outcome: Outcome,
}

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

/// How many holds are open.
#[derive(Message)]
#[rtype(result = "usize")]
pub(super) struct CountOpenHolds;
