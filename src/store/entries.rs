//! Entries in the database: the reads that pages and the ledger's start need.
//! Owns the filters and their order. Refuses to write: rows come from the journal alone, through the writer.

pub(super) mod insert;
pub(super) mod row;

use diesel::prelude::*;
use farthing_actors::domain::{KeyId, ProjectId, RequestId};
use farthing_actors::ledger::entry::Entry;

use self::row::Row;
use super::StoreError;
use super::schema::{journal_state, ledger_entries};

/// The most rows one question may ask for: a page of a thousand, and one more to know whether another follows.
const MAX_PAGE: i64 = 1_001;

/// A line of the books as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// The number of the journal record that completed it; later lines have larger numbers.
    pub seq: i64,
    /// The line.
    pub entry: Entry,
}

/// Which lines a page shows; an absent condition admits all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestFilter {
    /// Called with a key of exactly this project.
    pub project: Option<ProjectId>,
    /// Called with this key.
    pub key: Option<KeyId>,
    /// Older than the line of this number: the last one of the page before.
    pub before_seq: Option<i64>,
    /// At most so many, and never more than 1,001.
    pub limit: i64,
}

/// Lines, newest first.
///
/// # Errors
/// If the database does not answer, or a row is damaged.
pub fn requests(connection: &mut SqliteConnection, filter: &RequestFilter) -> Result<Vec<StoredEntry>, StoreError> {
    let mut query = ledger_entries::table.select(Row::as_select()).into_boxed();
    if let Some(project) = filter.project {
        query = query.filter(ledger_entries::project_id.eq(project.to_string()));
    }
    if let Some(key) = filter.key {
        query = query.filter(ledger_entries::key_id.eq(key.to_string()));
    }
    if let Some(seq) = filter.before_seq {
        query = query.filter(ledger_entries::seq.lt(seq));
    }
    let page = query.order(ledger_entries::seq.desc()).limit(filter.limit.clamp(0, MAX_PAGE));
    page.load(connection)?.into_iter().map(StoredEntry::try_from).collect()
}

/// The line of one request.
///
/// # Errors
/// If the database does not answer, or the row is damaged.
pub fn request(connection: &mut SqliteConnection, id: RequestId) -> Result<Option<StoredEntry>, StoreError> {
    let found = ledger_entries::table
        .filter(ledger_entries::request_id.eq(id.to_string()))
        .select(Row::as_select())
        .first::<Row>(connection)
        .optional()?;
    found.map(StoredEntry::try_from).transpose()
}

/// The journal record up to which every line is in the database.
///
/// # Errors
/// If the database does not answer.
pub fn applied_seq(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let seq = journal_state::table.select(journal_state::applied_seq).first::<i64>(connection)?;
    u64::try_from(seq).map_err(|_| StoreError::Damaged { row: "journal_state".to_owned(), reason: seq.to_string() })
}

#[cfg(test)]
mod tests;
