//! Search: pages of calls by what they were, newest first.
//! Owns the conditions, and the bound of a page's work: it looks at [`LOOKED_AT`] lines at most and then says how far it came,
//! because only project, key, run and id have an index, and each index costs every call.

use std::time::Duration;

use diesel::dsl::{max, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel::sqlite::Sqlite;
use farthing_actors::domain::{CallStatus, KeyId, ProjectId, ProviderId, Timestamp};

use super::row::Row;
use super::{StoredEntry, with_others};
use crate::store::StoreError;
use crate::store::moment::{self, Numbers};
use crate::store::schema::ledger_entries;

/// The most rows one question may ask for: a page of a thousand, and one more to know whether another follows.
const MAX_PAGE: i64 = 1_001;
/// The most lines (without project, key or run: numbers of lines) that one question looks at.
pub(in crate::store) const LOOKED_AT: i64 = 20_000;

type Lines = ledger_entries::BoxedQuery<'static, Sqlite>;

/// Which lines a page shows; an absent condition admits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Called with a key of exactly this project.
    pub project: Option<ProjectId>,
    /// Called with this key.
    pub key: Option<KeyId>,
    /// Of the run that the client named so.
    pub run: Option<String>,
    /// Of the model that the client named so.
    pub model: Option<String>,
    /// Whose last attempt was at this provider.
    pub provider: Option<ProviderId>,
    /// That ended so.
    pub status: Option<CallStatus>,
    /// Placed at this moment or later.
    pub from: Option<Timestamp>,
    /// Placed before this moment.
    pub to: Option<Timestamp>,
    /// No call takes longer than this; `None`: than any can.
    pub longest: Option<Duration>,
    /// Whose id begins so; of very many, the thousand latest.
    pub id: Option<String>,
    /// Older than the line of this number: the last one of the page before.
    pub before_seq: Option<i64>,
    /// At most so many, and never more than 1,001.
    pub limit: i64,
}

/// A page of lines, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The lines.
    pub lines: Vec<StoredEntry>,
    /// Where the question ended because it had looked at enough, not because there is no more.
    pub stopped: Option<Stopped>,
}

/// How far a question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Everything from this line on was looked at; go on before it.
    pub before_seq: i64,
    /// When the next line, which was not, was booked.
    pub at: Timestamp,
}

/// The lines that fit `filter`, newest first, among the newest [`LOOKED_AT`] that may.
///
/// # Errors
/// If the database does not answer, or a row is damaged.
pub fn requests(connection: &mut SqliteConnection, filter: &RequestFilter) -> Result<Found, StoreError> {
    let limit = filter.limit.clamp(0, MAX_PAGE);
    let (numbers, stopped) = reach(connection, filter)?;
    let mut query = fitting(filter, indexed(filter, numbers));
    if let Some(beginning) = &filter.id {
        query = query.filter(ledger_entries::seq.eq_any(beginning_with(connection, beginning)?));
    }
    let query = query.filter(is_call()).select(Row::as_select());
    let rows: Vec<Row> = query.order(ledger_entries::seq.desc()).limit(limit).load(connection)?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|found| found >= limit);
    Ok(Found { lines: with_others(connection, rows)?, stopped: stopped.filter(|_| !is_full) })
}

/// A condition that names the index of calls, in the words that the index is made with.
pub(super) fn is_call() -> diesel::expression::SqlLiteral<Bool> {
    sql::<Bool>("kind = 'call'")
}

/// Among which numbers to look, and where that ends for no other reason than the bound.
fn reach(connection: &mut SqliteConnection, filter: &RequestFilter) -> Result<(Numbers, Option<Stopped>), StoreError> {
    let mut numbers = moment::numbers(connection, (filter.from, filter.to), filter.longest)?;
    numbers.before = numbers.before.min(filter.before_seq.unwrap_or(i64::MAX));
    if filter.id.is_some() {
        return Ok((numbers, None));
    }
    let last = last_not_seen(connection, filter, numbers)?;
    let next = indexed(filter, Numbers { before: last.saturating_add(1), ..numbers });
    let next = next.select((ledger_entries::seq, ledger_entries::closed_at)).order(ledger_entries::seq.desc());
    let next: Option<(i64, i64)> = next.first(connection).optional()?;
    let stopped = next.map(|(seq, at)| Stopped { before_seq: seq.saturating_add(1), at: Timestamp(at) });
    numbers.after = stopped.map_or(numbers.after, |stopped| stopped.before_seq.saturating_sub(1));
    Ok((numbers, stopped))
}

/// The number at which so many lines, or without an index so many numbers, are behind.
fn last_not_seen(
    connection: &mut SqliteConnection,
    filter: &RequestFilter,
    numbers: Numbers,
) -> Result<i64, StoreError> {
    let lines = indexed(filter, numbers);
    if filter.project.is_none() && filter.key.is_none() {
        let newest: Option<i64> = lines.select(max(ledger_entries::seq)).first(connection)?;
        return Ok(newest.unwrap_or(0).saturating_sub(LOOKED_AT));
    }
    let skipped = lines.select(ledger_entries::seq).order(ledger_entries::seq.desc()).offset(LOOKED_AT);
    Ok(skipped.limit(1).first(connection).optional()?.unwrap_or(0))
}

/// The lines among `numbers` that fit the conditions that have an index.
fn indexed(filter: &RequestFilter, numbers: Numbers) -> Lines {
    let lines = ledger_entries::table.into_boxed::<Sqlite>();
    let lines = lines.filter(ledger_entries::seq.gt(numbers.after)).filter(ledger_entries::seq.lt(numbers.before));
    match (filter.key, filter.project, &filter.run) {
        (Some(key), _, Some(run)) => {
            lines.filter(ledger_entries::key_id.eq(key.to_string())).filter(ledger_entries::run.eq(run.clone()))
        }
        (Some(key), ..) => lines.filter(ledger_entries::key_id.eq(key.to_string())),
        (None, Some(project), _) => lines.filter(ledger_entries::project_id.eq(project.to_string())),
        (None, None, _) => lines,
    }
}

/// Those of `lines` that fit the other conditions.
fn fitting(filter: &RequestFilter, mut lines: Lines) -> Lines {
    if let (Some(project), Some(_)) = (filter.project, filter.key) {
        // Spelled so that its index is no choice: the key's is the better one.
        lines = lines.filter(ledger_entries::project_id.concat("").eq(project.to_string()));
    }
    if let (None, Some(run)) = (filter.key, &filter.run) {
        lines = lines.filter(ledger_entries::run.eq(run.clone()));
    }
    if let Some(model) = &filter.model {
        lines = lines.filter(ledger_entries::model.eq(model.clone()));
    }
    if let Some(provider) = filter.provider {
        lines = lines.filter(ledger_entries::provider_id.eq(provider.to_string()));
    }
    if let Some(status) = filter.status {
        lines = lines.filter(ledger_entries::status.eq(status.name()));
    }
    if let Some(from) = filter.from {
        lines = lines.filter(ledger_entries::placed_at.ge(from.0));
    }
    match filter.to {
        Some(to) => lines.filter(ledger_entries::placed_at.lt(to.0)),
        None => lines,
    }
}

/// The numbers of the latest calls whose ids begin so: ids made later sort later.
fn beginning_with(connection: &mut SqliteConnection, beginning: &str) -> Result<Vec<i64>, StoreError> {
    let calls = ledger_entries::table.filter(is_call());
    let calls = calls.filter(ledger_entries::request_id.ge(beginning.to_owned()));
    // Behind every letter and digit that an id has.
    let calls = calls.filter(ledger_entries::request_id.lt(format!("{beginning}~")));
    let latest = calls.order(ledger_entries::request_id.desc()).select(ledger_entries::seq).limit(MAX_PAGE);
    Ok(latest.load(connection)?)
}

#[cfg(test)]
mod tests;
