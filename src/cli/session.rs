//! `farthing session`: who is signed in, and ending it. Owns the requests and the table.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::connection::Connection;
use super::error::CliError;
use super::http::{Api, query};
use super::lookup;
use super::output::Reply;
use super::table::{Column, listed};
use super::user::USER;

const PATH: &str = "/api/sessions";

const COLUMNS: &[Column] = &[
    ("USER", "/user"),
    ("ID", "/id"),
    ("SINCE", "/created_at"),
    ("SEEN", "/seen_at"),
    ("FROM", "/client_ip"),
    ("WITH", "/user_agent"),
];

/// Work with sessions: who is signed in, and from where
#[derive(Debug, Args)]
pub(super) struct Session {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List sessions
    List {
        /// Only those of this person, by name or id; management for the management token's
        #[arg(long)]
        user: Option<String>,
    },
    /// End a session, or all of a person; exit code 1 if there was none
    Revoke {
        /// The session's id
        #[arg(required_unless_present = "user", conflicts_with = "user")]
        id: Option<String>,
        /// All of this person, by name or id; management for the management token's
        #[arg(long)]
        user: Option<String>,
    },
}

impl Session {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        match &self.command {
            Command::List { user } => {
                let json = lookup::all(api, &of(api, user.as_deref()).await?).await?;
                Ok(listed(json, COLUMNS, "nobody is signed in"))
            }
            Command::Revoke { id: Some(id), .. } => {
                Ok(ended(api.delete(&format!("{PATH}/{}", super::http::escape(id))).await?))
            }
            Command::Revoke { user, .. } => Ok(ended(api.delete(&of(api, user.as_deref()).await?).await?)),
        }
    }
}

/// The list of one person, or of all.
async fn of(api: &Api, user: Option<&str>) -> Result<String, CliError> {
    let user = match user {
        None | Some("management") => user.map(str::to_owned),
        Some(user) => Some(lookup::id(api, USER, user).await?),
    };
    Ok(query(PATH, &[("user", user)]))
}

fn ended(json: Value) -> Reply {
    let text = format!("ended: {}\n", json.get("revoked").map(ToString::to_string).unwrap_or_default());
    Reply { json, text }
}
