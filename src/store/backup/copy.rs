//! A copy of the database: made by SQLite itself, hashed, opened and added up again. Owns the statement that copies, and the list
//! of what is looked at. Refuses to change the copy.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use sha2::{Digest, Sha256};

use super::{Sealing, reading};
use crate::store::audit;
use crate::store::installation;
use crate::store::verify::verify;
use crate::store::{Store, StoreError};

/// Read at once.
const CHUNK: usize = 64 * 1024;

/// What a copy holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// The last step that made its tables.
    pub(super) schema: String,
    /// How many rows each table has.
    pub(super) tables: BTreeMap<String, i64>,
    /// Lines of the ledger.
    pub(super) entries: u64,
    /// The hash of the ledger's last line, in hex.
    pub(super) chain_head: String,
    /// The mac of the trail's last event, in hex.
    pub(super) audit_head: String,
    /// All debits less all credits.
    pub(super) imbalance_usd: String,
    /// How often the installation was restored, and one.
    pub(super) generation: i64,
    /// What does not add up.
    pub(super) faults: Vec<String>,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(QueryableByName)]
struct Figure {
    #[diesel(sql_type = BigInt)]
    figure: i64,
}

impl Contents {
    /// Opens the copy at `path` and adds everything up again.
    ///
    /// # Errors
    /// If it is no database, or does not answer.
    pub(super) fn read(path: &Path, sealing: &dyn Sealing) -> Result<Self, StoreError> {
        let connection = &mut reading(path)?;
        let checked = words(connection, "SELECT integrity_check AS word FROM pragma_integrity_check")?;
        if checked != ["ok"] {
            let faults = checked.into_iter().map(|fault| format!("the file is damaged: {fault}")).collect();
            return Ok(Self { faults, ..Self::default() });
        }
        let Some((installation, kept)) = installation::find(connection)? else {
            return Ok(Self { faults: vec!["it is of no installation".to_owned()], ..Self::default() });
        };
        let links = match sealing.links(&kept) {
            Ok(links) => links,
            Err(fault) => return Ok(Self { faults: vec![fault], ..Self::default() }),
        };
        let books = verify(connection, &mut |_| {})?;
        let trail = audit::verify(connection, &*links)?;
        let books_faults = books.faults.iter().map(|fault| format!("ledger: {fault}"));
        let faults = books_faults.chain(trail.faults.iter().map(|fault| format!("audit trail: {fault}"))).collect();
        Ok(Self {
            schema: words(connection, "SELECT max(version) AS word FROM __diesel_schema_migrations")?.concat(),
            tables: tables(connection)?,
            entries: books.entries,
            chain_head: books.chain_head,
            audit_head: trail.head,
            imbalance_usd: books.imbalance.to_string(),
            generation: installation.generation,
            faults,
        })
    }
}

/// Copies the database into a file that does not exist yet.
pub(super) fn make(store: &Store, to: &Path) -> Result<(), StoreError> {
    let unusable = |error: std::io::Error| StoreError::DataDir { path: to.to_owned(), reason: error.to_string() };
    // Empty, so that SQLite takes it, and for its owner alone before anything is in it.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(unusable)?;
    let into = diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(to.to_string_lossy().into_owned());
    into.execute(&mut store.connect()?)?;
    Ok(())
}

/// How long a file is, and its SHA-256 in hex.
pub(super) fn hash(path: &Path) -> Result<(u64, String), StoreError> {
    let unusable = |error: std::io::Error| StoreError::DataDir { path: path.to_owned(), reason: error.to_string() };
    let mut file = File::open(path).map_err(unusable)?;
    let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0_u64, vec![0; CHUNK]);
    loop {
        let read = file.read(&mut chunk).map_err(unusable)?;
        let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
        bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
    Ok((bytes, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// A connection with settings of its own.
pub(super) fn connect(path: &Path, settings: &str) -> Result<SqliteConnection, StoreError> {
    let failed = |error: ConnectionError| StoreError::Open { path: path.to_owned(), reason: error.to_string() };
    let mut connection = SqliteConnection::establish(&path.to_string_lossy()).map_err(failed)?;
    connection.batch_execute(settings)?;
    Ok(connection)
}

fn words(connection: &mut SqliteConnection, query: &str) -> Result<Vec<String>, StoreError> {
    let words: Vec<Word> = diesel::sql_query(query).load(connection)?;
    Ok(words.into_iter().map(|it| it.word).collect())
}

/// Every table of ours, with its rows counted.
fn tables(connection: &mut SqliteConnection) -> Result<BTreeMap<String, i64>, StoreError> {
    let names =
        "SELECT name AS word FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let names = words(connection, names)?;
    let count = |name: String| {
        let query = format!("SELECT count(*) AS figure FROM \"{}\"", name.replace('"', "\"\""));
        let Figure { figure } = diesel::sql_query(query).get_result(connection)?;
        Ok((name, figure))
    };
    names.into_iter().map(count).collect()
}
