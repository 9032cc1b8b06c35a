//! Looking things up at the server: whole lists, and one thing by its id or its name.
//! Owns following the pages of a list. Refuses to guess: a name that fits two things is an error naming both.

use serde_json::{Value, json};

use super::error::CliError;
use super::http::{Api, escape, query};

/// More pages than this are a server that never ends its list.
const MOST_PAGES: usize = 10_000;

/// A kind of thing that has names and ids.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// What people call one, such as `project`.
    pub(super) noun: &'static str,
    /// Where they are, such as `/api/projects`.
    pub(super) path: &'static str,
    /// What ids begin with, such as `prj_`.
    pub(super) prefix: &'static str,
    /// Fields that may be named instead of the id.
    pub(super) names: &'static [&'static str],
}

impl Kind {
    /// The address of the thing with this id, and below it.
    pub(super) fn address(&self, id: &str, below: &str) -> String {
        format!("{}/{}{below}", self.path, escape(id))
    }
}

/// The whole list, as one page.
pub(super) async fn all(api: &Api, path: &str) -> Result<Value, CliError> {
    let mut items = Vec::new();
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        let mut page = api.get(&query(path, &[("cursor", cursor)])).await?;
        if let Some(data) = page.get_mut("data").and_then(Value::as_array_mut) {
            items.append(data);
        }
        cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
        if cursor.is_none() {
            return Ok(json!({"data": items, "next_cursor": null}));
        }
    }
    Err(CliError::Failed(format!("the list at {path} does not end")))
}

/// The one thing with this id or name for which `also` holds.
pub(super) async fn one(api: &Api, kind: Kind, wanted: &str, also: impl Fn(&Value) -> bool) -> Result<Value, CliError> {
    if wanted.starts_with(kind.prefix) {
        return Ok(api.get(&kind.address(wanted, "")).await?);
    }
    let list = all(api, kind.path).await?;
    let named = |item: &&Value| kind.names.iter().any(|name| item.get(name).and_then(Value::as_str) == Some(wanted));
    let items = list.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let found: Vec<&Value> = items.iter().filter(named).filter(|item| also(item)).collect();
    match found.as_slice() {
        [item] => Ok((*item).clone()),
        [] => Err(CliError::Failed(format!("there is no {} named {wanted:?}", kind.noun))),
        several => Err(ambiguous(kind, wanted, several)),
    }
}

/// The id of the one thing with this id or name.
pub(super) async fn id(api: &Api, kind: Kind, wanted: &str) -> Result<String, CliError> {
    if wanted.starts_with(kind.prefix) {
        return Ok(wanted.to_owned());
    }
    id_of(&one(api, kind, wanted, |_| true).await?)
}

/// The id in a server's answer.
pub(super) fn id_of(item: &Value) -> Result<String, CliError> {
    let id = item.get("id").and_then(Value::as_str).map(str::to_owned);
    id.ok_or_else(|| CliError::Failed("the server's answer has no id".to_owned()))
}

fn ambiguous(kind: Kind, wanted: &str, several: &[&Value]) -> CliError {
    let ids: Vec<_> = several.iter().filter_map(|item| item.get("id").and_then(Value::as_str)).collect();
    CliError::Failed(format!(
        "several fit the name {wanted:?} of a {}; name one by its id: {}",
        kind.noun,
        ids.join(", ")
    ))
}
