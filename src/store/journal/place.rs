//! The place where the next record goes: a segment, a position in it, and the room that is left.
//! Owns the size of segments and the room kept for what must still be written. Refuses to write records itself.
//!
//! Room: every hold in flight will need one closing. A hold or a refusal is only admitted while the preallocated rest
//! of the segment has `CLOSING_ROOM` left for each hold open; a closing always is. So when the disk is full and no next
//! segment can be begun, admission ends first and everything in flight can still be booked.

use std::path::Path;
use std::sync::Arc;

use farthing_actors::ledger::hold::OpenHold;
use farthing_actors::ledger::journal::{JournalError, Record};

use super::frame::Number;
use super::replay::Tail;
use super::segment::Segment;
use super::{failed, frame};

/// The least size of a segment. Large: some five thousand calls, so beginning one (a few system calls and a copy of
/// the open holds) is rare. Small: a start reads one or two of them, and deleted ones soon return their room.
const SEGMENT: u64 = 8 * 1_024 * 1_024;
/// Room for one hold or one closing: about 900 and 700 bytes as they are written, more with long names.
const HOLD_ROOM: u64 = 1_024;
const CLOSING_ROOM: u64 = 1_024;

pub(super) struct Place {
    pub(super) segment: Arc<Segment>,
    /// The next record's number.
    pub(super) seq: u64,
    /// Where it goes.
    pub(super) end: u64,
    /// The first number the segment may hold.
    first: u64,
    capacity: u64,
    open: u64,
}

/// A place to go back to when a write failed.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) end: u64,
    pub(super) seq: u64,
    open: u64,
}

impl Place {
    /// A new segment whose first record will be `first`, with a copy of every open hold (about `count`) in it.
    ///
    /// # Errors
    /// If there is no room for it on the disk; then nothing is left of it.
    pub(super) fn begin(
        directory: &Path,
        first: u64,
        count: u64,
        open: &mut dyn Iterator<Item = OpenHold>,
    ) -> Result<Self, JournalError> {
        // Four times what the open holds need: a segment is never nearly full when it begins.
        let capacity = SEGMENT.max(4 * count.saturating_mul(HOLD_ROOM + CLOSING_ROOM));
        let segment = Segment::prepare(directory, first, capacity)
            .map_err(|error| failed("begin a journal segment (is the disk full?)", &error))?;
        let (frames, copies) = copies_of(first, open).inspect_err(|_| segment.discard())?;
        if let Err(error) = segment.write(0, &frames) {
            segment.discard();
            return Err(failed("copy the open holds to a new journal segment", &error));
        }
        let segment = segment.publish().map_err(|error| failed("name a new journal segment", &error))?;
        let end = u64::try_from(frames.len()).unwrap_or(u64::MAX);
        Ok(Self { segment: Arc::new(segment), seq: first.saturating_add(copies), end, first, capacity, open: copies })
    }

    /// The end of the last segment, whose tail is wiped if a torn write left something there.
    pub(super) fn resume(tail: &Tail, seq: u64, open: usize) -> Result<Self, JournalError> {
        let resumed = |error| failed("go on with the last journal segment", &error);
        let segment = Segment::open(tail.path.clone()).map_err(resumed)?;
        let end = u64::try_from(tail.end).unwrap_or(u64::MAX);
        if tail.torn > 0 {
            log::warn!(segment:% = tail.path.display(), byte = tail.end, bytes = tail.torn;
                "the journal ends in a half-written record, which is cut off");
            segment.write(end, &vec![0; tail.torn]).map_err(resumed)?;
        }
        let capacity = segment.capacity().map_err(resumed)?;
        let open = u64::try_from(open).unwrap_or(u64::MAX);
        Ok(Self { segment: Arc::new(segment), seq, end, first: tail.first, capacity, open })
    }

    /// The beginning of the segment after this one.
    pub(super) fn next(
        &self,
        directory: &Path,
        open: &mut dyn Iterator<Item = OpenHold>,
    ) -> Result<Self, JournalError> {
        Self::begin(directory, self.seq, self.open, open)
    }

    /// Where the next record goes, to go back to.
    pub(super) fn mark(&self) -> Mark {
        Mark { end: self.end, seq: self.seq, open: self.open }
    }

    /// Forgets what was staged since `mark`.
    pub(super) fn back_to(&mut self, mark: Mark) {
        (self.end, self.seq, self.open) = (mark.end, mark.seq, mark.open);
    }

    /// Moves past a record that is staged; its number.
    pub(super) fn advance(&mut self, record: &Record, length: u64) -> u64 {
        match record {
            Record::Held(_) | Record::Carried(_) => self.open += 1,
            Record::Closed(closing) if closing.kind.is_call() => self.open = self.open.saturating_sub(1),
            _ => {}
        }
        self.end = self.end.saturating_add(length);
        let seq = self.seq;
        self.seq += 1;
        seq
    }

    /// Whether a record of `length` that is not a closing may be written, and perhaps open one more hold.
    pub(super) fn admits(&self, length: u64) -> bool {
        length.saturating_add(CLOSING_ROOM) <= self.room()
    }

    /// Whether a hold of common length may be written.
    pub(super) fn admits_a_hold(&self) -> bool {
        self.admits(HOLD_ROOM)
    }

    /// Whether the next segment should begin.
    pub(super) fn is_nearly_full(&self) -> bool {
        self.room() < self.capacity / 4
    }

    /// Whether nothing was written to the segment.
    pub(super) fn is_unused(&self) -> bool {
        self.seq == self.first
    }

    // What is left when every open hold has been closed.
    fn room(&self) -> u64 {
        self.capacity.saturating_sub(self.end).saturating_sub(self.open.saturating_mul(CLOSING_ROOM))
    }
}

fn copies_of(first: u64, open: &mut dyn Iterator<Item = OpenHold>) -> Result<(Vec<u8>, u64), JournalError> {
    let (mut frames, mut count) = (Vec::new(), 0);
    for hold in open {
        let number = Number { seq: first.saturating_add(count), write: first };
        frame::encode(&mut frames, number, &Record::Carried(hold))?;
        count += 1;
    }
    Ok((frames, count))
}
