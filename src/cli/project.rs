//! `farthing project`: make, list and show projects, and change what they may spend. Owns the requests and the tables;
//! every rule about projects is the server's.

use clap::{Args, Subcommand};
use farthing_actors::domain::ResponseCache;
use serde_json::{Map, Value, json};

use super::connection::Connection;
use super::error::CliError;
use super::flags::{BudgetFlags, LimitFlags, put_grants};
use super::http::Api;
use super::lookup::{self, Kind};
use super::output::Reply;
use super::table::{Column, listed, shown};

pub(super) const PROJECT: Kind = Kind { noun: "project", path: "/api/projects", prefix: "prj_", names: &["name"] };

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("ID", "/id"),
    ("BUDGET", "/budget/limit_usd"),
    ("WINDOW", "/budget/window"),
    ("SPENT", "/budget/spent_usd"),
    ("HELD", "/budget/held_usd"),
    ("REMAINING", "/budget/remaining_usd"),
];

/// Work with projects: who is charged
#[derive(Debug, Args)]
pub(super) struct Project {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a project
    Create(Create),
    /// List all projects with what they spent
    List,
    /// Show one project
    Show {
        /// Its name or id
        project: String,
    },
    /// Show or change what a project may spend
    Budget(ChangeBudget),
    /// Show or change whether a project's answers are given again
    Cache(ChangeCache),
    /// Refuse its keys, and those of projects below it, until it is activated
    Deactivate {
        /// Its name or id
        project: String,
    },
    /// Let its keys call again
    Activate {
        /// Its name or id
        project: String,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// Its name
    name: String,
    /// The project whose budget it is also charged to
    #[arg(long, value_name = "PROJECT")]
    parent: Option<String>,
    #[command(flatten)]
    budget: BudgetFlags,
    #[command(flatten)]
    limits: LimitFlags,
    /// Give its answers again for so many seconds to who asks the same
    #[arg(long, value_name = "SECONDS")]
    cache_ttl: Option<u32>,
}

#[derive(Debug, Args)]
struct ChangeBudget {
    /// Its name or id
    project: String,
    #[command(flatten)]
    budget: BudgetFlags,
    /// Take the budget away: spend without limit
    #[arg(long, conflicts_with = "budget")]
    unlimited: bool,
}

#[derive(Debug, Args)]
struct ChangeCache {
    /// Its name or id
    project: String,
    /// For so many seconds
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u32>,
    /// Ask anew each time
    #[arg(long, conflicts_with = "ttl")]
    off: bool,
}

impl Project {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        match &self.command {
            Command::Create(create) => Ok(shown(api.post(PROJECT.path, &create.body()).await?)),
            Command::List => {
                let json = lookup::all(api, PROJECT.path).await?;
                Ok(listed(json, COLUMNS, "there are no projects; make one with `farthing project create`"))
            }
            Command::Show { project } => Ok(shown(lookup::one(api, PROJECT, project, |_| true).await?)),
            Command::Budget(change) => change.run(api).await,
            Command::Cache(change) => change.run(api).await,
            Command::Deactivate { project } => set_active(api, project, false).await,
            Command::Activate { project } => set_active(api, project, true).await,
        }
    }
}

async fn set_active(api: &Api, project: &str, active: bool) -> Result<Reply, CliError> {
    let id = lookup::id(api, PROJECT, project).await?;
    Ok(shown(api.patch(&PROJECT.address(&id, ""), &json!({ "active": active })).await?))
}

impl Create {
    fn body(&self) -> Value {
        let mut body = Map::from_iter([("name".to_owned(), json!(self.name))]);
        if let Some(parent) = &self.parent {
            body.insert("parent".to_owned(), json!(parent));
        }
        put_grants(&mut body, &self.budget, &self.limits);
        if let Some(ttl_seconds) = self.cache_ttl {
            body.insert("response_cache".to_owned(), json!(ResponseCache { ttl_seconds }));
        }
        Value::Object(body)
    }
}

impl ChangeCache {
    async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        let cache = self.ttl.map(|ttl_seconds| ResponseCache { ttl_seconds });
        if cache.is_none() && !self.off {
            return Ok(shown(lookup::one(api, PROJECT, &self.project, |_| true).await?));
        }
        let id = lookup::id(api, PROJECT, &self.project).await?;
        Ok(shown(api.patch(&PROJECT.address(&id, ""), &json!({ "response_cache": cache })).await?))
    }
}

impl ChangeBudget {
    async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        let budget = match (self.budget.budget(), self.unlimited) {
            (Some(budget), _) => json!(budget),
            (None, true) => Value::Null,
            (None, false) => return Ok(shown(lookup::one(api, PROJECT, &self.project, |_| true).await?)),
        };
        let id = lookup::id(api, PROJECT, &self.project).await?;
        Ok(shown(api.patch(&PROJECT.address(&id, ""), &json!({ "budget": budget })).await?))
    }
}
