//! The store: one SQLite database behind pools, its migrations, and the transaction helpers everything else uses.
//! Owns connections and their settings. Refuses decisions: it saves what it is given and reads what it is asked.

mod columns;
mod failure;
pub mod keys;
pub mod models;
pub mod prices;
pub mod projects;
pub mod providers;
mod schema;
#[cfg(test)]
mod scratch;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use thiserror::Error;

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
    /// The work's thread ended before it answered.
    #[error("the database work was abandoned")]
    Abandoned,
}

/// The database. Shared by reference.
pub struct Store {
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
        let manager = ConnectionManager::new(path.to_string_lossy());
        let pool = Pool::builder()
            .max_size(POOL_SIZE)
            .min_idle(Some(1))
            .connection_customizer(Box::new(Settings))
            .build(manager)
            .map_err(|error| StoreError::Open { path: path.to_owned(), reason: error.to_string() })?;
        Ok(Arc::new(Self { pool }))
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
        let done = tokio::task::spawn_blocking(move || store.read(work)).await;
        done.unwrap_or(Err(StoreError::Abandoned))
    }
}
