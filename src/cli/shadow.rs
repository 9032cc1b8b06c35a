//! `farthing shadow`: what limits and budgets in shadow mode would have refused. Owns the requests and the table.

use clap::{Args, Subcommand};
use serde_json::json;

use super::connection::Connection;
use super::error::CliError;
use super::http::{Api, query};
use super::output::Reply;
use super::table::{Column, listed, shown};

const PATH: &str = "/api/shadow";

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("SCOPE", "/scope"),
    ("RULE", "/rule"),
    ("WOULD HAVE REFUSED", "/would_have_refused"),
    ("LAST", "/latest/0/time"),
    ("REQUEST", "/latest/0/request"),
];

/// See what limits and budgets in shadow mode would have refused
#[derive(Debug, Args)]
pub(super) struct Shadow {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the counts since the start
    Show {
        /// Only those of this project and its keys: its name or id
        #[arg(long)]
        project: Option<String>,
    },
    /// Begin counting anew
    Forget,
}

impl Shadow {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        match &self.command {
            Command::Show { project } => {
                let json = api.get(&query(PATH, &[("project", project.clone())])).await?;
                Ok(listed(json, COLUMNS, "nothing would have been refused"))
            }
            Command::Forget => {
                api.delete(PATH).await?;
                Ok(shown(json!({"forgotten": true})))
            }
        }
    }
}
