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

use crate::domain::{CallStatus, Clock, Estimate, Money, RequestId, Timestamp};
use crate::mailbox::Together;
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

/// Holds in one write: a segment that is not nearly full has room for them all.
const WRITTEN_TOGETHER: usize = 256;

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

    /// Places what fits, all in one write. A hold that cannot be written down is taken back.
    fn place_all(&mut self, holds: Vec<PlaceHold>) -> Vec<Result<(), HoldError>> {
        self.rotate_if_full();
        let now = self.clock.now();
        let placed: Vec<_> = holds.into_iter().map(|PlaceHold(hold)| self.place(hold, now)).collect();
        let written = self.journal.commit();
        let answers = placed.into_iter().map(|placed| {
            let request = placed?;
            written.clone().map_err(|error| {
                self.book.withdraw(request);
                HoldError::Unavailable(error.0)
            })
        });
        answers.collect()
    }

    fn place(&mut self, hold: HoldRequest, now: Timestamp) -> Result<RequestId, HoldError> {
        if self.journal.is_overloaded() {
            return Err(HoldError::Unavailable("the database is too far behind".to_owned()));
        }
        let hold = self.book.place(hold, now)?;
        let request = hold.call.request;
        self.journal.stage(&Record::Held(hold), None).map_err(|error| {
            self.book.withdraw(request);
            HoldError::Unavailable(error.0)
        })?;
        Ok(request)
    }

    /// Closes all in one write; each is applied to the book once it is written down.
    fn close_all(&mut self, closings: Vec<CloseHold>) -> Vec<Result<Money, CloseError>> {
        let now = self.clock.now();
        let mut decided: Vec<Result<Close, CloseError>> = Vec::with_capacity(closings.len());
        for closing in closings {
            let twice = decided.iter().flatten().any(|close| close.is_first_of(closing.request));
            // Whoever asks twice is told to ask again, and then hears the first result.
            let close = if twice {
                Err(CloseError::Unavailable("it is being closed".to_owned()))
            } else {
                self.stage_close(closing, now)
            };
            decided.push(close);
        }
        let written = self.journal.commit();
        let answers = decided.into_iter().map(|close| match (close?, &written) {
            (Close::First(_), Err(error)) => Err(CloseError::Unavailable(error.0.clone())),
            (close, _) => Ok(self.apply(close)),
        });
        answers.collect()
    }

    fn stage_close(&mut self, message: CloseHold, now: Timestamp) -> Result<Close, CloseError> {
        let close = self.book.decide_close(message.request, message.target, message.outcome, now)?;
        if let Close::First(closing) = &close {
            let entry = self.book.entry(closing);
            let staged = self.journal.stage(&Record::Closed((**closing).clone()), entry);
            staged.map_err(|error| CloseError::Unavailable(error.0))?;
        }
        Ok(close)
    }

    fn apply(&mut self, close: Close) -> Money {
        match close {
            Close::Repeated(amount) => amount,
            Close::First(closing) => {
                self.book.apply_close(&closing);
                closing.amount
            }
        }
    }

    fn close(&mut self, message: CloseHold) -> Result<Money, CloseError> {
        self.close_all(vec![message]).pop().unwrap_or(Err(CloseError::Unknown))
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

impl Handler<Together<PlaceHold>> for LedgerActor {
    type Result = MessageResult<Together<PlaceHold>>;

    fn handle(&mut self, Together(holds): Together<PlaceHold>, _: &mut Context<Self>) -> Self::Result {
        let (mut holds, mut answers) = (holds.into_iter().peekable(), Vec::new());
        while holds.peek().is_some() {
            answers.extend(self.place_all(holds.by_ref().take(WRITTEN_TOGETHER).collect()));
        }
        MessageResult(answers)
    }
}

impl Handler<Together<CloseHold>> for LedgerActor {
    type Result = MessageResult<Together<CloseHold>>;

    fn handle(&mut self, Together(closings): Together<CloseHold>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.close_all(closings))
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
