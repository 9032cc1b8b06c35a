//! Spend: what each account was charged, in rows of a quarter of an hour.
//! Owns where a row begins and how rows are summed. Refuses sums in the database: 64 bits are not enough for them.

use diesel::prelude::*;

use super::StoreError;
use super::schema::spend;
use farthing_actors::domain::{Money, Timestamp};

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
