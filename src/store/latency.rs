//! Latencies: how long calls took, by provider and hour, as counts in steps that grow with the time.
//! Owns the table and its reading. Refuses projects and keys: their percentiles would be a row for each of them.

pub mod steps;
pub(super) mod tally;

use std::collections::BTreeMap;

use diesel::prelude::*;
use farthing_actors::domain::ProviderId;
use farthing_actors::domain::clock::HOUR_MS;

pub use steps::Steps;

use super::StoreError;
use super::columns::Row;
use super::schema::latency_rollups;
use super::usage::Range;

/// How long calls took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latencies {
    /// From when they were taken in until their last byte.
    pub whole: Steps,
    /// Until their first token, of those that were streamed.
    pub first_token: Steps,
}

impl Latencies {
    /// Adds those of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.whole.merge(&other.whole);
        self.first_token.merge(&other.first_token);
    }
}

/// How long calls took in each of `points`, which follow one another, by the ids of their providers; or at `provider` alone.
/// An hour belongs to the point that its first moment is in, or to the first.
///
/// # Errors
/// If the database does not answer, or a row is damaged.
pub fn read(
    connection: &mut SqliteConnection,
    points: &[Range],
    provider: Option<ProviderId>,
) -> Result<Vec<BTreeMap<String, Latencies>>, StoreError> {
    let mut sums = vec![BTreeMap::new(); points.len()];
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(sums) };
    let mut rows = latency_rollups::table
        .filter(latency_rollups::bucket.ge(hour_of(first.from.0)))
        .filter(latency_rollups::bucket.lt(last.to.0))
        .into_boxed();
    if let Some(provider) = provider {
        rows = rows.filter(latency_rollups::provider_id.eq(provider.to_string()));
    }
    for (bucket, provider, whole, first_token) in rows.load::<(i64, String, String, String)>(connection)? {
        let latencies = latencies(&provider, &whole, &first_token)?;
        let point = points.partition_point(|point| point.from.0 <= bucket).saturating_sub(1);
        if let Some(sums) = sums.get_mut(point) {
            sums.entry(provider).or_insert_with(Latencies::default).merge(&latencies);
        }
    }
    Ok(sums)
}

fn latencies(provider: &str, whole: &str, first_token: &str) -> Result<Latencies, StoreError> {
    let row = Row { table: "latency_rollups", id: provider };
    Ok(Latencies { whole: row.json("latency", whole)?, first_token: row.json("first_token", first_token)? })
}

/// The first moment of the hour that `moment` is in.
fn hour_of(moment: i64) -> i64 {
    moment.div_euclid(HOUR_MS).saturating_mul(HOUR_MS)
}

#[cfg(test)]
mod tests;
