//! `farthing key`: make, list, show, rotate and revoke virtual keys. Owns the requests and the tables.
//! Refuses to keep a secret: a new key is printed once, as the server sent it, and nowhere else.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use farthing_actors::domain::Money;
use serde_json::{Map, Value, json};

use super::connection::Connection;
use super::error::CliError;
use super::flags::{BudgetFlags, LimitFlags, amount, put_grants};
use super::http::{Api, query};
use super::lookup::{self, Kind};
use super::output::Reply;
use super::table::{Column, listed, shown};
use super::token;

pub(super) const KEY: Kind = Kind { noun: "key", path: "/api/keys", prefix: "key_", names: &["name", "prefix"] };

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("ID", "/id"),
    ("KEY", "/prefix"),
    ("PROJECT", "/project"),
    ("EXPIRES", "/expires_at"),
    ("REVOKED", "/revoked_at"),
    ("BUDGET", "/budget/limit_usd"),
    ("SPENT", "/budget/spent_usd"),
    ("REQUESTS", "/requests_used"),
    ("MOST", "/max_requests"),
];

/// Work with virtual keys: what applications present
#[derive(Debug, Args)]
pub(super) struct Key {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key; its secret is shown this once
    Create(Box<Create>),
    /// List keys
    List {
        /// Only those of this project
        #[arg(long)]
        project: Option<String>,
    },
    /// Show one key, without its secret
    Show {
        /// Its id, prefix or name
        key: String,
    },
    /// Revoke a key: it is refused within a second
    Revoke {
        /// Its id, prefix or name
        key: String,
    },
    /// Replace a key's secret; the new one is shown this once
    Rotate {
        /// Its id, prefix or name
        key: String,
        /// Hours for which the present secret goes on, 0 to 720; 24 if absent
        #[arg(long, value_name = "HOURS")]
        overlap_hours: Option<u32>,
    },
    /// Issue a short-lived token that calls with a key, for a browser, or take one back
    Token(TokenOrder),
}

#[derive(Debug, Args)]
struct Create {
    /// What it is for, such as ci
    name: String,
    /// Which project is charged
    #[arg(long)]
    project: String,
    /// Days until it expires, or never; keys.default_days if absent
    #[arg(long, value_name = "DAYS", value_parser = lifetime)]
    expires_in_days: Option<Lifetime>,
    /// Only these paths, such as /v1/chat/*; may be given several times
    #[arg(long = "endpoint", value_name = "GLOB")]
    endpoints: Vec<String>,
    /// Only these values of a parameter, such as max_tokens=1??; may be given several times
    #[arg(long = "parameter", value_name = "NAME=GLOB", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// How many requests it may ever have
    #[arg(long, value_name = "N")]
    max_requests: Option<u64>,
    /// What one run of an agent (x-farthing-run) may cost, in US dollars
    #[arg(long, value_name = "USD", value_parser = amount)]
    run_limit: Option<Money>,
    #[command(flatten)]
    budget: BudgetFlags,
    #[command(flatten)]
    limits: LimitFlags,
}

impl Key {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        match &self.command {
            Command::Create(create) => Ok(with_secret(api.post(KEY.path, &create.body()).await?)),
            Command::List { project } => list(api, project.as_deref()).await,
            Command::Show { key } => Ok(shown(lookup::one(api, KEY, key, |_| true).await?)),
            Command::Revoke { key } => {
                let id = lookup::id(api, KEY, key).await?;
                let json = api.post(&KEY.address(&id, "/revoke"), &json!({})).await?;
                Ok(Reply { json, text: format!("revoked {id}\n") })
            }
            Command::Rotate { key, overlap_hours } => {
                let id = lookup::id(api, KEY, key).await?;
                let hours = overlap_hours.map(|hours| ("overlap_hours".to_owned(), json!(hours)));
                let body = Value::Object(hours.into_iter().collect());
                Ok(with_secret(api.post(&KEY.address(&id, "/rotate"), &body).await?))
            }
            Command::Token(order) => order.run(api).await,
        }
    }
}

#[derive(Debug, Args)]
struct TokenOrder {
    /// The key's id, prefix or name
    key: String,
    /// Seconds until it ends, 60 to 86400; 900 if absent
    #[arg(long, value_name = "SECONDS")]
    expires_in_seconds: Option<u64>,
    /// Only these models; may be given several times
    #[arg(long = "allow", value_name = "MODEL")]
    models: Vec<String>,
    /// How many requests it may have
    #[arg(long, value_name = "N")]
    max_requests: Option<u64>,
    /// Take the token with this id back instead
    #[arg(long, value_name = "ID", conflicts_with_all = ["expires_in_seconds", "models", "max_requests"])]
    revoke: Option<String>,
}

impl TokenOrder {
    async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        let id = lookup::id(api, KEY, &self.key).await?;
        if let Some(token) = &self.revoke {
            let json = api.delete(&KEY.address(&id, &format!("/tokens/{token}"))).await?;
            return Ok(Reply { json, text: format!("revoked {token}\n") });
        }
        let given = [
            self.expires_in_seconds.map(|seconds| ("expires_in_seconds".to_owned(), json!(seconds))),
            (!self.models.is_empty()).then(|| ("allowed_models".to_owned(), json!(self.models))),
            self.max_requests.map(|most| ("max_requests".to_owned(), json!(most))),
        ];
        let body = Value::Object(given.into_iter().flatten().collect());
        Ok(token::once(api.post(&KEY.address(&id, "/tokens"), &body).await?))
    }
}

impl Create {
    fn body(&self) -> Value {
        let mut body =
            Map::from_iter([("project".to_owned(), json!(self.project)), ("name".to_owned(), json!(self.name))]);
        if let Some(Lifetime(days)) = self.expires_in_days {
            body.insert("expires_in_days".to_owned(), json!(days));
        }
        if !self.endpoints.is_empty() {
            body.insert("allowed_endpoints".to_owned(), json!(self.endpoints));
        }
        if !self.parameters.is_empty() {
            let mut lists = BTreeMap::<&str, Vec<&str>>::new();
            for (name, value) in &self.parameters {
                lists.entry(name).or_default().push(value);
            }
            body.insert("allowed_parameters".to_owned(), json!(lists));
        }
        if let Some(max) = self.max_requests {
            body.insert("max_requests".to_owned(), json!(max));
        }
        if let Some(limit) = self.run_limit {
            body.insert("run_limit_usd".to_owned(), json!(limit));
        }
        put_grants(&mut body, &self.budget, &self.limits);
        Value::Object(body)
    }
}

/// Days, or none for ever.
#[derive(Debug, Clone, Copy)]
struct Lifetime(Option<u32>);

fn lifetime(text: &str) -> Result<Lifetime, String> {
    if text == "never" {
        return Ok(Lifetime(None));
    }
    text.parse().map(|days| Lifetime(Some(days))).map_err(|_| "write a number of days, or never".to_owned())
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=GLOB, such as max_tokens=1??")?;
    Ok((name.to_owned(), value.to_owned()))
}

async fn list(api: &Api, project: Option<&str>) -> Result<Reply, CliError> {
    let path = query(KEY.path, &[("project", project.map(str::to_owned))]);
    let json = lookup::all(api, &path).await?;
    Ok(listed(json, COLUMNS, "there are no keys; make one with `farthing key create`"))
}

fn with_secret(json: Value) -> Reply {
    let Reply { json, text } = shown(json);
    Reply { json, text: format!("{text}\nThe key is shown this once. Keep it safe.\n") }
}
