//! A row of `usage_rollups` on its way in, and on its way out.
//! Owns the statement that adds to it. Refuses to be written anew for each row, which would be most of its cost.

use diesel::deserialize::{self, QueryableByName};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::row::NamedRow;
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;

use super::figures::{COLUMNS, Figures, WIDTH};

const INSERT: &str = "INSERT INTO usage_rollups (span, bucket, subject, requests, errors, refused, estimated, input, \
                      cache_read, cache_write_5m, cache_write_1h, output, reasoning, \
                      audio_input, audio_output, image_input, image_output, images, audio_ms, \
                      characters, searches, amount, adjusted) VALUES (";

const ON_CONFLICT: &str = ") ON CONFLICT (span, bucket, subject) DO UPDATE SET \
                           requests = requests + excluded.requests, errors = errors + excluded.errors, \
                           refused = refused + excluded.refused, estimated = estimated + excluded.estimated, \
                           input = input + excluded.input, cache_read = cache_read + excluded.cache_read, \
                           cache_write_5m = cache_write_5m + excluded.cache_write_5m, \
                           cache_write_1h = cache_write_1h + excluded.cache_write_1h, output = output + excluded.output, \
                           reasoning = reasoning + excluded.reasoning, audio_input = audio_input + excluded.audio_input, \
                           audio_output = audio_output + excluded.audio_output, \
                           image_input = image_input + excluded.image_input, \
                           image_output = image_output + excluded.image_output, images = images + excluded.images, \
                           audio_ms = audio_ms + excluded.audio_ms, characters = characters + excluded.characters, \
                           searches = searches + excluded.searches, amount = amount + excluded.amount, \
                           adjusted = adjusted + excluded.adjusted";

/// What is added to the row of one bucket and subject.
pub(super) struct Upsert {
    /// The length of the bucket, its first moment, and the subject.
    pub(super) place: [i64; 3],
    /// In the order of the columns.
    pub(super) values: [i64; WIDTH],
}

impl RunQueryDsl<SqliteConnection> for Upsert {}

impl QueryId for Upsert {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Sqlite> for Upsert {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(INSERT);
        for (index, value) in self.place.iter().chain(&self.values).enumerate() {
            out.push_sql(if index == 0 { "" } else { ", " });
            out.push_bind_param::<BigInt, _>(value)?;
        }
        out.push_sql(ON_CONFLICT);
        Ok(())
    }
}

/// A row as it is.
pub(in crate::store) struct Rollup {
    pub(in crate::store) span: i64,
    pub(in crate::store) bucket: i64,
    pub(in crate::store) subject: i64,
    pub(in crate::store) figures: Figures,
}

impl QueryableByName<Sqlite> for Rollup {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Self> {
        let number = |name: &str| NamedRow::get::<BigInt, i64>(row, name);
        Ok(Self {
            span: number("span")?,
            bucket: number("bucket")?,
            subject: number("subject")?,
            figures: figures(&number, |_| None)?,
        })
    }
}

/// Rows of one subject, or of all, summed by the database.
pub(super) struct Summed {
    pub(super) subject: i64,
    pub(super) figures: Figures,
}

impl QueryableByName<Sqlite> for Summed {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Self> {
        let number = |name: &str| NamedRow::get::<BigInt, i64>(row, name);
        let high = |name: &str| {
            (name == "amount").then_some("amount_high").or((name == "adjusted").then_some("adjusted_high"))
        };
        Ok(Self { subject: number("subject")?, figures: figures(&number, high)? })
    }
}

/// The figures of a row; those that `high` names another column for are made of that one's 2³²s and their own ones.
fn figures(
    number: &impl Fn(&str) -> deserialize::Result<i64>,
    high: impl Fn(&str) -> Option<&'static str>,
) -> deserialize::Result<Figures> {
    let mut values = [0; WIDTH];
    for (value, name) in values.iter_mut().zip(COLUMNS) {
        let above = high(name).map_or(Ok(0), number)?;
        *value = i128::from(above) * (1 << 32) + i128::from(number(name)?);
    }
    Ok(Figures::from_values(values))
}

/// The columns of [`Summed`]. Money is summed in two halves, because 64 bits are not enough for it.
pub(super) fn sums() -> String {
    let sum = |name: &str| match name {
        "amount" | "adjusted" => {
            format!("COALESCE(SUM({name} >> 32), 0) AS {name}_high, COALESCE(SUM({name} & 4294967295), 0) AS {name}")
        }
        _ => format!("COALESCE(SUM({name}), 0) AS {name}"),
    };
    COLUMNS.map(sum).join(", ")
}
