//! The offline commands on the books: `migrate` and `ledger verify`.
//! Owns what they may do beside a running server: read. Refuses to apply a journal that somebody else is writing.

use farthing_actors::domain::{Clock, Money};
use farthing_actors::ledger::JournalSource;
use serde::Serialize;

use super::parts::Disk;
use super::{AppError, failed};
use crate::config::Config;
use crate::store::data_dir::DataDirLock;
use crate::store::verify::{self, Verdict};
use crate::store::{Store, StoreError};

/// What `ledger verify` prints: the shape of GET `/api/ledger/verify`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether the books balance.
    pub ok: bool,
    /// Lines read.
    pub entries: u64,
    /// Different requests among them.
    pub requests: u64,
    /// Holds no closing was found for; the next start closes them. `None` beside a running server, which knows.
    pub open_holds: Option<usize>,
    /// All debits less all credits.
    pub imbalance_usd: Money,
    /// What is wrong.
    pub faults: Vec<String>,
}

/// Brings the database to this version; harmless if it is there already.
///
/// # Errors
/// If a server holds the data directory, or the database is newer than this program.
pub fn migrate(config: &Config) -> Result<(), AppError> {
    let _lock = DataDirLock::acquire(&config.data_dir).map_err(failed("data directory"))?;
    let store = Store::open(&config.database.path).map_err(failed("database"))?;
    store.migrate().map(drop).map_err(failed("migrations"))
}

/// Recomputes everything. Without a server, the journal is applied first; beside one, the database is read as it is.
///
/// # Errors
/// If the journal or the database cannot be read.
pub fn verify(config: &Config) -> Result<Report, AppError> {
    match DataDirLock::acquire(&config.data_dir) {
        Ok(_lock) => verify_at_rest(config),
        Err(StoreError::InUse(_)) => {
            let store = Store::open(&config.database.path).map_err(failed("database"))?;
            report(&store, None)
        }
        Err(error) => Err(failed("data directory")(error)),
    }
}

fn verify_at_rest(config: &Config) -> Result<Report, AppError> {
    let disk = Disk::open(config)?;
    let (_, found) = disk.journal(config).open(Clock::system().now()).map_err(failed("journal"))?;
    let report = report(&disk.store, Some(found.open.len()));
    disk.writer.stop().map_err(failed("journal writer"))?;
    report
}

fn report(store: &Store, open_holds: Option<usize>) -> Result<Report, AppError> {
    let verdict = store.read(|connection| verify::verify(connection, &mut |_| {})).map_err(failed("ledger verify"))?;
    let ok = verdict.is_ok();
    let Verdict { entries, requests, imbalance, faults, .. } = verdict;
    Ok(Report { ok, entries, requests, open_holds, imbalance_usd: imbalance, faults })
}
