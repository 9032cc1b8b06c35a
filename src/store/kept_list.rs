//! The kept list: the price list that was fetched last and could be read, in a file of the data directory.
//! Owns that the file is always whole and readable by its owner alone. Refuses to look into the list.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use farthing_actors::domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::StoreError;

/// A list as it was fetched, and what operators decided about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptList {
    /// Where it was fetched.
    pub url: String,
    /// When.
    pub fetched_at: Timestamp,
    /// Changes of it that an operator does not want.
    pub dismissed: Vec<String>,
    /// The list, as it came.
    pub list: Box<RawValue>,
}

/// Where it is kept.
#[derive(Debug, Clone)]
pub struct ListFile(PathBuf);

impl ListFile {
    /// The file in `data_dir`.
    pub fn within(data_dir: &Path) -> Self {
        Self(data_dir.join("prices.json"))
    }

    /// What was kept; `None` if nothing ever was.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub fn read(&self) -> Result<Option<KeptList>, StoreError> {
        match fs::read(&self.0) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| self.unusable(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unusable(&error)),
        }
    }

    /// Keeps `kept` instead of what was there: all of it, or nothing changes.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn write(&self, kept: &KeptList) -> Result<(), StoreError> {
        let text = serde_json::to_vec(kept).map_err(|error| self.unusable(&error))?;
        self.replace(&text).map_err(|error| self.unusable(&error))
    }

    fn replace(&self, text: &[u8]) -> io::Result<()> {
        let next = self.0.with_extension("json.next");
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&next)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&next, &self.0)?;
        self.0.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }

    fn unusable(&self, error: &dyn std::fmt::Display) -> StoreError {
        StoreError::DataDir { path: self.0.clone(), reason: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::testing::TempDir;

    #[test]
    fn what_is_kept_comes_back_and_is_its_owners_alone() {
        let dir = TempDir::new();
        let file = ListFile::within(dir.path());
        assert!(file.read().unwrap().is_none());
        for text in [r#"{"openai": {"models": {}}}"#, "{}"] {
            let list = RawValue::from_string(text.to_owned()).unwrap();
            let kept =
                KeptList { url: "u".to_owned(), fetched_at: Timestamp(5), dismissed: vec!["x".to_owned()], list };
            file.write(&kept).unwrap();
            let read = file.read().unwrap().unwrap();
            assert_eq!((read.list.get(), read.fetched_at, read.dismissed), (text, Timestamp(5), kept.dismissed));
        }
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["prices.json"], "nothing is left over");
        assert_eq!(fs::metadata(dir.path().join("prices.json")).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(dir.path().join("prices.json"), "half").unwrap();
        assert!(file.read().unwrap_err().to_string().contains("prices.json"));
    }
}
