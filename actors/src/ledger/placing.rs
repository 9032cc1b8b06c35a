//! Placing: money is set aside and written down, for all calls of one turn of a worker's loop at once.
//! Owns that nothing stays set aside that could not be written. Refuses to decide what fits: the book does.

use super::LedgerActor;
use super::hold::{Granted, HoldError, HoldRequest};
use super::journal::{JournalError, Record};
use super::messages::PlaceHold;
use crate::domain::{RequestId, Timestamp};

/// Holds in one write: a segment that is not nearly full has room for them all.
const WRITTEN_TOGETHER: usize = 256;

const TOO_FAR_BEHIND: &str = "the database is too far behind";

impl LedgerActor {
    /// Places what fits.
    pub(super) fn place_all(&mut self, holds: Vec<PlaceHold>) -> Vec<Result<Granted, HoldError>> {
        let (mut holds, mut answers) = (holds.into_iter().peekable(), Vec::new());
        while holds.peek().is_some() {
            answers.extend(self.place_some(holds.by_ref().take(WRITTEN_TOGETHER).collect()));
        }
        answers
    }

    /// Whether a call could be placed now, were there money for it.
    pub(super) fn check_journal(&mut self) -> Result<(), JournalError> {
        self.rotate_if_full();
        if self.journal.is_overloaded() {
            return Err(JournalError(TOO_FAR_BEHIND.to_owned()));
        }
        self.journal.check()
    }

    /// Places what fits, all in one write. A hold that cannot be written down is taken back.
    fn place_some(&mut self, holds: Vec<PlaceHold>) -> Vec<Result<Granted, HoldError>> {
        self.rotate_if_full();
        let now = self.clock.now();
        let placed: Vec<_> = holds.into_iter().map(|PlaceHold(hold)| self.place(hold, now)).collect();
        let written = self.journal.commit();
        let answers = placed.into_iter().map(|placed| {
            let (request, granted) = placed?;
            written.clone().map(|()| granted).map_err(|error| {
                self.book.withdraw(request);
                HoldError::Unavailable(error.0)
            })
        });
        answers.collect()
    }

    fn place(&mut self, hold: HoldRequest, now: Timestamp) -> Result<(RequestId, Granted), HoldError> {
        if self.journal.is_overloaded() {
            return Err(HoldError::Unavailable(TOO_FAR_BEHIND.to_owned()));
        }
        let hold = self.book.place(hold, now)?;
        let (request, granted) =
            (hold.call.request, Granted { amount: hold.amount, shadowed: self.book.take_shadowed() });
        self.journal.stage(&Record::Held(hold), None).map_err(|error| {
            self.book.withdraw(request);
            HoldError::Unavailable(error.0)
        })?;
        Ok((request, granted))
    }
}
