//! What the idempotency actor is asked and told. Private: callers use the handle.

use std::sync::Arc;

use actix::Message;

use super::shelf::{Asked, Bill, ClaimError, Kept, ShelfError, Slot, Stale};
use crate::domain::RequestId;

/// Use a key, unless it is in use or was answered.
#[derive(Message)]
#[rtype(result = "Result<Found, ClaimError>")]
pub(super) struct Begin(pub Asked);

/// What became of it.
pub(super) enum Found {
    /// The request may be sent; earlier ones with the same key may have been charged without an answer.
    Begun(Vec<RequestId>),
    /// It was answered before.
    Answered { request: RequestId, kept: Kept, bill: Option<Box<Bill>> },
}

/// Keep the answer.
#[derive(Message)]
#[rtype(result = "Result<(), ShelfError>")]
pub(super) struct Keep(pub Asked, pub Kept);

/// Nothing was sent: the key is as it was before.
#[derive(Message)]
#[rtype(result = "Result<(), ShelfError>")]
pub(super) struct Release(pub Asked);

/// The request has ended without a whole answer.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Forget(pub Asked);

/// What the ledger has of these requests.
#[derive(Message)]
#[rtype(result = "Result<Vec<Bill>, ShelfError>")]
pub(super) struct ReadBills(pub Vec<RequestId>);

/// Answers that are to be sealed anew: those that do not begin with these bytes.
#[derive(Message)]
#[rtype(result = "Result<Vec<Stale>, ShelfError>")]
pub(super) struct FindStale(pub Vec<u8>, pub Option<Slot>, pub usize);

/// Answers that were sealed anew.
#[derive(Message)]
#[rtype(result = "Result<(), ShelfError>")]
pub(super) struct Replace(pub Vec<(Stale, Arc<[u8]>)>);
