//! The table `provider_credits`: what was paid to providers in advance, and what is left of it.
//! Owns the arithmetic over the provider's rollup. Refuses to stop a call: credit is watched, not enforced.

use diesel::prelude::*;
use farthing_actors::domain::{Money, ProviderId, Timestamp};

use super::columns::Row;
use super::schema::provider_credits;
use super::{StoreError, spend};

/// Calls placed before a credit was set may settle after it, into earlier rows of the rollup: never so late.
const LOOK_BACK_MS: i64 = 24 * 3_600 * 1_000;

/// A provider's credit and what was spent of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// Whose.
    pub provider: ProviderId,
    /// What there was when it was set.
    pub set: Money,
    /// What was spent since; negative where more was given back than spent.
    pub spent: Money,
    /// Below which remainder operators are warned.
    pub low: Option<Money>,
    /// When it was set.
    pub set_at: Timestamp,
    /// Whether they were warned.
    pub warned: bool,
}

impl Credit {
    /// What is left; negative where more was spent than there was.
    pub fn remaining(&self) -> Money {
        self.set - self.spent
    }

    /// Whether less is left than should be.
    pub fn is_low(&self) -> bool {
        self.low.is_some_and(|low| self.remaining() < low)
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = provider_credits, treat_none_as_null = true)]
struct CreditRow {
    provider_id: String,
    credit: String,
    low: Option<String>,
    spent_before: String,
    set_at: i64,
    warned: bool,
}

/// Every credit.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn load(connection: &mut SqliteConnection) -> Result<Vec<Credit>, StoreError> {
    let rows = provider_credits::table.select(CreditRow::as_select()).order(provider_credits::provider_id);
    rows.load(connection)?.into_iter().map(|row| row.into_credit(connection)).collect()
}

/// Gives `provider` a credit as of `now`, instead of the one it had.
///
/// # Errors
/// If the database refuses it.
pub fn set(
    connection: &mut SqliteConnection,
    provider: ProviderId,
    (credit, low): (Money, Option<Money>),
    now: Timestamp,
) -> Result<(), StoreError> {
    let provider_id = provider.to_string();
    let row = CreditRow {
        credit: credit.to_string(),
        low: low.map(|low| low.to_string()),
        spent_before: spent_since(connection, &provider_id, now.0)?.to_string(),
        set_at: now.0,
        warned: false,
        provider_id,
    };
    let insert = diesel::insert_into(provider_credits::table).values(&row);
    insert.on_conflict(provider_credits::provider_id).do_update().set(&row).execute(connection)?;
    Ok(())
}

/// Changes below which remainder operators are warned, which they are again then.
///
/// # Errors
/// If the database refuses it.
pub fn set_low(connection: &mut SqliteConnection, provider: ProviderId, low: Option<Money>) -> Result<(), StoreError> {
    let change = (provider_credits::low.eq(low.map(|low| low.to_string())), provider_credits::warned.eq(false));
    diesel::update(provider_credits::table.find(provider.to_string())).set(change).execute(connection)?;
    Ok(())
}

/// Notes that operators were warned.
///
/// # Errors
/// If the database refuses it.
pub fn warned(connection: &mut SqliteConnection, provider: ProviderId) -> Result<(), StoreError> {
    let row = provider_credits::table.find(provider.to_string());
    diesel::update(row).set(provider_credits::warned.eq(true)).execute(connection)?;
    Ok(())
}

/// Forgets the credit of `provider`.
///
/// # Errors
/// If the database refuses it.
pub fn remove(connection: &mut SqliteConnection, provider: ProviderId) -> Result<(), StoreError> {
    diesel::delete(provider_credits::table.find(provider.to_string())).execute(connection)?;
    Ok(())
}

fn spent_since(connection: &mut SqliteConnection, account: &str, set_at: i64) -> Result<Money, StoreError> {
    spend::spent(connection, account, Timestamp(set_at.saturating_sub(LOOK_BACK_MS)))
}

impl CreditRow {
    fn into_credit(self, connection: &mut SqliteConnection) -> Result<Credit, StoreError> {
        let row = Row { table: "provider_credits", id: &self.provider_id };
        let before: Money = row.parse("spent_before", &self.spent_before)?;
        Ok(Credit {
            provider: row.parse("provider_id", &self.provider_id)?,
            set: row.parse("credit", &self.credit)?,
            spent: spent_since(connection, &self.provider_id, self.set_at)? - before,
            low: self.low.as_deref().map(|low| row.parse("low", low)).transpose()?,
            set_at: Timestamp(self.set_at),
            warned: self.warned,
        })
    }
}
