//! The tables `sessions`, `familiar_networks` and `sign_in_failures`, and the sessions actor's port over them and `users`.
//! Owns the spelling of a session in a row. Refuses tokens and passwords: both are here by their hashes only.

use std::net::IpAddr;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use farthing_actors::domain::{Event, Timestamp, UserId};
use farthing_actors::error::{LoadError, SaveError};
use farthing_actors::sessions::{Change, Failure, Seen, Session, SessionDigest, SessionsStore, Stored, TokenMark};

use super::audit::Trail;
use super::columns::Row;
use super::schema::people::{familiar_networks, sessions, sign_in_failures};
use super::{Store, StoreError, users};

#[cfg(test)]
mod tests;

/// The sessions actor's port.
pub struct SessionsTables {
    /// Where the tables are.
    pub store: Arc<Store>,
    /// Where changes go on record.
    pub trail: Arc<Trail>,
}

impl SessionsStore for SessionsTables {
    fn load(&self) -> Result<Stored, LoadError> {
        Ok(self.store.read(|connection| {
            Ok(Stored {
                users: users::load(connection)?,
                sessions: load(connection)?,
                failures: failures(connection)?,
                familiar: familiar(connection)?,
            })
        })?)
    }

    fn save(&self, change: &Change, event: Option<&Event>) -> Result<(), SaveError> {
        let work = |connection: &mut SqliteConnection| write(connection, change);
        match event {
            Some(event) => self.trail.change(event, work)?,
            None => self.store.change(work)?,
        }
        Ok(())
    }
}

/// Writes a change as the table of the actor makes it.
fn write(connection: &mut SqliteConnection, change: &Change) -> Result<(), StoreError> {
    if let Some(user) = &change.user {
        users::save(connection, user)?;
    }
    for id in &change.ended {
        diesel::delete(sessions::table.find(id.to_string())).execute(connection)?;
    }
    if let Some(session) = &change.session {
        let row = SessionRow::from(session);
        let insert = diesel::insert_into(sessions::table).values(&row);
        insert.on_conflict(sessions::id).do_update().set(&row).execute(connection)?;
    }
    write_guesses(connection, change)?;
    change.removed.map_or(Ok(()), |id| users::remove(connection, id))
}

fn write_guesses(connection: &mut SqliteConnection, change: &Change) -> Result<(), StoreError> {
    if let Some(failure) = &change.failed {
        let row = FailureRow::from(failure);
        diesel::insert_into(sign_in_failures::table).values(row).execute(connection)?;
    }
    if let Some(failure) = &change.feigned {
        feign(connection, failure)?;
    }
    if let Some((user, network)) = &change.forgiven {
        let of_user = sign_in_failures::user_id.eq(user.to_string());
        match network {
            Some(network) => {
                let from = of_user.and(sign_in_failures::network.eq(network.to_string()));
                diesel::delete(sign_in_failures::table.filter(from)).execute(connection)?
            }
            None => diesel::delete(sign_in_failures::table.filter(of_user)).execute(connection)?,
        };
    }
    if let Some((user, network, at)) = &change.familiar {
        let row = FamiliarRow { user_id: user.to_string(), network: network.to_string(), last_at: at.0 };
        diesel::replace_into(familiar_networks::table).values(row).execute(connection)?;
    }
    if let Some((failures, networks)) = change.forgotten {
        diesel::delete(sign_in_failures::table.filter(sign_in_failures::at.lt(failures.0))).execute(connection)?;
        let old = familiar_networks::last_at.lt(networks.0);
        diesel::delete(familiar_networks::table.filter(old)).execute(connection)?;
    }
    Ok(())
}

/// Writes a guess and takes it out again: the same pages go to the disk as for one that stays. That there is no such account matters
/// only to what is there when the transaction ends.
fn feign(connection: &mut SqliteConnection, failure: &Failure) -> Result<(), StoreError> {
    connection.batch_execute("PRAGMA defer_foreign_keys = ON")?;
    diesel::insert_into(sign_in_failures::table).values(FailureRow::from(failure)).execute(connection)?;
    diesel::sql_query("DELETE FROM sign_in_failures WHERE id = last_insert_rowid()").execute(connection)?;
    Ok(())
}

/// One row, as read and as written.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = sessions, treat_none_as_null = true)]
struct SessionRow {
    id: String,
    user_id: Option<String>,
    digest: Vec<u8>,
    former_digest: Option<Vec<u8>>,
    former_until: Option<i64>,
    agent: String,
    address: Option<String>,
    created_at: i64,
    issued_at: i64,
    seen_at: i64,
    expires_at: i64,
    ends_at: i64,
    opened_by: Option<Vec<u8>>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = familiar_networks)]
struct FamiliarRow {
    user_id: String,
    network: String,
    last_at: i64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sign_in_failures)]
struct FailureRow {
    user_id: String,
    network: String,
    familiar: bool,
    at: i64,
}

fn load(connection: &mut SqliteConnection) -> Result<Vec<Session>, StoreError> {
    let rows = sessions::table.select(SessionRow::as_select()).order(sessions::id).load(connection)?;
    rows.into_iter().map(SessionRow::into_session).collect()
}

fn failures(connection: &mut SqliteConnection) -> Result<Vec<Failure>, StoreError> {
    let rows: Vec<FailureRow> = sign_in_failures::table.select(FailureRow::as_select()).load(connection)?;
    let read = |row: FailureRow| {
        let place = Row { table: "sign_in_failures", id: &row.user_id };
        let (user, network) = (place.parse("user_id", &row.user_id)?, place.parse("network", &row.network)?);
        Ok(Failure { user, network, familiar: row.familiar, at: Timestamp(row.at) })
    };
    rows.into_iter().map(read).collect()
}

fn familiar(connection: &mut SqliteConnection) -> Result<Vec<(UserId, IpAddr, Timestamp)>, StoreError> {
    let rows: Vec<FamiliarRow> = familiar_networks::table.select(FamiliarRow::as_select()).load(connection)?;
    let read = |row: FamiliarRow| {
        let place = Row { table: "familiar_networks", id: &row.user_id };
        Ok((place.parse("user_id", &row.user_id)?, place.parse("network", &row.network)?, Timestamp(row.last_at)))
    };
    rows.into_iter().map(read).collect()
}

impl From<&Failure> for FailureRow {
    fn from(failure: &Failure) -> Self {
        Self {
            user_id: failure.user.to_string(),
            network: failure.network.to_string(),
            familiar: failure.familiar,
            at: failure.at.0,
        }
    }
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.to_string(),
            user_id: session.user.map(|user| user.to_string()),
            digest: session.digest.to_vec(),
            former_digest: session.former.map(|(digest, _)| digest.to_vec()),
            former_until: session.former.map(|(_, until)| until.0),
            agent: session.seen.agent.to_string(),
            address: session.seen.address.map(|address| address.to_string()),
            created_at: session.created_at.0,
            issued_at: session.issued_at.0,
            seen_at: session.seen_at.0,
            expires_at: session.expires_at.0,
            ends_at: session.ends_at.0,
            opened_by: session.opened_by.map(|mark| mark.to_vec()),
        }
    }
}

impl SessionRow {
    fn into_session(self) -> Result<Session, StoreError> {
        let row = Row { table: "sessions", id: &self.id };
        let digest = |column: &str, bytes: Vec<u8>| {
            SessionDigest::try_from(bytes).map_err(|_| row.damaged(column, "a digest has 32 bytes"))
        };
        let former = self.former_digest.map(|bytes| digest("former_digest", bytes)).transpose()?;
        let mark =
            |bytes: Vec<u8>| TokenMark::try_from(bytes).map_err(|_| row.damaged("opened_by", "a mark has 8 bytes"));
        let address = self.address.as_deref().map(|address| row.parse("address", address)).transpose()?;
        Ok(Session {
            id: row.parse("id", &self.id)?,
            user: self.user_id.as_deref().map(|user| row.parse("user_id", user)).transpose()?,
            digest: digest("digest", self.digest)?,
            former: former.zip(self.former_until.map(Timestamp)),
            seen: Seen { agent: self.agent.into(), address },
            created_at: Timestamp(self.created_at),
            issued_at: Timestamp(self.issued_at),
            seen_at: Timestamp(self.seen_at),
            expires_at: Timestamp(self.expires_at),
            ends_at: Timestamp(self.ends_at),
            opened_by: self.opened_by.map(mark).transpose()?,
        })
    }
}
