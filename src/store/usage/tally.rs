//! The tally: what a batch of lines adds to the usage rollups. Owns the sums before they are written, so that a busy
//! subject is one row to change for a batch, not hundreds.

use std::collections::HashMap;

use diesel::prelude::*;
use farthing_actors::domain::{LineKind, Usage};
use farthing_actors::ledger::entry::Line;

use super::figures::{Figures, WIDTH};
use super::span::Span;
use super::subject::{EVERYBODY, Numbers, Subject};
use super::upsert::Upsert;
use crate::store::StoreError;
use crate::store::entries::latest_usage;

/// Sums by subject and quarter of an hour.
#[derive(Default)]
pub(in crate::store) struct Tally(HashMap<(Subject, i64), Figures>);

impl Tally {
    /// Adds the line `seq`, whose row is written already, as are those of every line before it.
    pub(in crate::store) fn add(
        &mut self,
        connection: &mut SqliteConnection,
        seq: i64,
        line: &Line,
    ) -> Result<(), StoreError> {
        let before = match line {
            Line::Entry(entry) if entry.kind == LineKind::Correction => {
                latest_usage(connection, entry.call.request, seq)?
            }
            _ => Usage::default(),
        };
        let bucket = Span::Quarter.containing(line.placed_at().0);
        *self.0.entry((Subject::of(line), bucket)).or_default() += Figures::of(line, &before);
        Ok(())
    }

    /// Writes the sums.
    pub(in crate::store) fn save(
        &self,
        connection: &mut SqliteConnection,
        numbers: &mut Numbers,
    ) -> Result<(), StoreError> {
        let mut rows: HashMap<[i64; 3], Figures> = HashMap::new();
        for ((subject, quarter), figures) in &self.0 {
            let number = numbers.of(connection, subject)?;
            for (subject, span) in
                [number, EVERYBODY].into_iter().flat_map(|subject| Span::ALL.map(|span| (subject, span)))
            {
                *rows.entry([span.millis(), span.containing(*quarter), subject]).or_default() += *figures;
            }
        }
        rows.iter().try_for_each(|(place, figures)| upsert(connection, *place, figures))
    }
}

fn upsert(connection: &mut SqliteConnection, place: [i64; 3], figures: &Figures) -> Result<(), StoreError> {
    let mut row = Upsert { place, values: [0; WIDTH] };
    for (value, figure) in row.values.iter_mut().zip(figures.values()) {
        *value = i64::try_from(figure).map_err(|_| beyond_64_bits(place))?;
    }
    row.execute(connection)?;
    Ok(())
}

fn beyond_64_bits(place: [i64; 3]) -> StoreError {
    let reason = "a figure of one batch does not fit".to_owned();
    StoreError::Damaged { row: format!("usage_rollups {place:?}"), reason }
}
