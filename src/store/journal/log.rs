//! The open journal: the ledger's port, record by record.
//! Owns what happens around a write: room is checked before it, a failed one is undone, its lines go to the writer. What
//! is staged together is one write, because a write costs more than the records in it.
//! Refuses a hold whose settlement might find the disk full, and everything once the file's state is unknown.

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
    /// Whether a failed write could not be undone, so that nobody knows what the segment says.
    pub(super) unknown: bool,
    /// The frames staged for the next write; kept for its memory.
    pub(super) frames: Vec<u8>,
    /// Where the staged frames begin, and the lines they complete.
    pub(super) staged: Staged,
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
        self.unknown || self.writer.is_overloaded()
    }

    fn spent(&mut self, scope: Scope, since: Timestamp) -> Result<Money, JournalError> {
        let read = self.writer.flush_blocking();
        let read = read.and_then(|()| self.store.read(|rows| spend::spent(rows, &scope.to_string(), since)));
        read.map_err(|error| failed("read what was spent", &error))
    }
}

impl Log {
    /// Adds the record's frame, whose length it gives, to those staged.
    fn encode(&mut self, record: &Record, before: usize) -> Result<u64, JournalError> {
        let seq = self.place.seq;
        let write = self.staged.from.map_or(seq, |from| from.seq);
        frame::encode(&mut self.frames, Number { seq, write }, record)?;
        let length = length_of(self.frames.get(before..).unwrap_or_default());
        if !matches!(record, Record::Closed(_)) && !self.place.admits(length) {
            let reason = "the journal is full and no new segment could be begun: free space on its disk";
            return Err(JournalError(reason.to_owned()));
        }
        Ok(length)
    }

    fn write(&mut self, at: u64) -> Result<(), JournalError> {
        if self.unknown {
            let reason = "an earlier write failed and could not be undone: check the disk and restart";
            return Err(JournalError(reason.to_owned()));
        }
        self.put(at, &self.frames).map_err(|error| {
            // Half a record, or a whole one that is not synced, must not come back at the next start.
            self.unknown = self.put(at, &vec![0; self.frames.len()]).is_err();
            failed("write the journal", &error)
        })
    }

    fn put(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.place.segment.write(at, bytes)?;
        match self.durability {
            Durability::Process => Ok(()),
            Durability::Power => self.place.segment.sync(),
        }
    }

    fn pass_on(&self, seq: u64, line: Line) {
        if !self.writer.send(seq, line) {
            log::error!(seq; "the writer is gone; lines wait in the journal for the next start");
        }
    }
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
