//! The handle: use a key, keep the answer to it, or find the one that is kept.
//!
//! A [`Claim`] ends by [`Claim::keep`] or [`Claim::release`]. Dropped otherwise, the key is in doubt: a retry is sent again
//! and takes back what this one was charged.

use std::sync::Arc;

use super::IdempotencyActor;
use super::messages::{Begin, FindStale, Forget, Found, Keep, ReadBills, Release, Replace};
use super::shelf::{Asked, Bill, ClaimError, Kept, ResealStep, SealedAnswers, Shape, ShelfError, Slot, Stale};
use crate::domain::RequestId;
use crate::mailbox::{Mailbox, Vitals};

/// The largest body that is kept, in bytes.
pub const MAX_KEPT: usize = 1024 * 1024;

/// The way to the keys. Cheap to clone.
#[derive(Clone)]
pub struct Idempotency {
    mailbox: Mailbox<IdempotencyActor>,
    vault: Arc<dyn SealedAnswers>,
}

/// What became of a request that came with a key.
pub enum Claimed {
    /// It may be sent.
    Begun(Claim),
    /// It was answered before.
    Answered(Answered),
}

/// An answer that was given before.
#[derive(Debug)]
pub struct Answered {
    /// The request it was given to.
    pub request: RequestId,
    /// How it came.
    pub shape: Shape,
    /// Its body; `None` if it is not kept.
    pub body: Option<Vec<u8>>,
    /// What the ledger has of it, where the body is not kept.
    pub bill: Option<Box<Bill>>,
}

/// A key in use by one request.
#[must_use = "a claim that is neither kept nor released leaves its key in doubt"]
pub struct Claim {
    asked: Asked,
    doubtful: Vec<RequestId>,
    idempotency: Idempotency,
    open: bool,
}

impl Idempotency {
    pub(super) fn new(mailbox: Mailbox<IdempotencyActor>, vault: Arc<dyn SealedAnswers>) -> Self {
        Self { mailbox, vault }
    }

    /// Uses a key for a request, durably, or finds the answer that was given before.
    ///
    /// # Errors
    /// [`ClaimError`]; then nothing may be sent.
    pub async fn claim(&self, asked: Asked) -> Result<Claimed, ClaimError> {
        // Made before the question: if the asker goes away meanwhile, the guard frees what may have been taken.
        let mut claim = Claim { asked, doubtful: Vec::new(), idempotency: self.clone(), open: true };
        match self.mailbox.ask(Begin(asked)).await {
            Ok(Ok(Found::Begun(doubtful))) => {
                claim.doubtful = doubtful;
                Ok(Claimed::Begun(claim))
            }
            Ok(Ok(Found::Answered { request, kept, bill })) => {
                claim.open = false;
                Ok(Claimed::Answered(self.open(&Asked { request, ..asked }, &kept, bill)))
            }
            Ok(Err(error)) => {
                claim.open = false;
                Err(error)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Seals at most `limit` kept answers anew that are not sealed as new ones are, from behind a slot on. Answers come and go
    /// meanwhile; one that does not open is passed over.
    ///
    /// # Errors
    /// If they cannot be read or written.
    pub async fn reseal(&self, behind: Option<Slot>, limit: usize) -> Result<ResealStep, ClaimError> {
        let stale = self.mailbox.ask(FindStale(self.vault.mark(), behind, limit)).await??;
        let (last, found) = (stale.last().map(|stale| stale.asked.slot), stale.len());
        let resealed: Vec<_> = stale.into_iter().filter_map(|stale| self.resealed(stale)).collect();
        let unreadable = found.saturating_sub(resealed.len());
        if !resealed.is_empty() {
            self.mailbox.ask(Replace(resealed)).await??;
        }
        Ok(ResealStep { last, unreadable })
    }

    fn resealed(&self, stale: Stale) -> Option<(Stale, Arc<[u8]>)> {
        let place = stale.asked.place();
        let plain = self.vault.open(&place, &stale.sealed).ok()?;
        let sealed = self.vault.seal(&place, &plain).ok()?;
        Some((stale, sealed.into()))
    }

    /// How the actor is, for the system page.
    pub fn vitals(&self) -> Vitals {
        self.mailbox.vitals()
    }

    /// Kills the actor and waits for its successor, to prove what a crash loses.
    #[cfg(feature = "testing")]
    pub async fn crash(&self) {
        crate::testing::crash(&self.mailbox).await;
    }

    /// An answer that does not open, as after a change of the master key, is not kept.
    fn open(&self, asked: &Asked, kept: &Kept, bill: Option<Box<Bill>>) -> Answered {
        let open = |sealed: &Arc<[u8]>| {
            let opened = self.vault.open(&asked.place(), sealed);
            opened.inspect_err(|error| log::error!(error:% = error; "a kept answer does not open")).ok()
        };
        let body = kept.sealed.as_ref().and_then(open);
        Answered { request: asked.request, shape: kept.shape, body, bill }
    }
}

impl Claim {
    /// What the ledger has closed of earlier requests with the key that have no answer: to be taken back.
    ///
    /// # Errors
    /// If it cannot be read now.
    pub async fn earlier(&self) -> Result<Vec<Bill>, ClaimError> {
        if self.doubtful.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.idempotency.mailbox.ask(ReadBills(self.doubtful.clone())).await??)
    }

    /// Keeps the answer, sealed and durably: whoever comes with the key again gets it. A body that is `None` or larger than
    /// [`MAX_KEPT`] is not kept; then a retry is told so.
    ///
    /// # Errors
    /// If it could not be kept; then the key is in doubt.
    pub async fn keep(mut self, shape: Shape, body: Option<Vec<u8>>) -> Result<(), ClaimError> {
        let seal = |body: Vec<u8>| self.idempotency.vault.seal(&self.asked.place(), &body);
        let sealed = body.filter(|body| body.len() <= MAX_KEPT).map(seal).transpose().map_err(ShelfError)?;
        let kept = Kept { shape, sealed: sealed.map(Arc::from) };
        self.idempotency.mailbox.ask(Keep(self.asked, kept)).await??;
        self.open = false;
        Ok(())
    }

    /// Nothing was sent: the key is free again.
    pub async fn release(mut self) {
        let released = self.idempotency.mailbox.ask(Release(self.asked)).await;
        match released {
            Ok(Ok(())) => self.open = false,
            // The row stays, and costs its next user a look into the ledger.
            Ok(Err(error)) => log::error!(request_id:% = self.asked.request, error:%; "idempotency key not released"),
            Err(error) => log::error!(request_id:% = self.asked.request, error:%; "idempotency key not released"),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.open {
            self.idempotency.mailbox.tell(Forget(self.asked));
        }
    }
}
