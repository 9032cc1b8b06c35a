//! Usage: what was used, by whom, of which model, at which provider, when. Rollups that the writer keeps in the same
//! transaction as the lines they sum, read here for pages.
//! Owns the cutting of ranges into rows and their sums. Refuses to scan lines: a page costs the same after years.
//!
//! Rows are quarters of an hour and days of UTC, for each combination of key, model and provider that occurred, and for all
//! of them together (`docs/usage.md`).

pub(super) mod figures;
pub(super) mod span;
pub(super) mod subject;
pub(super) mod tally;
pub(super) mod upsert;

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use farthing_actors::domain::{KeyId, ProjectId, ProviderId, Timestamp};

pub use figures::Figures;
pub use subject::SubjectName;

use self::span::{Piece, Span, pieces};
use self::subject::EVERYBODY;
use self::upsert::{Summed, sums};
use super::StoreError;

/// Which usage: what fits every condition; an absent one admits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// Of one of these projects.
    pub projects: Option<Vec<ProjectId>>,
    /// Of this key.
    pub key: Option<KeyId>,
    /// Of the model that clients named so.
    pub model: Option<String>,
    /// At this provider.
    pub provider: Option<ProviderId>,
}

/// From a moment to before another; both are quarters of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

impl Range {
    /// The smallest range of whole quarters of an hour that holds everything from `from` to before `to`.
    pub fn around(from: Timestamp, to: Timestamp) -> Self {
        let floor = Span::Quarter.containing(to.0);
        let to = if floor == to.0 { floor } else { floor.saturating_add(Span::Quarter.millis()) };
        Self { from: Timestamp(Span::Quarter.containing(from.0)), to: Timestamp(to) }
    }
}

/// The sum over each of `ranges`. Neighbours share their ends, so that none is read twice.
///
/// # Errors
/// If the database does not answer.
pub fn totals(
    connection: &mut SqliteConnection,
    ranges: &[Range],
    filter: &UsageFilter,
) -> Result<Vec<Figures>, StoreError> {
    let mut known: HashMap<Piece, Figures> = HashMap::new();
    let mut total = |range: &Range| {
        let mut total = Figures::default();
        for piece in pieces(range.from.0, range.to.0) {
            let key = Piece { minus: false, ..piece };
            let sum = match known.get(&key) {
                Some(sum) => *sum,
                None => read(connection, key, filter, Grouping::Together)?
                    .iter()
                    .fold(Figures::default(), |sum, row| sum + row.figures),
            };
            known.insert(key, sum);
            total += if piece.minus { -sum } else { sum };
        }
        Ok(total)
    };
    ranges.iter().map(&mut total).collect()
}

/// The sums over each of `ranges` for each subject that did something in it.
///
/// # Errors
/// If the database does not answer.
pub fn by_subject(
    connection: &mut SqliteConnection,
    ranges: &[Range],
    filter: &UsageFilter,
) -> Result<Vec<BTreeMap<SubjectName, Figures>>, StoreError> {
    let mut sums = Vec::with_capacity(ranges.len());
    for range in ranges {
        sums.push(by_number(connection, *range, filter)?);
    }
    let names = subject::names(connection)?;
    let named = |(number, figures): (i64, Figures)| Some((names.get(&number)?.clone(), figures));
    Ok(sums.into_iter().map(|sums| sums.into_iter().filter_map(named).collect()).collect())
}

fn by_number(
    connection: &mut SqliteConnection,
    range: Range,
    filter: &UsageFilter,
) -> Result<HashMap<i64, Figures>, StoreError> {
    let mut sums: HashMap<i64, Figures> = HashMap::new();
    for piece in pieces(range.from.0, range.to.0) {
        for row in read(connection, piece, filter, Grouping::BySubject)? {
            let figures = if piece.minus { -row.figures } else { row.figures };
            *sums.entry(row.subject).or_default() += figures;
        }
    }
    sums.retain(|_, figures| !figures.is_nothing());
    Ok(sums)
}

/// The rows of `piece`, summed in the groups asked for.
fn read(
    connection: &mut SqliteConnection,
    piece: Piece,
    filter: &UsageFilter,
    grouping: Grouping,
) -> Result<Vec<Summed>, StoreError> {
    let (sums, conditions) = (sums(), conditions(filter, grouping));
    let (subject, groups) = match grouping {
        Grouping::Together => ("0", ""),
        Grouping::BySubject => ("subject", "GROUP BY subject"),
    };
    let query = diesel::sql_query(format!(
        "SELECT {subject} AS subject, {sums} FROM usage_rollups \
         WHERE span = ?1 AND bucket >= ?2 AND bucket < ?3 {conditions} {groups}"
    ));
    let projects =
        filter.projects.as_ref().map(|ids| serde_json::Value::from_iter(ids.iter().map(ToString::to_string)));
    let rows = query
        .bind::<BigInt, _>(piece.span.millis())
        .bind::<BigInt, _>(piece.from)
        .bind::<BigInt, _>(piece.to)
        .bind::<Nullable<Text>, _>(projects.map(|ids| ids.to_string()))
        .bind::<Nullable<Text>, _>(filter.key.map(|id| id.to_string()))
        .bind::<Nullable<Text>, _>(filter.model.clone())
        .bind::<Nullable<Text>, _>(filter.provider.map(|id| id.to_string()));
    Ok(rows.load(connection)?)
}

/// How rows are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grouping {
    Together,
    BySubject,
}

/// The conditions on the subject. Each names its parameter by number, so that those that are not asked for may be absent.
fn conditions(filter: &UsageFilter, grouping: Grouping) -> String {
    let asked = [
        (filter.projects.is_some(), "project_id IN (SELECT value FROM json_each(?4))"),
        (filter.key.is_some(), "key_id = ?5"),
        (filter.model.is_some(), "model = ?6"),
        (filter.provider.is_some(), "provider_id = ?7"),
    ];
    let asked: Vec<_> = asked.into_iter().filter_map(|(asked, condition)| asked.then_some(condition)).collect();
    // A statement must have every parameter that is bound to it.
    let unused = "(?4, ?5, ?6, ?7) IS NOT (1, 1, 1, 1)";
    let subjects = match grouping {
        _ if !asked.is_empty() => {
            format!("subject IN (SELECT id FROM usage_subjects WHERE {})", asked.join(" AND "))
        }
        Grouping::Together => format!("subject = {EVERYBODY}"),
        Grouping::BySubject => format!("subject <> {EVERYBODY}"),
    };
    format!("AND {unused} AND {subjects}")
}

#[cfg(test)]
mod scale;
#[cfg(test)]
mod tests;
