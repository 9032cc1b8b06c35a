//! Mutated requests of operators: bodies and queries of the management API. What they change belongs to a project, a key
//! and a provider of their own, so that applications notice nothing.

use farthing_support::TestGateway;
use farthing_support::scene::prices;
use serde_json::{Value, json};

use super::asked::{body, sized};
use super::client::{Heard, Line};
use super::mutate;
use super::random::Random;

/// The good changes, and the words in them and in queries.
pub(crate) struct Management {
    token: String,
    changes: Vec<(&'static str, String, Value)>,
    words: Vec<Value>,
}

const LISTS: &[&str] = &[
    "/api/projects",
    "/api/keys",
    "/api/providers",
    "/api/models",
    "/api/groups",
    "/api/runs",
    "/api/requests",
    "/api/catalogue",
    "/api/usage/summary",
    "/api/usage/series",
    "/api/usage/breakdown",
    "/api/usage/latency",
    "/api/usage/export",
    "/api/ledger/entries",
    "/api/ledger/adjustments",
    "/v1/models",
    "/v1beta/models",
    "/",
    "/sign-in",
    "/static/x/y",
    "/ws/feed",
    "/ready",
];
const NAMES: &[&str] = &[
    "limit",
    "cursor",
    "project",
    "include_children",
    "key",
    "model",
    "provider",
    "from",
    "to",
    "time_zone",
    "interval",
    "by",
    "format",
    "status",
    "pageSize",
    "pageToken",
    "after_id",
];
const VALUES: &[&str] = &[
    "",
    "0",
    "-1",
    "1",
    "100",
    "101",
    "18446744073709551616",
    "x",
    "victim",
    "%00",
    "%ff%fe",
    "%F0%9F%A6%80",
    "true",
    "2026-13-45",
    "2026-11-01",
    "0001-01-01",
    "9999-12-31",
    "2026-11-26T00:00:00Z",
    "Europe/Oslo",
    "Mars/Base",
    "day",
    "hour",
    "month",
    "csv",
    "jsonl",
    "%25%27--",
];

impl Management {
    pub(crate) fn of(gateway: &TestGateway) -> Self {
        let project = gateway.add_project("victim", Some("1.00"));
        let key = gateway.add_key("victim", &json!({})).id;
        let provider = json!({"name": "victim", "kind": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": "sk-x",
            "allow_private_network": true, "enabled": true, "timeouts": {"connect_ms": 5_000, "total_ms": 590_000}});
        let made = gateway.create("/api/providers", &provider);
        let budget = json!({"limit_usd": "1.00", "window": "day", "time_zone": "UTC", "warn_percent": [50, 100]});
        let limits = json!({"rpm": 60, "tpm": 10_000, "concurrency": 5});
        let scope = json!({"name": "victim", "budget": budget, "limits": limits, "allowed_models": ["*"]});
        let mut new_key = json!({"project": "victim", "max_requests": 9, "run_limit_usd": "0.5", "expires_at": "2027-01-01T00:00:00Z"});
        new_key.as_object_mut().expect("an object").extend(scope.as_object().expect("an object").clone());
        let id = |object: &Value| object["id"].as_str().expect("an id").to_owned();
        let model = json!({"name": "victim", "provider": "victim", "upstream_model": "x", "weight": 1, "priority": 0, "prices": prices(),
            "max_output_tokens": 16_384, "context_window": 128_000});
        let bill = json!({"provider": "victim", "format": "csv", "from": "2026-11-01", "to": "2026-11-30", "report": "day,model,usd\n"});
        let changes = vec![
            ("POST", "/api/projects".to_owned(), scope.clone()),
            ("PATCH", format!("/api/projects/{}", id(&project)), scope),
            ("POST", "/api/keys".to_owned(), new_key.clone()),
            ("PATCH", format!("/api/keys/{key}"), new_key),
            ("POST", format!("/api/keys/{key}/runs/x/kill"), json!({})),
            ("POST", "/api/providers".to_owned(), provider.clone()),
            ("PATCH", format!("/api/providers/{}", id(&made)), provider),
            ("PUT", format!("/api/providers/{}/breaker", id(&made)), json!({"state": "open"})),
            ("POST", "/api/models".to_owned(), model),
            (
                "POST",
                "/api/groups".to_owned(),
                json!({"name": "herd", "strategy": "weighted", "targets": [{"model": "victim", "weight": 2}]}),
            ),
            (
                "POST",
                "/api/routes/explain".to_owned(),
                json!({"project": "victim", "model": "victim", "input_tokens": 9, "tags": ["x"]}),
            ),
            (
                "POST",
                "/api/ledger/adjustments".to_owned(),
                json!({"account": "victim", "amount_usd": "-0.000001", "reason": "x"}),
            ),
            ("POST", "/api/ledger/reconcile".to_owned(), bill),
            ("POST", "/api/tokens".to_owned(), json!({"name": "victim", "scopes": ["usage:read"]})),
        ];
        let mut words = Vec::new();
        changes.iter().for_each(|(_, _, body)| mutate::gather(body, &mut words));
        Self { token: gateway.management_token().to_owned(), changes, words }
    }

    /// One case: a change with a mutated body, or a list with a strange query.
    pub(crate) fn one(&self, line: &mut Line, random: &mut Random) -> Heard {
        let token = &self.token;
        let head = |method: &str, path: &str| {
            format!("{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n")
        };
        if random.once_in(3) {
            let count = random.below(4);
            let query: Vec<String> =
                (0..count).map(|_| format!("{}={}", random.of(NAMES), random.of(VALUES))).collect();
            let path = format!("{}?{}", random.of(LISTS), query.join("&"));
            return line.ask(format!("{}\r\n", head("GET", &path)).as_bytes()).free(true);
        }
        let (method, path, good) = random.of(&self.changes);
        let head = format!("{}content-type: application/json\r\n", head(method, path));
        let body = body(random, good, &self.words);
        line.ask(&sized(&head, &body)).free(true)
    }
}
