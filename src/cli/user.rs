//! `farthing user`: make accounts, list them, give them another password, let them try again. Owns where a password comes from: a
//! file or standard input, never the arguments. Works on the data directory itself unless a server holds it.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use farthing_actors::domain::{Role, Secret};
use serde_json::{Value, json};

use super::connection::Connection;
use super::error::CliError;
use super::http::Api;
use super::lookup::{self, Kind};
use super::online::ask;
use super::output::Reply;
use super::server;
use super::table::{Column, listed, shown};
use crate::app::{self, UserOrder};
use crate::config::Sources;

pub(super) const USER: Kind = Kind { noun: "user", path: "/api/users", prefix: "usr_", names: &["name"] };

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("ID", "/id"),
    ("ROLE", "/role"),
    ("DISABLED", "/disabled"),
    ("LOCKED", "/locked"),
    ("CREATED", "/created_at"),
];

/// Work with accounts: the people who may sign in
///
/// Opens the database, or asks the server that holds it; with --url or --token-file always a server.
#[derive(Debug, Args)]
pub(super) struct User {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an account
    Create {
        /// What they sign in with: a-z, 0-9 and . _ - @ +
        name: String,
        /// owner, admin, operator, auditor or viewer
        #[arg(long)]
        role: Role,
        #[command(flatten)]
        password: Password,
    },
    /// List accounts
    List,
    /// Give an account another password; its sessions end
    Passwd {
        /// Their name
        name: String,
        #[command(flatten)]
        password: Password,
    },
    /// Forgive an account every wrong guess
    Unlock {
        /// Their name
        name: String,
    },
}

#[derive(Debug, Args)]
struct Password {
    /// The file that has the password, 15 to 128 characters; - for standard input
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
}

impl User {
    /// Runs the command, here or at the server.
    pub(super) fn run(&self, sources: &Sources) -> Result<Reply, CliError> {
        let order = self.command.order()?;
        if !self.connection.is_given()
            && let Some(json) = app::offline_users(&server::with_secrets(sources)?, self.command.order_of(&order))?
        {
            return Ok(self.command.reply(json));
        }
        let json = ask(&self.connection, sources, async |api| self.command.online(api, order).await)?;
        Ok(self.command.reply(json))
    }
}

impl Command {
    /// The password of the command, if it has one.
    fn order(&self) -> Result<Option<Secret>, CliError> {
        match self {
            Self::Create { password, .. } | Self::Passwd { password, .. } => password.read().map(Some),
            Self::List | Self::Unlock { .. } => Ok(None),
        }
    }

    fn order_of(&self, password: &Option<Secret>) -> UserOrder {
        let password = password.clone().unwrap_or_else(|| Secret::new(""));
        match self {
            Self::Create { name, role, .. } => UserOrder::Create { name: name.clone(), role: *role, password },
            Self::Passwd { name, .. } => UserOrder::Passwd { name: name.clone(), password },
            Self::Unlock { name } => UserOrder::Unlock { name: name.clone() },
            Self::List => UserOrder::List,
        }
    }

    async fn online(&self, api: &Api, password: Option<Secret>) -> Result<Value, CliError> {
        let password = password.as_ref().map(Secret::expose);
        match self {
            Self::Create { name, role, .. } => {
                Ok(api.post(USER.path, &json!({ "name": name, "role": role, "password": password })).await?)
            }
            Self::Passwd { name, .. } => {
                let id = lookup::id(api, USER, name).await?;
                Ok(api.post(&USER.address(&id, "/password"), &json!({ "password": password })).await?)
            }
            Self::Unlock { name } => {
                let id = lookup::id(api, USER, name).await?;
                Ok(api.post(&USER.address(&id, "/unlock"), &json!({})).await?)
            }
            Self::List => lookup::all(api, USER.path).await,
        }
    }

    fn reply(&self, json: Value) -> Reply {
        match self {
            Self::List => listed(json, COLUMNS, "there are no accounts; make one with `farthing user create`"),
            Self::Create { .. } | Self::Unlock { .. } => shown(json),
            Self::Passwd { name, .. } => Reply { json, text: format!("{name} has another password\n") },
        }
    }
}

impl Password {
    fn read(&self) -> Result<Secret, CliError> {
        let mut text = String::new();
        if self.password_file == Path::new("-") {
            std::io::stdin().read_to_string(&mut text).map_err(CliError::io("cannot read standard input"))?;
        } else {
            let what = format!("cannot read {}", self.password_file.display());
            text = std::fs::read_to_string(&self.password_file).map_err(CliError::io(what))?;
        }
        Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
    }
}
