//! `farthing shadow`: what limits, budgets and groups in the shadow would have done. Owns the requests and the tables.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

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

const ROUTES: &[Column] = &[
    ("GROUP", "/name"),
    ("SHADOWS", "/shadows"),
    ("CALLS", "/calls"),
    ("WOULD HAVE MOVED", "/would_have_moved"),
    ("WOULD HAVE REFUSED", "/would_have_refused"),
    ("COST", "/cost_usd"),
    ("WOULD COST", "/would_cost_usd"),
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
    /// Show where groups in the shadow would have sent calls, and at what cost
    Routes,
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
            Command::Routes => {
                let mut json = api.get(PATH).await?;
                let routes = json.get_mut("routes").map(Value::take).unwrap_or_default();
                Ok(listed(json!({"data": routes}), ROUTES, "no group in the shadow has seen a call"))
            }
            Command::Forget => {
                api.delete(PATH).await?;
                Ok(shown(json!({"forgotten": true})))
            }
        }
    }
}
