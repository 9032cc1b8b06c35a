//! Export: the lines of the books as an outsider needs them to compute everything again (`docs/ledger.md`).
//! Owns the columns, which are what each line's hash covers, in that order and spelling. Refuses to judge or to mend:
//! what a row says is exported, whether it is sound or not.

mod spelling;

use std::time::Duration;

use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use farthing_actors::domain::{Money, ProjectId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::StoreError;
use super::adjustments::AdjustmentRow;
use super::day::Day;
use super::entries::row::Row;
use super::moment::{self, Numbers};
use super::schema::{ledger_adjustments, ledger_entries};
pub use spelling::{Format, Spelling};

/// A value of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing.
    Absent,
    /// A text.
    Text(String),
    /// A number that fits what every reader of JSON can hold.
    Number(i64),
    /// Picodollars, which may not fit that.
    Picos(i64),
}

/// What a line is made of, in order.
pub(super) type Columns = Vec<(&'static str, Value)>;

/// One line of the books with everything its hash covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportLine {
    /// Its number.
    pub seq: i64,
    /// What it is.
    kind: String,
    columns: Columns,
    hash: Vec<u8>,
}

/// Which lines; an absent condition admits all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// From this day on, by when the call was placed or the adjustment booked.
    pub from: Option<Day>,
    /// Up to this day, which is included.
    pub to: Option<Day>,
    /// Called with a key of exactly this project, or booked on it or on such a key.
    pub project: Option<ProjectId>,
    /// No call takes longer than this; `None`: than any can.
    pub longest: Option<Duration>,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Oldest first, after this line.
    After(i64),
    /// Newest first, before this line.
    Before(i64),
}

/// At most `limit` lines from `place` on.
///
/// # Errors
/// If the database does not answer.
pub fn page(
    connection: &mut SqliteConnection,
    span: &Span,
    place: Place,
    limit: i64,
) -> Result<Vec<ExportLine>, StoreError> {
    let times = (span.from.map(Day::start), span.to.map(Day::end));
    let numbers = place.among(moment::numbers(connection, times, span.longest)?);
    let entries = entries(span, place, numbers).limit(limit).load::<Row>(connection)?;
    let adjustments = adjustments(span, place).limit(limit).load::<AdjustmentRow>(connection)?;
    let lines = entries.into_iter().map(ExportLine::from);
    let mut lines: Vec<_> = lines.chain(adjustments.into_iter().map(ExportLine::from)).collect();
    match place {
        Place::After(_) => lines.sort_by_key(|line| line.seq),
        Place::Before(_) => lines.sort_by_key(|line| std::cmp::Reverse(line.seq)),
    }
    lines.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(lines)
}

type Selected<T> = diesel::dsl::AsSelect<T, Sqlite>;
type Entries = ledger_entries::BoxedQuery<'static, Sqlite, diesel::dsl::SqlTypeOf<Selected<Row>>>;

impl Place {
    /// Those of `numbers` that are on its side.
    fn among(self, Numbers { after, before }: Numbers) -> Numbers {
        match self {
            Self::After(seq) => Numbers { after: after.max(seq), before },
            Self::Before(seq) => Numbers { after, before: before.min(seq) },
        }
    }
}

/// The lines of `span` that have one of `numbers`: without them, a day long ago would be looked for in every line since.
/// One bound on each side, no more: of two, SQLite begins at either, and the other may be millions of lines further on.
fn entries(span: &Span, place: Place, numbers: Numbers) -> Entries {
    let mut query = ledger_entries::table.select(Row::as_select()).into_boxed();
    query = query.filter(ledger_entries::seq.gt(numbers.after)).filter(ledger_entries::seq.lt(numbers.before));
    query = match place {
        Place::After(_) => query.order(ledger_entries::seq.asc()),
        Place::Before(_) => query.order(ledger_entries::seq.desc()),
    };
    if let Some(from) = span.from {
        query = query.filter(ledger_entries::placed_at.ge(from.start().0));
    }
    if let Some(to) = span.to {
        query = query.filter(ledger_entries::placed_at.lt(to.end().0));
    }
    match span.project {
        Some(project) => query.filter(ledger_entries::project_id.eq(project.to_string())),
        None => query,
    }
}

fn adjustments(
    span: &Span,
    place: Place,
) -> ledger_adjustments::BoxedQuery<'static, Sqlite, diesel::dsl::SqlTypeOf<Selected<AdjustmentRow>>> {
    let mut query = ledger_adjustments::table.select(AdjustmentRow::as_select()).into_boxed();
    query = match place {
        Place::After(seq) => query.filter(ledger_adjustments::seq.gt(seq)).order(ledger_adjustments::seq.asc()),
        Place::Before(seq) => query.filter(ledger_adjustments::seq.lt(seq)).order(ledger_adjustments::seq.desc()),
    };
    if let Some(from) = span.from {
        query = query.filter(ledger_adjustments::booked_at.ge(from.start().0));
    }
    if let Some(to) = span.to {
        query = query.filter(ledger_adjustments::booked_at.lt(to.end().0));
    }
    match span.project {
        // The project is the first scope, or the second behind a key, whose id has 36 characters.
        Some(project) => query.filter(
            ledger_adjustments::scopes
                .like(format!("{project}%"))
                .or(ledger_adjustments::scopes.like(format!("key_{} {project}%", "_".repeat(32)))),
        ),
        None => query,
    }
}

impl From<Row> for ExportLine {
    fn from(row: Row) -> Self {
        Self { seq: row.seq, kind: row.kind().to_owned(), columns: row.columns(), hash: row.hash }
    }
}

impl From<AdjustmentRow> for ExportLine {
    fn from(row: AdjustmentRow) -> Self {
        Self { seq: row.seq, kind: spelling::ADJUSTMENT.to_owned(), columns: row.columns(), hash: row.hash }
    }
}

impl ExportLine {
    fn value(&self, column: &str) -> Option<&Value> {
        self.columns.iter().find(|(name, _)| *name == column).map(|(_, value)| value)
    }

    /// A column of picodollars as exact dollars.
    fn dollars(&self, column: &str) -> Option<Money> {
        match self.value(column) {
            Some(Value::Picos(picos)) => Some(Money::from_row(*picos)),
            _ => None,
        }
    }

    fn hash(&self) -> String {
        self.hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Its columns are those of docs/ledger.md.
impl JsonSchema for ExportLine {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LedgerLine".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "properties": { "kind": { "type": "string" }, "hash": { "type": "string", "pattern": "^[0-9a-f]{64}$" } },
            "required": ["kind", "hash"],
        })
    }
}

/// The kind, what the hash covers, the amounts in dollars, the hash.
impl Serialize for ExportLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.value("kind").is_none() {
            map.serialize_entry("kind", &self.kind)?;
        }
        for (name, value) in &self.columns {
            match value {
                Value::Absent => map.serialize_entry(name, &None::<()>)?,
                Value::Text(text) => map.serialize_entry(name, text)?,
                Value::Number(number) => map.serialize_entry(name, number)?,
                Value::Picos(picos) => map.serialize_entry(name, &picos.to_string())?,
            }
        }
        for (name, column) in spelling::DOLLARS {
            if let Some(dollars) = self.dollars(column) {
                map.serialize_entry(name, &dollars)?;
            }
        }
        map.serialize_entry("hash", &self.hash())?;
        map.end()
    }
}

#[cfg(test)]
mod tests;
