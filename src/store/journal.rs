//! The journal: the ledger's truth on disk, an append-only file in front of the database.
//! Owns its opening: everything written is applied, damage is found, and the ledger learns what is open. Refuses to
//! decide: what becomes of a hold that nobody closed is the ledger's matter.
//!
//! `<data_dir>/journal/` holds segments (`segment`), each a row of checksummed records (`frame`) behind which zeros are
//! preallocated (`place`). Every record has a number; a record that completes a line gives the line its number, and
//! the database knows the last number it has applied. So replaying (`replay`) is harmless however often it is done.
//! Each segment begins with a copy of every open hold and can be read alone; it is deleted when its lines are applied.

mod frame;
mod log;
mod place;
mod replay;
pub(super) mod segment;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::SqliteConnection;
use farthing_actors::domain::{Budget, LineKind, Money, RunId, Scope, Timestamp};
use farthing_actors::ledger::hold::HoldRequest;
use farthing_actors::ledger::journal::{Closing, Journal, JournalError, JournalSource, Recovered};

use self::log::Log;
use self::place::Place;
use self::replay::{History, Reader};
use super::entries::{self, StoredEntry};
use super::writer::Writer;
use super::{Store, StoreError, adjustments, spend};

/// What an append survives before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The death of the process. A power cut loses at most the last second: the writer's thread syncs that often.
    Process,
    /// A power cut too: each append is synced first.
    Power,
}

/// What limits spending, as operators set it.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Every budget.
    pub budgets: Vec<(Scope, Budget)>,
    /// Every cap on a key's requests.
    pub caps: Vec<(Scope, u64)>,
    /// Runs that were ended.
    pub killed: Vec<RunId>,
}

/// How the terms are read; the tables they are in belong to others.
pub type ReadTerms = Box<dyn Fn(&mut SqliteConnection) -> Result<Terms, StoreError> + Send + Sync>;

/// As many as the ledger remembers.
const REMEMBERED_ADJUSTMENTS: i64 = 16_384;

const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// How far a clock that has gone back is taken for wrong now rather than before.
const CLOCK_ERROR_MS: u64 = 2 * DAY_MS;

/// Runs that were not heard of for longer start anew if they are heard of again.
const RUN_REMEMBERED_MS: i64 = 7 * 24 * 3_600 * 1_000;

/// The journal of one data directory, opened anew for each ledger.
pub struct DiskJournal {
    store: Arc<Store>,
    writer: Writer,
    directory: PathBuf,
    durability: Durability,
    terms: ReadTerms,
}

impl DiskJournal {
    /// The journal in `data_dir`, in front of `store`. Touches nothing until it is opened.
    pub fn new(store: Arc<Store>, writer: Writer, data_dir: &Path, durability: Durability, terms: ReadTerms) -> Self {
        Self { store, writer, directory: data_dir.join("journal"), durability, terms }
    }

    // What an earlier ledger of this process sent is committed first, so that only what it failed to send is new.
    fn replay(&self) -> Result<(History, u64), JournalError> {
        self.flush()?;
        let applied = self.store.read(entries::applied_seq).map_err(|error| failed("read the database", &error))?;
        let segments = segment::list(&self.directory).map_err(|error| failed("list the journal", &error))?;
        let mut apply = |seq, line| {
            // A thread that is gone is noticed by the flush below.
            self.writer.send(seq, line);
        };
        let history = Reader::new(applied, &mut apply).read(segments)?;
        self.flush()?;
        Ok((history, applied))
    }

    fn flush(&self) -> Result<(), JournalError> {
        self.writer.flush_blocking().map_err(|error| failed("apply the journal", &error))
    }

    fn resume(&self, history: &History, applied: u64) -> Result<Log, JournalError> {
        let seq = history.last.max(applied) + 1;
        let place = match &history.current {
            Some(tail) => Place::resume(tail, seq, history.open.len())?,
            None => Place::begin(&self.directory, seq, 0, &mut std::iter::empty())?,
        };
        self.writer.adopt(Arc::clone(&place.segment));
        Ok(Log {
            store: Arc::clone(&self.store),
            writer: self.writer.clone(),
            directory: self.directory.clone(),
            durability: self.durability,
            place,
            doubt: None,
            frames: Vec::new(),
            staged: log::Staged::default(),
        })
    }

    fn recovered(&self, history: History, now: Timestamp) -> Result<Recovered, StoreError> {
        let History { open, mut closed, .. } = history;
        let mut still_open = Vec::new();
        self.store.read(|connection| {
            for open in open.into_values() {
                match entries::request(connection, open.request())? {
                    Some(line) => closed.extend(booked(&open.hold, line)),
                    None => still_open.push(open),
                }
            }
            Ok(Recovered { open: still_open, closed, ..self.limited(connection, now)? })
        })
    }

    /// The terms, each with what was used of it.
    fn limited(&self, connection: &mut SqliteConnection, now: Timestamp) -> Result<Recovered, StoreError> {
        let Terms { budgets, caps, killed } = (self.terms)(connection)?;
        let now = no_earlier_than_booked(now, spend::latest(connection)?);
        let budgets = budgets.into_iter().map(|(scope, budget)| {
            let since = budget.window_at(now).start;
            let spent = spend::spent(connection, &scope.to_string(), since)?;
            Ok((scope, budget, spent))
        });
        let budgets = budgets.collect::<Result<_, StoreError>>()?;
        let caps = caps.into_iter().map(|(scope, max)| Ok((scope, max, spend::calls(connection, &scope.to_string())?)));
        let caps = caps.collect::<Result<_, StoreError>>()?;
        let runs = spend::runs(connection, Timestamp(now.0.saturating_sub(RUN_REMEMBERED_MS)))?;
        let adjusted = adjustments::latest_ids(connection, REMEMBERED_ADJUSTMENTS)?;
        Ok(Recovered { budgets, caps, runs, killed, adjusted, now, ..Recovered::default() })
    }
}

impl JournalSource for DiskJournal {
    fn open(&self, now: Timestamp) -> Result<(Box<dyn Journal>, Recovered), JournalError> {
        let (history, applied) = self.replay()?;
        let mut log = self.resume(&history, applied)?;
        for (path, last) in &history.finished {
            self.writer.retire(path.clone(), *last);
        }
        let recovered = self.recovered(history, now).map_err(|error| failed("read the database", &error))?;
        if log.wants_rotation()
            && let Err(error) = log.rotate(&mut recovered.open.iter().cloned())
        {
            ::log::warn!(error:%; "the journal goes on in a nearly full segment");
        }
        Ok((Box::new(log), recovered))
    }
}

// A clock that has gone back must not open a window again that was left already. One that was wrong by more than a time
// zone's or a day's error is not followed: it would shut budgets for as long.
fn no_earlier_than_booked(now: Timestamp, latest: Option<Timestamp>) -> Timestamp {
    let Some(latest) = latest.filter(|latest| *latest > now) else { return now };
    if latest.millis_since(now) <= CLOCK_ERROR_MS {
        return latest;
    }
    ::log::error!(days = latest.millis_since(now) / DAY_MS;
        "the books have lines from the future: the clock was wrong then or is wrong now");
    now
}

// The database can be ahead of the journal if its disk lost the tail of one but not of the other. The line is booked;
// to close its hold again would book it twice.
fn booked(hold: &HoldRequest, line: StoredEntry) -> Option<Closing> {
    let entry = line.entry;
    let target = Some(entry.target?).filter(|target| *target != hold.target);
    let (outcome, amount, closed_at) = (entry.outcome, entry.amount, entry.closed_at);
    Some(Closing {
        kind: LineKind::Call,
        request: hold.call.request,
        target,
        outcome,
        amount,
        exhausting: false,
        freed: Money::ZERO,
        route: None,
        closed_at,
    })
}

fn failed(what: &str, error: &dyn Display) -> JournalError {
    JournalError(format!("cannot {what}: {error}"))
}

#[cfg(test)]
mod tests;
