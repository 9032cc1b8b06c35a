//! Replay: from the bytes of the segments to what the ledger and the database need to know.
//! Owns what counts as a torn tail and what as damage. Refuses to pass over damage: a lost line is lost money.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use farthing_actors::domain::RequestId;
use farthing_actors::ledger::entry::Line;
use farthing_actors::ledger::hold::{Checkpoint, OpenHold};
use farthing_actors::ledger::journal::{Closing, JournalError, Record};

use super::frame::{Found, decode};

/// What the segments say.
#[derive(Default)]
pub(super) struct History {
    /// Holds that were not closed.
    pub(super) open: BTreeMap<RequestId, OpenHold>,
    /// Closings, oldest first.
    pub(super) closed: Vec<Closing>,
    /// Segments that are finished, each with its last record.
    pub(super) finished: Vec<(PathBuf, u64)>,
    /// The segment to go on with.
    pub(super) current: Option<Tail>,
    /// The last record.
    pub(super) last: u64,
}

/// Where the last segment ends.
pub(super) struct Tail {
    /// The segment.
    pub(super) path: PathBuf,
    /// The first number it may hold.
    pub(super) first: u64,
    /// The end of its last good record.
    pub(super) end: usize,
    /// Bytes after that which are no record: what a torn write left.
    pub(super) torn: usize,
}

/// Reads segments in order. Lines beyond `applied` are handed to `apply`.
pub(super) struct Reader<'a> {
    applied: u64,
    apply: &'a mut dyn FnMut(u64, Line),
    history: History,
}

impl<'a> Reader<'a> {
    pub(super) fn new(applied: u64, apply: &'a mut dyn FnMut(u64, Line)) -> Self {
        Self { applied, apply, history: History::default() }
    }

    /// Reads `segments`, oldest first.
    pub(super) fn read(mut self, segments: Vec<(u64, PathBuf)>) -> Result<History, JournalError> {
        let count = segments.len();
        for (index, (first, path)) in segments.into_iter().enumerate() {
            let bytes = std::fs::read(&path).map_err(|error| damaged(&path, 0, &error.to_string()))?;
            let end = self.records(&path, &bytes)?;
            let torn = rubbish_after(&path, &bytes, end, self.history.last)?;
            if index + 1 == count {
                self.history.current = Some(Tail { path, first, end, torn });
            } else if torn == 0 {
                self.history.finished.push((path, self.history.last));
            } else {
                return Err(damaged(&path, end, "a record is damaged, and a later segment follows"));
            }
        }
        Ok(self.history)
    }

    fn records(&mut self, path: &Path, bytes: &[u8]) -> Result<usize, JournalError> {
        let mut at = 0;
        while let Found::Record { number, payload, next } = decode(bytes, at) {
            self.record(number.seq, payload).map_err(|reason| damaged(path, at, &reason))?;
            at = next;
        }
        Ok(at)
    }

    fn record(&mut self, seq: u64, payload: &[u8]) -> Result<(), String> {
        self.follows(seq)?;
        self.history.last = seq;
        match serde_json::from_slice(payload).map_err(|error| error.to_string())? {
            Record::Held(hold) => self.open(hold.into()),
            Record::Carried(hold) => self.open(hold),
            Record::Closed(closing) if closing.kind.is_call() => self.close(seq, closing)?,
            Record::Closed(closing) => self.attempt(seq, closing)?,
            Record::Progress(checkpoints) => self.progress(checkpoints),
            Record::Refused(entry) | Record::Corrected(entry) => self.line(seq, entry.into()),
            Record::Adjusted(adjustment) => self.line(seq, Line::Adjustment(adjustment)),
        }
        Ok(())
    }

    // Numbers have no gaps, except where everything missing is in the database already: a journal that was set aside
    // or deleted is continued from there.
    fn follows(&self, seq: u64) -> Result<(), String> {
        let last = self.history.last;
        if seq == last + 1 || (seq > last && seq <= self.applied + 1) {
            return Ok(());
        }
        Err(format!("record {seq} follows record {last}: records are missing or repeated"))
    }

    fn open(&mut self, hold: OpenHold) {
        self.history.open.insert(hold.request(), hold);
    }

    fn close(&mut self, seq: u64, closing: Closing) -> Result<(), String> {
        match self.history.open.remove(&closing.request) {
            Some(open) => self.line(seq, open.hold.entry(&closing).into()),
            None => self.must_be_applied(seq, &closing)?,
        }
        self.history.closed.push(closing);
        Ok(())
    }

    fn attempt(&mut self, seq: u64, closing: Closing) -> Result<(), String> {
        let Some(open) = self.history.open.get_mut(&closing.request) else {
            return self.must_be_applied(seq, &closing);
        };
        open.attempt_ended(&closing);
        let line = open.hold.entry(&closing).into();
        self.line(seq, line);
        Ok(())
    }

    fn progress(&mut self, checkpoints: Vec<Checkpoint>) {
        for checkpoint in checkpoints {
            if let Some(open) = self.history.open.get_mut(&checkpoint.request) {
                open.checkpoint = Some(checkpoint);
            }
        }
    }

    // A hold may be missing only where its segment is gone, which it is when all its lines are in the database.
    fn must_be_applied(&self, seq: u64, closing: &Closing) -> Result<(), String> {
        if seq <= self.applied { Ok(()) } else { Err(format!("{} is closed but was never held", closing.request)) }
    }

    fn line(&mut self, seq: u64, line: Line) {
        if seq > self.applied {
            (self.apply)(seq, line);
        }
    }
}

// A process that dies, or a power cut before a sync, leaves at most one half-done write, and nothing after it; of a write of
// several records any part may have reached the disk. A good record of a later write means that one in the middle was
// damaged, and with it money that somebody was promised is in the books.
fn rubbish_after(path: &Path, bytes: &[u8], end: usize, last: u64) -> Result<usize, JournalError> {
    let tail = bytes.get(end..).unwrap_or_default();
    let torn = length_without_zeros(tail);
    if let Some(at) = (0..torn).find(|at| is_of_a_later_write(tail, *at, last)) {
        return Err(damaged(path, end, &format!("a record is damaged, and a good one follows at byte {}", end + at)));
    }
    Ok(torn)
}

fn is_of_a_later_write(tail: &[u8], at: usize, last: u64) -> bool {
    matches!(decode(tail, at), Found::Record { number, .. } if number.write > last.saturating_add(1))
}

// Nearly all of a segment may be zeros; they are compared a page at a time.
fn length_without_zeros(bytes: &[u8]) -> usize {
    const PAGE: [u8; 4_096] = [0; 4_096];
    let zeros = bytes.rchunks(PAGE.len()).take_while(|page| PAGE.starts_with(page)).map(<[u8]>::len).sum();
    let rest = bytes.get(..bytes.len().saturating_sub(zeros)).unwrap_or_default();
    rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

fn damaged(path: &Path, at: usize, reason: &str) -> JournalError {
    JournalError(format!(
        "the journal {} is damaged at byte {at}: {reason}; restore the data directory from a backup, \
         or move this file away to go on without the calls in it",
        path.display()
    ))
}
