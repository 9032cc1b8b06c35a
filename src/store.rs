//! The store: one SQLite database behind pools, its migrations, and the transactions everything else runs in.
//! Owns connections and their settings. Refuses decisions: it saves what it is given and reads what it is asked.
//!
//! - [`data_dir`]: where everything lies, and the lock on it.
//! - [`journal`]: the ledger's truth: an append-only file in front of the database.
//! - [`writer`]: the thread that carries finished lines from the journal to the database.
//! - [`entries`], [`spend`], [`usage`], [`latency`]: what pages and the ledger read back.
//! - [`idempotency`]: keys that clients retry by, and the sealed answers to them.
//! - [`groups`], [`keys`], [`models`], [`prices`], [`projects`], [`providers`]: what operators set, for the actors that own it.
//! - [`installation`]: which master key all is sealed under, and keys that outlive it.
//! - [`kept_list`]: the price list that was fetched last.
//! - [`credits`], [`runs`]: what was paid in advance, and runs that were ended.
//! - [`audit`]: who did what, in the transaction of what was done.
//! - [`backup`]: whole copies, and putting one back.
//! - [`export`]: every line with all that its hash covers, for whoever wants to prove it again.
//! - [`verify`]: the proof that all of it agrees.

pub mod adjustments;
pub mod audit;
pub mod backup;
mod chain;
pub mod charged;
mod columns;
pub mod credits;
pub mod csv;
pub mod data_dir;
pub mod day;
pub mod entries;
pub mod export;
mod failure;
pub mod groups;
pub mod idempotency;
pub mod installation;
pub mod journal;
pub mod kept_list;
pub mod key_uses;
pub mod keys;
pub mod latency;
pub mod models;
mod moment;
pub mod prices;
pub mod projects;
pub mod providers;
pub mod runs;
mod schema;
pub mod sessions;
pub mod spend;
#[cfg(test)]
pub(crate) mod testing;
pub mod tokens;
pub mod usage;
pub mod users;
pub mod verify;
pub mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use diesel::sqlite::Sqlite;
use diesel::{Connection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use thiserror::Error;

use crate::background::{self, Abandoned};

/// Every step from an empty file to the tables of this program.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Readers for pages and management; the journal's writer has a connection of its own.
const POOL_SIZE: u32 = 4;

/// Every connection: readers never block the writer (WAL), a second writer waits instead of failing,
/// and a commit is on disk before it counts.
const SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                        PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096;";

/// Why the store did not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database cannot be opened.
    #[error("cannot open the database {path}: {reason}")]
    Open {
        /// Which file.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// No connection was free in time.
    #[error("no database connection is free: {0}")]
    Pool(#[from] r2d2::Error),
    /// A statement failed.
    #[error("the database refused: {0}")]
    Database(#[from] diesel::result::Error),
    /// A stored value cannot be read back; the row is damaged or newer than this program.
    #[error("the row {row} is damaged: {reason}")]
    Damaged {
        /// Table and id.
        row: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A migration failed; those before it stay applied.
    #[error("the database could not be migrated: {0}")]
    Migration(String),
    /// The database was written by a newer program.
    #[error(
        "the database has the migration {0}, which this version does not know: \
         run the newer version, or restore a backup made before the upgrade"
    )]
    Newer(String),
    /// A directory or file below the data directory cannot be used.
    #[error("cannot use {path}: {reason}; check its owner and permissions")]
    DataDir {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Another process works in the data directory.
    #[error("the data directory {0} is in use by another process: stop it first, or ask it over its API")]
    InUse(PathBuf),
    /// The journal's file could not be written or synced.
    #[error("the journal cannot be written: {0}")]
    Journal(String),
    /// The system gave no thread.
    #[error("cannot start the writer's thread: {0}")]
    Thread(String),
    /// The journal's lines did not reach the database in time; they are safe in the journal.
    #[error("the database is too slow: lines are waiting in the journal")]
    Behind,
    /// The audit trail could not be written, so nothing was done.
    #[error("the audit trail cannot be written, so nothing is changed: {0}")]
    Unrecorded(String),
    /// A backup cannot be made, used or found.
    #[error("backups in {path}: {reason}")]
    Backup {
        /// Where they are.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The work's thread ended before it answered.
    #[error("the database work was abandoned")]
    Abandoned,
}

impl From<Abandoned> for StoreError {
    fn from(_: Abandoned) -> Self {
        Self::Abandoned
    }
}

/// The database. Shared by reference.
pub struct Store {
    path: PathBuf,
    pool: Pool<ConnectionManager<SqliteConnection>>,
}

#[derive(Debug)]
struct Settings;

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Settings {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        connection.batch_execute(SETTINGS).map_err(diesel::r2d2::Error::QueryError)
    }
}

impl Store {
    /// Opens the database file, creating it if absent. Does not migrate.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(path: &Path) -> Result<Arc<Self>, StoreError> {
        refuse_damaged(path)?;
        let manager = ConnectionManager::new(path.to_string_lossy());
        let pool = Pool::builder()
            .max_size(POOL_SIZE)
            .min_idle(Some(1))
            .connection_customizer(Box::new(Settings))
            .build(manager)
            .map_err(|error| StoreError::Open { path: path.to_owned(), reason: error.to_string() })?;
        Ok(Arc::new(Self { path: path.to_owned(), pool }))
    }

    /// Brings the database to this program's tables and names the steps that were missing.
    ///
    /// # Errors
    /// [`StoreError::Newer`] if the database knows a step this program does not; then nothing was changed.
    pub fn migrate(&self) -> Result<Vec<String>, StoreError> {
        migrate(&mut *self.pool.get()?)
    }

    /// A connection outside the pool, for the thread that owns it.
    pub(crate) fn connect(&self) -> Result<SqliteConnection, StoreError> {
        let failed = |reason: String| StoreError::Open { path: self.path.clone(), reason };
        let mut connection =
            SqliteConnection::establish(&self.path.to_string_lossy()).map_err(|error| failed(error.to_string()))?;
        connection.batch_execute(SETTINGS)?;
        Ok(connection)
    }

    /// Runs a read on this thread. For actors' ports and commands; handlers use [`Store::query`].
    ///
    /// # Errors
    /// If no connection is free or a statement fails.
    pub fn read<T>(&self, work: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        work(&mut *self.pool.get()?)
    }

    /// Runs a change in one transaction that takes the write lock at once, so that it never fails half-way for it.
    ///
    /// # Errors
    /// If no connection is free or a statement fails; then nothing was changed.
    pub fn change<T>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.pool.get()?.immediate_transaction(work)
    }

    /// Runs a read away from the request threads.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn query<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(self);
        background::run(move || store.read(work)).await?
    }
}

/// A pool would try for half a minute to open what is no database. Another fault, such as a lock, may pass meanwhile.
fn refuse_damaged(path: &Path) -> Result<(), StoreError> {
    let opened = SqliteConnection::establish(&path.to_string_lossy());
    let read = opened.map(|mut connection| connection.batch_execute("PRAGMA schema_version"));
    let Ok(Err(error)) = read else { return Ok(()) };
    let said = error.to_string();
    if ["file is not a database", "disk image is malformed"].iter().any(|damage| said.contains(damage)) {
        return Err(StoreError::Open { path: path.to_owned(), reason: format!("{said}; restore a backup") });
    }
    Ok(())
}

/// Brings a database to this program's tables.
fn migrate(connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    refuse_newer(connection)?;
    let pending = connection.pending_migrations(MIGRATIONS).map_err(migration_failed)?;
    pending.iter().map(|step| apply(connection, step.as_ref())).collect()
}

fn refuse_newer(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let known = MigrationSource::<Sqlite>::migrations(&MIGRATIONS).map_err(migration_failed)?;
    let applied = connection.applied_migrations().map_err(migration_failed)?;
    let unknown = applied.iter().find(|version| known.iter().all(|step| step.name().version() != **version));
    unknown.map_or(Ok(()), |version| Err(StoreError::Newer(version.to_string())))
}

fn apply(connection: &mut SqliteConnection, step: &dyn Migration<Sqlite>) -> Result<String, StoreError> {
    connection.run_migration(step).map_err(migration_failed)?;
    Ok(step.name().to_string())
}

fn migration_failed(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::Migration(error.to_string())
}

#[cfg(test)]
mod tests;
