//! A folder for one run, below the build directory: on a real disk, as a server's data would be.
//! Owns the folder and removes it at the end.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fault::Fault;

/// A folder that goes when this value goes.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes the folder, named for this process and `name`.
    pub(crate) fn make(name: &str) -> Result<Self, Fault> {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("load-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).map_err(Fault::io("scratch folder"))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
