//! The offline commands on the audit trail: `audit verify`, `audit export`. Owns what they may do beside a running server: read.
//! Refuses to write: what waits in a server that runs is not seen.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::sync::Arc;

use super::vault::Vault;
use super::{AppError, failed, installation, present};
use crate::config::Config;
use crate::store::Store;
use crate::store::audit::{self, AuditVerdict};

/// Whether nobody altered the trail in the database, or the file at `file`.
///
/// # Errors
/// If it cannot be read, or the master key cannot be used.
pub fn verify_audit(config: &Config, file: Option<&Path>) -> Result<AuditVerdict, AppError> {
    // Where only the file is left, it may be of an installation whose key was the master key's.
    let store = if file.is_none() || config.database.path.exists() { Some(open(config)?) } else { None };
    let links = Vault(Arc::new(installation::security_for_reading(config, store.as_deref())?));
    match (file, store) {
        (Some(path), _) => {
            let opened = File::open(path).map_err(failed("audit file"))?;
            audit::verify_file(BufReader::new(opened), &links).map_err(failed("audit file"))
        }
        (None, Some(store)) => {
            store.read(|connection| audit::verify(connection, &links)).map_err(failed("audit verify"))
        }
        (None, None) => Ok(AuditVerdict::default()),
    }
}

/// Writes every event that the database keeps, oldest first, a line each, and gives their number.
///
/// # Errors
/// If the database cannot be read, or `write` fails.
pub fn export_audit(config: &Config, write: &mut dyn FnMut(&str) -> io::Result<()>) -> Result<u64, AppError> {
    let (store, mut behind, mut count) = (open(config)?, 0, 0);
    loop {
        let lines = store.read(|connection| audit::lines(connection, behind)).map_err(failed("audit export"))?;
        let Some((last, _)) = lines.last() else { return Ok(count) };
        behind = *last;
        for (_, line) in &lines {
            write(line).map_err(failed("output"))?;
            count += 1;
        }
    }
}

fn open(config: &Config) -> Result<Arc<Store>, AppError> {
    present::database(config)?;
    Store::open(&config.database.path).map_err(failed("database"))
}
