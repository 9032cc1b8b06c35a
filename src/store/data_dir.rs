//! The data directory: made for its owner alone, and locked by the server that uses it.
//! Owns its permissions and the lock file. Refuses a second server, and tells offline commands that one runs.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::StoreError;

/// The right to write in a data directory, for as long as this value lives. The system takes it back from a process
/// that dies, so a crash never leaves a directory locked.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

impl DataDirLock {
    /// Makes the directory if it is absent (readable by its owner alone) and locks it.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if another process holds it; [`StoreError::DataDir`] if it cannot be made or opened.
    pub fn acquire(data_dir: &Path) -> Result<Self, StoreError> {
        create_private(data_dir)?;
        let path = data_dir.join("lock");
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let file = file.map_err(|error| unusable(&path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(data_dir.to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(&path, &error)),
        }
    }
}

/// Makes a directory that only its owner may enter; one that exists is left as it is.
pub(super) fn create_private(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::DataDir { path: PathBuf::from(path), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::testing::TempDir;

    #[test]
    fn one_process_holds_it_and_nobody_else_reads_it() {
        let temp = TempDir::new();
        let dir = temp.path().join("deep/data");
        let held = DataDirLock::acquire(&dir).unwrap();
        assert_eq!(dir.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(matches!(DataDirLock::acquire(&dir), Err(StoreError::InUse(_))));
        drop(held);
        DataDirLock::acquire(&dir).unwrap();
    }
}
