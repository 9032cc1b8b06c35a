//! What one provider's lines add up to, for each day in UTC and each model as the provider names it.
//! Owns the sums. Refuses rollups: whoever compares the books with an invoice wants the lines themselves.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use farthing_actors::domain::{Money, ProviderId, Timestamp};

use super::StoreError;
use super::day::Day;
use super::schema::ledger_adjustments;

/// The reason of an adjustment that settles a difference begins with this; then come the day and the model.
pub const RECONCILE: &str = "reconcile ";

/// Of a call that was corrected, only the last correction says what was consumed; money adds up in any case. Money is
/// summed in two parts because 64 bits are not enough for the whole.
const SUMS: &str = "SELECT e.placed_at / 86400000 * 86400000 AS placed_at, e.upstream_model AS model, \
    SUM(CASE WHEN e.kind = 'attempt' OR c.seq IS NULL THEN e.input + e.cache_write_5m + e.cache_write_1h \
      + COALESCE(json_extract(e.units, '$.audio_input'), 0) + COALESCE(json_extract(e.units, '$.image_input'), 0) \
      ELSE 0 END) AS input, \
    SUM(CASE WHEN e.kind = 'attempt' OR c.seq IS NULL THEN e.cache_read ELSE 0 END) AS cached, \
    SUM(CASE WHEN e.kind = 'attempt' OR c.seq IS NULL THEN e.output + e.reasoning \
      + COALESCE(json_extract(e.units, '$.audio_output'), 0) + COALESCE(json_extract(e.units, '$.image_output'), 0) \
      ELSE 0 END) AS output, \
    SUM(e.amount / 1000000) AS micros, SUM(e.amount % 1000000) AS picos \
    FROM ledger_entries e LEFT JOIN ledger_entries c ON c.seq = (SELECT MIN(l.seq) FROM ledger_entries l \
      WHERE l.request_id = e.request_id AND l.kind <> 'call' AND l.kind = 'correction' AND l.seq > e.seq) \
    WHERE e.provider_id = ? AND e.placed_at >= ? AND e.placed_at < ? GROUP BY 1, 2";

/// What one day's calls of one model came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charged {
    /// When they were placed.
    pub day: Day,
    /// The model as the provider names it.
    pub model: String,
    /// Prompt tokens that were not read from a cache.
    pub input: i64,
    /// Prompt tokens that were.
    pub cached: i64,
    /// Generated tokens, reasoning included.
    pub output: i64,
    /// What was booked.
    pub cost: Money,
}

#[derive(QueryableByName)]
struct SumRow {
    #[diesel(sql_type = BigInt)]
    placed_at: i64,
    #[diesel(sql_type = Text)]
    model: String,
    #[diesel(sql_type = BigInt)]
    input: i64,
    #[diesel(sql_type = BigInt)]
    cached: i64,
    #[diesel(sql_type = BigInt)]
    output: i64,
    #[diesel(sql_type = BigInt)]
    micros: i64,
    #[diesel(sql_type = BigInt)]
    picos: i64,
}

/// What `provider` was paid for calls placed from the day `first` to the day `last`, and what adjustments settled.
///
/// # Errors
/// If the database does not answer.
pub fn charged(
    connection: &mut SqliteConnection,
    provider: ProviderId,
    (first, last): (Day, Day),
) -> Result<Vec<Charged>, StoreError> {
    let query = diesel::sql_query(SUMS).bind::<Text, _>(provider.to_string());
    let query = query.bind::<BigInt, _>(first.start().0).bind::<BigInt, _>(last.end().0);
    let calls = query.load::<SumRow>(connection)?.into_iter().map(Charged::from);
    let adjustments = ledger_adjustments::table
        .filter(ledger_adjustments::provider_id.eq(provider.to_string()))
        .filter(ledger_adjustments::reason.like(format!("{RECONCILE}%")))
        .select((ledger_adjustments::reason, ledger_adjustments::amount))
        .load::<(String, i64)>(connection)?;
    let settled = adjustments.into_iter().filter_map(|(reason, amount)| settled(&reason, Money::from_row(amount)));
    Ok(calls.chain(settled.filter(|settled| (first..=last).contains(&settled.day))).collect())
}

/// What an adjustment settled; `None` if its reason is not that of a proposal.
fn settled(reason: &str, cost: Money) -> Option<Charged> {
    let (day, model) = reason.strip_prefix(RECONCILE)?.split_once(' ')?;
    Some(Charged { day: day.parse().ok()?, model: model.to_owned(), input: 0, cached: 0, output: 0, cost })
}

impl From<SumRow> for Charged {
    fn from(row: SumRow) -> Self {
        let cost = Money::from_picos(i128::from(row.micros) * 1_000_000 + i128::from(row.picos));
        let (input, cached, output) = (row.input, row.cached, row.output);
        Self { day: Day::of(Timestamp(row.placed_at)), model: row.model, input, cached, output, cost }
    }
}
