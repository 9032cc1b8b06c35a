//! Corrections and adjustments: what is booked about calls that are closed.
//! Owns that the same one is booked once. Refuses to alter a line: each is a new one with the difference.

use super::super::entry::{Adjustment, Entry, Outcome};
use super::account::Change;
use super::{Book, CloseError, Ended, consumed_nothing, nothing_more};
use crate::domain::{CallStatus, LineKind, Money, Provenance, RequestId, Timestamp, Usage};

impl Book {
    /// The line that corrects the estimate of a call that was closed lately; `None` if it says so already.
    ///
    /// # Errors
    /// [`CloseError::Unknown`] if no such estimate is remembered.
    pub fn decide_correction(
        &mut self,
        request: RequestId,
        usage: Usage,
        provenance: Provenance,
        now: Timestamp,
    ) -> Result<Option<Entry>, CloseError> {
        self.advance(now);
        let known = self.estimated.get(&request).ok_or(CloseError::Unknown)?;
        if known.outcome.usage == usage {
            return Ok(None);
        }
        let booked = known.booked();
        let cost = known.target.as_ref().map_or(Money::ZERO, |target| target.cost(&usage));
        Ok(Some(Entry {
            kind: LineKind::Correction,
            outcome: Outcome { usage, provenance, ..known.outcome.clone() },
            held: booked,
            amount: cost - booked,
            closed_at: self.now,
            ..known.clone()
        }))
    }

    /// The line that corrects the presumption by which a hold was closed whose call ended after all; `None` if nothing
    /// was presumed, or just that.
    pub(super) fn decide_late(&self, ended: Ended) -> Option<Entry> {
        let presumed = |known: &&Entry| known.outcome.status == CallStatus::Interrupted;
        let known = self.estimated.get(&ended.request).filter(presumed)?;
        if !ended.kind.is_call() || ended.outcome.status == CallStatus::Interrupted {
            return None;
        }
        let target = ended.target.or_else(|| known.target.clone());
        // Its last attempt has a line of its own.
        let is_booked = ended.outcome.attempts < known.outcome.attempts;
        let outcome = if is_booked { nothing_more(ended.outcome) } else { ended.outcome };
        let due = target.as_ref().filter(|_| !is_booked && !consumed_nothing(&outcome));
        let (cost, booked) = (due.map_or(Money::ZERO, |target| target.cost(&outcome.usage)), known.booked());
        Some(Entry {
            kind: LineKind::Correction,
            target,
            outcome,
            held: booked,
            amount: cost - booked,
            closed_at: self.now,
            ..known.clone()
        })
    }

    /// Applies a correction that is written down.
    pub fn apply_correction(&mut self, correction: &Entry) {
        let call = &correction.call;
        self.accounts.post(&call.scopes, call.placed_at, Change::spend(correction.amount), self.now);
        self.closed.remember(call.request, correction.booked());
        self.estimated.remember(call.request, correction.clone());
    }

    /// The adjustment with its time; `None` if it is booked already.
    pub fn decide_adjustment(&mut self, adjustment: Adjustment, now: Timestamp) -> Option<Adjustment> {
        self.advance(now);
        let known = self.adjusted.get(&adjustment.id).is_some();
        (!known).then_some(Adjustment { booked_at: self.now, ..adjustment })
    }

    /// Applies an adjustment that is written down.
    pub fn apply_adjustment(&mut self, adjustment: &Adjustment) {
        let change = Change::spend(adjustment.amount);
        self.accounts.post(&adjustment.scopes, adjustment.booked_at, change, self.now);
        self.adjusted.remember(adjustment.id, ());
    }
}

impl Entry {
    /// What is booked for its call, this line included.
    pub fn booked(&self) -> Money {
        if self.kind == LineKind::Correction { self.held + self.amount } else { self.amount }
    }
}
