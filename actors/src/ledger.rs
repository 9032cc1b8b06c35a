//! The ledger: one actor owns every balance and every hold; the journal remembers both.
//!
//! Owns: budgets and what is spent and held against them; the order hold → settle. Writes the journal, nobody else does.
//! A crash loses nothing: balances and open holds are read back from the journal and the database.
//! Never: prices a call differently from the pricer, waits for the database, or answers before it is written down.

pub mod book;
pub mod entry;
pub mod handle;
pub mod hold;
pub mod journal;
mod messages;

use std::sync::Arc;

use actix::{Actor, ArbiterHandle, Context, Handler, MessageResult};

use crate::domain::{CallStatus, Clock, Estimate, Money, RequestId};
use crate::supervisor::{StartError, Supervisor};
use book::{Book, Close};
pub use entry::{Call, Entry, Outcome, Target};
pub use handle::{Hold, Ledger, LedgerError};
pub use hold::{Balance, CloseError, HoldError, HoldRequest};
pub use journal::{Closing, Journal, JournalError, JournalSource, Record, Recovered};
use messages::{
    AbandonHold, CloseHold, CloseInterrupted, CountOpenHolds, PlaceHold, ReadBalances, RecordRefusal, SetBudget,
};

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
    let make = move || LedgerActor::recover(clock.clone(), &*source).map_err(|error| error.to_string());
    Ok(Ledger(supervisor.start("ledger", arbiter, make).await?))
}

/// The shell around the book.
pub struct LedgerActor {
    book: Book,

    journal: Box<dyn Journal>,
    clock: Clock,
}

impl LedgerActor {
    fn recover(clock: Clock, source: &dyn JournalSource) -> Result<Self, JournalError> {
        let now = clock.now();
        let (journal, found) = source.open(now)?;
        let book = Book::recover(found.budgets, found.open, found.closed, now);
        Ok(Self { book, journal, clock })
    }

    fn close(&mut self, message: CloseHold) -> Result<Money, CloseError> {
        let now = self.clock.now();
        let closing = match self.book.decide_close(message.request, message.target, message.outcome, now)? {
            Close::Repeated(amount) => return Ok(amount),
            Close::First(closing) => *closing,
        };
        let entry = self.book.entry(&closing);
        let record = Record::Closed(closing);
        self.journal.append(&record, entry).map_err(|error| CloseError::Unavailable(error.0))?;
        let Record::Closed(closing) = record else { return Err(CloseError::Unknown) };
        self.book.apply_close(&closing);
        Ok(closing.amount)
    }

    fn presume(&mut self, request: RequestId, why: Estimate) -> Result<(), CloseError> {
        let Some(outcome) = self.book.presume(request, why) else { return Ok(()) };
        log::warn!(request_id:% = request, reason:% = why; "hold closed by presumption");
        self.close(CloseHold { request, target: None, outcome }).map(drop)
    }

    /// A new segment begins with every open hold, so that old ones are needed only until the database has them.
    fn rotate_if_full(&mut self) {
        if self.journal.wants_rotation()
            && let Err(error) = self.journal.rotate(&mut self.book.open())
        {
            log::error!(error:% = error; "the journal cannot begin a new segment");
        }
    }
}

impl Actor for LedgerActor {
    type Context = Context<Self>;
}

impl Handler<PlaceHold> for LedgerActor {
    type Result = Result<(), HoldError>;

    fn handle(&mut self, PlaceHold(hold): PlaceHold, _: &mut Context<Self>) -> Self::Result {
        if self.journal.is_overloaded() {
            return Err(HoldError::Unavailable("the database is too far behind".to_owned()));
        }
        self.rotate_if_full();
        let record = Record::Held(self.book.place(hold, self.clock.now())?);
        self.journal.append(&record, None).map_err(|error| {
            if let Record::Held(hold) = &record {
                self.book.withdraw(hold.call.request);
            }
            HoldError::Unavailable(error.0)
        })
    }
}

impl Handler<CloseHold> for LedgerActor {
    type Result = Result<Money, CloseError>;

    fn handle(&mut self, message: CloseHold, _: &mut Context<Self>) -> Self::Result {
        self.close(message)
    }
}

impl Handler<AbandonHold> for LedgerActor {
    type Result = ();

    fn handle(&mut self, AbandonHold(request): AbandonHold, _: &mut Context<Self>) {
        if let Err(error) = self.presume(request, Estimate::Missing) {
            log::error!(request_id:% = request, error:% = error; "abandoned hold stays open until the next start");
        }
    }
}

impl Handler<RecordRefusal> for LedgerActor {
    type Result = ();

    fn handle(&mut self, RecordRefusal(mut entry): RecordRefusal, _: &mut Context<Self>) {
        debug_assert_eq!(entry.outcome.status, CallStatus::Refused);
        if self.journal.is_overloaded() {
            return;
        }
        self.rotate_if_full();
        entry.closed_at = self.clock.now();
        if let Err(error) = self.journal.append(&Record::Refused((*entry).clone()), Some(*entry)) {
            log::warn!(error:% = error; "refusal not recorded");
        }
    }
}

impl Handler<CloseInterrupted> for LedgerActor {
    type Result = Result<usize, CloseError>;

    fn handle(&mut self, _: CloseInterrupted, _: &mut Context<Self>) -> Self::Result {
        let open: Vec<_> = self.book.open().map(|hold| hold.call.request).collect();
        for request in &open {
            self.presume(*request, Estimate::Crash)?;
        }
        Ok(open.len())
    }
}

impl Handler<SetBudget> for LedgerActor {
    type Result = Result<(), JournalError>;

    fn handle(&mut self, SetBudget(scope, budget): SetBudget, _: &mut Context<Self>) -> Self::Result {
        let Some(budget) = budget else {
            self.book.clear_budget(scope);
            return Ok(());
        };
        let now = self.clock.now();
        let spent = self.journal.spent(scope, budget.window_at(now).start)?;
        self.book.set_budget(scope, budget, spent, now);
        Ok(())
    }
}

impl Handler<ReadBalances> for LedgerActor {
    type Result = MessageResult<ReadBalances>;

    fn handle(&mut self, ReadBalances(scopes): ReadBalances, _: &mut Context<Self>) -> Self::Result {
        let now = self.clock.now();
        MessageResult(scopes.into_iter().map(|scope| self.book.balance(scope, now)).collect())
    }
}

impl Handler<CountOpenHolds> for LedgerActor {
    type Result = usize;

    fn handle(&mut self, _: CountOpenHolds, _: &mut Context<Self>) -> usize {
        self.book.open_count()
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(LedgerActor);
