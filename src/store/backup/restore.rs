//! Restore: a verified copy takes the database's place; what was there is moved aside, never removed. Owns the order, and that
//! nothing of the time before lets anybody in: sessions and idempotency keys end, and the installation gets another generation.
//! Refuses altered copies and those of newer programs. The caller holds the data directory.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use farthing_actors::domain::{BackupId, Timestamp};

use super::copy::{Contents, connect};
use super::{Backups, Sealing, reading};
use crate::store::{StoreError, installation, migrate, refuse_newer};

/// Tables whose rows end: what they let in was of the time before.
const ENDED: [&str; 2] = ["sessions", "idempotency_keys"];

/// Says that a restore was begun and is not over. Whoever starts then would find no database, and make a new one.
const MARK: &str = "restoring";

/// Where a restored database goes.
#[derive(Debug)]
pub struct Place<'a> {
    /// The data directory.
    pub data_dir: &'a Path,
    /// The database.
    pub database: &'a Path,
    /// The audit trail's file, which would go on behind another trail.
    pub audit_file: Option<&'a Path>,
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Which backup.
    pub id: BackupId,
    /// The installation's generation from now on.
    pub generation: i64,
    /// Where everything is that was there before.
    pub aside: PathBuf,
}

/// Whether a restore was begun here and is not over.
pub fn is_unfinished(data_dir: &Path) -> bool {
    data_dir.join(MARK).exists()
}

/// Puts a backup in the place of the database.
///
/// # Errors
/// If it is altered, of a newer program, or does not add up: then nothing was changed. If a file cannot be moved: then everything
/// is still there, and the same call again goes on.
pub fn restore(
    backups: &Backups,
    id: BackupId,
    place: &Place<'_>,
    (sealing, now): (&dyn Sealing, Timestamp),
) -> Result<Restored, StoreError> {
    let refuse = |reason: String| StoreError::Backup { path: place.data_dir.to_owned(), reason };
    let refused = |faults: Vec<String>| refuse(format!("{id} cannot be restored: {}", faults.join("; ")));
    let absent = || refuse(format!("there is no backup {id}"));
    let manifest = backups.find(id).ok_or_else(absent)?.map_err(|verdict| refused(verdict.faults))?;
    let outside = backups.outside(&manifest, sealing)?;
    if !outside.is_empty() {
        return Err(refused(outside));
    }
    refuse_newer(&mut reading(&backups.database(id))?)?;
    let verdict = backups.verify(id, sealing)?.ok_or_else(absent)?;
    if !verdict.faults.is_empty() {
        return Err(refused(verdict.faults));
    }
    let failed = |error: io::Error| refuse(error.to_string());
    let copy = place.data_dir.join("restore.part");
    fs::copy(backups.database(id), &copy).map_err(failed)?;
    fs::set_permissions(&copy, Permissions::from_mode(0o600)).map_err(failed)?;
    let generation = prepare(&copy, place, now)?;
    let contents = Contents::read(&copy, sealing)?;
    if !contents.faults.is_empty() {
        return Err(refused(contents.faults));
    }
    File::open(&copy).and_then(|file| file.sync_all()).map_err(failed)?;
    let aside = swap(&copy, place, id).map_err(failed)?;
    Ok(Restored { id, generation, aside })
}

/// Brings the copy to this program's tables, ends what must end, and gives its new generation.
fn prepare(copy: &Path, place: &Place<'_>, now: Timestamp) -> Result<i64, StoreError> {
    let connection = &mut connect(copy, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;")?;
    migrate(connection)?;
    let own = generation(connection)?.unwrap_or(1);
    // A damaged database says nothing; the clock then still makes it another one.
    let present = if place.database.exists() { present_generation(place.database) } else { None };
    let next = own.max(present.unwrap_or(1)).saturating_add(1).max(now.0);
    connection.immediate_transaction(|connection| {
        for table in ENDED {
            if exists(connection, table)? {
                diesel::sql_query(format!("DELETE FROM {table}")).execute(connection)?;
            }
        }
        installation::restored(connection, next)
    })?;
    Ok(next)
}

fn present_generation(database: &Path) -> Option<i64> {
    generation(&mut reading(database).ok()?).ok().flatten()
}

fn generation(connection: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    Ok(installation::find(connection)?.map(|(installation, _)| installation.generation))
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn exists(connection: &mut SqliteConnection, table: &str) -> Result<bool, StoreError> {
    let query = "SELECT count(*) AS count FROM sqlite_schema WHERE type = 'table' AND name = ?";
    let Count { count } = diesel::sql_query(query).bind::<Text, _>(table).get_result(connection)?;
    Ok(count > 0)
}

/// Moves aside what is there, and the copy into its place.
fn swap(copy: &Path, place: &Place<'_>, id: BackupId) -> io::Result<PathBuf> {
    let mark = place.data_dir.join(MARK);
    fs::write(&mark, id.to_string())?;
    sync(place.data_dir)?;
    let aside = aside(place.data_dir, id)?;
    let beside = |suffix: &str| {
        let mut path = place.database.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    };
    let journal = place.data_dir.join("journal");
    let present = [Some(journal), Some(beside("")), Some(beside("-wal")), Some(beside("-shm"))];
    for path in present.into_iter().flatten().chain(place.audit_file.map(Path::to_owned)) {
        let Some(name) = path.file_name().filter(|_| path.exists()) else { continue };
        fs::rename(&path, aside.join(name))?;
    }
    fs::rename(copy, place.database)?;
    sync(place.data_dir)?;
    fs::remove_file(&mark)?;
    Ok(aside)
}

/// A new folder for what is there.
fn aside(data_dir: &Path, id: BackupId) -> io::Result<PathBuf> {
    let mut number = 1_u32;
    loop {
        let path = data_dir.join(format!("before-{id}-{number}"));
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number = number.saturating_add(1),
            made => return made.map(|()| path),
        }
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
