//! Keeping: the answer to a client's idempotency key, for whoever comes with the key again.
//! Owns the order settled → earlier charges taken back → answer kept → last byte, and the copy of what a stream sends.
//! Refuses partial answers: whoever comes with such a key again is served anew, and pays once.

use std::cell::RefCell;

use bytes::Bytes;
use farthing_actors::domain::{Money, RequestId, Timestamp};
use farthing_actors::idempotency::{Bill, Claim, ClaimError, MAX_KEPT, Shape};
use farthing_actors::ledger::{Adjustment, LedgerError};
use thiserror::Error;

use super::exchange::Exchange;
use super::pipe::{Gone, Inflow};
use super::{Relay, RelayError};
use crate::dialect::Request;
use crate::logging;
use crate::upstream::UpstreamError;

/// Who books what is taken back.
const BOOKED_BY: &str = "farthing";

/// Why an answer was not kept.
#[derive(Debug, Error)]
enum KeepError {
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error("an earlier charge could not be taken back: {0}")]
    Ledger(#[from] LedgerError),
}

impl Relay {
    /// Keeps a whole answer that is settled at `cost`. What cannot be kept leaves its key in doubt.
    pub(super) async fn keep(
        &self,
        exchange: &mut Exchange,
        cost: Option<Money>,
        (shape, body): (Shape, Option<Vec<u8>>),
    ) {
        let (Some(claim), Some(_)) = (exchange.ask.claim.take(), cost) else { return };
        if let Err(error) = self.take_back_and_keep(*claim, shape, body).await {
            log::error!((logging::REQUEST_ID):% = exchange.id, (logging::ERROR):% = error; "answer not kept for its idempotency key");
        }
    }

    async fn take_back_and_keep(&self, claim: Claim, shape: Shape, body: Option<Vec<u8>>) -> Result<(), KeepError> {
        for bill in claim.earlier().await? {
            if bill.amount > Money::ZERO {
                self.ledger.adjust(taking_back(&bill)).await?;
            }
        }
        Ok(claim.keep(shape, body).await?)
    }
}

/// The line that gives back what an earlier request with the same key was charged; the house pays.
fn taking_back(bill: &Bill) -> Adjustment {
    Adjustment {
        id: bill.adjustment,
        scopes: bill.scopes.clone(),
        provider: None,
        amount: Money::ZERO - bill.amount,
        reason: reason(bill.request).into(),
        actor: BOOKED_BY.into(),
        request: Some(bill.request),
        // The ledger's clock decides.
        booked_at: Timestamp::default(),
    }
}

fn reason(request: RequestId) -> String {
    format!("idempotent retry of {request}")
}

/// The request was not answered: a refusal frees its key; what a provider may have charged leaves it in doubt, and what
/// turns out to have cost nothing frees it, too.
pub(super) async fn give_up(claim: Box<Claim>, error: &RelayError) {
    let sent = match error {
        RelayError::Upstream { error, .. } => !matches!(error, UpstreamError::Inexpressible(_)),
        RelayError::Stopping => true,
        _ => false,
    };
    if !sent {
        claim.release().await;
    }
}

/// How the answer to `request` comes.
pub(super) fn shape_of(request: &Request) -> Shape {
    match request.head().stream {
        false => Shape::Whole,
        true if request.wants_array() => Shape::Array,
        true => Shape::Events,
    }
}

/// A whole body, if it is small enough to be kept, and JSON, as whoever gives it again will say.
pub(super) fn kept_whole(body: &Bytes, content_type: Option<&str>) -> Option<Vec<u8>> {
    let json = content_type.is_none_or(|kind| kind.trim_start().starts_with("application/json"));
    (json && body.len() <= MAX_KEPT).then(|| body.to_vec())
}

/// Where the pieces of a stream go; it remembers them if the answer is to be kept.
pub(super) struct Outlet {
    pieces: Inflow,
    copy: Option<RefCell<Copied>>,
    /// The most of it that is remembered.
    most: usize,
}

/// What went to the client so far.
#[derive(Default)]
struct Copied {
    pieces: Vec<Bytes>,
    length: usize,
}

impl Outlet {
    /// An outlet that remembers up to `most` bytes; with none, nothing.
    pub(super) fn new(pieces: Inflow, most: usize) -> Self {
        Self { pieces, copy: (most > 0).then(RefCell::default), most }
    }

    /// Sends a piece on.
    ///
    /// # Errors
    /// If the client has left, or has not read for so long that it will not.
    pub(super) async fn send(&self, piece: Bytes) -> Result<(), Gone> {
        if let Some(copy) = &self.copy {
            copy.borrow_mut().add(&piece, self.most);
        }
        self.pieces.send(piece).await
    }

    /// Waits until the client leaves.
    pub(super) async fn closed(&self) {
        self.pieces.closed().await;
    }

    /// All that was sent and `last`, if that is not too much to be kept.
    pub(super) fn kept(&self, last: &Bytes) -> Option<Vec<u8>> {
        let mut copy = self.copy.as_ref()?.borrow_mut();
        copy.add(last, self.most);
        (copy.length <= self.most).then(|| copy.pieces.concat())
    }
}

impl Copied {
    fn add(&mut self, piece: &Bytes, most: usize) {
        self.length = self.length.saturating_add(piece.len());
        if self.length <= most {
            self.pieces.push(piece.clone());
        } else {
            self.pieces = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pipe::pipe;
    use super::*;

    #[test]
    fn what_was_sent_is_kept_up_to_a_bound_and_only_if_wanted() {
        let half = Bytes::from(vec![b'x'; MAX_KEPT / 2]);
        let outlet = Outlet::new(pipe().0, MAX_KEPT);
        assert_eq!(outlet.kept(&half).map(|kept| kept.len()), Some(MAX_KEPT / 2));
        assert_eq!(outlet.kept(&half).map(|kept| kept.len()), Some(MAX_KEPT));
        assert_eq!(outlet.kept(&Bytes::from_static(b"y")), None);
        assert_eq!(outlet.kept(&Bytes::new()), None, "a gap stays a gap");
        assert_eq!(Outlet::new(pipe().0, 0).kept(&half), None);
    }
}
