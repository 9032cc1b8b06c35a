//! `farthing backup` and `farthing restore`: copies of the database, and putting one back. Owns who does it: a running server makes
//! a backup itself, because it knows what is still on its way. Refuses to restore without a clear yes.

use clap::{Args, Subcommand};
use farthing_actors::domain::BackupId;
use serde_json::{Value, json};

use super::connection::Connection;
use super::error::CliError;
use super::online::ask;
use super::output::{Reply, harmless};
use super::server;
use super::table::{Column, listed, shown};
use crate::app;
use crate::config::Sources;
use crate::web::manage::backups::{BackupVerdictView, BackupView, BackupsView};

const PATH: &str = "/api/system/backups";

const COLUMNS: &[Column] = &[
    ("ID", "/id"),
    ("MADE", "/created_at"),
    ("WHY", "/reason"),
    ("BYTES", "/bytes"),
    ("LINES", "/entries"),
    ("KEY", "/key_id"),
];

/// Make, list and check copies of the database
#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make one, check all of it, and say what it is; beside a running server, that makes it
    Create,
    /// List them, the latest first, and those whose manifest is missing or cannot be read
    List,
    /// Check that one is what it was when it was made, and adds up; exit code 3 if not
    Verify {
        /// Its id
        id: BackupId,
    },
}

/// Put a backup in the place of the database, with the server stopped
///
/// The backup is checked first. What is there now is moved aside, into the data directory. Everybody signs in again, tokens for
/// the management API end, and virtual keys are those of the time of the backup.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup's id
    id: BackupId,
    /// Yes, put it there
    #[arg(long)]
    yes: bool,
}

impl Backup {
    /// The reply, and whether all is in order.
    pub(super) fn run(&self, sources: &Sources) -> Result<(Reply, bool), CliError> {
        let config = server::with_secrets(sources)?;
        match self.command {
            Command::Create if app::is_served(&config)? => {
                let made = ask(&self.connection, sources, async |api| Ok(api.post(PATH, &json!({})).await?))?;
                Ok((shown(made), true))
            }
            Command::Create => Ok((shown(json!(BackupView::from(&app::create_backup(&config)?))), true)),
            Command::List => {
                let json = json!(BackupsView::from(app::list_backups(&config)?));
                let unreadable = verdicts(json.get("unreadable"));
                let Reply { text, json } = listed(json, COLUMNS, "there is no backup that says what it is");
                Ok((Reply { text: text + &unreadable, json }, true))
            }
            Command::Verify { id } => {
                let json = json!(BackupVerdictView::from(app::verify_backup(&config, id)?));
                let sound = json.get("ok") == Some(&Value::Bool(true));
                Ok((Reply { text: sentence(&json), json }, sound))
            }
        }
    }
}

impl Restore {
    pub(super) fn run(&self, sources: &Sources) -> Result<Reply, CliError> {
        if !self.yes {
            let what = "a restore replaces the database; stop the server and say --yes";
            return Err(CliError::Usage(what.to_owned()));
        }
        let restored = app::restore_backup(&server::with_secrets(sources)?, self.id)?;
        let (id, aside) = (restored.id, restored.aside);
        let text = format!("restored {id}; what was there is in {}\n", aside.display());
        Ok(Reply { json: json!({"id": id, "aside": aside, "generation": restored.generation}), text })
    }
}

/// Verdicts in words, one for each.
fn verdicts(all: Option<&Value>) -> String {
    let all = all.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    all.iter().map(sentence).collect()
}

/// The verdict in words.
fn sentence(verdict: &Value) -> String {
    let id = verdict.get("id").and_then(Value::as_str).unwrap_or_default();
    let faults = verdict.get("faults").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if faults.is_empty() {
        return format!("{id} is whole\n");
    }
    let faults: String = faults.iter().filter_map(Value::as_str).map(|it| format!("  {}\n", harmless(it))).collect();
    format!("{id} is NOT what it was:\n{faults}")
}
