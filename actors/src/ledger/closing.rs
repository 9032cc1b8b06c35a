//! Closing: attempts end, holds are closed, and what is booked later is booked, each once it is written down.
//! Owns that the book and the journal say the same. Refuses to decide amounts: the book does.

use super::LedgerActor;
use super::book::{Close, Ended};
use super::entry::{Adjustment, Entry, Line};
use super::hold::{Checkpoint, CloseError};
use super::journal::{Closing, JournalError, Record};
use super::messages::CloseHold;
use crate::domain::{Money, Provenance, RequestId, Timestamp, Usage};

impl LedgerActor {
    /// Closes all in one write; each is applied to the book once it is written down.
    pub(super) fn close_all(&mut self, closings: Vec<CloseHold>) -> Vec<Result<Money, CloseError>> {
        let now = self.clock.now();
        let mut decided: Vec<Result<Close, CloseError>> = Vec::with_capacity(closings.len());
        for CloseHold(ended) in closings {
            let twice = decided.iter().flatten().any(|close| close.changes(ended.request));
            // Whoever asks twice is told to ask again, and then hears the first result.
            let close = if twice {
                Err(CloseError::Unavailable("it is being closed".to_owned()))
            } else {
                self.stage_close(ended, now)
            };
            decided.push(close);
        }
        let written = self.journal.commit();
        let answers = decided.into_iter().map(|close| match (close?, &written) {
            (Close::First(_) | Close::Late(_), Err(error)) => Err(CloseError::Unavailable(error.0.clone())),
            (close, _) => Ok(self.apply(close)),
        });
        let answers = answers.collect();
        self.tell_warnings();
        answers
    }

    pub(super) fn close(&mut self, ended: Ended) -> Result<Money, CloseError> {
        self.close_all(vec![CloseHold(ended)]).pop().unwrap_or(Err(CloseError::Unknown))
    }

    /// Books an attempt that is not the last. Gives whether the hold covers another.
    pub(super) fn book_attempt(&mut self, ended: Ended) -> Result<bool, CloseError> {
        let request = ended.request;
        match self.stage_close(ended, self.clock.now())? {
            Close::First(closing) => {
                self.journal.commit().map_err(|error| CloseError::Unavailable(error.0))?;
                let covered = self.book.apply_close(&closing);
                self.tell_warnings();
                Ok(covered)
            }
            // Whoever asks again was answered before, and that answer was lost: nothing was sent meanwhile. A hold that
            // expired covers nothing more.
            Close::Repeated(_) | Close::Late(_) => Ok(self.book.is_open(request)),
        }
    }

    /// Notes how far streams have come; what the journal has no room for is only remembered.
    pub(super) fn note_progress(&mut self, checkpoints: Vec<Checkpoint>) {
        self.rotate_if_full();
        if let Err(error) = self.journal.append(&Record::Progress(checkpoints.clone()), None) {
            log::warn!(error:%; "the progress of streams is not written down");
        }
        self.book.take_progress(checkpoints);
    }

    /// Books the difference between an estimate and what became known.
    pub(super) fn correct(
        &mut self,
        request: RequestId,
        usage: Usage,
        provenance: Provenance,
    ) -> Result<Money, CloseError> {
        let decided = self.book.decide_correction(request, usage, provenance, self.clock.now())?;
        let Some(correction) = decided else { return Ok(Money::ZERO) };
        self.write_line(&Record::Corrected(correction.clone()), correction.clone().into())
            .map_err(|error| CloseError::Unavailable(error.0))?;
        self.book.apply_correction(&correction);
        self.tell_warnings();
        Ok(correction.amount)
    }

    /// Books what an operator charges or gives back.
    pub(super) fn adjust(&mut self, adjustment: Adjustment) -> Result<(), JournalError> {
        let decided = self.book.decide_adjustment(adjustment, self.clock.now());
        let Some(adjustment) = decided else { return Ok(()) };
        self.write_line(&Record::Adjusted(adjustment.clone()), Line::Adjustment(adjustment.clone()))?;
        self.book.apply_adjustment(&adjustment);
        self.tell_warnings();
        Ok(())
    }

    /// Records a refusal, which is no money: it may be lost.
    pub(super) fn record_refusal(&mut self, mut entry: Entry) {
        if self.journal.is_overloaded() {
            return;
        }
        entry.closed_at = self.clock.now();
        if let Err(error) = self.write_line(&Record::Refused(entry.clone()), entry.into()) {
            log::warn!(error:% = error; "refusal not recorded");
        }
    }

    fn write_line(&mut self, record: &Record, line: Line) -> Result<(), JournalError> {
        self.rotate_if_full();
        self.journal.append(record, Some(line))
    }

    fn stage_close(&mut self, ended: Ended, now: Timestamp) -> Result<Close, CloseError> {
        let close = self.book.decide_close(ended, now)?;
        let staged = match &close {
            Close::First(closing) => {
                let line = self.book.entry(closing).map(Line::from);
                self.journal.stage(&Record::Closed((**closing).clone()), line)
            }
            Close::Late(correction) => {
                let line = Line::from((**correction).clone());
                self.journal.stage(&Record::Corrected((**correction).clone()), Some(line))
            }
            Close::Repeated(_) => Ok(()),
        };
        staged.map(|()| close).map_err(|error| CloseError::Unavailable(error.0))
    }

    fn apply(&mut self, close: Close) -> Money {
        match close {
            Close::Repeated(amount) => amount,
            Close::Late(correction) => {
                log::warn!(request_id:% = correction.call.request, cost_usd:% = correction.booked();
                    "a call ended after its hold was closed by presumption; it is corrected");
                self.book.apply_correction(&correction);
                correction.booked()
            }
            Close::First(closing) => {
                self.warn_of_overrun(&closing);
                self.book.apply_close(&closing);
                closing.amount
            }
        }
    }

    /// A call that cost more than was held for it is booked in full: an invoice cannot be refused. The next admission sees
    /// it, and somebody should: the estimate or the price was wrong.
    fn warn_of_overrun(&self, closing: &Closing) {
        let Some(entry) = self.book.entry(closing).filter(Entry::is_overrun) else { return };
        log::warn!(request_id:% = closing.request, held_usd:% = entry.held, cost_usd:% = entry.amount;
            "a call cost more than was held for it");
    }
}
