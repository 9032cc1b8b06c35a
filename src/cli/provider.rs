//! `farthing provider`: add, list and try providers, switch them on and off, force their circuits. Owns the requests and the table.
//! Refuses provider keys as arguments: they are named by where they are.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use farthing_actors::domain::ProviderKind;
use serde_json::{Map, Value, json};

use super::connection::{Connection, pointed_secret};
use super::error::CliError;
use super::http::Api;
use super::lookup::{self, Kind};
use super::output::Reply;
use super::table::{Column, listed, shown};
use crate::config::Sources;

const PROVIDER: Kind = Kind { noun: "provider", path: "/api/providers", prefix: "prv_", names: &["name"] };

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("ID", "/id"),
    ("KIND", "/kind"),
    ("ADDRESS", "/base_url"),
    ("KEY", "/api_key"),
    ("ENABLED", "/enabled"),
    ("CIRCUIT", "/breaker/state"),
    ("CAUSE", "/breaker/cause"),
    ("CREDIT", "/credit/remaining_usd"),
    ("LOW", "/credit/low"),
];

/// Work with providers: who answers
#[derive(Debug, Args)]
pub(super) struct Provider {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a provider
    Add(Add),
    /// List providers and the state of their circuits
    List,
    /// Let a provider be asked again
    Enable {
        /// Its name or id
        provider: String,
    },
    /// Ask a provider no more
    Disable {
        /// Its name or id
        provider: String,
    },
    /// Try a provider with its key, without making a token; exit code 1 if it does not work
    Test {
        /// Its name or id
        provider: String,
    },
    /// Force a provider's circuits open or closed, or let them decide again
    Breaker {
        /// Its name or id
        provider: String,
        /// What they shall be
        state: Circuit,
    },
}

/// Every kind there is, so that the help names all of them.
fn kinds() -> impl TypedValueParser<Value = ProviderKind> {
    PossibleValuesParser::new(ProviderKind::ALL.iter().map(|kind| kind.name())).try_map(|name| name.parse())
}

/// What an operator may want of circuits.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Circuit {
    /// No call goes there
    Open,
    /// Every call goes there, whatever happens
    Closed,
    /// As calls succeed and fail
    Auto,
}

#[derive(Debug, Args)]
struct Add {
    /// Its name
    name: String,
    /// What it is
    #[arg(long, value_parser = kinds())]
    kind: ProviderKind,
    /// Its address, as its own SDK takes it; the kind's usual one if absent
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Where its key is: env:NAME or file:PATH
    #[arg(long, value_name = "SOURCE")]
    api_key: Option<String>,
    /// Allow an address on this machine or in a private network
    #[arg(long)]
    allow_private_network: bool,
}

impl Provider {
    pub(super) async fn run(&self, api: &Api, sources: &Sources) -> Result<Reply, CliError> {
        match &self.command {
            Command::Add(add) => Ok(shown(api.post(PROVIDER.path, &add.body(sources)?).await?)),
            Command::List => {
                let json = lookup::all(api, PROVIDER.path).await?;
                Ok(listed(json, COLUMNS, "there are no providers; add one with `farthing provider add`"))
            }
            Command::Enable { provider } => switch(api, provider, true).await,
            Command::Disable { provider } => switch(api, provider, false).await,
            Command::Test { provider } => test(api, provider).await,
            Command::Breaker { provider, state } => force(api, provider, *state).await,
        }
    }
}

impl Add {
    fn body(&self, sources: &Sources) -> Result<Value, CliError> {
        let mut body = Map::from_iter([
            ("name".to_owned(), json!(self.name)),
            ("kind".to_owned(), json!(self.kind)),
            ("allow_private_network".to_owned(), json!(self.allow_private_network)),
        ]);
        if let Some(url) = &self.base_url {
            body.insert("base_url".to_owned(), json!(url));
        }
        if let Some(pointer) = &self.api_key {
            let key = pointed_secret(pointer, sources)?;
            body.insert("api_key".to_owned(), json!(key.expose()));
        }
        Ok(Value::Object(body))
    }
}

async fn force(api: &Api, provider: &str, state: Circuit) -> Result<Reply, CliError> {
    let id = lookup::id(api, PROVIDER, provider).await?;
    let state = match state {
        Circuit::Open => "open",
        Circuit::Closed => "closed",
        Circuit::Auto => "auto",
    };
    Ok(shown(api.put(&PROVIDER.address(&id, "/breaker"), &json!({ "state": state })).await?))
}

async fn test(api: &Api, provider: &str) -> Result<Reply, CliError> {
    let id = lookup::id(api, PROVIDER, provider).await?;
    let json = api.post(&PROVIDER.address(&id, "/test"), &json!({})).await?;
    match json.pointer("/error/message").and_then(Value::as_str) {
        None => Ok(shown(json)),
        Some(why) => Err(CliError::Failed(format!("{provider} does not work: {why}"))),
    }
}

async fn switch(api: &Api, provider: &str, enabled: bool) -> Result<Reply, CliError> {
    let id = lookup::id(api, PROVIDER, provider).await?;
    Ok(shown(api.patch(&PROVIDER.address(&id, ""), &json!({ "enabled": enabled })).await?))
}
