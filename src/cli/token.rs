//! `farthing token`: issue and take back scoped tokens of the management API. Owns the requests and what is said of them.
//! Refuses to keep a token: it is printed once, as the server sent it, and nowhere else.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::connection::Connection;
use super::error::CliError;
use super::http::Api;
use super::output::Reply;
use super::table::shown;

const PATH: &str = "/api/tokens";

/// Work with scoped tokens: what scripts and dashboards of others present to the management API
#[derive(Debug, Args)]
pub(super) struct Token {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Issue a token; it is shown this once
    Create {
        /// Who bears it, as the audit trail will call them
        name: String,
        /// What it may do, such as can_view_usage; may be given several times
        #[arg(long = "scope", value_name = "PERMISSION", required = true)]
        scopes: Vec<String>,
        /// Hours until it ends, at most 720; 24 if absent
        #[arg(long, value_name = "HOURS")]
        expires_in_hours: Option<u32>,
    },
    /// Take a token back: it is refused at once
    Revoke {
        /// Its id, as it was shown when it was issued
        id: String,
    },
}

impl Token {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        match &self.command {
            Command::Create { name, scopes, expires_in_hours } => {
                let mut body = json!({ "name": name, "scopes": scopes });
                if let (Some(hours), Some(fields)) = (expires_in_hours, body.as_object_mut()) {
                    fields.insert("expires_in_hours".to_owned(), json!(hours));
                }
                Ok(once(api.post(PATH, &body).await?))
            }
            Command::Revoke { id } => {
                let json = api.delete(&format!("{PATH}/{id}")).await?;
                Ok(Reply { json, text: format!("revoked {id}\n") })
            }
        }
    }
}

/// A token that is shown this once.
pub(super) fn once(json: Value) -> Reply {
    let Reply { json, text } = shown(json);
    Reply { json, text: format!("{text}\nThe token is shown this once.\n") }
}
