//! `farthing group`: make, list and remove groups of models. Owns the requests, the table, and how a target is written on a
//! line. Conditions (`when`) do not fit on one: rules are made by the API.

use std::str::FromStr;

use clap::{Args, Subcommand};
use farthing_actors::domain::Strategy;
use serde_json::{Value, json};

use super::connection::Connection;
use super::error::CliError;
use super::http::Api;
use super::lookup::{self, Kind};
use super::output::Reply;
use super::table::{Column, listed, shown};

const GROUP: Kind = Kind { noun: "group", path: "/api/groups", prefix: "grp_", names: &["name"] };

const COLUMNS: &[Column] =
    &[("NAME", "/name"), ("ID", "/id"), ("STRATEGY", "/strategy"), ("FIRST TARGET", "/targets/0/model")];

/// Work with groups: one model name for several models
#[derive(Debug, Args)]
pub(super) struct Group {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a group
    Create {
        /// The name applications ask for
        name: String,
        /// How it chooses: ordered, weighted, lowest_latency, lowest_price, rules or classifier
        #[arg(long, default_value = "ordered")]
        strategy: Strategy,
        /// The model that rates requests, where the strategy is classifier; a high rating goes to the last target
        #[arg(long, value_name = "MODEL")]
        classifier: Option<String>,
        /// Its highest rating (the lowest is 1)
        #[arg(long, requires = "classifier", default_value_t = 10)]
        scale: u32,
        /// A model, or group:NAME, and =N for a weight of N; give it several times, in order
        #[arg(long = "target", value_name = "TARGET", required = true)]
        targets: Vec<Target>,
        /// Decide about the calls of this model or group without serving them; see `farthing shadow routes`
        #[arg(long, value_name = "NAME")]
        shadows: Option<String>,
    },
    /// List groups
    List,
    /// Show one group: its targets and their conditions
    Show {
        /// Its name or id
        group: String,
    },
    /// Remove a group
    Delete {
        /// Its name or id
        group: String,
    },
}

/// A target as it is written on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    kind: &'static str,
    name: String,
    weight: u32,
}

impl FromStr for Target {
    type Err = String;

    /// Names hold colons and equals signs, so only `group:` before one and a number behind one mean anything.
    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, rest) = text.strip_prefix("group:").map_or(("model", text), |rest| ("group", rest));
        let weighed = rest.rsplit_once('=').and_then(|(name, weight)| Some((name, weight.parse().ok()?)));
        let (name, weight) = weighed.unwrap_or((rest, 1));
        if name.is_empty() {
            return Err("write a model, or group:NAME, such as gpt-4o or group:cheap=3".to_owned());
        }
        Ok(Self { kind, name: name.to_owned(), weight })
    }
}

impl Group {
    pub(super) async fn run(&self, api: &Api) -> Result<Reply, CliError> {
        match &self.command {
            Command::Create { name, strategy, classifier, scale, targets, shadows } => {
                let targets: Vec<_> = targets.iter().map(Target::json).collect();
                let mut body = json!({"name": name, "strategy": strategy, "targets": targets});
                if let Some(members) = body.as_object_mut() {
                    let judge = classifier.as_ref().map(|model| json!({"model": model, "scale": scale}));
                    members.extend(judge.map(|judge| ("classifier".to_owned(), judge)));
                    members.extend(shadows.as_ref().map(|name| ("shadows".to_owned(), json!(name))));
                }
                Ok(shown(api.post(GROUP.path, &body).await?))
            }
            Command::List => {
                let json = lookup::all(api, GROUP.path).await?;
                Ok(listed(json, COLUMNS, "there are no groups; make one with `farthing group create`"))
            }
            Command::Show { group } => Ok(shown(lookup::one(api, GROUP, group, |_| true).await?)),
            Command::Delete { group } => {
                let id = lookup::id(api, GROUP, group).await?;
                api.delete(&GROUP.address(&id, "")).await?;
                Ok(shown(json!({"id": id, "deleted": true})))
            }
        }
    }
}

impl Target {
    fn json(&self) -> Value {
        json!({self.kind: self.name, "weight": self.weight})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_model_or_a_group_and_may_have_a_weight() {
        let target = |text: &str| text.parse::<Target>().map(|target| target.json());
        assert_eq!(target("gpt-4o"), Ok(json!({"model": "gpt-4o", "weight": 1})));
        assert_eq!(target("group:cheap=3"), Ok(json!({"group": "cheap", "weight": 3})));
        assert_eq!(target("llama3:70b=x"), Ok(json!({"model": "llama3:70b=x", "weight": 1})));
        assert!(target("group:").is_err() && target("=2").is_err());
    }
}
