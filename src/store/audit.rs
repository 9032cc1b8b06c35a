//! The tables `audit_events` and `audit_state`: who did what, as a chain that cannot be altered unseen.
//! Owns the order of the chain, and that a change and its event are one transaction: without the event there is no change.
//! Refuses updates and removals, but for retention and for trails that are kept in a file alone.

mod file;
mod pages;
mod row;
#[cfg(test)]
mod tests;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use diesel::prelude::*;
use farthing_actors::audit::AuditStore;
use farthing_actors::domain::{Effect, Event, Timestamp};
use farthing_actors::error::SaveError;

pub use pages::{AuditFilter, find, lines, page};
pub use row::StoredEvent;
pub use verify::{AuditVerdict, verify, verify_file};

use super::chain::{Fields, Hash};
use super::schema::audit_events;
use super::{Store, StoreError};
use crate::background;
use file::AuditFile;
use row::{EventRow, State};

/// Rows that leave in one transaction.
const BATCH: i64 = 1_000;

/// The keyed hash that links the chain. Implemented by whoever holds the key.
pub trait Links: Send + Sync {
    /// The mac of `text`.
    fn mac(&self, text: &[u8]) -> Hash;
}

/// Where the trail goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keeping {
    /// Whether there is a trail at all.
    pub enabled: bool,
    /// Whether it stays in the database.
    pub in_database: bool,
    /// The file that gets a line for each event.
    pub file: Option<PathBuf>,
    /// Whether addresses are kept without their last part.
    pub masks_addresses: bool,
    /// How long events stay in the database.
    pub retention: Duration,
}

/// The trail. Shared by reference.
pub struct Trail {
    store: Arc<Store>,
    links: Arc<dyn Links>,
    keeping: Keeping,
    /// Whether the file refused the last line.
    file_fails: AtomicBool,
    /// How many events were recorded since the start, by result.
    recorded: [AtomicU64; Effect::ALL.len()],
}

impl Trail {
    /// A trail in `store`, linked by `links`.
    pub fn new(store: Arc<Store>, links: Arc<dyn Links>, keeping: Keeping) -> Self {
        Self { store, links, keeping, file_fails: AtomicBool::new(false), recorded: Default::default() }
    }

    /// Runs a change and records it in one transaction: both, or neither.
    ///
    /// # Errors
    /// As [`Store::change`], or [`StoreError::Unrecorded`].
    pub fn change<T>(
        &self,
        event: &Event,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let events = std::slice::from_ref(event);
        let done = self.store.change(|connection| {
            let done = work(connection)?;
            self.record(connection, events)?;
            Ok(done)
        })?;
        self.count(events);
        Ok(done)
    }

    /// How many events were recorded since the start, by result.
    pub fn recorded(&self) -> impl Iterator<Item = (Effect, u64)> {
        Effect::ALL.into_iter().zip(self.recorded.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    fn count(&self, events: &[Event]) {
        for (effect, count) in Effect::ALL.into_iter().zip(&self.recorded) {
            let such = events.iter().filter(|event| event.result == effect).count();
            count.fetch_add(u64::try_from(such).unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// Runs a change and records it, away from the request threads.
    ///
    /// # Errors
    /// As [`Trail::change`].
    pub async fn changing<T: Send + 'static>(
        self: &Arc<Self>,
        event: Event,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let trail = Arc::clone(self);
        background::run(move || trail.change(&event, work)).await?
    }

    /// Where it is.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Whether nobody altered what is kept.
    ///
    /// # Errors
    /// If the database does not answer. Faults in the trail are no error: they are the verdict.
    pub fn verify(&self) -> Result<AuditVerdict, StoreError> {
        self.store.read(|connection| verify(connection, &*self.links))
    }

    /// Whether the file refused the last line. What it lacks is in the database and follows.
    pub fn file_fails(&self) -> bool {
        self.file_fails.load(Ordering::Relaxed)
    }

    /// The file, if there is one.
    pub fn file_path(&self) -> Option<&PathBuf> {
        self.keeping.file.as_ref()
    }

    /// Adds links. Only within a transaction that has the write lock: that is what puts them in order.
    fn record(&self, connection: &mut SqliteConnection, events: &[Event]) -> Result<(), StoreError> {
        if !self.keeping.enabled {
            return Ok(());
        }
        if !self.keeping.in_database && self.file_fails() {
            return Err(StoreError::Unrecorded("its file cannot be written".to_owned()));
        }
        self.link(connection, events).map_err(|error| StoreError::Unrecorded(error.to_string()))
    }

    fn link(&self, connection: &mut SqliteConnection, events: &[Event]) -> Result<(), StoreError> {
        let mut state = State::load(connection)?;
        let mut fields = Fields::default();
        for event in events {
            let mut row = EventRow::new(state.last_seq.saturating_add(1), event, self.keeping.masks_addresses);
            state.head = link(&*self.links, &mut fields, &row, &state.head);
            row.mac = state.head.to_vec();
            state.last_seq = row.seq;
            diesel::insert_into(audit_events::table).values(&row).execute(connection)?;
        }
        state.save(connection, &*self.links)
    }

    /// Brings rows to the file that it does not have yet. Gives how many.
    fn bring_to_file(&self, file: &AuditFile) -> Result<usize, StoreError> {
        let rows = self.store.read(|connection| row::unfiled(connection, BATCH))?;
        let Some(last) = rows.last().map(|row| row.seq) else { return Ok(0) };
        file.append(&rows)?;
        self.store.change(|connection| {
            row::filed(connection, last)?;
            if self.keeping.in_database { Ok(()) } else { self.remove_through(connection, last) }
        })?;
        Ok(rows.len())
    }

    /// Removes the oldest rows up to `seq`; the chain then begins behind them.
    fn remove_through(&self, connection: &mut SqliteConnection, seq: i64) -> Result<(), StoreError> {
        let mut state = State::load(connection)?;
        let last: Vec<u8> = audit_events::table.find(seq).select(audit_events::mac).first(connection)?;
        state.before_first = row::mac_of("audit_events", &last)?;
        state.first_seq = seq.saturating_add(1);
        diesel::delete(audit_events::table.filter(audit_events::seq.le(seq))).execute(connection)?;
        state.save(connection, &*self.links)
    }

    /// Removes at most [`BATCH`] rows that are older than they need be and in the file, if there is one.
    fn remove_old(&self, connection: &mut SqliteConnection, now: Timestamp) -> Result<usize, StoreError> {
        let state = State::load(connection)?;
        let filed = if self.keeping.file.is_some() { state.filed_seq } else { state.last_seq };
        let end = state.first_seq.saturating_add(BATCH).min(filed.saturating_add(1));
        let kept_since = now.before(self.keeping.retention).0;
        // A clock that went back leaves younger rows before older ones: those wait for them.
        let young = audit_events::table.filter(audit_events::timestamp.ge(kept_since));
        let youngest: Option<i64> =
            young.select(audit_events::seq).order(audit_events::seq).first(connection).optional()?;
        let last = youngest.map_or(end, |youngest| youngest.min(end)).saturating_sub(1);
        if last < state.first_seq {
            return Ok(0);
        }
        self.remove_through(connection, last)?;
        Ok(usize::try_from(last.saturating_sub(state.first_seq).saturating_add(1)).unwrap_or(0))
    }
}

impl AuditStore for Trail {
    fn append(&self, events: &[Event]) -> Result<(), SaveError> {
        self.store.change(|connection| self.record(connection, events))?;
        self.count(events);
        Ok(())
    }

    fn file(&self) -> Result<usize, SaveError> {
        let Some(path) = self.keeping.file.as_ref().filter(|_| self.keeping.enabled) else { return Ok(0) };
        let brought = self.bring_to_file(&AuditFile::at(path));
        self.file_fails.store(brought.is_err(), Ordering::Relaxed);
        Ok(brought?)
    }

    fn retire(&self, now: Timestamp) -> Result<usize, SaveError> {
        Ok(self.store.change(|connection| self.remove_old(connection, now))?)
    }
}

/// The mac of `row` behind the row whose mac is `before`.
fn link(links: &dyn Links, fields: &mut Fields, row: &EventRow, before: &Hash) -> Hash {
    row.fields(fields);
    let text = fields.as_str().as_bytes();
    links.mac(&[before.as_slice(), text].concat())
}
