//! Placeholder so that this clone compiles; the lead's file replaces it.

use crate::config::Config;

/// Which part stopped, and why.
#[derive(Debug, thiserror::Error)]
#[error("{part}: {reason}")]
pub struct AppError {
    /// Which part.
    pub part: &'static str,
    /// Why.
    pub reason: String,
}

/// What the verification of the books found.
#[derive(Debug, serde::Serialize)]
pub struct Verdict {
    /// Whether the books balance.
    pub ok: bool,
    /// Faults found.
    pub faults: Vec<String>,
}

/// Serves until a signal.
///
/// # Errors
/// Which part stopped.
pub fn serve(config: Config) -> Result<(), AppError> {
    drop(config);
    Err(absent())
}

/// Brings the database to this version.
///
/// # Errors
/// Which part stopped.
pub fn migrate(_config: &Config) -> Result<(), AppError> {
    Err(absent())
}

/// Checks the books.
///
/// # Errors
/// Which part stopped.
pub fn verify(_config: &Config) -> Result<Verdict, AppError> {
    Err(absent())
}

pub(crate) fn absent() -> AppError {
    AppError { part: "app", reason: "not part of this build".to_owned() }
}
