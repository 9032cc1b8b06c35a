//! The settings of backups: how often one is made by itself, and how many of those stay.
//! Owns their defaults. Refuses to say where they go: that is the data directory's folder for them.

use std::time::Duration;

use super::draft::Draft;
use super::setting::Setting;

const EVERY_HOURS: Setting = Setting {
    key: "backup.every_hours",
    default: "0",
    example: "0",
    unit: "hours",
    note: "How long after a backup the next one is made by itself, 1 to 8760. 0: none is. See docs/backups.md.",
};
const KEEP: Setting = Setting {
    key: "backup.keep",
    default: "7",
    example: "7",
    unit: "backups",
    note: "How many of those made by themselves stay, 1 to 1000. Those somebody asked for stay until they are removed.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] = &[&EVERY_HOURS, &KEEP];

const HOUR: u64 = 3_600;

/// When backups are made, and how many stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupConfig {
    /// How long after one the next one comes; `None` if none comes by itself.
    pub every: Option<Duration>,
    /// How many stay.
    pub keep: usize,
}

impl Default for BackupConfig {
    fn default() -> Self {
        Self { every: None, keep: 7 }
    }
}

impl BackupConfig {
    pub(super) fn take(draft: &mut Draft) -> Self {
        let default = Self::default();
        Self {
            every: draft.take(&EVERY_HOURS, default.every, |given| {
                let hours = given.number(0..=8_760)?;
                Ok(Some(hours).filter(|hours| *hours > 0).map(|hours| Duration::from_secs(hours * HOUR)))
            }),
            keep: draft.take(&KEEP, default.keep, |given| {
                given.number(1..=1_000).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
            }),
        }
    }
}
