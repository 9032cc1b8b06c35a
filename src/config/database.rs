//! The database's settings: which file, and when what is booked counts as safe.
//! Owns the address form. Refuses databases in memory, which would forget the books, and those of later releases.

use std::path::{Path, PathBuf};

use super::draft::{Draft, Given};
use super::fault::Problem;
use super::setting::Setting;

const URL: Setting = Setting {
    key: "database.url",
    default: "sqlite://<data_dir>/farthing.db",
    example: "\"sqlite://data/farthing.db\"",
    unit: "",
    note: "The database file. sqlite:///absolute/path starts at the root; a relative path starts beside this file.",
};
const DURABILITY: Setting = Setting {
    key: "database.durability",
    default: "process",
    example: "\"process\"",
    unit: "process or power",
    note: "process: what is booked survives the death of the process at once, a power cut loses at most the last \
           second. power: holds and settlements are synced before they count.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] = &[&URL, &DURABILITY];

const SCHEME: &str = "sqlite://";
const FILE_NAME: &str = "farthing.db";

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseConfig {
    /// The SQLite file.
    pub path: PathBuf,
    /// When what is booked counts.
    pub durability: Durability,
}

/// What a booked line survives at the moment it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The death of the process; a power cut loses at most the last second.
    #[default]
    Process,
    /// A power cut.
    Power,
}

impl DatabaseConfig {
    /// The default file in `data_dir`.
    pub(super) fn within(data_dir: &Path) -> Self {
        Self { path: data_dir.join(FILE_NAME), durability: Durability::default() }
    }

    pub(super) fn take(draft: &mut Draft, base: &Path, data_dir: &Path) -> Self {
        let default = Self::within(data_dir);
        Self {
            path: draft.take(&URL, default.path, |given| file(given).map(|path| base.join(path))),
            durability: draft.take(&DURABILITY, default.durability, durability),
        }
    }
}

/// Never quotes the address: those of other databases carry passwords.
fn file(given: &Given) -> Result<PathBuf, Problem> {
    let text = given.text()?;
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Err(Problem::new("Postgres comes in a later release", "use sqlite:// and a path"));
    }
    let path = text.strip_prefix(SCHEME).filter(|path| !path.is_empty() && !path.contains([':', '?', '#']));
    let path = path.filter(|path| !path.ends_with('/'));
    let hint = "write it as \"sqlite://data/farthing.db\"; databases in memory and options are not possible";
    path.map(PathBuf::from).ok_or_else(|| Problem::new("it is not the address of an SQLite file", hint))
}

fn durability(given: &Given) -> Result<Durability, Problem> {
    match given.text()? {
        "process" => Ok(Durability::Process),
        "power" => Ok(Durability::Power),
        other => Err(Problem::new(format!("{other:?} is not a durability"), "write \"process\" or \"power\"")),
    }
}
