//! The ledger: one actor owns every balance and every hold; the journal remembers both.
//!
//! Owns: budgets and what is spent and held against them; the order hold → settle. Writes the journal, nobody else does.
//! A crash loses nothing: balances and open holds are read back from the journal and the database.
//! Never: prices a call differently from the pricer, waits for the database, or answers before it is written down.

pub mod book;
mod closing;
pub mod entry;
pub mod handle;
mod handlers;
pub mod hold;
pub mod journal;
mod messages;
mod placing;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ArbiterHandle, AsyncContext, Context};
use tokio::sync::broadcast;

use crate::domain::{Clock, EstimateReason, RequestId};
use crate::supervisor::{StartError, Supervisor};
use book::Book;
pub use book::Warning;
pub use entry::{Adjustment, Call, Entry, Line, Outcome, Target};
pub use handle::{Hold, Ledger, LedgerError, Warnings};
pub use hold::{Balance, Cap, Checkpoint, CloseError, HoldError, HoldRequest, OpenHold};
pub use journal::{Closing, Journal, JournalError, JournalSource, Record, Recovered};

/// Starts the ledger on `arbiter` with what `source` remembers.
///
/// # Errors
/// If the journal cannot be read.
pub async fn start(
    supervisor: &Supervisor,
    arbiter: ArbiterHandle,
    clock: Clock,
    source: Arc<dyn JournalSource>,
) -> Result<Ledger, StartError> {
    // Made once, outside the factory: listeners outlive every actor they hear from.
    let (warnings, _) = broadcast::channel(WARNINGS_KEPT);
    let heard = warnings.clone();
    let make = move || {
        let recovered = LedgerActor::recover(clock.clone(), &*source, warnings.clone());
        recovered.map_err(|error| error.to_string())
    };
    Ok(Ledger(supervisor.start("ledger", arbiter, make).await?, heard))
}

/// How often holds are looked through for calls of which nothing was heard too long.
const REAP_EVERY: Duration = Duration::from_secs(5);

/// Warnings a slow listener may be behind before it misses some: a few for each budget and window.
const WARNINGS_KEPT: usize = 1_024;

/// The shell around the book.
pub struct LedgerActor {
    book: Book,

    journal: Box<dyn Journal>,
    clock: Clock,
    warnings: broadcast::Sender<Warning>,

    /// When holds were last looked through, by the clock that never jumps.
    reaped_at: Duration,
}

impl LedgerActor {
    fn recover(
        clock: Clock,
        source: &dyn JournalSource,
        warnings: broadcast::Sender<Warning>,
    ) -> Result<Self, JournalError> {
        let (journal, found) = source.open(clock.now())?;
        let (book, reaped_at) = (Book::recover(found), clock.monotonic());
        Ok(Self { book, journal, clock, warnings, reaped_at })
    }

    /// Tells listeners which thresholds were crossed.
    fn tell_warnings(&mut self) {
        for warning in self.book.take_warnings() {
            // Nobody need be listening.
            self.warnings.send(warning).ok();
        }
    }

    fn presume(&mut self, request: RequestId, why: EstimateReason) -> Result<(), CloseError> {
        let Some(ended) = self.book.presume(request, why) else { return Ok(()) };
        log::warn!(request_id:% = request, reason:% = why; "hold closed by presumption");
        self.close(ended).map(drop)
    }

    /// Closes what nobody will close: a call's task always ends, or shows that it lives, within the call's patience.
    fn reap(&mut self) {
        let now = self.clock.monotonic();
        let passed = now.saturating_sub(std::mem::replace(&mut self.reaped_at, now));
        for request in self.book.wait(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)) {
            if let Err(error) = self.presume(request, EstimateReason::Missing) {
                log::error!(request_id:% = request, error:%; "an expired hold could not be closed; trying again");
            }
        }
    }

    /// A new segment begins with every open hold, so that old ones are needed only until the database has them.
    fn rotate_if_full(&mut self) {
        if self.journal.wants_rotation()
            && let Err(error) = self.journal.rotate(&mut self.book.open().cloned())
        {
            log::error!(error:% = error; "the journal cannot begin a new segment");
        }
    }
}

impl Actor for LedgerActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.run_interval(REAP_EVERY, |ledger, _| ledger.reap());
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(LedgerActor);
