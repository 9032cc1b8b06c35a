//! The tables `revoked_tokens`, the tokens that were taken back before their time was over, and `key_tokens`, those that end
//! after a number of requests. Owns that neither outgrows what is live. Refuses the tokens themselves: they are here by id only.

use diesel::prelude::*;
use farthing_actors::domain::{Timestamp, TokenId};

use super::StoreError;
use super::columns::Row;
use super::schema::revoked_tokens;

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
