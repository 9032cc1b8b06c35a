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
use crate::app::{self, NewPassword, UserOrder};
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
        password: FirstPassword,
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

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct FirstPassword {
    /// The file that has the password, 15 to 128 characters; - for standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The file that has its hash from another program, $pbkdf2-sha256$i=…,l=32$salt$hash; - for standard input
    #[arg(long, value_name = "FILE")]
    password_hash_file: Option<PathBuf>,
}

impl User {
    /// Runs the command, here or at the server.
    pub(super) fn run(&self, sources: &Sources) -> Result<Reply, CliError> {
        let password = self.command.password()?;
        if self.connection.is_given() {
            return self.ask(sources, password);
        }
        let order = self.command.order(&password);
        match app::offline_users(&server::with_secrets(sources)?, order)? {
            Some(json) => Ok(self.command.reply(json)),
            None => self.ask(sources, password),
        }
    }

    fn ask(&self, sources: &Sources, password: Given) -> Result<Reply, CliError> {
        let json = ask(&self.connection, sources, async |api| self.command.online(api, password).await)?;
        Ok(self.command.reply(json))
    }
}

/// What a command's file has: a password, and whether it is the hash of one.
#[derive(Clone)]
struct Given {
    text: Secret,
    is_hash: bool,
}

impl Command {
    /// The password of the command; an empty one if it has none.
    fn password(&self) -> Result<Given, CliError> {
        match self {
            Self::Create { password, .. } => password.read(),
            Self::Passwd { password, .. } => Ok(Given { text: read(&password.password_file)?, is_hash: false }),
            Self::List | Self::Unlock { .. } => Ok(Given { text: Secret::new(""), is_hash: false }),
        }
    }

    fn order(&self, password: &Given) -> UserOrder {
        let text = password.text.clone();
        match self {
            Self::Create { name, role, .. } => {
                let password = if password.is_hash { NewPassword::Hashed(text) } else { NewPassword::Plain(text) };
                UserOrder::Create { name: name.clone(), role: *role, password }
            }
            Self::Passwd { name, .. } => UserOrder::Passwd { name: name.clone(), password: text },
            Self::Unlock { name } => UserOrder::Unlock { name: name.clone() },
            Self::List => UserOrder::List,
        }
    }

    async fn online(&self, api: &Api, password: Given) -> Result<Value, CliError> {
        let text = password.text.expose();
        match self {
            Self::Create { name, role, .. } => {
                let field = if password.is_hash { "password_hash" } else { "password" };
                Ok(api.post(USER.path, &json!({ "name": name, "role": role, field: text })).await?)
            }
            Self::Passwd { name, .. } => {
                let id = lookup::id(api, USER, name).await?;
                Ok(api.post(&USER.address(&id, "/password"), &json!({ "password": text })).await?)
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

impl FirstPassword {
    /// What the one of the two files has.
    fn read(&self) -> Result<Given, CliError> {
        let named = [(&self.password_file, false), (&self.password_hash_file, true)];
        let given = named.into_iter().find_map(|(path, is_hash)| path.as_ref().map(|path| (path, is_hash)));
        let (path, is_hash) = given.ok_or_else(|| CliError::Failed("no file with a password is named".to_owned()))?;
        Ok(Given { text: read(path)?, is_hash })
    }
}

fn read(path: &Path) -> Result<Secret, CliError> {
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map_err(CliError::io("cannot read standard input"))?;
    } else {
        let what = format!("cannot read {}", path.display());
        text = std::fs::read_to_string(path).map_err(CliError::io(what))?;
    }
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}
