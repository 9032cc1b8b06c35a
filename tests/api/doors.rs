//! The doors of the data plane: who is let in, and what a key may see of itself.

use std::time::Duration;

use diesel::sql_types::Text;
use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use farthing_support::gateway::openai_error;
use farthing_support::poll::until;
use farthing_support::scene::{MODEL, PROJECT, ask, prices};
use farthing_support::{Client, Key, Reply, Scene, TestGateway, Tokens};
use serde_json::{Value, json};

use crate::{BINARY, scene};

const REVOKED: Duration = Duration::from_secs(1);

fn locked(client: &Client, code: &str, why: &str) {
    let chat = client.post("/v1/chat/completions", &ask(&json!({})));
    let error = openai_error(&chat, 401);
    assert_eq!(error["code"], code, "{why}: {error}");
    for path in ["/v1/models", "/v1/models/gpt-4o-mini", "/v1/key", "/v1/no-such-path", "/v1/chat/completions"] {
        openai_error(&client.get(path), 401);
    }
}

#[test]
fn nothing_under_v1_opens_without_a_valid_key() {
    // More wrong keys than an address may send.
    let scene = Scene::around(TestGateway::builder(BINARY).set("FARTHING__SERVER__FAILURES_PER_MINUTE", "0").start());
    let anonymous = scene.gateway.anonymous();
    let real = &scene.key.secret;
    let last = if real.ends_with('A') { "B" } else { "A" };
    let short = |less: usize| real.get(..real.len() - less).unwrap().to_owned();
    let altered = short(1) + last;
    locked(&anonymous, "missing_api_key", "no key");
    for wrong in ["nonsense", "sk-ft-", "sk-ft-ab12cd34", &altered, &short(6), &real.to_uppercase()] {
        locked(&anonymous.bearer(wrong), "invalid_api_key", wrong);
    }
    locked(&anonymous.with("authorization", real), "missing_api_key", "no scheme");
    locked(&anonymous.with("authorization", "Basic dTpw"), "missing_api_key", "another scheme");
    locked(&anonymous.bearer(&"x".repeat(20_000)), "invalid_api_key", "a very long key");
    locked(&scene.gateway.operator(), "invalid_api_key", "the management token is no key");
}

#[test]
fn a_key_may_come_in_the_other_headers_too() {
    let scene = scene();
    for client in [
        scene.gateway.anonymous().with("x-api-key", &scene.key.secret),
        scene.gateway.anonymous().with("x-goog-api-key", &scene.key.secret),
    ] {
        assert_eq!(client.get("/v1/models").status, 200);
    }
}

#[test]
fn a_revoked_key_is_out_within_a_second() {
    let scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
    let revoked = scene.gateway.operator().post(&format!("/api/keys/{}/revoke", scene.key.id), &json!({}));
    assert!(revoked.status < 300, "{}", revoked.text());
    until("the revoked key is refused", REVOKED, || (scene.chat(&ask(&json!({}))).status == 401).then_some(()));
    locked(&scene.application(), "key_revoked", "revoked");
}

#[test]
fn an_expired_key_is_out() {
    let mut scene = scene();
    let key = scene.gateway.add_key(PROJECT, &json!({"expires_in_days": 1}));
    assert_eq!(scene.gateway.application(&key.secret).get("/v1/models").status, 200);
    assert!(scene.gateway.stop().success());
    let_time_pass(&scene, &key);
    scene.gateway.restart();
    locked(&scene.gateway.application(&key.secret), "key_expired", "expired");
    assert_eq!(scene.application().get("/v1/models").status, 200, "the other key has no end");
}

// A day cannot be waited for: the end of the key's life is moved instead, while nobody runs.
fn let_time_pass(scene: &Scene, key: &Key) {
    let database = scene.gateway.data_dir().join("farthing.db");
    let mut connection = SqliteConnection::establish(&database.to_string_lossy()).unwrap();
    let earlier = sql_query("UPDATE virtual_keys SET expires_at = created_at WHERE id = ? AND expires_at IS NOT NULL");
    assert_eq!(earlier.bind::<Text, _>(&key.id).execute(&mut connection), Ok(1));
}

#[test]
fn a_path_that_does_not_exist_is_told_to_a_key() {
    let scene = scene();
    openai_error(&scene.application().get("/v1/no-such-path"), 404);
}

#[test]
fn models_are_those_the_key_may_use() {
    let scene = scene();
    scene.gateway.add_model("gpt-secret", "openai", &prices());
    let some =
        scene.gateway.application(&scene.gateway.add_key(PROJECT, &json!({"allowed_models": ["gpt-4o*"]})).secret);
    let names = |client: &Client| -> Vec<String> {
        let list = client.get("/v1/models").json();
        assert_eq!(list["object"], "list");
        let each = |model: &Value| {
            assert_eq!(model["object"], "model", "{model}");
            assert!(model["created"].is_u64() && model["owned_by"].is_string(), "{model}");
            model["id"].as_str().unwrap().to_owned()
        };
        let mut names: Vec<String> = list["data"].as_array().unwrap().iter().map(each).collect();
        names.sort();
        names
    };
    assert_eq!(names(&scene.application()), [MODEL, "gpt-secret"]);
    assert_eq!(names(&some), [MODEL]);
    assert_eq!(some.get(&format!("/v1/models/{MODEL}")).json()["id"], MODEL);
    openai_error(&some.get("/v1/models/gpt-secret"), 404);
    openai_error(&some.get("/v1/models/no-such-model"), 404);
    let refused = some.post("/v1/chat/completions", &ask(&json!({"model": "gpt-secret"})));
    assert!(refused.status == 404 || refused.status == 403, "{}", refused.text());
}

#[test]
fn a_key_sees_its_own_limits_and_nothing_secret() {
    let scene = scene();
    let own = json!({"budget": {"limit_usd": "0.50", "window": "total", "time_zone": "UTC"}});
    let key = scene.gateway.add_key(PROJECT, &own);
    let answer = scene.gateway.application(&key.secret).get("/v1/key");
    assert_eq!(answer.status, 200);
    let seen = answer.json();
    assert_eq!((&seen["id"], &seen["project"]), (&json!(key.id), &json!(PROJECT)), "{seen}");
    assert_eq!(seen["budget"]["remaining_usd"], "0.50", "{seen}");
    assert!(!answer.text().contains(&key.secret), "the secret is shown once, when it is made");
    // What it spent, with a budget or without.
    scene.upstream.always(Reply::chat(Tokens::plain(1_000, 1_000)));
    let free = scene.gateway.add_key(PROJECT, &json!({}));
    let client = scene.gateway.application(&free.secret);
    assert_eq!(client.get("/v1/key").json()["spent_usd"], "0");
    let cost = scene.recorded(&client.post("/v1/chat/completions", &ask(&json!({}))))["cost_usd"].clone();
    assert_eq!((&client.get("/v1/key").json()["spent_usd"], cost == "0"), (&cost, false));
}

#[test]
fn a_rate_limit_is_told_with_a_true_wait() {
    let scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let key = scene.gateway.add_key(PROJECT, &json!({"limits": {"rpm": 6}}));
    let client = scene.gateway.application(&key.secret);
    let limited =
        (0..20).map(|_| client.post("/v1/chat/completions", &ask(&json!({})))).find(|answer| answer.status != 200);
    let limited = limited.expect("six a minute are not twenty at once");
    let error = openai_error(&limited, 429);
    assert_eq!(error["code"], "rate_limit_exceeded", "{error}");
    let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let limit = ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"].map(|name| limited.header(name));
    assert_eq!(limit, [Some("6"), Some("0")]);
    assert!(limited.header("x-ratelimit-reset-requests").is_some());
}
