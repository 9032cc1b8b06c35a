//! Backups: whole copies of the database in `<data_dir>/backups`, made beside whatever goes on, each with a manifest that says what
//! it is, under a mac. Owns their names and that a copy counts only once it was opened and everything in it added up again.
//! Refuses paths: a backup is asked for by its id, and its place follows from that.

mod copy;
mod manifest;
pub mod restore;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use diesel::prelude::*;
use farthing_actors::domain::{BackupId, Timestamp};

use super::audit::Links;
use super::data_dir::create_private;
use super::{Store, StoreError};
use copy::Contents;
pub use manifest::{Manifest, Reason};

/// Where they are, below the data directory.
const FOLDER: &str = "backups";

/// How files end that no backup is made of yet: the copy, what SQLite writes beside it, the manifest.
const UNFINISHED: [&str; 3] = ["part", "part-journal", "manifest"];

/// What backups need of the keys of an installation.
pub trait Sealing: Send + Sync {
    /// The id of the present master key.
    fn master(&self) -> [u8; 8];

    /// The mac of a manifest under the master key with this id; `None` if it is not given.
    fn mac(&self, master: &[u8], text: &[u8]) -> Option<[u8; 32]>;

    /// What links the audit trail, from the kept keys of a copy.
    ///
    /// # Errors
    /// Why they cannot be used.
    fn links(&self, kept: &[(String, Vec<u8>)]) -> Result<Box<dyn Links>, String>;
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupVerdict {
    /// Which backup.
    pub id: BackupId,
    /// What is wrong, in words; empty if nothing is.
    pub faults: Vec<String>,
}

/// What is in the folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Those that say what they are, newest first.
    pub backups: Vec<Manifest>,
    /// Those that have no manifest that can be read, and why, by their ids.
    pub unreadable: Vec<BackupVerdict>,
}

/// The folder of backups of one data directory.
#[derive(Debug, Clone)]
pub struct Backups(PathBuf);

impl Backups {
    /// Those of a data directory; the folder is made with the first one.
    pub fn within(data_dir: &Path) -> Self {
        Self(data_dir.join(FOLDER))
    }

    /// Makes a copy of the database as it is now, checks all of it, and says what it is. The caller flushes the writer first.
    ///
    /// # Errors
    /// If the copy cannot be made, or does not add up; then nothing is left of it.
    pub fn create(
        &self,
        store: &Store,
        (reason, now): (Reason, Timestamp),
        sealing: &dyn Sealing,
    ) -> Result<Manifest, StoreError> {
        create_private(&self.0)?;
        self.clear();
        let id = BackupId::generate();
        let part = self.part(id);
        let made = self.make(store, (id, &part), (reason, now), sealing);
        if made.is_err() {
            // What cannot be removed is in nobody's way.
            for ending in UNFINISHED {
                drop(fs::remove_file(part.with_extension(ending)));
            }
            drop(self.remove(id));
        }
        made
    }

    /// Removes what a process left that died while it made one, or finishes it. The caller makes one at a time.
    fn clear(&self) {
        let entries = fs::read_dir(&self.0).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let unfinished =
            |path: &PathBuf| path.extension().is_some_and(|it| UNFINISHED.iter().any(|ending| it == *ending));
        for path in entries.filter(unfinished) {
            // Of one whose database has its name already only the manifest's is missing.
            let is_whole = path.extension().is_some_and(|it| it == "manifest") && path.with_extension("db").exists();
            // What stays is in nobody's way.
            drop(if is_whole { fs::rename(&path, path.with_extension("json")) } else { fs::remove_file(&path) });
        }
    }

    fn make(
        &self,
        store: &Store,
        (id, part): (BackupId, &Path),
        (reason, now): (Reason, Timestamp),
        sealing: &dyn Sealing,
    ) -> Result<Manifest, StoreError> {
        copy::make(store, part)?;
        let contents = Contents::read(part, sealing)?;
        if let Some(fault) = contents.faults.first() {
            return Err(self.unusable(format!("the copy does not add up: {fault}")));
        }
        let (bytes, sha256) = copy::hash(part)?;
        let manifest = Manifest { bytes, sha256, reason, ..Manifest::of(id, contents, now) };
        let manifest = manifest.sealed(sealing).ok_or_else(|| self.unusable("there is no key".to_owned()))?;
        let failed = |error: io::Error| self.unusable(error.to_string());
        File::open(part).and_then(|file| file.sync_all()).map_err(failed)?;
        // The manifest lies ready before the database has its name: `find` can tell one that is being finished from one without any.
        manifest.write(&self.ready(id)).map_err(failed)?;
        fs::rename(part, self.database(id)).map_err(failed)?;
        fs::rename(self.ready(id), self.manifest(id)).map_err(failed)?;
        File::open(&self.0).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(manifest)
    }

    /// Every backup; none where there is no folder.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn list(&self) -> Result<Listing, StoreError> {
        let failed = |error: io::Error| self.unusable(error.to_string());
        let mut listing = Listing::default();
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(listing),
            Err(error) => return Err(failed(error)),
        };
        let mut ids = BTreeSet::new();
        for entry in entries {
            ids.extend(named(&entry.map_err(failed)?.path()));
        }
        for found in ids.into_iter().filter_map(|id| self.find(id)) {
            match found {
                Ok(manifest) => listing.backups.push(manifest),
                Err(verdict) => listing.unreadable.push(verdict),
            }
        }
        listing.backups.sort_by_key(|manifest| Reverse((manifest.created_at, manifest.id)));
        Ok(listing)
    }

    /// The backup with this id, or the verdict on one that cannot say what it is; `None` if there is nothing of it.
    pub fn find(&self, id: BackupId) -> Option<Result<Manifest, BackupVerdict>> {
        // In this order, since one may be finished meanwhile.
        let (is_there, is_ready) = (self.database(id).exists(), self.ready(id).exists());
        let read = match fs::read(self.manifest(id)) {
            Ok(text) => legible(id, &text),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(format!("its manifest cannot be read: {error}"))
            }
            Err(_) if is_there && !is_ready => Err("it has no manifest".to_owned()),
            Err(_) => return None,
        };
        Some(read.map_err(|fault| BackupVerdict { id, faults: vec![fault] }))
    }

    /// Whether a backup is what it was when it was made, and adds up; `None` if there is none with this id.
    ///
    /// # Errors
    /// If it cannot be read. Faults are no error: they are the verdict.
    pub fn verify(&self, id: BackupId, sealing: &dyn Sealing) -> Result<Option<BackupVerdict>, StoreError> {
        let manifest = match self.find(id) {
            Some(Ok(manifest)) => manifest,
            Some(Err(verdict)) => return Ok(Some(verdict)),
            None => return Ok(None),
        };
        let mut faults = self.outside(&manifest, sealing)?;
        if faults.is_empty() {
            let contents = Contents::read(&self.database(id), sealing)?;
            faults.extend(contents.faults.iter().cloned());
            faults.extend(manifest.differs(&contents));
        }
        Ok(Some(BackupVerdict { id, faults }))
    }

    /// What can be seen of a backup without opening it.
    fn outside(&self, manifest: &Manifest, sealing: &dyn Sealing) -> Result<Vec<String>, StoreError> {
        if let Some(fault) = manifest.fault(sealing) {
            return Ok(vec![fault]);
        }
        let database = self.database(manifest.id);
        if !database.exists() {
            return Ok(vec!["its database is gone".to_owned()]);
        }
        let (bytes, sha256) = copy::hash(&database)?;
        let altered = bytes != manifest.bytes || sha256 != manifest.sha256;
        Ok(altered.then(|| "its database was altered or cut short".to_owned()).into_iter().collect())
    }

    /// Removes a backup; whether there was one.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(&self, id: BackupId) -> Result<bool, StoreError> {
        let removed = [self.database(id), self.manifest(id)].map(|path| match fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.unusable(error.to_string())),
        });
        let [database, manifest] = removed;
        Ok(database? | manifest?)
    }

    /// Removes the oldest scheduled backups beyond `keep`, and gives their ids.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub fn prune(&self, keep: usize) -> Result<Vec<BackupId>, StoreError> {
        let scheduled = self.list()?.backups.into_iter().filter(|manifest| manifest.reason == Reason::Scheduled);
        let old: Vec<_> = scheduled.skip(keep).map(|manifest| manifest.id).collect();
        old.iter().try_for_each(|id| self.remove(*id).map(drop))?;
        Ok(old)
    }

    fn database(&self, id: BackupId) -> PathBuf {
        self.0.join(format!("{id}.db"))
    }

    fn manifest(&self, id: BackupId) -> PathBuf {
        self.0.join(format!("{id}.json"))
    }

    /// Where a manifest lies until its database has its name.
    fn ready(&self, id: BackupId) -> PathBuf {
        self.0.join(format!("{id}.manifest"))
    }

    fn part(&self, id: BackupId) -> PathBuf {
        self.0.join(format!("{id}.part"))
    }

    fn unusable(&self, reason: String) -> StoreError {
        StoreError::Backup { path: self.0.clone(), reason }
    }
}

/// Whose database or manifest a file is, as its name says.
fn named(path: &Path) -> Option<BackupId> {
    let is_ours = path.extension().is_some_and(|ending| ending == "db" || ending == "json");
    is_ours.then(|| path.file_stem()?.to_str()?.parse().ok()).flatten()
}

/// What a manifest says, or why it cannot be read.
fn legible(id: BackupId, text: &[u8]) -> Result<Manifest, String> {
    let manifest = serde_json::from_slice::<Manifest>(text);
    let manifest = manifest.map_err(|error| format!("its manifest cannot be read: {error}"))?;
    if manifest.id == id { Ok(manifest) } else { Err("it has another's manifest".to_owned()) }
}

/// A connection to a copy: nothing is written by it.
fn reading(path: &Path) -> Result<SqliteConnection, StoreError> {
    copy::connect(path, "PRAGMA query_only = ON;")
}
