//! The open journal: the ledger's port, append by append.
//! Owns what happens around a write: room is checked before it, a failed one is undone, its line goes to the writer.
//! Refuses a hold whose settlement might find the disk full, and everything once the file's state is unknown.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use farthing_actors::domain::{Money, Scope, Timestamp};
use farthing_actors::ledger::entry::Entry;
use farthing_actors::ledger::hold::HoldRequest;
use farthing_actors::ledger::journal::{Journal, JournalError, Record};

use super::place::Place;
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
    /// The frames of one append; kept for its memory.
    pub(super) frames: Vec<u8>,
}

impl Journal for Log {
    fn append(&mut self, record: &Record, entry: Option<Entry>) -> Result<(), JournalError> {
        if !storable(record, entry.as_ref()) {
            return Err(JournalError("a figure of this line is beyond 64 bits".to_owned()));
        }
        self.frames.clear();
        frame::encode(&mut self.frames, self.place.seq, record)?;
        if !matches!(record, Record::Closed(_)) {
            self.check_room()?;
        }
        self.write()?;
        let seq = self.place.advance(record, length_of(&self.frames));
        if let Some(entry) = entry
            && !self.writer.send(seq, entry)
        {
            log::error!(seq; "the writer is gone; lines wait in the journal for the next start");
        }
        Ok(())
    }

    fn wants_rotation(&self) -> bool {
        self.place.is_nearly_full()
    }

    fn rotate(&mut self, open: &mut dyn Iterator<Item = &Arc<HoldRequest>>) -> Result<(), JournalError> {
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
    fn check_room(&self) -> Result<(), JournalError> {
        if !self.place.admits(length_of(&self.frames)) {
            let reason = "the journal is full and no new segment could be begun: free space on its disk";
            return Err(JournalError(reason.to_owned()));
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), JournalError> {
        if self.unknown {
            let reason = "an earlier write failed and could not be undone: check the disk and restart";
            return Err(JournalError(reason.to_owned()));
        }
        self.put(&self.frames).map_err(|error| {
            // Half a record, or a whole one that is not synced, must not come back at the next start.
            self.unknown = self.put(&vec![0; self.frames.len()]).is_err();
            failed("write the journal", &error)
        })
    }

    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        self.place.segment.write(self.place.end, bytes)?;
        match self.durability {
            Durability::Process => Ok(()),
            Durability::Power => self.place.segment.sync(),
        }
    }
}

fn length_of(frames: &[u8]) -> u64 {
    u64::try_from(frames.len()).unwrap_or(u64::MAX)
}

// Asked of a hold too: one whose line the database cannot take could never be closed.
fn storable(record: &Record, entry: Option<&Entry>) -> bool {
    let hold_fits = match record {
        Record::Held(hold) => hold.amount.to_row().is_some(),
        Record::Closed(_) | Record::Refused(_) => true,
    };
    hold_fits && entry.is_none_or(fits)
}
