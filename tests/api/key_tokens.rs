//! Tokens of keys and of operators: each opens its own door only, ends when it should, and can be taken back; and what is
//! noticed of a key's uses.

use std::time::Duration;

use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use farthing_support::gateway::openai_error;
use farthing_support::poll::until;
use farthing_support::scene::{MODEL, PROJECT, ask, prices};
use farthing_support::{Answer, Client, Reply, Scene, TestGateway, Tokens};
use serde_json::{Value, json};

use crate::{BINARY, scene};

const CHAT: &str = "/v1/chat/completions";
const PATIENCE: Duration = Duration::from_secs(60);

fn token(scene: &Scene, key: &str, body: &Value) -> (String, String) {
    let made = scene.gateway.create(&format!("/api/keys/{key}/tokens"), body);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("token"), text("id"))
}

fn chat(client: &Client, model: &str) -> Answer {
    client.post(CHAT, &ask(&json!({"model": model})))
}

fn code(answer: &Answer, status: u16) -> String {
    openai_error(answer, status)["code"].as_str().unwrap().to_owned()
}

fn remove(scene: &Scene, path: &str) -> Value {
    let answer = scene.gateway.operator().send("DELETE", path, b"").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn a_token_calls_with_its_key_and_never_with_more() {
    let scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    scene.gateway.add_model("gpt-4o-large", "openai", &prices());
    scene.gateway.add_model("o3", "openai", &prices());
    let limits = json!({"allowed_models": ["gpt-4o*"], "allowed_endpoints": ["/v1/chat/*", "/v1/models"],
                        "allowed_parameters": {"n": ["1"]}});
    let key = scene.gateway.add_key(PROJECT, &limits);
    let (whole, _) = token(&scene, &key.id, &json!({}));
    let (narrow, _) = token(&scene, &key.id, &json!({"allowed_models": [MODEL], "expires_in_seconds": 60}));
    let [whole, narrow] = [whole, narrow].map(|token| scene.gateway.application(&token));
    assert_eq!([MODEL, "gpt-4o-large", "o3"].map(|model| chat(&whole, model).status), [200, 200, 404]);
    assert_eq!([MODEL, "gpt-4o-large", "o3"].map(|model| chat(&narrow, model).status), [200, 404, 404]);
    assert_eq!(narrow.get("/v1/models").json()["data"].as_array().unwrap().len(), 1);
    assert_eq!(code(&narrow.post("/v1/embeddings", &json!({})), 403), "endpoint_not_allowed");
    assert_eq!(code(&narrow.post(CHAT, &ask(&json!({"n": 2}))), 403), "parameter_not_allowed");
    let calls = scene.gateway.requests(PROJECT, 3);
    assert!(calls.iter().all(|call| call["key"] == json!(key.id)), "it is charged to the key: {calls:?}");

    let path = format!("/api/keys/{}/tokens", key.id);
    for (body, field) in [
        (json!({"expires_in_seconds": 59}), "expires_in_seconds"),
        (json!({"expires_in_seconds": 86_401}), "expires_in_seconds"),
        (json!({"allowed_models": ["o3"]}), "allowed_models"),
        (json!({"max_requests": 0}), "max_requests"),
    ] {
        let answer = scene.gateway.operator().post(&path, &body);
        assert_eq!((answer.status, &answer.json()["error"]["details"]["field"]), (400, &json!(field)), "{body}");
    }
    let operator = scene.gateway.operator();
    operator.post(&format!("/api/keys/{}/revoke", key.id), &json!({}));
    for client in [&whole, &narrow] {
        assert_eq!(code(&chat(client, MODEL), 401), "key_revoked");
    }
    assert_eq!(operator.post(&path, &json!({})).status, 409, "a revoked key has no tokens");
}

#[test]
fn a_token_that_is_taken_back_is_gone_at_once_and_after_a_restart() {
    let mut scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let (one, id) = token(&scene, &scene.key.id, &json!({"expires_in_seconds": 86_400}));
    let (other, _) = token(&scene, &scene.key.id, &json!({"expires_in_seconds": 86_400}));
    let repeated = scene.gateway.application(&one).with("idempotency-key", "k");
    for client in [&repeated, &scene.gateway.application(&other)] {
        assert_eq!(chat(client, MODEL).status, 200);
    }
    let path = format!("/api/keys/{}/tokens/{id}", scene.key.id);
    assert_eq!(remove(&scene, &path), json!({"revoked": 1}));
    assert_eq!(remove(&scene, &path), json!({"revoked": 0}));
    assert_eq!(code(&chat(&repeated, MODEL), 401), "key_revoked");
    assert_eq!(chat(&scene.gateway.application(&other), MODEL).status, 200);
    assert!(scene.gateway.stop().success());
    scene.gateway.restart();
    assert_eq!(code(&chat(&scene.gateway.application(&one), MODEL), 401), "key_revoked");
    let project = &scene.gateway.list("/api/projects")[0]["id"];
    let path = format!("/api/projects/{}", project.as_str().unwrap());
    scene.gateway.operator().send("PATCH", &path, br#"{"active":false}"#).unwrap();
    assert_eq!(code(&chat(&scene.gateway.application(&other), MODEL), 403), "project_inactive");
    for wrong in ["/api/keys/key_00000000000000000000000000000001/tokens/", "/api/keys/nonsense/tokens/"] {
        assert_eq!(scene.gateway.operator().send("DELETE", &format!("{wrong}{id}"), b"").unwrap().status, 404);
    }
}

#[test]
fn a_token_has_its_requests_and_no_more_across_a_restart() {
    let mut scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let (counted, _) = token(&scene, &scene.key.id, &json!({"max_requests": 3, "expires_in_seconds": 86_400}));
    let client = |scene: &Scene| scene.gateway.application(&counted);
    assert_eq!([(); 2].map(|()| chat(&client(&scene), MODEL).status), [200, 200]);
    assert_eq!(client(&scene).get("/v1/models").status, 200, "lists are no requests");
    assert!(scene.gateway.stop().success());
    scene.gateway.restart();
    assert_eq!(chat(&client(&scene), MODEL).status, 200);
    assert_eq!(code(&chat(&client(&scene), MODEL), 402), "insufficient_quota");
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200, "the key itself goes on");
    assert_eq!(scene.upstream.calls(), 4);
}

#[test]
fn no_credential_opens_another_ones_door() {
    let scene = Scene::around(TestGateway::builder(BINARY).set("FARTHING__SERVER__FAILURES_PER_MINUTE", "0").start());
    let (of_key, id) = token(&scene, &scene.key.id, &json!({}));
    let scoped = scene.gateway.create("/api/tokens", &json!({"name": "ci", "scopes": ["can_view_usage"]}));
    let of_operator = scoped["token"].as_str().unwrap();
    let anonymous = scene.gateway.anonymous();
    assert_eq!(anonymous.bearer(&of_key).get("/v1/models").status, 200);
    assert_eq!(anonymous.bearer(of_operator).get("/api/usage/summary").status, 200);
    assert_eq!(anonymous.bearer(&of_key).get("/api/usage/summary").status, 401);
    assert_eq!(code(&anonymous.bearer(of_operator).get("/v1/key"), 401), "invalid_api_key");
    for session in ["farthing_session", "__Host-farthing_session"] {
        let page = anonymous.with("cookie", &format!("{session}={of_key}")).get("/");
        assert_eq!((page.status, page.header("location")), (303, Some("/sign-in")));
    }
    // Either list takes a token of either purpose back: an id is good once.
    let taken = format!("/api/tokens/{}", scoped["id"].as_str().unwrap());
    assert_eq!(remove(&scene, &taken), json!({"revoked": 1}));
    let refused = anonymous.bearer(of_operator).get("/api/usage/summary");
    assert_eq!(refused.status, 401);
    assert!(refused.text().contains("revoked"), "{}", refused.text());
    assert_eq!(scene.gateway.list("/api/audit?action=token.revoke").len(), 1);
    assert_eq!(remove(&scene, &format!("/api/tokens/{id}")), json!({"revoked": 1}));
    assert_eq!(anonymous.bearer(&of_key).get("/v1/models").status, 401);
    assert!(!scene.gateway.logs().contains(&of_key));
}

#[test]
fn where_a_key_is_used_is_remembered_and_what_is_new_is_told() {
    let builder = TestGateway::builder(BINARY)
        .set("FARTHING__SERVER__BEHIND_PROXY", "true")
        .set("FARTHING__SERVER__TRUSTED_PROXIES", "127.0.0.1");
    let mut scene = Scene::around(builder.start());
    let shown = |scene: &Scene| scene.gateway.operator().get(&format!("/api/keys/{}", scene.key.id)).json();
    assert_eq!(shown(&scene)["last_used_at"], Value::Null);
    let from = |scene: &Scene, address: &str, agent: &str| {
        let client = scene.application().with("x-forwarded-for", address).with("user-agent", agent);
        assert_eq!(client.get("/v1/models").status, 200);
    };
    from(&scene, "203.0.113.7", "app/1");
    until("its use is known", PATIENCE, || shown(&scene)["last_used_at"].as_str().map(str::to_owned));
    assert!(scene.gateway.stop().success());

    // A day cannot be waited for: the key is made older instead, while nobody runs.
    let database = scene.gateway.data_dir().join("farthing.db");
    let mut connection = SqliteConnection::establish(&database.to_string_lossy()).unwrap();
    let older = "UPDATE virtual_keys SET created_at = created_at - 2 * 86400000";
    assert_eq!(sql_query(older).execute(&mut connection), Ok(1));
    scene.gateway.restart();
    assert!(shown(&scene)["last_used_at"].is_string(), "a restart forgets nothing");
    from(&scene, "203.0.113.99", "app/1");
    from(&scene, "198.51.100.1", "app/1");
    from(&scene, "203.0.113.7", "curl/8");
    let (events, _) = until("what is new is told", PATIENCE, || {
        Some(scene.gateway.list("/api/audit?action=key.anomaly")).filter(|events| events.len() >= 2)
    });
    let mut told: Vec<_> = events.iter().map(|event| event["details"]["anomaly"].as_str().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, ["new_agent", "new_network"], "{events:?}");
    assert!(events.iter().any(|event| event["details"]["network"] == "198.51.100.0/24"), "{events:?}");
    assert!(events.iter().all(|event| event["details"]["object"] == json!(scene.key.id)), "{events:?}");
}
