//! The offline commands on backups: `backup create | list | verify`, `restore`. Owns what they need of the data directory: making and
//! restoring hold it, looking does not. Refuses to restore beside a server.

use std::sync::Arc;

use farthing_actors::domain::{Author, BackupId, Clock};
use farthing_actors::ledger::JournalSource;

use super::parts::Disk;
use super::{AppError, failed, installation, parts, present};
use crate::admin::backups::{Listing, Manifest, Reason, RingSealing};
use crate::config::Config;
use crate::store::Store;
use crate::store::backup::restore::{self, Place, Restored};
use crate::store::backup::{BackupVerdict, Backups};
use crate::store::data_dir::DataDirLock;

/// Makes a backup without a server: what waits in the journal is applied first.
///
/// # Errors
/// If a server holds the data directory, or the backup cannot be made or does not add up.
pub fn create_backup(config: &Config) -> Result<Manifest, AppError> {
    present::database(config)?;
    let _lock = DataDirLock::acquire(&config.data_dir).map_err(failed("data directory"))?;
    refuse_unfinished(config)?;
    let disk = Disk::open(config)?;
    // Founds the installation where it never was served, so that the copy has one.
    installation::security(config, &disk.store)?;
    disk.journal(config).open(Clock::system().now()).map_err(failed("journal"))?;
    disk.writer.flush_blocking().map_err(failed("journal writer"))?;
    let made = Backups::within(&config.data_dir).create(
        &disk.store,
        (Reason::Manual, Clock::system().now()),
        &sealing(config)?,
    );
    disk.writer.stop().map_err(failed("journal writer"))?;
    made.map_err(failed("backup"))
}

/// Every backup, newest first, and those that cannot say what they are.
///
/// # Errors
/// If the folder cannot be read.
pub fn list_backups(config: &Config) -> Result<Listing, AppError> {
    present::data_dir(config)?;
    Backups::within(&config.data_dir).list().map_err(failed("backup"))
}

/// Whether a backup is what it was when it was made, and adds up.
///
/// # Errors
/// If there is none, or it cannot be read.
pub fn verify_backup(config: &Config, id: BackupId) -> Result<BackupVerdict, AppError> {
    present::data_dir(config)?;
    let verdict = Backups::within(&config.data_dir).verify(id, &sealing(config)?).map_err(failed("backup"))?;
    verdict.ok_or_else(|| AppError { part: "backup", reason: format!("there is no backup {id}") })
}

/// Puts a backup in the place of the database; what was there is moved aside.
///
/// # Errors
/// If a server holds the data directory, or the backup is altered, of a newer program, or does not add up.
pub fn restore_backup(config: &Config, id: BackupId) -> Result<Restored, AppError> {
    present::data_dir(config)?;
    let _lock = DataDirLock::acquire(&config.data_dir).map_err(failed("data directory"))?;
    let place = Place {
        data_dir: &config.data_dir,
        database: &config.database.path,
        audit_file: config.audit.log_file.as_deref().filter(|_| config.audit.enabled),
    };
    let (sealing, now) = (sealing(config)?, Clock::system().now());
    let restored = restore::restore(&Backups::within(&config.data_dir), id, &place, (&sealing, now));
    let restored = restored.map_err(failed("restore"))?;
    record(config, &restored)?;
    Ok(restored)
}

/// Puts the restore on record, in the trail that was restored.
fn record(config: &Config, restored: &Restored) -> Result<(), AppError> {
    let store = Store::open(&config.database.path).map_err(failed("database"))?;
    let security = Arc::new(installation::security(config, &store)?);
    let trail = parts::trail(&store, (config, &security)).map_err(failed("audit trail"))?;
    let event = Author::new("system", Clock::system().now()).does("backup.restore").about(restored.id);
    trail.change(&event, |_| Ok(())).map_err(failed("audit trail"))
}

/// Whoever starts in the middle of a restore would find no database, and begin a new one.
pub(super) fn refuse_unfinished(config: &Config) -> Result<(), AppError> {
    let unfinished = restore::is_unfinished(&config.data_dir);
    let reason = "a restore was begun here and is not over; run `farthing restore` again";
    if unfinished { Err(AppError { part: "data directory", reason: reason.to_owned() }) } else { Ok(()) }
}

fn sealing(config: &Config) -> Result<RingSealing, AppError> {
    Ok(RingSealing(Arc::new(installation::ring(config)?)))
}
