//! Segments: the journal's files, one after the other, each named by the first record number it may hold.
//! Owns their names, their preallocation and when they reach the disk. Refuses to know what is in them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// The ending of a segment that is being begun; one found at start was never used.
const UNFINISHED: &str = "new";

/// One file of the journal. Shared by the ledger, which writes it, and the writer's thread, which syncs it.
#[derive(Debug)]
pub(in crate::store) struct Segment {
    file: File,
    path: PathBuf,
    /// Written since the last sync.
    written: AtomicBool,
    /// The directory that names it has reached the disk.
    named: AtomicBool,
}

impl Segment {
    /// A new file with room for `capacity` bytes, all zero, under a name that counts for nothing until
    /// [`Segment::publish`].
    pub(super) fn prepare(directory: &Path, first: u64, capacity: u64) -> io::Result<Self> {
        let path = directory.join(name_of(first)).with_extension(UNFINISHED);
        let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&path)?;
        let segment = Self { file, path, written: AtomicBool::new(true), named: AtomicBool::new(false) };
        match segment.reserve(capacity) {
            Ok(()) => Ok(segment),
            Err(error) => {
                segment.discard();
                Err(error)
            }
        }
    }

    /// Gives a prepared file its name: from now on it is part of the journal.
    pub(super) fn publish(mut self) -> io::Result<Self> {
        let path = self.path.with_extension("log");
        if let Err(error) = std::fs::rename(&self.path, &path) {
            self.discard();
            return Err(error);
        }
        self.path = path;
        Ok(self)
    }

    /// Deletes a prepared file that will not be used.
    pub(super) fn discard(&self) {
        // If it stays, the next start deletes it.
        std::fs::remove_file(&self.path).ok();
    }

    /// Opens a segment that is already there.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).open(&path)?;
        Ok(Self { file, path, written: AtomicBool::new(true), named: AtomicBool::new(false) })
    }

    pub(in crate::store) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes it has room for.
    pub(super) fn capacity(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Hands `bytes` to the system: the death of this process no longer matters to them.
    pub(super) fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, at)?;
        self.written.store(true, Ordering::Release);
        Ok(())
    }

    /// Waits until everything written so far is on the disk, unless an earlier sync has seen to it.
    pub(in crate::store) fn sync_if_written(&self) -> io::Result<()> {
        if self.written.load(Ordering::Acquire) { self.sync() } else { Ok(()) }
    }

    /// Waits until everything written so far is on the disk, whoever else is syncing it.
    pub(in crate::store) fn sync(&self) -> io::Result<()> {
        if !self.named.load(Ordering::Acquire) {
            self.path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())?;
            self.named.store(true, Ordering::Release);
        }
        // Cleared first: what is written meanwhile may miss this sync and needs the next.
        self.written.store(false, Ordering::Release);
        self.file.sync_data().inspect_err(|_| self.written.store(true, Ordering::Release))
    }

    /// Whether everything written so far is on the disk.
    #[cfg(test)]
    pub(super) fn is_synced(&self) -> bool {
        !self.written.load(Ordering::Acquire)
    }

    fn reserve(&self, capacity: u64) -> io::Result<()> {
        match fallocate(&self.file, FallocateFlags::empty(), 0, capacity) {
            // A file system that cannot reserve: writing takes the room as surely, if more slowly.
            Err(Errno::OPNOTSUPP) => self.fill(capacity),
            result => result.map_err(io::Error::from),
        }
    }

    fn fill(&self, capacity: u64) -> io::Result<()> {
        let zeros = [0; 64 * 1_024];
        let step = u64::try_from(zeros.len()).unwrap_or(u64::MAX);
        for index in 0..capacity.div_ceil(step) {
            self.file.write_all_at(&zeros, index * step)?;
        }
        Ok(())
    }
}

/// Every segment of `directory`, oldest first. Makes the directory if it is absent, and deletes what was never begun.
pub(super) fn list(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut segments = Vec::new();
    for item in std::fs::read_dir(directory)? {
        let path = item?.path();
        if path.extension().is_some_and(|extension| extension == UNFINISHED) {
            std::fs::remove_file(&path)?;
        } else if let Some(first) = first_of(&path) {
            segments.push((first, path));
        }
    }
    segments.sort();
    Ok(segments)
}

fn name_of(first: u64) -> String {
    format!("journal-{first:016x}.log")
}

fn first_of(path: &Path) -> Option<u64> {
    let hex = path.file_name()?.to_str()?.strip_prefix("journal-")?.strip_suffix(".log")?;
    u64::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 16)
}
