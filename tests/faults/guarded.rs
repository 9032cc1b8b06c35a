//! Where a call may go: nowhere a client chose, nowhere a provider sends it, nowhere private without permission. And how
//! long it may take there.

use std::time::Duration;

use farthing_support::scene::{MODEL, PROVIDER_KEY, ask, prices};
use farthing_support::{Reply, Scene, Tokens, Upstream};
use serde_json::{Value, json};

use crate::BINARY;

const PLACES: [&str; 12] = [
    "https://127.0.0.1/v1",
    "https://2130706433/v1",
    "https://0177.0.0.1/v1",
    "https://localhost/v1",
    "https://api.localhost./v1",
    "https://169.254.169.254/latest",
    "https://metadata.google.internal/v1",
    "https://[::1]/v1",
    "https://[::ffff:127.0.0.1]/v1",
    "https://[64:ff9b::7f00:1]/v1",
    "https://[fd00:ec2::254]/v1",
    "http://api.openai.com/v1",
];

#[test]
fn a_client_cannot_choose_where_its_request_is_sent() {
    let scene = Scene::start(BINARY);
    let elsewhere = Upstream::start();
    let target = elsewhere.base_url();
    let bodies = [
        (json!({"api_base": target}), "api_base"),
        (json!({"extra_body": {"base_url": target}}), "base_url"),
        (json!({"a": [{"b": {"c": [{"litellm_params": {"apiBase": target}}]}}]}), "apiBase"),
        (json!({"metadata": {"custom-host": target}}), "custom-host"),
    ];
    for (extra, name) in &bodies {
        let answer = scene.chat(&ask(extra));
        let error = answer.json()["error"].clone();
        assert_eq!((answer.status, &error["code"], &error["param"]), (400, &json!("unsupported_field"), &json!(name)));
    }
    let client = scene.application();
    let (said, contents) = (json!("hi"), json!([{"role": "user", "parts": [{"text": "hi"}]}]));
    let routes = [
        ("/v1/responses".to_owned(), json!({"model": MODEL, "input": said, "x": [{"base_url": target}]})),
        ("/v1/embeddings".to_owned(), json!({"model": MODEL, "input": said, "api_base": target})),
        (
            "/v1/messages".to_owned(),
            json!({"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": said, "api_url": target}]}),
        ),
        (format!("/v1beta/models/{MODEL}:generateContent"), json!({"contents": contents, "api_base": target})),
    ];
    for (path, body) in &routes {
        let answer = client.post(path, body);
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        assert!(answer.text().contains("cannot choose where it is sent"), "{path}: {}", answer.text());
    }
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
    let headers = ["x-portkey-custom-host", "x-base-url", "x-forwarded-host", "x-upstream"];
    let steered = headers.into_iter().fold(client, |client, name| client.with(name, &target));
    assert_eq!(steered.post("/v1/chat/completions", &ask(&json!({}))).status, 200, "headers choose nothing");
    assert_eq!((scene.upstream.calls(), elsewhere.calls()), (1, 0));
}

#[test]
fn a_redirect_of_any_kind_is_a_502_and_is_never_followed() {
    let (scene, elsewhere) = (Scene::start(BINARY), Upstream::start());
    let port = elsewhere.base_url();
    let targets =
        [format!("{port}/chat/completions"), port.replace("127.0.0.1", "localhost"), port.replace("http:", "https:")];
    for status in [301, 302, 303, 307, 308] {
        for (place, target) in targets.iter().enumerate() {
            // One for each: after a few of them a circuit opens.
            let model = format!("moved-{status}-{place}");
            scene.gateway.add_model(&model, "openai", &prices());
            for stream in [false, true] {
                scene.upstream.always(Reply::raw(status, b"").header("location", target));
                let answer = scene.chat(&ask(&json!({"model": model, "stream": stream})));
                assert_eq!(answer.status, 502, "{status} {target}: {}", answer.text());
            }
        }
    }
    assert_eq!(elsewhere.calls(), 0, "the provider's key would have gone there");
}

#[test]
fn a_provider_cannot_be_put_on_a_private_network_without_permission() {
    let scene = Scene::start(BINARY);
    let operator = scene.gateway.operator();
    let id = scene.gateway.list("/api/providers")[0]["id"].as_str().unwrap_or_default().to_owned();
    for place in PLACES {
        let body = json!({"name": "p", "kind": "openai", "base_url": place, "api_key": PROVIDER_KEY});
        refused(&operator.post("/api/providers", &body).json(), "base_url", place);
        let moved = json!({"base_url": place, "api_key": PROVIDER_KEY, "allow_private_network": false});
        let answer = operator.send("PATCH", &format!("/api/providers/{id}"), moved.to_string().as_bytes());
        refused(&answer.expect("an answer").json(), "base_url", place);
    }
}

#[test]
fn another_host_needs_the_key_again() {
    let (scene, elsewhere) = (Scene::start(BINARY), Upstream::start());
    let id = scene.gateway.list("/api/providers")[0]["id"].as_str().unwrap_or_default().to_owned();
    let change = |body: Value| {
        let sent = scene.gateway.operator().send("PATCH", &format!("/api/providers/{id}"), body.to_string().as_bytes());
        sent.expect("an answer")
    };
    let there = elsewhere.base_url().replace("127.0.0.1", "localhost");
    let kept = change(json!({"base_url": there}));
    assert_eq!(kept.status, 400, "{}", kept.text());
    refused(&kept.json(), "api_key", &there);
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200, "it is where it was");
    assert_eq!(elsewhere.calls(), 0);
    assert_eq!(change(json!({"base_url": there, "api_key": "sk-other-0123456789"})).status, 200);
    elsewhere.expect(Reply::chat(Tokens::plain(1, 1)));
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
    assert_eq!(elsewhere.only().header("authorization"), Some("Bearer sk-other-0123456789"));
}

fn refused(answer: &Value, field: &str, what: &str) {
    let error = &answer["error"];
    assert!(error["code"] == "invalid_value" && error.to_string().contains(field), "{what}: {answer}");
}

#[test]
fn a_provider_that_trickles_is_cut_when_its_time_is_over() {
    let (scene, slow) = (Scene::start(BINARY), Upstream::start());
    let timeouts = json!({"connect_ms": 1_000, "first_byte_ms": 1_000, "idle_ms": 1_000, "total_ms": 1_500});
    let provider = json!({"name": "slow", "kind": "openai", "base_url": slow.base_url(), "api_key": PROVIDER_KEY,
        "allow_private_network": true, "timeouts": timeouts});
    scene.gateway.create("/api/providers", &provider);
    scene.gateway.add_model("trickle", "slow", &prices());
    slow.expect(Reply::chat(Tokens::plain(9, 1_000)).chunks(1_000).gap(Duration::from_millis(100)));
    let answer = scene.chat(&ask(&json!({"model": "trickle", "stream": true})));
    assert!(answer.text().contains("upstream_cut") && !answer.text().contains("[DONE]"), "{}", answer.text());
    let row = scene.recorded(&answer);
    assert_eq!(row["status"], "upstream_cut", "{row}");
    slow.wait_for("the caller leave", Duration::from_secs(10), |journal| journal[0].left_at);
}
