//! The offline commands on the books: `migrate`, `ledger verify`, `ledger export`.
//! Owns what they may do beside a running server: read. Refuses to apply a journal that somebody else is writing.

use std::io;

use farthing_actors::domain::{Clock, Money, ProjectId};
use farthing_actors::ledger::JournalSource;
use serde::Serialize;

use super::parts::Disk;
use super::{AppError, failed, present};
use crate::config::Config;
use crate::store::data_dir::DataDirLock;
use crate::store::day::Day;
use crate::store::export::{self, Format, Place, Span, Spelling};
use crate::store::verify::{self, Verdict};
use crate::store::{Store, StoreError, projects};

/// Lines read at once.
const PAGE: i64 = 1_000;

/// What `ledger verify` prints: the shape of GET `/api/ledger/verify`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether the books balance.
    pub ok: bool,
    /// Lines read.
    pub entries: u64,
    /// Different requests among them.
    pub requests: u64,
    /// Lines that no request made.
    pub adjustments: u64,
    /// The hash of the last line, in hex.
    pub chain_head: String,
    /// Holds no closing was found for; the next start closes them. `None` beside a running server, which knows.
    pub open_holds: Option<usize>,
    /// All debits less all credits.
    pub imbalance_usd: Money,
    /// How many things are wrong.
    pub fault_count: u64,
    /// What is wrong; at most a hundred are told.
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
/// `progress` is told the number of lines read.
///
/// # Errors
/// If the journal or the database cannot be read.
pub fn verify(config: &Config, progress: &mut dyn FnMut(u64)) -> Result<Report, AppError> {
    with_books(config, |store, open_holds| {
        let verdict = store.read(|connection| verify::verify(connection, progress)).map_err(failed("ledger verify"))?;
        let ok = verdict.is_ok();
        let Verdict { entries, requests, adjustments, chain_head, imbalance, faults, fault_count } = verdict;
        let imbalance_usd = imbalance;
        Ok(Report { ok, entries, requests, adjustments, chain_head, open_holds, imbalance_usd, fault_count, faults })
    })
}

/// What `ledger export` is to write.
#[derive(Debug)]
pub struct ExportOrder {
    /// In which form.
    pub format: Format,
    /// From this day on.
    pub from: Option<Day>,
    /// Up to this day, included.
    pub to: Option<Day>,
    /// Only this project's, by name or id.
    pub project: Option<String>,
}

/// Writes every line that is asked for, oldest first, a page at a time, and gives their number. Reads as [`verify`] does.
///
/// # Errors
/// If the journal or the database cannot be read, or `write` fails.
pub fn export(
    config: &Config,
    order: &ExportOrder,
    write: &mut dyn FnMut(&str) -> io::Result<()>,
) -> Result<u64, AppError> {
    with_books(config, |store, _| {
        let project = order.project.as_deref().map(|wanted| find_project(store, wanted)).transpose()?;
        let span = Span { from: order.from, to: order.to, project, longest: None };
        let (mut spelling, mut last, mut count) = (Spelling::new(order.format), 0, 0);
        loop {
            let page = store.read(|connection| export::page(connection, &span, Place::After(last), PAGE));
            let lines = page.map_err(failed("ledger export"))?;
            let mut text = String::new();
            spelling.append(&mut text, &lines);
            write(&text).map_err(failed("ledger export"))?;
            let Some(line) = lines.last() else { return Ok(count) };
            last = line.seq;
            count += u64::try_from(lines.len()).unwrap_or(0);
        }
    })
}

fn find_project(store: &Store, wanted: &str) -> Result<ProjectId, AppError> {
    let projects = store.read(projects::load).map_err(failed("database"))?;
    let found = projects.iter().find(|project| project.name == wanted || project.id.to_string() == wanted);
    found.map(|project| project.id).ok_or_else(|| failed("ledger export")(format!("there is no project {wanted:?}")))
}

/// Does `work` with the books, and with the number of open holds where that is known.
fn with_books<T>(
    config: &Config,
    work: impl FnOnce(&Store, Option<usize>) -> Result<T, AppError>,
) -> Result<T, AppError> {
    present::database(config)?;
    match DataDirLock::acquire(&config.data_dir) {
        Ok(_lock) => {
            let disk = Disk::open(config)?;
            let (_, found) = disk.journal(config).open(Clock::system().now()).map_err(failed("journal"))?;
            let done = work(&disk.store, Some(found.open.len()));
            disk.writer.stop().map_err(failed("journal writer"))?;
            done
        }
        Err(StoreError::InUse(_)) => {
            let store = Store::open(&config.database.path).map_err(failed("database"))?;
            work(&store, None)
        }
        Err(error) => Err(failed("data directory")(error)),
    }
}
