//! Moments: which lines were booked around a moment, found without an index on time, which every call would pay for.
//! Owns the search, and how far a line may be from its moment. Refuses to be exact: whoever asks compares the lines' own times.
//!
//! Lines are numbered in the order they are booked, and the ledger stamps `closed_at` when it books one, so it rises with
//! `seq` but for steps of the clock ([`CLOCK`]). A call placed at a moment is booked no sooner, and no later than the longest
//! call takes. After a crash it is booked at the next start, whenever that is; but then nothing was booked meanwhile, and
//! these lines are the first after the pause ([`REOPENED`]).

use std::time::Duration;

use diesel::prelude::*;
use farthing_actors::domain::Timestamp;

use super::StoreError;
use super::schema::ledger_entries;

/// How far a clock that is set may step back.
const CLOCK: Duration = Duration::from_secs(5 * 60);
/// The most numbers that the calls open at a crash take at the next start.
const REOPENED: i64 = 10_000;
/// Longer than any call can take: three attempts of a day each, the most that may be set, and an hour.
const LONGEST: Duration = Duration::from_secs(73 * 60 * 60);

/// Numbers of lines: greater than `after`, less than `before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) after: i64,
    pub(super) before: i64,
}

/// Among which numbers everything is that was placed from `from` to before `to`. No call takes longer than `longest`;
/// without it, than any call can.
pub(super) fn numbers(
    connection: &mut SqliteConnection,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    longest: Option<Duration>,
) -> Result<Numbers, StoreError> {
    let mut numbers = Numbers { after: 0, before: i64::MAX };
    if let Some(from) = from {
        numbers.after = around(connection, from.before(CLOCK))?.0;
    }
    if let Some(to) = to {
        let next = around(connection, to.plus(longest.unwrap_or(LONGEST)).plus(CLOCK))?.1;
        numbers.before = next.saturating_add(REOPENED);
    }
    Ok(numbers)
}

/// The last line booked before `moment`, or 0; and the one that follows it, or the largest number.
fn around(connection: &mut SqliteConnection, moment: Timestamp) -> Result<(i64, i64), StoreError> {
    let last: Option<i64> = ledger_entries::table.select(diesel::dsl::max(ledger_entries::seq)).first(connection)?;
    let (mut before, mut beyond, mut next) = (0, last.map_or(0, |last| last.saturating_add(1)), i64::MAX);
    // Each step halves what is between them.
    while beyond.saturating_sub(before) > 1 {
        let middle = before.midpoint(beyond);
        match from_on(connection, middle)? {
            Some((seq, closed_at)) if closed_at < moment.0 => before = seq,
            Some((seq, _)) => (beyond, next) = (middle, next.min(seq)),
            None => beyond = middle,
        }
    }
    Ok((before, next))
}

/// The first line from this number on: its number, and when it was booked.
fn from_on(connection: &mut SqliteConnection, seq: i64) -> Result<Option<(i64, i64)>, StoreError> {
    let lines = ledger_entries::table.filter(ledger_entries::seq.ge(seq)).order(ledger_entries::seq);
    Ok(lines.select((ledger_entries::seq, ledger_entries::closed_at)).first(connection).optional()?)
}

#[cfg(test)]
mod tests;
