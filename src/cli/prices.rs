//! `farthing model prices`: the fetched price list, and what of it waits for an operator. Owns the requests and the table.
//! Refuses to approve what was not named.

use clap::Subcommand;
use serde_json::{Value, json};

use super::error::CliError;
use super::http::Api;
use super::output::Reply;
use super::table::{Column, list_of, shown};

const PATH: &str = "/api/catalogue";

const COLUMNS: &[Column] = &[
    ("CHANGE", "/id"),
    ("MODEL", "/model"),
    ("PROVIDER", "/provider"),
    ("UPSTREAM", "/upstream_model"),
    ("CLASS", "/class"),
    ("FROM/M", "/from"),
    ("TO/M", "/to"),
];

/// See and refresh the fetched list of prices, and decide on changes that are held back
#[derive(Debug, Subcommand)]
pub(super) enum Prices {
    /// Show where the list is from, how fetching it went, and which changes are held back
    Status,
    /// Fetch the list now
    Refresh,
    /// Put held-back prices in force
    Approve {
        /// Their ids, as `status` shows them
        #[arg(required = true, value_name = "CHANGE")]
        changes: Vec<String>,
    },
    /// Leave prices as they are, and hold the changes back no longer
    Dismiss {
        /// Their ids, as `status` shows them
        #[arg(required = true, value_name = "CHANGE")]
        changes: Vec<String>,
    },
}

impl Prices {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        let at = |verb: &str| format!("{PATH}/{verb}");
        match self {
            Self::Status => Ok(told(api.get(PATH).await?)),
            Self::Refresh => refreshed(api.post(&at("refresh"), &json!({})).await?),
            Self::Approve { changes } => Ok(told(api.post(&at("approve"), &json!({"changes": changes})).await?)),
            Self::Dismiss { changes } => Ok(told(api.post(&at("dismiss"), &json!({"changes": changes})).await?)),
        }
    }
}

/// A list that did not come is a failure here, with the server's words.
fn refreshed(status: Value) -> Result<Reply, CliError> {
    match status.get("last_error").and_then(Value::as_str) {
        Some(error) => Err(CliError::Failed(error.to_owned())),
        None => Ok(told(status)),
    }
}

/// The list in a few lines, and what is held back as a table.
fn told(status: Value) -> Reply {
    let mut list = status.clone();
    let held = list.as_object_mut().and_then(|fields| fields.remove("held_back")).unwrap_or_default();
    let table = list_of(&held, COLUMNS, "nothing is held back");
    Reply { text: format!("{}\n{table}", shown(list).text), json: status }
}
