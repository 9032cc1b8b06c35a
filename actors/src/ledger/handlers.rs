//! What the ledger does with each message: hand it to placing, closing or the book, and answer.
//! Owns nothing but the correspondence. Refuses logic.

use actix::{Context, Handler, MessageResult};

use super::LedgerActor;
use super::hold::CloseError;
use super::journal::JournalError;
use super::messages::{
    AbandonHold, BookAdjustment, BookAttempt, CheckJournal, CloseHold, CloseInterrupted, CorrectEstimate,
    CountOpenHolds, KillRun, NoteProgress, PlaceHold, ReadBalances, ReadCaps, RecordRefusal, SetBudget, SetCap,
};
use crate::domain::{CallStatus, EstimateReason, Money};
use crate::mailbox::Together;

impl Handler<Together<PlaceHold>> for LedgerActor {
    type Result = MessageResult<Together<PlaceHold>>;

    fn handle(&mut self, Together(holds): Together<PlaceHold>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.place_all(holds))
    }
}

impl Handler<Together<CloseHold>> for LedgerActor {
    type Result = MessageResult<Together<CloseHold>>;

    fn handle(&mut self, Together(closings): Together<CloseHold>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.close_all(closings))
    }
}

impl Handler<BookAttempt> for LedgerActor {
    type Result = Result<bool, CloseError>;

    fn handle(&mut self, BookAttempt(ended): BookAttempt, _: &mut Context<Self>) -> Self::Result {
        self.book_attempt(ended)
    }
}

impl Handler<Together<NoteProgress>> for LedgerActor {
    type Result = MessageResult<Together<NoteProgress>>;

    fn handle(&mut self, Together(notes): Together<NoteProgress>, _: &mut Context<Self>) -> Self::Result {
        let answers = notes.iter().map(drop).collect();
        self.note_progress(notes.into_iter().map(|NoteProgress(checkpoint)| checkpoint).collect());
        MessageResult(answers)
    }
}

impl Handler<AbandonHold> for LedgerActor {
    type Result = ();

    fn handle(&mut self, AbandonHold(request): AbandonHold, _: &mut Context<Self>) {
        if let Err(error) = self.presume(request, EstimateReason::Missing) {
            log::error!(request_id:% = request, error:% = error; "an abandoned hold stays open until it expires");
        }
    }
}

impl Handler<RecordRefusal> for LedgerActor {
    type Result = ();

    fn handle(&mut self, RecordRefusal(entry): RecordRefusal, _: &mut Context<Self>) {
        debug_assert_eq!(entry.outcome.status, CallStatus::Refused);
        self.record_refusal(*entry);
    }
}

impl Handler<CorrectEstimate> for LedgerActor {
    type Result = Result<Money, CloseError>;

    fn handle(&mut self, message: CorrectEstimate, _: &mut Context<Self>) -> Self::Result {
        let CorrectEstimate(request, usage, provenance) = message;
        self.correct(request, usage, provenance)
    }
}

impl Handler<BookAdjustment> for LedgerActor {
    type Result = Result<(), JournalError>;

    fn handle(&mut self, BookAdjustment(adjustment): BookAdjustment, _: &mut Context<Self>) -> Self::Result {
        self.adjust(adjustment)
    }
}

impl Handler<CloseInterrupted> for LedgerActor {
    type Result = Result<usize, CloseError>;

    fn handle(&mut self, _: CloseInterrupted, _: &mut Context<Self>) -> Self::Result {
        let open: Vec<_> = self.book.open().map(|open| open.request()).collect();
        for request in &open {
            self.presume(*request, EstimateReason::Crash)?;
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
        self.tell_warnings();
        Ok(())
    }
}

impl Handler<SetCap> for LedgerActor {
    type Result = Result<(), JournalError>;

    fn handle(&mut self, SetCap(scope, max): SetCap, _: &mut Context<Self>) -> Self::Result {
        // Nothing closes while this is handled, so no call is counted twice or not at all.
        let closed = if max.is_some() { self.journal.calls(scope)? } else { 0 };
        self.book.set_cap(scope, max, closed);
        Ok(())
    }
}

impl Handler<ReadCaps> for LedgerActor {
    type Result = MessageResult<ReadCaps>;

    fn handle(&mut self, ReadCaps(scopes): ReadCaps, _: &mut Context<Self>) -> Self::Result {
        MessageResult(scopes.into_iter().map(|scope| self.book.cap(scope)).collect())
    }
}

impl Handler<KillRun> for LedgerActor {
    type Result = ();

    fn handle(&mut self, KillRun(run): KillRun, _: &mut Context<Self>) {
        self.book.kill_run(run);
    }
}

impl Handler<ReadBalances> for LedgerActor {
    type Result = MessageResult<ReadBalances>;

    fn handle(&mut self, ReadBalances(scopes): ReadBalances, _: &mut Context<Self>) -> Self::Result {
        let now = self.clock.now();
        MessageResult(scopes.into_iter().map(|scope| self.book.balance(scope, now)).collect())
    }
}

impl Handler<CheckJournal> for LedgerActor {
    type Result = Result<(), JournalError>;

    fn handle(&mut self, _: CheckJournal, _: &mut Context<Self>) -> Self::Result {
        self.check_journal()
    }
}

impl Handler<CountOpenHolds> for LedgerActor {
    type Result = usize;

    fn handle(&mut self, _: CountOpenHolds, _: &mut Context<Self>) -> usize {
        self.book.open_count()
    }
}
