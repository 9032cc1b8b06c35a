//! The trail's file: a JSON object for each event, for people and tools that read lines.
//! Owns that its owner alone can read it, and that a line is on the disk before it counts. Opened for each batch, so that a
//! file that was rotated away is begun anew.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::row::EventRow;
use crate::store::StoreError;

/// The file at a path.
pub(super) struct AuditFile<'a>(&'a Path);

impl<'a> AuditFile<'a> {
    pub(super) fn at(path: &'a Path) -> Self {
        Self(path)
    }

    /// Adds a line for each row, all of them or an error; a row that is brought again is there twice, with one `seq`.
    pub(super) fn append(&self, rows: &[EventRow]) -> Result<(), StoreError> {
        let unusable = |reason: String| StoreError::DataDir { path: self.0.to_owned(), reason };
        let lines: Result<String, _> = rows.iter().map(EventRow::line).collect();
        let lines = lines.map_err(|error| unusable(error.to_string()))?;
        self.write(lines.as_bytes()).map_err(|error| unusable(error.to_string()))
    }

    fn write(&self, lines: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(self.0)?;
        file.write_all(lines)?;
        file.sync_data()
    }
}
