//! What commands without a server find already there: the data directory and the database in it. Owns the refusal where they are
//! not, which a misspelt path would otherwise make. Refuses to make anything.

use std::path::Path;

use super::AppError;
use crate::config::Config;

/// Checks that there is a data directory.
///
/// # Errors
/// If there is none, naming the setting.
pub(super) fn data_dir(config: &Config) -> Result<(), AppError> {
    absent(&config.data_dir, Path::is_dir, ("data directory", "data_dir"))
}

/// Checks that there are a data directory and a database.
///
/// # Errors
/// If either is missing, naming the setting.
pub(super) fn database(config: &Config) -> Result<(), AppError> {
    data_dir(config)?;
    absent(&config.database.path, Path::is_file, ("database", "database.url"))
}

fn absent(path: &Path, is_there: fn(&Path) -> bool, (part, setting): (&'static str, &str)) -> Result<(), AppError> {
    if is_there(path) {
        return Ok(());
    }
    let variable = format!("FARTHING__{}", setting.to_uppercase().replace('.', "__"));
    let reason = format!(
        "there is none at {}; see what {setting} says (in farthing.toml, or {variable}), or make one with `farthing migrate`",
        path.display()
    );
    Err(AppError { part, reason })
}
