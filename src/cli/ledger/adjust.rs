//! `farthing ledger adjust` and `adjustments`: what operators charge or give back, through a running server.
//! Owns the requests and the table; every rule is the server's.

use clap::Args;
use farthing_actors::domain::Money;
use serde_json::{Map, json};

use crate::cli::error::CliError;
use crate::cli::http::{Api, query};
use crate::cli::output::Reply;
use crate::cli::table::{Column, listed, shown};

const PATH: &str = "/api/ledger/adjustments";

const COLUMNS: &[Column] = &[
    ("TIME", "/time"),
    ("ID", "/id"),
    ("ACCOUNT", "/account"),
    ("AMOUNT", "/amount_usd"),
    ("PROVIDER", "/provider"),
    ("ACTOR", "/actor"),
    ("REASON", "/reason"),
];

/// Charge a key or a project, or give back to it, by a line of its own
#[derive(Debug, Args)]
pub(super) struct Adjust {
    /// The key or project, by id or name; the projects above it are charged too
    account: String,
    /// How much, in US dollars; negative gives back, such as -1.25
    #[arg(value_name = "USD", allow_negative_numbers = true)]
    amount: Money,
    /// Why; anybody who reads the books reads it
    #[arg(long)]
    reason: String,
    /// Who is credited; the house itself if absent
    #[arg(long)]
    provider: Option<String>,
    /// The request it is about
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// Its own id (adj_ and 32 hex digits): the same one twice is booked once
    #[arg(long)]
    id: Option<String>,
}

/// List adjustments, the latest first
#[derive(Debug, Args)]
pub(super) struct List {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Where the list before ended: its next_cursor
    #[arg(long)]
    cursor: Option<String>,
}

impl Adjust {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        let mut body = Map::new();
        body.insert("account".to_owned(), json!(self.account));
        body.insert("amount_usd".to_owned(), json!(self.amount));
        body.insert("reason".to_owned(), json!(self.reason));
        for (name, value) in [("provider", &self.provider), ("request_id", &self.request), ("id", &self.id)] {
            body.extend(value.as_ref().map(|value| (name.to_owned(), json!(value))));
        }
        Ok(shown(api.post(PATH, &body.into()).await?))
    }
}

impl List {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        let values = [("limit", Some(self.limit.to_string())), ("cursor", self.cursor.clone())];
        Ok(listed(api.get(&query(PATH, &values)).await?, COLUMNS, "there are no adjustments"))
    }
}
