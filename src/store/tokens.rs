//! The tables `revoked_tokens`, the tokens that were taken back before their time was over, and `key_tokens`, those that end
//! after a number of requests. Owns that neither outgrows what is live. Refuses the tokens themselves: they are here by id only.

use diesel::prelude::*;
use farthing_actors::domain::{KeyId, Timestamp, TokenId};

use super::StoreError;
use super::columns::{Row, signed};
use super::schema::{key_tokens, revoked_tokens};

/// Every token that was taken back, and when its own time is over.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn revoked(connection: &mut SqliteConnection) -> Result<Vec<(TokenId, Timestamp)>, StoreError> {
    let rows = revoked_tokens::table.select((revoked_tokens::jti, revoked_tokens::until));
    let rows: Vec<(String, i64)> = rows.load(connection)?;
    let tokens = rows.into_iter().map(|(jti, until)| {
        let row = Row { table: "revoked_tokens", id: &jti };
        Ok((row.parse("jti", &jti)?, Timestamp(until)))
    });
    tokens.collect()
}

/// Takes a token back that is over `until` then at the latest, and forgets those that are over now.
///
/// # Errors
/// If the database refuses it.
pub fn revoke(
    connection: &mut SqliteConnection,
    token: TokenId,
    (until, at): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    diesel::delete(revoked_tokens::table.filter(revoked_tokens::until.le(at.0))).execute(connection)?;
    let row = (
        revoked_tokens::jti.eq(token.to_string()),
        revoked_tokens::until.eq(until.0),
        revoked_tokens::revoked_at.eq(at.0),
    );
    let insert = diesel::insert_into(revoked_tokens::table).values(row);
    insert.on_conflict(revoked_tokens::jti).do_update().set(revoked_tokens::until.eq(until.0)).execute(connection)?;
    Ok(())
}

/// A token that ends after a number of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Which.
    pub token: TokenId,
    /// The key it calls with.
    pub key: KeyId,
    /// When its own time is over.
    pub until: Timestamp,
    /// How many requests it may have.
    pub most: u64,
    /// How many it had.
    pub used: u64,
}

/// Every token that counts.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn counted(connection: &mut SqliteConnection) -> Result<Vec<Counted>, StoreError> {
    let rows: Vec<(String, String, i64, i64, i64)> = key_tokens::table.load(connection)?;
    let counted = rows.into_iter().map(|(jti, key, until, most, used)| {
        let row = Row { table: "key_tokens", id: &jti };
        Ok(Counted {
            token: row.parse("jti", &jti)?,
            key: row.parse("key_id", &key)?,
            until: Timestamp(until),
            most: row.number("max_requests", most)?,
            used: row.number("used", used)?,
        })
    });
    counted.collect()
}

/// Writes a token that counts.
///
/// # Errors
/// If the database refuses it.
pub fn count(connection: &mut SqliteConnection, counted: &Counted) -> Result<(), StoreError> {
    let row = (
        key_tokens::jti.eq(counted.token.to_string()),
        key_tokens::key_id.eq(counted.key.to_string()),
        key_tokens::until.eq(counted.until.0),
        key_tokens::max_requests.eq(signed(counted.most)),
        key_tokens::used.eq(signed(counted.used)),
    );
    diesel::insert_into(key_tokens::table).values(row).execute(connection)?;
    Ok(())
}

/// Writes how many requests tokens had, and removes those that are over `now`.
///
/// # Errors
/// If the database refuses it.
pub fn save_counts(
    connection: &mut SqliteConnection,
    counts: &[(TokenId, u64)],
    now: Timestamp,
) -> Result<(), StoreError> {
    for (token, used) in counts {
        let row = key_tokens::table.find(token.to_string());
        diesel::update(row).set(key_tokens::used.eq(signed(*used))).execute(connection)?;
    }
    diesel::delete(key_tokens::table.filter(key_tokens::until.le(now.0))).execute(connection)?;
    Ok(())
}
