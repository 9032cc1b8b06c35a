//! What a batch of lines adds to the latencies. Owns the choice of calls that count: those a provider answered, to the end.
//! One row is read and written for each provider and hour, however many calls the batch has.

use std::collections::HashMap;

use diesel::prelude::*;
use farthing_actors::domain::{CallStatus, Provenance, ProviderId};
use farthing_actors::ledger::entry::{Entry, Line};

use super::{Latencies, hour_of, latencies};
use crate::store::StoreError;
use crate::store::schema::latency_rollups;

/// Latencies by hour and provider.
#[derive(Default)]
pub(in crate::store) struct Timings(HashMap<(i64, ProviderId), Latencies>);

impl Timings {
    /// Adds what `line` tells.
    pub(in crate::store) fn add(&mut self, line: &Line) {
        let Line::Entry(entry) = line else { return };
        let Some(provider) = entry.target.as_ref().map(|target| target.provider).filter(|_| counts(entry)) else {
            return;
        };
        let latencies = self.0.entry((hour_of(entry.call.placed_at.0), provider)).or_default();
        latencies.whole.add(entry.outcome.latency_ms);
        // A whole answer has a first token, too, but nobody waits for it.
        if let Some(ms) = entry.outcome.first_token_ms.filter(|_| entry.call.stream) {
            latencies.first_token.add(ms);
        }
    }

    /// Adds them to the rows.
    pub(in crate::store) fn save(self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        self.0.into_iter().try_for_each(|((hour, provider), latencies)| save(connection, hour, provider, latencies))
    }
}

fn counts(entry: &Entry) -> bool {
    let outcome = &entry.outcome;
    entry.kind.is_call() && outcome.status == CallStatus::Ok && outcome.provenance != Provenance::Cached
}

fn save(
    connection: &mut SqliteConnection,
    hour: i64,
    provider: ProviderId,
    mut sum: Latencies,
) -> Result<(), StoreError> {
    let provider = provider.to_string();
    let columns = (latency_rollups::latency, latency_rollups::first_token);
    let row = latency_rollups::table.find((hour, &provider)).select(columns);
    if let Some((whole, first_token)) = row.first::<(String, String)>(connection).optional()? {
        match latencies(&provider, &whole, &first_token) {
            Ok(kept) => sum.merge(&kept),
            // No money depends on the row: better to lose it than to stop the books.
            Err(error) => log::warn!(provider, hour, error:%; "the latencies of an hour cannot be read and begin anew"),
        }
    }
    // Numbers by numbers, which always have a JSON form.
    let json = |steps| serde_json::to_string(steps).unwrap_or_default();
    let row = (
        (latency_rollups::bucket.eq(hour), latency_rollups::provider_id.eq(&provider)),
        (latency_rollups::latency.eq(json(&sum.whole)), latency_rollups::first_token.eq(json(&sum.first_token))),
    );
    diesel::replace_into(latency_rollups::table).values(row).execute(connection)?;
    Ok(())
}
