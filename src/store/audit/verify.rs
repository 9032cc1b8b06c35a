//! The proof that nobody altered the trail. Owns the walk along the chain. Refuses to repair.

use std::io::BufRead;

use diesel::prelude::*;

use super::row::{EventRow, State, mac_of};
use super::{BATCH, Links, link};
use crate::store::StoreError;
use crate::store::chain::{Fields, Hash};
use crate::store::schema::audit_events;

/// Faults that are told in words; more are only counted.
const TOLD: usize = 100;

/// What the check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditVerdict {
    /// Events read.
    pub events: u64,
    /// The place of the first event that is kept; later than 1 where older ones were retired.
    pub first_seq: i64,
    /// The place of the last one.
    pub last_seq: i64,
    /// The mac of the last one, in hex.
    pub head: String,
    /// What is wrong, in words; at most a hundred.
    pub faults: Vec<String>,
    /// How many things are wrong.
    pub fault_count: u64,
}

impl AuditVerdict {
    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.fault_count == 0
    }

    fn fault(&mut self, fault: String) {
        self.fault_count += 1;
        if self.faults.len() < TOLD {
            self.faults.push(fault);
        }
    }
}

struct Walk<'a> {
    links: &'a dyn Links,
    fields: Fields,
    before: Hash,
    next_seq: i64,
    verdict: AuditVerdict,
}

/// Checks every event in the database, and that none is missing at either end.
///
/// # Errors
/// If the database does not answer. Faults in the trail are no error: they are the verdict.
pub fn verify(connection: &mut SqliteConnection, links: &dyn Links) -> Result<AuditVerdict, StoreError> {
    connection.transaction(|connection| {
        let (state, sealed) = match State::sealed(connection) {
            Err(StoreError::Damaged { reason, .. }) => return Ok(damaged(&reason)),
            found => found?,
        };
        let mut walk = Walk::new(links, state.before_first, state.first_seq);
        if sealed.is_some_and(|mac| mac != state.mac(links)) {
            walk.verdict.fault("where the trail begins and ends was altered".to_owned());
        }
        loop {
            let behind = audit_events::table.filter(audit_events::seq.ge(walk.next_seq)).order(audit_events::seq);
            let rows: Vec<EventRow> = behind.limit(BATCH).select(EventRow::as_select()).load(connection)?;
            if rows.is_empty() {
                break;
            }
            rows.iter().for_each(|row| walk.step(row));
        }
        walk.outside(connection, &state)?;
        Ok(walk.end(&state))
    })
}

/// Checks the lines of a file, which may begin anywhere: that each is linked to the one before.
///
/// # Errors
/// If the file cannot be read.
pub fn verify_file(file: impl BufRead, links: &dyn Links) -> std::io::Result<AuditVerdict> {
    let mut walk: Option<Walk<'_>> = None;
    let mut unread = 0;
    for line in file.lines() {
        let Some(row) = EventRow::of_line(&line?) else {
            unread += 1;
            continue;
        };
        match &mut walk {
            None => walk = Some(Walk::from_row(links, &row)),
            // Brought again after the process died between the file and the database.
            Some(walk) if row.seq < walk.next_seq && row.seq >= walk.verdict.first_seq => {}
            Some(walk) => walk.step(&row),
        }
    }
    let mut verdict = walk.map(|walk| walk.verdict).unwrap_or_default();
    (0..unread).for_each(|_| verdict.fault("a line is not an event".to_owned()));
    Ok(verdict)
}

fn damaged(reason: &str) -> AuditVerdict {
    let mut verdict = AuditVerdict::default();
    verdict.fault(format!("where the trail begins and ends is damaged: {reason}"));
    verdict
}

impl<'a> Walk<'a> {
    fn new(links: &'a dyn Links, before: Hash, next_seq: i64) -> Self {
        let verdict = AuditVerdict { first_seq: next_seq, last_seq: next_seq.saturating_sub(1), ..Default::default() };
        Self { links, fields: Fields::default(), before, next_seq, verdict }
    }

    /// Begins at a row whose link to what was before it nobody can check, unless it is the first of all.
    fn from_row(links: &'a dyn Links, row: &EventRow) -> Self {
        let mut walk = Self::new(links, [0; 32], row.seq);
        if row.seq == 1 {
            walk.step(row);
            return walk;
        }
        walk.accept(row);
        walk
    }

    fn step(&mut self, row: &EventRow) {
        if row.seq != self.next_seq {
            self.verdict.fault(format!("the events {} to {} are missing", self.next_seq, row.seq.saturating_sub(1)));
        } else if row.mac != link(self.links, &mut self.fields, row, &self.before) {
            self.verdict.fault(format!("event {} was altered, or the one before it", row.seq));
        }
        self.accept(row);
    }

    fn accept(&mut self, row: &EventRow) {
        // A mac of another length was reported as altered.
        self.before = mac_of("audit_events", &row.mac).unwrap_or_default();
        self.next_seq = row.seq.saturating_add(1);
        self.verdict.events += 1;
        self.verdict.last_seq = row.seq;
        self.verdict.head = self.before.iter().map(|byte| format!("{byte:02x}")).collect();
    }

    /// Events before the beginning.
    fn outside(&mut self, connection: &mut SqliteConnection, state: &State) -> Result<(), StoreError> {
        let early = audit_events::table.filter(audit_events::seq.lt(state.first_seq));
        let early: i64 = early.count().get_result(connection)?;
        if early > 0 {
            self.verdict.fault(format!("{early} events stand before the beginning of the trail"));
        }
        Ok(())
    }

    fn end(mut self, state: &State) -> AuditVerdict {
        if self.next_seq != state.last_seq.saturating_add(1) || self.before != state.head {
            let last = self.next_seq.saturating_sub(1);
            self.verdict.fault(format!("the trail ends at event {last} and not as it should at {}", state.last_seq));
        }
        self.verdict
    }
}
