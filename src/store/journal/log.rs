//! The open journal: the ledger's port, record by record.
//! Owns what happens around a write: room is checked before it, a failed one is undone, its lines go to the writer. What
//! is staged together is one write, because a write costs more than the records in it.
//! Refuses a hold whose settlement might find the disk full, and everything while a failed write is not undone: each
//! record that is staged then tries to undo it first, so the journal goes on by itself once the disk answers again.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use farthing_actors::domain::{Money, Scope, Timestamp};
use farthing_actors::ledger::entry::Line;
use farthing_actors::ledger::hold::OpenHold;
use farthing_actors::ledger::journal::{Journal, JournalError, Record};

use super::frame::Number;
use super::place::{Mark, Place};
use super::{Durability, failed, frame};
use crate::store::entries::insert::fits;
use crate::store::writer::Writer;
use crate::store::{Store, spend};

/// The journal while it is written.
pub(super) struct Log {
    pub(super) store: Arc<Store>,
    pub(super) writer: Writer,
    pub(super) directory: PathBuf,
    pub(super) durability: Durability,
    pub(super) place: Place,
    /// A failed write that could not be undone yet: nobody knows what the segment says there.
    pub(super) doubt: Option<Doubt>,
    /// The frames staged for the next write; kept for its memory.
    pub(super) frames: Vec<u8>,
    /// Where the staged frames begin, and the lines they complete.
    pub(super) staged: Staged,
}

/// Bytes of a segment that a failed write may or may not have changed. Nothing is written behind them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubt {
    pub(super) at: u64,
    pub(super) length: usize,
}

/// What the next write holds.
#[derive(Default)]
pub(super) struct Staged {
    from: Option<Mark>,
    lines: Vec<(u64, Line)>,
}

impl Journal for Log {
    fn stage(&mut self, record: &Record, line: Option<Line>) -> Result<(), JournalError> {
        if !storable(record, line.as_ref()) {
            return Err(JournalError("a figure of this line is beyond 64 bits".to_owned()));
        }
        self.resolve_doubt()?;
        let before = self.frames.len();
        let length = match self.encode(record, before) {
            Ok(length) => length,
            Err(error) => {
                self.frames.truncate(before);
                return Err(error);
            }
        };
        self.staged.from.get_or_insert(self.place.mark());
        let seq = self.place.advance(record, length);
        self.staged.lines.extend(line.map(|line| (seq, line)));
        Ok(())
    }

    fn commit(&mut self) -> Result<(), JournalError> {
        let Staged { from: Some(from), lines } = std::mem::take(&mut self.staged) else { return Ok(()) };
        let written = self.write(from.end);
        self.frames.clear();
        if written.is_err() {
            self.place.back_to(from);
        } else {
            lines.into_iter().for_each(|(seq, line)| self.pass_on(seq, line));
        }
        written
    }

    fn wants_rotation(&self) -> bool {
        self.place.is_nearly_full()
    }

    fn rotate(&mut self, open: &mut dyn Iterator<Item = OpenHold>) -> Result<(), JournalError> {
        // What is in doubt is in this segment: from the next one it could not be undone.
        self.resolve_doubt()?;
        if self.place.is_unused() {
            return Ok(());
        }
        let next = self.place.next(&self.directory, open)?;
        // In this order: the writer syncs the copies before it deletes what they were copied from.
        self.writer.adopt(Arc::clone(&next.segment));
        let last = std::mem::replace(&mut self.place, next);
        self.writer.retire(last.segment.path().to_owned(), last.seq.saturating_sub(1));
        Ok(())
    }

    fn is_overloaded(&self) -> bool {
        self.writer.is_overloaded()
    }

    fn check(&mut self) -> Result<(), JournalError> {
        self.resolve_doubt()?;
        if self.place.admits_a_hold() { Ok(()) } else { Err(full()) }
    }

    fn spent(&mut self, scope: Scope, since: Timestamp) -> Result<Money, JournalError> {
        let read = self.writer.flush_for_ledger();
        let read = read.and_then(|()| self.store.read(|rows| spend::spent(rows, &scope.to_string(), since)));
        read.map_err(|error| failed("read what was spent", &error))
    }

    fn calls(&mut self, scope: Scope) -> Result<u64, JournalError> {
        let read = self.writer.flush_for_ledger();
        let read = read.and_then(|()| self.store.read(|rows| spend::calls(rows, &scope.to_string())));
        read.map_err(|error| failed("read how many calls there were", &error))
    }
}

impl Log {
    /// Adds the record's frame, whose length it gives, to those staged.
    fn encode(&mut self, record: &Record, before: usize) -> Result<u64, JournalError> {
        let seq = self.place.seq;
        let write = self.staged.from.map_or(seq, |from| from.seq);
        frame::encode(&mut self.frames, Number { seq, write }, record)?;
        let length = length_of(self.frames.get(before..).unwrap_or_default());
        let is_last = matches!(record, Record::Closed(closing) if closing.kind.is_call());
        if !is_last && !self.place.admits(length) {
            return Err(full());
        }
        Ok(length)
    }

    fn write(&mut self, at: u64) -> Result<(), JournalError> {
        self.put(at, &self.frames).map_err(|error| {
            self.doubt = Some(Doubt { at, length: self.frames.len() });
            // If this fails too, the next record to be staged tries again.
            self.resolve_doubt().err().unwrap_or_else(|| failed("write the journal", &error))
        })
    }

    /// Undoes the failed write: half a record, or a whole one that is not synced, must not come back at the next start.
    fn resolve_doubt(&mut self) -> Result<(), JournalError> {
        let Some(Doubt { at, length }) = self.doubt else { return Ok(()) };
        self.put(at, &vec![0; length]).map_err(|error| failed("undo a failed write of the journal", &error))?;
        self.doubt = None;
        Ok(())
    }

    fn put(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.place.segment.write(at, bytes)?;
        match self.durability {
            Durability::Process => Ok(()),
            Durability::Power => self.place.segment.sync(),
        }
    }

    /// Whether everything written so far is on the disk.
    #[cfg(test)]
    pub(super) fn is_synced(&self) -> bool {
        self.place.segment.is_synced()
    }

    fn pass_on(&self, seq: u64, line: Line) {
        if !self.writer.send(seq, line) {
            log::error!(seq; "the writer is gone; lines wait in the journal for the next start");
        }
    }
}

fn full() -> JournalError {
    JournalError("the journal is full and no new segment could be begun: free space on its disk".to_owned())
}

fn length_of(frames: &[u8]) -> u64 {
    u64::try_from(frames.len()).unwrap_or(u64::MAX)
}

// Asked of a hold too: one whose line the database cannot take could never be closed.
fn storable(record: &Record, line: Option<&Line>) -> bool {
    let hold_fits = match record {
        Record::Held(hold) => hold.amount.to_row().is_some(),
        _ => true,
    };
    hold_fits && line.is_none_or(fits)
}
