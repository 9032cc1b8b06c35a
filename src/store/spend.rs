//! Spend: what each account was charged, in rows of a quarter of an hour.
//! Owns where a row begins and how rows are summed. Refuses sums in the database: 64 bits are not enough for them.

use std::fmt::Display;

use diesel::dsl::max;
use diesel::prelude::*;

use super::StoreError;
use super::schema::spend;
use farthing_actors::domain::{Money, RunId, Timestamp};

/// The length of a row's span: every time zone's offset in use is a multiple of it, so every window is whole rows.
const QUARTER_MS: i64 = 15 * 60 * 1_000;

/// What `account` (the text of a scope or a provider's id) was charged for calls placed at or after `since`.
/// A `since` inside a quarter of an hour counts all of that quarter: at worst too much, never too little.
///
/// # Errors
/// If the database does not answer.
pub fn spent(connection: &mut SqliteConnection, account: &str, since: Timestamp) -> Result<Money, StoreError> {
    let rows = spend::table
        .filter(spend::account.eq(account))
        .filter(spend::bucket.ge(bucket_of(since)))
        .select(spend::amount)
        .load_iter::<i64, _>(connection)?;
    let mut total = Money::ZERO;
    for amount in rows {
        total += Money::from_row(amount?);
    }
    Ok(total)
}

/// How many requests of `account` were admitted, ever.
///
/// # Errors
/// If the database does not answer.
pub fn calls(connection: &mut SqliteConnection, account: &str) -> Result<u64, StoreError> {
    let of_account = spend::table.filter(spend::account.eq(account)).select(spend::calls);
    let mut total = 0_u64;
    for calls in of_account.load_iter::<i64, _>(connection)? {
        total = total.saturating_add(u64::try_from(calls?).unwrap_or(0));
    }
    Ok(total)
}

/// Runs that were charged at or after `since`, each with all it was ever charged.
///
/// # Errors
/// If the database does not answer, or a row is damaged.
pub fn runs(connection: &mut SqliteConnection, since: Timestamp) -> Result<Vec<(RunId, Money)>, StoreError> {
    // The ids of runs lie between these two texts.
    let runs = spend::account.ge("run_").and(spend::account.lt("run`"));
    let recent = spend::table.filter(runs).filter(spend::bucket.ge(bucket_of(since))).select(spend::account).distinct();
    let accounts: Vec<String> = recent.load(connection)?;
    let spent = accounts.into_iter().map(|account| {
        let run = account.parse().map_err(|error| damaged(&account, &error))?;
        Ok((run, spent(connection, &account, Timestamp(i64::MIN))?))
    });
    spent.collect()
}

/// The beginning of the latest quarter of an hour in which anything was charged.
///
/// # Errors
/// If the database does not answer.
pub fn latest(connection: &mut SqliteConnection) -> Result<Option<Timestamp>, StoreError> {
    let of_each = spend::table.group_by(spend::account).select(max(spend::bucket));
    let latest: Vec<Option<i64>> = of_each.load(connection)?;
    Ok(latest.into_iter().flatten().max().map(Timestamp))
}

fn damaged(account: &str, reason: &dyn Display) -> StoreError {
    StoreError::Damaged { row: format!("spend {account}"), reason: reason.to_string() }
}

/// The first moment of the row that `time` falls into.
pub(super) fn bucket_of(time: Timestamp) -> i64 {
    time.0.div_euclid(QUARTER_MS).checked_mul(QUARTER_MS).unwrap_or(i64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_begin_at_quarters_of_an_hour() {
        assert_eq!(bucket_of(Timestamp(0)), 0);
        assert_eq!(bucket_of(Timestamp(QUARTER_MS - 1)), 0);
        assert_eq!(bucket_of(Timestamp(QUARTER_MS)), QUARTER_MS);
        assert_eq!(bucket_of(Timestamp(-1)), -QUARTER_MS);
        assert_eq!(bucket_of(Timestamp(i64::MIN)), i64::MIN);
    }
}
