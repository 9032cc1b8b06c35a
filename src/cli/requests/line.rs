//! An event of the feed as one line for people. Owns the columns, and the names behind ids: asked of the server once, and
//! again when an id is new. Refuses to fail for want of a name: then the id is shown.

use std::collections::{HashMap, HashSet};

use farthing_actors::domain::Timestamp;
use serde_json::Value;

use crate::cli::http::Api;
use crate::cli::lookup;
use crate::cli::output::harmless;

const ABSENT: &str = "-";

/// Names by id, of projects, keys and providers.
#[derive(Default)]
pub(super) struct Names {
    known: HashMap<String, String>,
    /// Ids whose names cannot be had.
    nameless: HashSet<String>,
}

impl Names {
    /// The event as a line, without a line feed.
    pub(super) async fn line(&mut self, api: &Api, event: &Value) -> String {
        for (field, path) in
            [("project_id", "/api/projects"), ("key_id", "/api/keys"), ("provider_id", "/api/providers")]
        {
            if let Some(id) = event.get(field).and_then(Value::as_str) {
                self.learn(api, id, path).await;
            }
        }
        harmless(&self.spell(event))
    }

    async fn learn(&mut self, api: &Api, id: &str, path: &str) {
        if self.known.contains_key(id) || self.nameless.contains(id) {
            return;
        }
        let list = lookup::all(api, path).await.unwrap_or_default();
        for item in list.get("data").and_then(Value::as_array).into_iter().flatten() {
            if let (Some(id), Some(name)) = (text(item, "id"), text(item, "name")) {
                self.known.insert(id.to_owned(), name.to_owned());
            }
        }
        if !self.known.contains_key(id) {
            self.nameless.insert(id.to_owned());
        }
    }

    fn spell(&self, event: &Value) -> String {
        let time = event.get("time").and_then(Value::as_i64).map(|time| Timestamp(time).to_string());
        let time = time.as_deref().unwrap_or(ABSENT);
        let at = |field| value(event, field);
        match text(event, "type") {
            Some("usage") => self.usage(time, event),
            Some("breaker") => {
                format!("{time}  breaker  deployment {} is {}: {}", at("deployment_id"), at("state"), at("cause"))
            }
            Some("budget") => format!(
                "{time}  budget   {} has spent {} % of ${}: ${}",
                at("name"),
                at("percent"),
                at("limit_usd"),
                at("spent_usd")
            ),
            Some("system") => format!("{time}  system   {}", at("message")),
            Some("lagged") => format!("{ABSENT}  lagged   {} events were missed", at("missed")),
            _ => event.to_string(),
        }
    }

    fn usage(&self, time: &str, event: &Value) -> String {
        let (at, named) = (|field| value(event, field), |field| self.name(event, field));
        format!(
            "{time}  {}  {}  {}  {}  {} {}  {}+{} tokens  ${}  {} ms",
            named("project_id"),
            named("key_id"),
            at("model"),
            named("provider_id"),
            at("status"),
            at("http_status"),
            at("input_tokens"),
            at("output_tokens"),
            at("cost_usd"),
            at("latency_ms"),
        )
    }

    fn name(&self, event: &Value, field: &str) -> String {
        let id = value(event, field);
        self.known.get(&id).cloned().unwrap_or(id)
    }
}

fn text<'a>(item: &'a Value, field: &str) -> Option<&'a str> {
    item.get(field).and_then(Value::as_str)
}

fn value(event: &Value, field: &str) -> String {
    match event.get(field) {
        None | Some(Value::Null) => ABSENT.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_kind_of_event_is_a_line() {
        let mut names = Names::default();
        names.known.insert("prj_1".to_owned(), "team-a".to_owned());
        let usage = json!({
            "type": "usage", "time": 0, "project_id": "prj_1", "key_id": "key_1", "model": "gpt", "provider_id": null,
            "status": "refused", "http_status": 402, "input_tokens": 1, "output_tokens": 2, "cost_usd": "0.01", "latency_ms": 3,
        });
        let budget = json!({
            "type": "budget", "time": 0, "name": "team-a", "percent": 80, "limit_usd": "1.00", "spent_usd": "0.80",
        });
        for (event, line) in [
            (usage, "1970-01-01T00:00:00.000Z  team-a  key_1  gpt  -  refused 402  1+2 tokens  $0.01  3 ms"),
            (budget, "1970-01-01T00:00:00.000Z  budget   team-a has spent 80 % of $1.00: $0.80"),
            (json!({"type": "lagged", "missed": 7}), "-  lagged   7 events were missed"),
            (json!({"type": "new"}), r#"{"type":"new"}"#),
        ] {
            assert_eq!(names.spell(&event), line);
        }
    }
}
