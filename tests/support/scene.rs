//! The usual scene: one upstream, one gateway, one provider, one priced model, one project with a budget, one key.
//! Owns the words most tests share. Refuses variety: a test that needs more adds it through the gateway.

use serde_json::{Value, json};

use crate::dialect::Dialect;
use crate::gateway::{Key, TestGateway};
use crate::http::{Answer, Client};
use crate::money::Picos;
use crate::reply::Tokens;
use crate::upstream::Upstream;

/// The provider's key, to be found at the upstream and nowhere else.
pub const PROVIDER_KEY: &str = "sk-up-3fd1c0ffee5ca1ab1e0ddba11";
/// The model applications ask for.
pub const MODEL: &str = "gpt-4o-mini";
/// The project that pays.
pub const PROJECT: &str = "team-a";

const INPUT: &str = "0.15";
const CACHED: &str = "0.075";
const OUTPUT: &str = "0.60";

/// Everything an ordinary call needs. Fields drop in order: first the gateway, then the upstream, each with its checks.
pub struct Scene {
    /// The gateway.
    pub gateway: TestGateway,
    /// The provider's side.
    pub upstream: Upstream,
    /// The key that calls.
    pub key: Key,
}

impl Scene {
    /// Sets it up around the binary `env!("CARGO_BIN_EXE_farthing")`.
    pub fn start(binary: &str) -> Self {
        Self::around(TestGateway::builder(binary).start())
    }

    /// Sets it up around a gateway with settings of its own.
    pub fn around(gateway: TestGateway) -> Self {
        let upstream = Upstream::start();
        gateway.add_provider("openai", &upstream);
        gateway.add_model(MODEL, "openai", &prices());
        gateway.add_project(PROJECT, Some("25.00"));
        let key = gateway.add_key(PROJECT, &json!({}));
        Self { gateway, upstream, key }
    }

    /// The application with the scene's key.
    pub fn application(&self) -> Client {
        self.gateway.application(&self.key.secret)
    }

    /// A chat request with this body.
    pub fn chat(&self, body: &Value) -> Answer {
        self.application().post("/v1/chat/completions", body)
    }

    /// The recorded line of an answered request.
    ///
    /// # Panics
    /// If the answer names no request, or the line is not there in time.
    pub fn recorded(&self, answer: &Answer) -> Value {
        self.gateway.request(answer.header("x-farthing-request-id").expect("every answer names its request"))
    }
}

impl TestGateway {
    /// Registers `upstream` as a provider of kind `openai` with [`PROVIDER_KEY`].
    pub fn add_provider(&self, name: &str, upstream: &Upstream) -> Value {
        self.add_provider_of(name, "openai", upstream)
    }

    /// Registers `upstream` as a provider of this kind with [`PROVIDER_KEY`].
    pub fn add_provider_of(&self, name: &str, kind: &str, upstream: &Upstream) -> Value {
        let body = json!({
            "name": name, "kind": kind, "base_url": upstream.base_url_for(kind), "api_key": PROVIDER_KEY,
            "allow_private_network": true, "enabled": true,
        });
        self.create("/api/providers", &body)
    }

    /// Adds a deployment of `model` under its own name at `provider`.
    pub fn add_model(&self, model: &str, provider: &str, prices: &Value) -> Value {
        let body = json!({
            "name": model, "provider": provider, "upstream_model": model, "weight": 1, "priority": 0,
            "max_output_tokens": 16_384, "context_window": 128_000, "prices": prices,
        });
        self.create("/api/models", &body)
    }

    /// Adds a provider of `dialect` under its name, and a deployment there that speaks nothing else: `model` to
    /// applications, `upstream_model` to the provider.
    pub fn add_model_of(&self, dialect: Dialect, model: &str, upstream_model: &str, upstream: &Upstream) {
        let known = self.list("/api/providers").iter().any(|provider| provider["name"] == dialect.name());
        if !known {
            self.add_provider_of(dialect.name(), dialect.kind(), upstream);
        }
        let body = json!({
            "name": model, "provider": dialect.name(), "upstream_model": upstream_model, "dialects": [dialect.name()],
            "max_output_tokens": 16_384, "context_window": 128_000, "prices": prices(),
        });
        self.create("/api/models", &body);
    }

    /// Adds a project, with a budget for all time if one is given.
    pub fn add_project(&self, name: &str, limit_usd: Option<&str>) -> Value {
        let budget = limit_usd.map(|limit| json!({"limit_usd": limit, "window": "total", "time_zone": "UTC"}));
        self.create("/api/projects", &json!({"name": name, "budget": budget, "allowed_models": ["*"]}))
    }

    /// Hands out a key without an end, because tests turn the clock; `extra` fields are added to the request.
    ///
    /// # Panics
    /// If the answer shows no key.
    pub fn add_key(&self, project: &str, extra: &Value) -> Key {
        let mut body = json!({"project": project, "name": "test", "expires_in_days": null});
        let fields = body.as_object_mut().expect("an object");
        fields.extend(extra.as_object().cloned().unwrap_or_default());
        let made = self.create("/api/keys", &body);
        let text = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("no {name} in {made}")).to_owned();
        Key { id: text("id"), secret: text("key") }
    }
}

/// The prices of the scene's model.
pub fn prices() -> Value {
    json!({
        "input_cost_per_m": INPUT, "output_cost_per_m": OUTPUT, "cache_read_cost_per_m": CACHED,
        "cache_write_cost_per_m": "0", "cache_write_1h_cost_per_m": "0",
    })
}

/// What a call of the scene's model costs, by the tests' own arithmetic.
pub fn cost(tokens: Tokens) -> Picos {
    let bill = Picos::millionths(INPUT, tokens.prompt - tokens.cached)
        + Picos::millionths(CACHED, tokens.cached)
        + Picos::millionths(OUTPUT, tokens.completion);
    Picos::rounded(bill)
}

/// A small request for the scene's model; `extra` fields are added.
pub fn ask(extra: &Value) -> Value {
    let mut body = json!({"model": MODEL, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100});
    if let (Some(fields), Some(extra)) = (body.as_object_mut(), extra.as_object()) {
        fields.extend(extra.clone());
    }
    body
}
