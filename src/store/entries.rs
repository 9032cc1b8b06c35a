//! Entries in the database: the reads that pages and the ledger's start need.
//! Owns what belongs to a line. Refuses to write: rows come from the journal alone, through the writer.

pub(super) mod insert;
pub(super) mod row;
mod search;

use std::collections::HashMap;

use diesel::prelude::*;
use farthing_actors::domain::{LineKind, Money, RequestId, Usage};
use farthing_actors::ledger::entry::{Entry, Outcome};

use self::row::Row;
use self::search::is_call;
use super::StoreError;
use super::chain::{Hash, hash_of_row};
use super::schema::{journal_state, ledger_entries};
pub use search::{Found, RequestFilter, Stopped, requests};

/// A line of the books as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// The number of the journal record that completed it; later lines have larger numbers.
    pub seq: i64,
    /// The line.
    pub entry: Entry,
    /// The other lines of its request: earlier attempts and corrections, oldest first.
    pub beside: Vec<Self>,
}

impl StoredEntry {
    /// What the request cost in all.
    pub fn cost(&self) -> Money {
        self.entry.amount + self.beside.iter().map(|line| line.entry.amount).sum()
    }

    /// What is known now of how its last attempt ended.
    pub fn outcome(&self) -> &Outcome {
        let latest = self.beside.iter().rfind(|line| line.entry.kind == LineKind::Correction);
        &latest.unwrap_or(self).entry.outcome
    }
}

/// The line of one request.
///
/// # Errors
/// If the database does not answer, or the row is damaged.
pub fn request(connection: &mut SqliteConnection, id: RequestId) -> Result<Option<StoredEntry>, StoreError> {
    let found = ledger_entries::table
        .filter(ledger_entries::request_id.eq(id.to_string()))
        .filter(is_call())
        .select(Row::as_select())
        .first::<Row>(connection)
        .optional()?;
    Ok(with_others(connection, found.into_iter().collect())?.pop())
}

/// What was booked as the usage of `request` by the lines before the line `seq`: nothing if there are none.
pub(super) fn latest_usage(
    connection: &mut SqliteConnection,
    request: RequestId,
    seq: i64,
) -> Result<Usage, StoreError> {
    let mut latest = |kind: LineKind| {
        let lines = ledger_entries::table.filter(ledger_entries::request_id.eq(request.to_string()));
        let lines = lines.filter(ledger_entries::seq.lt(seq)).filter(ledger_entries::kind.eq(kind.name()));
        let lines = lines.select(Row::as_select()).order(ledger_entries::seq.desc());
        lines.first::<Row>(connection).optional()
    };
    let row = match latest(LineKind::Correction)? {
        Some(row) => Some(row),
        None => latest(LineKind::Call)?,
    };
    Ok(row.map(|row| row.entry()).transpose()?.map(|entry| entry.outcome.usage).unwrap_or_default())
}

/// The lines of `rows`, each with the other lines of its request.
fn with_others(connection: &mut SqliteConnection, rows: Vec<Row>) -> Result<Vec<StoredEntry>, StoreError> {
    let ids: Vec<_> = rows.iter().map(|row| row.request_id.as_str()).collect();
    let others = ledger_entries::table
        .filter(ledger_entries::request_id.eq_any(ids))
        .filter(ledger_entries::kind.ne("call"))
        .order(ledger_entries::seq.asc())
        .select(Row::as_select())
        .load::<Row>(connection)?;
    let mut beside: HashMap<RequestId, Vec<StoredEntry>> = HashMap::new();
    for other in others {
        let other = StoredEntry::try_from(other)?;
        beside.entry(other.entry.call.request).or_default().push(other);
    }
    let lines = rows.into_iter().map(|row| {
        let line = StoredEntry::try_from(row)?;
        let beside = beside.remove(&line.entry.call.request).unwrap_or_default();
        Ok(StoredEntry { beside, ..line })
    });
    lines.collect()
}

/// The journal record up to which every line is in the database.
///
/// # Errors
/// If the database does not answer.
pub fn applied_seq(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    Ok(state(connection)?.0)
}

/// The journal record up to which every line is in the database, and the hash of the last one.
pub(super) fn state(connection: &mut SqliteConnection) -> Result<(u64, Hash), StoreError> {
    let columns = (journal_state::applied_seq, journal_state::chain_head);
    let (seq, head) = journal_state::table.select(columns).first::<(i64, Vec<u8>)>(connection)?;
    let damaged = |reason: String| StoreError::Damaged { row: "journal_state".to_owned(), reason };
    let applied = u64::try_from(seq).map_err(|_| damaged(format!("applied_seq: {seq}")))?;
    let head = hash_of_row(&head).ok_or_else(|| damaged("chain_head: not 32 bytes".to_owned()))?;
    Ok((applied, head))
}

#[cfg(test)]
mod tests;
