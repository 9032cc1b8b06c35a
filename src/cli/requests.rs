//! `farthing requests`: what happened, in a list, one by one, and live. Owns the queries and the table. Refuses content:
//! neither prompts nor answers pass through here.

mod line;
mod list;
mod tail;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::connection::Connection;
use super::error::CliError;
use super::http::{Api, escape};
use super::output::{Reply, harmless};
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
    List(Box<list::List>),
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
            Command::List(list) => {
                let mut reply = listed(api.get(&list.path()).await?, COLUMNS, "there are no requests");
                reply.text.push_str(&further(&reply.json));
                Ok(Some(reply))
            }
            Command::Tail => tail::follow(api, json).await.map(|()| None),
            Command::Show { request } => Ok(Some(shown(api.get(&format!("{PATH}/{}", escape(request))).await?))),
        }
    }
}

/// How to go on where the list is not at its end.
fn further(list: &Value) -> String {
    let text = |field| list.get(field).and_then(Value::as_str);
    match (text("next_cursor"), text("searched_to")) {
        (Some(cursor), Some(to)) => harmless(&format!("searched back to {to}; go on with --cursor {cursor}")) + "\n",
        (Some(cursor), None) => harmless(&format!("there are more: --cursor {cursor}")) + "\n",
        _ => String::new(),
    }
}
