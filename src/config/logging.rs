//! The log's settings. Owns the level; the form of a line is `crate::logging`'s.

use log::LevelFilter;

use super::draft::{Draft, Given};
use super::fault::Problem;
use super::setting::Setting;

const LEVEL: Setting = Setting {
    key: "logging.level",
    default: "info",
    example: "\"info\"",
    unit: "error, warn, info or debug",
    note: "The least important lines that are written. Logs go to standard error, one JSON object per line.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] = &[&LEVEL];

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggingConfig {
    /// The least important level that is written.
    pub level: LevelFilter,
}

impl Default for LoggingConfig {
    fn default() -> Self {
        Self { level: LevelFilter::Info }
    }
}

impl LoggingConfig {
    pub(super) fn take(draft: &mut Draft) -> Self {
        Self { level: draft.take(&LEVEL, Self::default().level, level) }
    }
}

fn level(given: &Given) -> Result<LevelFilter, Problem> {
    match given.text()? {
        "error" => Ok(LevelFilter::Error),
        "warn" => Ok(LevelFilter::Warn),
        "info" => Ok(LevelFilter::Info),
        "debug" => Ok(LevelFilter::Debug),
        other => Err(Problem::new(format!("{other:?} is not a level"), "write error, warn, info or debug")),
    }
}
