//! `farthing audit`: who did what, and whether nobody altered the record of it. Owns the sentence that says so.
//! Refuses to judge: the verdict comes from where the trail is.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::connection::Connection;
use super::error::CliError;
use super::http::query;
use super::ledger::balances;
use super::online::ask;
use super::output::{self, Reply, harmless};
use super::server;
use super::table::{Column, listed};
use crate::app;
use crate::config::Sources;
use crate::web::manage::audit::verdict_view;

const PATH: &str = "/api/audit";

const COLUMNS: &[Column] = &[
    ("TIME", "/timestamp"),
    ("ACTION", "/action"),
    ("ACTOR", "/actor"),
    ("RESULT", "/result"),
    ("OBJECT", "/details/object"),
    ("FROM", "/client_ip"),
    ("ID", "/id"),
];

/// See who did what, and prove that the record of it is whole
#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List events, the latest first
    List(Filter),
    /// Check that no event was altered, removed or slipped in; exit code 3 if one was
    ///
    /// Opens the database, also beside a running server; the master key must be the one it was written with.
    Verify {
        /// Ask a running server instead of opening the database; so do --url and --token-file
        #[arg(long)]
        online: bool,
        /// Check this file of lines instead; it may begin anywhere
        #[arg(long, value_name = "FILE", conflicts_with = "online")]
        file: Option<PathBuf>,
    },
    /// Print every event that the database keeps, oldest first, a JSON line each
    Export,
}

#[derive(Debug, Args)]
struct Filter {
    /// This action, such as key.create, or all of a noun: key.*
    #[arg(long)]
    action: Option<String>,
    /// By this actor, such as management
    #[arg(long)]
    actor: Option<String>,
    /// Of this project, by name or id
    #[arg(long)]
    project: Option<String>,
    /// With this result: success, refused, failure or attempted
    #[arg(long)]
    result: Option<String>,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Where the list before ended: its next_cursor
    #[arg(long)]
    cursor: Option<String>,
}

impl Audit {
    /// The reply and whether all is in order; `None` where the answer went to standard output already.
    pub(super) fn run(&self, sources: &Sources) -> Result<Option<(Reply, bool)>, CliError> {
        match &self.command {
            Command::List(filter) => {
                let found = ask(&self.connection, sources, async |api| Ok(api.get(&filter.path()).await?))?;
                Ok(Some((listed(found, COLUMNS, "nothing was done"), true)))
            }
            Command::Verify { online, file } => {
                let json = self.verdict(*online, file.as_deref(), sources)?;
                let sound = balances(&json);
                Ok(Some((Reply { text: sentence(&json), json }, sound)))
            }
            Command::Export => {
                app::export_audit(&server::for_reading(sources)?, &mut output::print)?;
                Ok(None)
            }
        }
    }

    fn verdict(&self, online: bool, file: Option<&std::path::Path>, sources: &Sources) -> Result<Value, CliError> {
        if online || (self.connection.is_given() && file.is_none()) {
            return ask(&self.connection, sources, async |api| Ok(api.get(&format!("{PATH}/verify")).await?));
        }
        Ok(serde_json::json!(verdict_view(app::verify_audit(&server::with_secrets(sources)?, file)?)))
    }
}

impl Filter {
    fn path(&self) -> String {
        let Self { action, actor, project, result, limit, cursor } = self;
        let values =
            [("action", action), ("actor", actor), ("project", project), ("result", result), ("cursor", cursor)];
        let limit = ("limit", Some(limit.to_string()));
        query(PATH, &values.map(|(name, value)| (name, value.clone())).into_iter().chain([limit]).collect::<Vec<_>>())
    }
}

/// The verdict in words.
fn sentence(verdict: &Value) -> String {
    let figure = |name: &str| verdict.get(name).map(plain).unwrap_or_default();
    if balances(verdict) {
        return format!("the audit trail is whole: {} events\nchain head {}\n", figure("events"), figure("chain_head"));
    }
    let faults = verdict.get("faults").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let faults: String = faults.iter().map(|fault| format!("  {}\n", plain(fault))).collect();
    format!("the audit trail was ALTERED: {} events, {} faults\n{faults}", figure("events"), figure("fault_count"))
}

fn plain(value: &Value) -> String {
    harmless(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}
