//! `farthing run`: list the runs of agents and end one. Owns the requests and the table.

use clap::{Args, Subcommand};
use serde_json::json;

use super::connection::Connection;
use super::error::CliError;
use super::http::{Api, escape, query};
use super::key::KEY;
use super::lookup;
use super::output::Reply;
use super::table::{Column, listed};

const PATH: &str = "/api/runs";

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("ID", "/id"),
    ("KEY", "/key_name"),
    ("SPENT", "/spent_usd"),
    ("CALLS", "/calls"),
    ("LAST SEEN", "/last_seen"),
    ("KILLED", "/killed_at"),
];

/// See what runs of agents (x-farthing-run) cost, and end them
#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List runs by their keys and names
    List {
        /// Only those of this key: its id, prefix or name
        #[arg(long)]
        key: Option<String>,
    },
    /// End a run: its calls are refused from now on, those in flight go on
    Kill {
        /// Its id, such as run_…; with --key, its name
        run: String,
        /// The key that calls: its id, prefix or name
        #[arg(long)]
        key: Option<String>,
    },
}

impl Run {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        match &self.command {
            Command::List { key } => list(api, key.as_deref()).await,
            Command::Kill { run, key } => kill(api, run, key.as_deref()).await,
        }
    }
}

async fn list(api: &Api, key: Option<&str>) -> Result<Reply, CliError> {
    let key = match key {
        Some(key) => Some(lookup::id(api, KEY, key).await?),
        None => None,
    };
    let json = lookup::all(api, &query(PATH, &[("key", key)])).await?;
    Ok(listed(json, COLUMNS, "there are no runs; a call begins one with the header x-farthing-run"))
}

async fn kill(api: &Api, run: &str, key: Option<&str>) -> Result<Reply, CliError> {
    let path = match key {
        Some(key) => KEY.address(&lookup::id(api, KEY, key).await?, &format!("/runs/{}/kill", escape(run))),
        None => format!("{PATH}/{}/kill", escape(run)),
    };
    let json = api.post(&path, &json!({})).await?;
    Ok(Reply { json, text: format!("ended {run}\n") })
}
