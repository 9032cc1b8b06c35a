//! The audit trail's settings: whether there is one, where it is kept and for how long.
//! Owns their defaults. Refuses a trail that is kept nowhere: switch it off instead.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::draft::{Draft, Given};
use super::fault::Problem;
use super::setting::Setting;

const ENABLED: Setting = Setting {
    key: "audit.enabled",
    default: "true",
    example: "true",
    unit: "",
    note: "Whether it is recorded who did what. Also AUDIT_ENABLED.",
};
const LOG_FILE: Setting = Setting {
    key: "audit.log_file",
    default: "<data_dir>/audit.log",
    example: "\"data/audit.log\"",
    unit: "path",
    note: "The file that gets a JSON line for each event. Empty: database only. Also AUDIT_LOG_FILE.",
};
const CREATE_DIR: Setting = Setting {
    key: "audit.create_dir",
    default: "true",
    example: "true",
    unit: "",
    note: "Whether the file's folder is made if it is missing. Also AUDIT_CREATE_DIR.",
};
const STORE_IN_DB: Setting = Setting {
    key: "audit.store_in_db",
    default: "true",
    example: "true",
    unit: "",
    note: "Whether events stay in the database, where pages find them. false: file only. Also AUDIT_STORE_IN_DB.",
};
const MASK_IP: Setting = Setting {
    key: "audit.mask_ip",
    default: "false",
    example: "false",
    unit: "",
    note: "Whether only the network of an address is recorded: a /24, or a /48 of IPv6.",
};
const HIDE_TOKENS: Setting = Setting {
    key: "audit.hide_tokens",
    default: "false",
    example: "false",
    unit: "",
    note: "Whether a token is named by none of its characters, where it is usually named by a few of its ends.",
};
const RETENTION: Setting = Setting {
    key: "audit.retention_days",
    default: "365",
    example: "365",
    unit: "days",
    note: "How long events stay in the database, 90 to 3650. The file is yours to rotate.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] =
    &[&ENABLED, &LOG_FILE, &CREATE_DIR, &STORE_IN_DB, &MASK_IP, &HIDE_TOKENS, &RETENTION];

const DAY: u64 = 24 * 3_600;
const FILE_NAME: &str = "audit.log";

/// What is recorded, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditConfig {
    /// Whether there is a trail.
    pub enabled: bool,
    /// The file that gets a line for each event; `None` for none.
    pub log_file: Option<PathBuf>,
    /// Whether the file's folder is made.
    pub create_dir: bool,
    /// Whether events stay in the database.
    pub store_in_db: bool,
    /// Whether addresses lose their last part.
    pub mask_ip: bool,
    /// Whether tokens show none of their characters.
    pub hide_tokens: bool,
    /// How long events stay in the database.
    pub retention: Duration,
}

impl AuditConfig {
    /// Everything, in `data_dir`.
    pub(super) fn within(data_dir: &Path) -> Self {
        Self {
            enabled: true,
            log_file: Some(data_dir.join(FILE_NAME)),
            create_dir: true,
            store_in_db: true,
            mask_ip: false,
            hide_tokens: false,
            retention: Duration::from_secs(365 * DAY),
        }
    }

    pub(super) fn take(draft: &mut Draft, base: &Path, data_dir: &Path) -> Self {
        let default = Self::within(data_dir);
        let place = draft.place_of(&STORE_IN_DB).or_else(|| draft.place_of(&LOG_FILE));
        let config = Self {
            enabled: draft.take(&ENABLED, default.enabled, Given::switch),
            log_file: draft.take(&LOG_FILE, default.log_file, |given| file(given, base)),
            create_dir: draft.take(&CREATE_DIR, default.create_dir, Given::switch),
            store_in_db: draft.take(&STORE_IN_DB, default.store_in_db, Given::switch),
            mask_ip: draft.take(&MASK_IP, default.mask_ip, Given::switch),
            hide_tokens: draft.take(&HIDE_TOKENS, default.hide_tokens, Given::switch),
            retention: draft.take(&RETENTION, default.retention, |given| {
                given.number(90..=3_650).map(|days| Duration::from_secs(days * DAY))
            }),
        };
        if config.enabled && config.log_file.is_none() && !config.store_in_db {
            let what = "an audit trail in neither a file nor the database is none";
            draft.note(place, Problem::new(what, "set audit.log_file or audit.store_in_db, or audit.enabled = false"));
        }
        config
    }
}

fn file(given: &Given, base: &Path) -> Result<Option<PathBuf>, Problem> {
    if given.is_empty() { Ok(None) } else { given.text().map(|path| Some(base.join(path))) }
}
