//! `farthing system`: how a running gateway is. Owns the requests and the tables.

use clap::{Args, Subcommand};

use super::connection::Connection;
use super::error::CliError;
use super::http::{Api, query};
use super::output::Reply;
use super::table::{Column, listed, shown};

const ACTORS: &[Column] = &[
    ("ACTOR", "/name"),
    ("ALIVE", "/alive"),
    ("WAITING", "/waiting"),
    ("RESTARTS", "/restarts"),
    ("SILENT MS", "/silent_ms"),
    ("LAST ERROR", "/last_error"),
];

const SETTINGS: &[Column] = &[("SETTING", "/key"), ("VALUE", "/value"), ("DEFAULT", "/default"), ("FROM", "/source")];

const LOGS: &[Column] = &[("TIME", "/time"), ("LEVEL", "/level"), ("MESSAGE", "/message"), ("TARGET", "/target")];

/// See how the gateway is
#[derive(Debug, Args)]
pub(super) struct System {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Whether it serves, and what is amiss
    Health,
    /// The owners of state: whether they live, and what waits for them
    Actors,
    /// Every setting, and where its value comes from
    Settings,
    /// The latest lines of the log, newest first
    Logs {
        /// Lines of this weight and heavier: error, warn, info, debug or trace
        #[arg(long)]
        level: Option<String>,
        /// How many, 1,000 at most
        #[arg(long)]
        limit: Option<u32>,
    },
}

impl System {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        let list = |json, columns, none| Ok(listed(json, columns, none));
        match &self.command {
            Command::Health => Ok(shown(api.get("/api/system/health").await?)),
            Command::Actors => list(api.get("/api/system/actors").await?, ACTORS, "there are no actors"),
            Command::Settings => list(api.get("/api/system/settings").await?, SETTINGS, "there are no settings"),
            Command::Logs { level, limit } => {
                let asked = [("level", level.clone()), ("limit", limit.map(|limit| limit.to_string()))];
                list(api.get(&query("/api/system/logs", &asked)).await?, LOGS, "there are no such lines")
            }
        }
    }
}
