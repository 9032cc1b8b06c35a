//! `farthing requests`: what happened, in a list, one by one, and live. Owns the queries and the table. Refuses content:
//! neither prompts nor answers pass through here.

mod line;
mod tail;

use clap::{Args, Subcommand};

use super::connection::Connection;
use super::error::CliError;
use super::http::{Api, escape, query};
use super::output::Reply;
use super::table::{Column, listed, shown};

const PATH: &str = "/api/requests";

const COLUMNS: &[Column] = &[
    ("TIME", "/time"),
    ("ID", "/id"),
    ("PROJECT", "/project"),
    ("MODEL", "/model"),
    ("PROVIDER", "/provider"),
    ("STATUS", "/status"),
    ("HTTP", "/http_status"),
    ("INPUT", "/usage/input"),
    ("OUTPUT", "/usage/output"),
    ("COST", "/cost_usd"),
    ("MS", "/latency_ms"),
];

/// See what happened to requests
#[derive(Debug, Args)]
pub(super) struct Requests {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List requests, the latest first
    List {
        /// Only those charged to this project
        #[arg(long)]
        project: Option<String>,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// Where the list before ended: its next_cursor
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Follow the live feed: one line for each call as it ends, until Ctrl-C; with --json, events as the server sends them
    Tail,
    /// Show one request: its attempts, tokens, entries and price
    Show {
        /// Its id, as in x-farthing-request-id
        request: String,
    },
}

impl Requests {
    pub(super) async fn run(&self, api: &Api, json: bool) -> Result<Option<Reply>, CliError> {
        match &self.command {
            Command::List { project, limit, cursor } => {
                let values =
                    [("project", project.clone()), ("limit", Some(limit.to_string())), ("cursor", cursor.clone())];
                let found = api.get(&query(PATH, &values)).await?;
                Ok(Some(listed(found, COLUMNS, "there are no requests")))
            }
            Command::Tail => tail::follow(api, json).await.map(|()| None),
            Command::Show { request } => Ok(Some(shown(api.get(&format!("{PATH}/{}", escape(request))).await?))),
        }
    }
}
