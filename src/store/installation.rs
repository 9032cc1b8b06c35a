//! The tables `installation` and `kept_keys`: which master key the database is sealed under, how often it was restored, and the
//! keys that outlive a master key. Owns their spelling. Refuses to open anything: what is sealed goes in and out as it is.

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};
use farthing_actors::domain::Timestamp;

use super::StoreError;
use super::schema::{audit_state, installation, kept_keys, virtual_keys};

/// The one row.
const ID: i64 = 1;

/// A name, and what is sealed under it.
type KeptRow = (String, Vec<u8>);

/// An installation.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = installation)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
pub struct Installation {
    /// The id of the master key that everything is sealed under, or was before a change that is not finished.
    pub key_id: Vec<u8>,
    /// What only that key makes.
    pub check_value: Vec<u8>,
    /// 1, and a larger one each time it is restored.
    pub generation: i64,
    /// When it began to be one, in Unix milliseconds.
    pub created_at: i64,
}

/// How many rows are sealed under one master key.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Sealed {
    /// Which one; whatever stands there, if it is no id.
    #[diesel(sql_type = Binary)]
    pub key_id: Vec<u8>,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
}

/// What is sealed under which master key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census {
    /// The installation's own word; `None` before there is one.
    pub installation: Option<Vec<u8>>,
    /// Providers' keys.
    pub providers: Vec<Sealed>,
    /// Answers kept for idempotency keys.
    pub answers: Vec<Sealed>,
    /// Keys that outlive a master key.
    pub kept_keys: Vec<Sealed>,
}

impl Installation {
    /// A new one.
    pub fn new(key_id: [u8; 8], check_value: [u8; 32], now: Timestamp) -> Self {
        Self { key_id: key_id.to_vec(), check_value: check_value.to_vec(), generation: 1, created_at: now.0 }
    }
}

/// The installation with its kept keys; `None` in a database from before there were any.
///
/// # Errors
/// If the database does not answer.
pub fn find(connection: &mut SqliteConnection) -> Result<Option<(Installation, Vec<KeptRow>)>, StoreError> {
    let found = installation::table.find(ID).select(Installation::as_select()).first(connection).optional()?;
    found.map(|found| Ok((found, kept(connection)?))).transpose()
}

/// The kept keys, sealed.
///
/// # Errors
/// If the database does not answer.
pub fn kept(connection: &mut SqliteConnection) -> Result<Vec<KeptRow>, StoreError> {
    Ok(kept_keys::table.order(kept_keys::name).select((kept_keys::name, kept_keys::sealed)).load(connection)?)
}

/// Whether there are virtual keys, and whether there is an audit trail: made before keys were kept, if nothing is founded yet.
///
/// # Errors
/// If the database does not answer.
pub fn heritage(connection: &mut SqliteConnection) -> Result<(bool, bool), StoreError> {
    let keys: i64 = virtual_keys::table.select(count_star()).first(connection)?;
    let trails: i64 = audit_state::table.select(count_star()).first(connection)?;
    Ok((keys > 0, trails > 0))
}

/// Writes the installation and its kept keys.
///
/// # Errors
/// If the database does not answer, or there is an installation already.
pub fn found(connection: &mut SqliteConnection, founded: &Installation, rows: &[KeptRow]) -> Result<(), StoreError> {
    diesel::insert_into(installation::table).values((installation::id.eq(ID), founded)).execute(connection)?;
    keep(connection, rows)
}

/// Writes the kept keys, in place of those with their names.
///
/// # Errors
/// If the database does not answer.
pub fn keep(connection: &mut SqliteConnection, rows: &[KeptRow]) -> Result<(), StoreError> {
    for (name, sealed) in rows {
        let row = (kept_keys::name.eq(name), kept_keys::sealed.eq(sealed));
        diesel::replace_into(kept_keys::table).values(row).execute(connection)?;
    }
    Ok(())
}

/// The master key has changed: everything is sealed under this one.
///
/// # Errors
/// If the database does not answer.
pub fn rekeyed(connection: &mut SqliteConnection, key_id: [u8; 8], check_value: [u8; 32]) -> Result<(), StoreError> {
    let now = (installation::key_id.eq(&key_id[..]), installation::check_value.eq(&check_value[..]));
    diesel::update(installation::table.find(ID)).set(now).execute(connection)?;
    Ok(())
}

/// The database is a restored one, in another generation.
///
/// # Errors
/// If the database does not answer.
pub fn restored(connection: &mut SqliteConnection, generation: i64) -> Result<(), StoreError> {
    diesel::update(installation::table.find(ID)).set(installation::generation.eq(generation)).execute(connection)?;
    Ok(())
}

/// Counts what is sealed under which master key: an envelope names it after its first byte.
///
/// # Errors
/// If the database does not answer.
pub fn census(connection: &mut SqliteConnection) -> Result<Census, StoreError> {
    connection.transaction(|connection| {
        let own = installation::table.find(ID).select(installation::key_id).first(connection).optional()?;
        let mut count = |table: &str, column: &str| {
            let query = format!(
                "SELECT substr({column}, 2, 8) AS key_id, count(*) AS rows FROM {table} WHERE {column} IS NOT NULL GROUP BY 1"
            );
            diesel::sql_query(query).load(connection)
        };
        Ok(Census {
            installation: own,
            providers: count("providers", "api_key_sealed")?,
            answers: count("idempotency_keys", "body")?,
            kept_keys: count("kept_keys", "sealed")?,
        })
    })
}

#[derive(QueryableByName)]
struct Older {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    rows: i64,
}

/// How many secrets are sealed under another master key than the one with this id. Kept answers, of which there may be millions, count
/// only while the installation's own word is under another: that goes over last.
///
/// # Errors
/// If the database does not answer.
pub fn older(connection: &mut SqliteConnection, key_id: [u8; 8]) -> Result<i64, StoreError> {
    let own: Option<Vec<u8>> =
        installation::table.find(ID).select(installation::key_id).first(connection).optional()?;
    let is_going_over = own.is_some_and(|own| own != key_id);
    let tables = [("providers", "api_key_sealed"), ("kept_keys", "sealed"), ("idempotency_keys", "body")];
    let mut sum = 0_i64;
    for (table, column) in tables.into_iter().take(if is_going_over { 3 } else { 2 }) {
        let query =
            format!("SELECT count(*) AS rows FROM {table} WHERE {column} IS NOT NULL AND substr({column}, 2, 8) <> ?");
        let query = diesel::sql_query(query).bind::<diesel::sql_types::Binary, _>(key_id.to_vec());
        let Older { rows } = query.get_result(connection)?;
        sum = sum.saturating_add(rows);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{NOON, Scratch, deed, trail};

    #[test]
    fn it_goes_down_and_up() {
        let scratch = Scratch::new();
        scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000630_vault/down.sql")).unwrap();
        scratch.run(include_str!("../../migrations/sqlite/2026-11-26-000630_vault/up.sql")).unwrap();
    }

    #[test]
    fn it_is_founded_once_and_goes_over_to_another_key() {
        let store = Scratch::new();
        let store = store.open();
        assert_eq!(store.read(find).unwrap(), None);
        assert_eq!(store.read(heritage).unwrap(), (false, false));
        trail(&store).change(&deed(), |_| Ok(())).unwrap();
        assert_eq!(store.read(heritage).unwrap(), (false, true));
        let (first, rows) = (Installation::new([1; 8], [2; 32], NOON), vec![("a".to_owned(), vec![1])]);
        assert_eq!(store.read(census).unwrap(), Census::default());
        store.change(|connection| found(connection, &first, &rows)).unwrap();
        assert_eq!(store.read(find).unwrap(), Some((first.clone(), rows.clone())));
        assert!(store.change(|connection| found(connection, &first, &rows)).is_err(), "once");
        let rows = vec![("a".to_owned(), vec![1; 40]), ("b".to_owned(), [vec![1], vec![3; 40]].concat())];
        store.change(|connection| keep(connection, &rows).and_then(|()| rekeyed(connection, [3; 8], [4; 32]))).unwrap();
        let sealed = |byte: u8| Sealed { key_id: vec![byte; 8], rows: 1 };
        let counted = store.read(census).unwrap();
        assert_eq!((counted.installation, counted.kept_keys), (Some(vec![3; 8]), vec![sealed(1), sealed(3)]));
        let older = |id: u8| store.read(|connection| older(connection, [id; 8])).unwrap();
        assert_eq!([older(1), older(3), older(4)], [1, 1, 2]);
        let second = Installation { key_id: vec![3; 8], check_value: vec![4; 32], ..first };
        assert_eq!(store.read(find).unwrap(), Some((second, rows)));
    }
}
