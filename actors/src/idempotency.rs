//! Idempotency: one actor owns which `Idempotency-Key`s are in use, so that of any number of copies one is sent.
//!
//! Owns: the keys that run now (in memory) and the table of keys and answers (on the shelf, one writer).
//! A crash loses which keys run: their rows stay, and a retry finds them in doubt, as after a death of the process.
//! Never: asks the ledger, reads an answer (it comes sealed), or lets a second copy run beside the first.

mod handle;
mod messages;
pub mod register;
mod shelf;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ArbiterHandle, AsyncContext, Context, Handler};

pub use handle::{Answered, Claim, Claimed, Idempotency, MAX_KEPT};
pub use shelf::{
    Asked, Bill, ClaimError, Fingerprint, Kept, Record, ResealStep, SealedAnswers, Shape, Shelf, ShelfError, Slot,
    Stale,
};

use crate::domain::{Clock, RequestId};
use crate::supervisor::{StartError, Supervisor};
use messages::{Begin, FindStale, Forget, Found, Keep, ReadBills, Release, Replace};
use register::{Judgement, LIFETIME, Register};

/// How often expired keys are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Rows removed in one transaction: it takes milliseconds, and nobody waits longer for the database.
const SWEEP_BATCH: usize = 500;
/// Between two batches others have their turn.
const SWEEP_PAUSE: Duration = Duration::from_millis(50);

/// Makes the shelf, at the start and for every successor.
pub type Open = Arc<dyn Fn() -> Result<Box<dyn Shelf>, ShelfError> + Send + Sync>;

/// Starts the actor on `arbiter` with the shelf that `open` gives; answers are sealed by `vault`.
///
/// # Errors
/// If the shelf cannot be opened.
pub async fn start(
    supervisor: &Supervisor,
    arbiter: ArbiterHandle,
    open: Open,
    vault: Arc<dyn SealedAnswers>,
) -> Result<Idempotency, StartError> {
    let clock = supervisor.clock();
    let make = move || IdempotencyActor::new(clock.clone(), &open).map_err(|error| error.to_string());
    Ok(Idempotency::new(supervisor.start("idempotency", arbiter, make).await?, vault))
}

/// The shell around the register.
struct IdempotencyActor {
    register: Register,

    shelf: Box<dyn Shelf>,
    clock: Clock,
}

impl IdempotencyActor {
    fn new(clock: Clock, open: &Open) -> Result<Self, ShelfError> {
        Ok(Self { register: Register::default(), shelf: open()?, clock })
    }

    fn begin(&mut self, asked: Asked) -> Result<Found, ClaimError> {
        if let Some(refusal) = self.register.refusal(&asked) {
            return Err(refusal);
        }
        let now = self.clock.now();
        let doubtful = match register::judge(&asked, self.shelf.find(asked.slot)?, now) {
            Judgement::Answered(request, kept) => return self.answered(request, kept),
            Judgement::OtherBody => return Err(ClaimError::OtherBody),
            Judgement::Fresh => Vec::new(),
            Judgement::InDoubt { same_body, doubtful } => {
                let bills = self.shelf.bills(&doubtful)?;
                register::still_in_doubt(same_body, doubtful, &bills).ok_or(ClaimError::OtherBody)?
            }
        };
        let record = self.register.begin(asked, doubtful, now);
        if let Err(error) = self.shelf.begin(&record) {
            self.register.end(&asked);
            return Err(error.into());
        }
        Ok(Found::Begun(record.doubtful))
    }

    /// What was too large to be kept is told by what the ledger has of it.
    fn answered(&mut self, request: RequestId, kept: Kept) -> Result<Found, ClaimError> {
        let bill = if kept.sealed.is_none() { self.shelf.bills(&[request])?.pop().map(Box::new) } else { None };
        Ok(Found::Answered { request, kept, bill })
    }

    /// A request that was not sent leaves the key as it found it.
    fn release(&mut self, asked: &Asked) -> Result<(), ShelfError> {
        let Some(mut doubtful) = self.register.end(asked) else { return Ok(()) };
        match doubtful.pop() {
            None => self.shelf.remove(asked),
            Some(request) => {
                let asked = Asked { request, ..*asked };
                self.shelf.begin(&Record { asked, doubtful, claimed_at: self.clock.now(), answer: None })
            }
        }
    }

    fn sweep(&mut self, context: &mut Context<Self>) {
        let before = self.clock.now().before(LIFETIME);
        match self.shelf.sweep(before, SWEEP_BATCH) {
            Ok(removed) if removed == SWEEP_BATCH => {
                context.run_later(SWEEP_PAUSE, Self::sweep);
            }
            Ok(_) => {}
            Err(error) => log::error!(error:%; "expired idempotency keys could not be removed; trying again"),
        }
    }
}

impl Actor for IdempotencyActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.sweep(context);
        context.run_interval(SWEEP_EVERY, Self::sweep);
    }
}

impl Handler<Begin> for IdempotencyActor {
    type Result = Result<Found, ClaimError>;

    fn handle(&mut self, Begin(asked): Begin, _: &mut Context<Self>) -> Self::Result {
        self.begin(asked)
    }
}

impl Handler<Keep> for IdempotencyActor {
    type Result = Result<(), ShelfError>;

    fn handle(&mut self, Keep(asked, kept): Keep, _: &mut Context<Self>) -> Self::Result {
        self.shelf.keep(&asked, &kept)?;
        self.register.end(&asked);
        Ok(())
    }
}

impl Handler<Release> for IdempotencyActor {
    type Result = Result<(), ShelfError>;

    fn handle(&mut self, Release(asked): Release, _: &mut Context<Self>) -> Self::Result {
        self.release(&asked)
    }
}

impl Handler<Forget> for IdempotencyActor {
    type Result = ();

    fn handle(&mut self, Forget(asked): Forget, _: &mut Context<Self>) {
        self.register.end(&asked);
    }
}

impl Handler<ReadBills> for IdempotencyActor {
    type Result = Result<Vec<Bill>, ShelfError>;

    fn handle(&mut self, ReadBills(requests): ReadBills, _: &mut Context<Self>) -> Self::Result {
        self.shelf.bills(&requests)
    }
}

impl Handler<FindStale> for IdempotencyActor {
    type Result = Result<Vec<Stale>, ShelfError>;

    fn handle(&mut self, FindStale(mark, behind, limit): FindStale, _: &mut Context<Self>) -> Self::Result {
        self.shelf.stale(&mark, behind, limit)
    }
}

impl Handler<Replace> for IdempotencyActor {
    type Result = Result<(), ShelfError>;

    fn handle(&mut self, Replace(answers): Replace, _: &mut Context<Self>) -> Self::Result {
        self.shelf.replace(&answers)
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(IdempotencyActor);
