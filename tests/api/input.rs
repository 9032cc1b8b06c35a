//! Bad input: a clear error in OpenAI's shape with the right status, never 500, and nothing lost.
//! The other routes are in `dialects`.

use farthing_support::gateway::openai_error;
use farthing_support::scene::{MODEL, ask};
use farthing_support::{Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

mod dialects;

const PATH: &str = "/v1/chat/completions";

fn told(scene: &Scene, body: &[u8], status: u16) -> Value {
    let answer = scene.application().post_bytes(PATH, body);
    let start = String::from_utf8_lossy(&body[..body.len().min(120)]).into_owned();
    assert_eq!(answer.status, status, "{start}: {}", answer.text());
    assert!(answer.header("content-type").unwrap().starts_with("application/json"), "{start}");
    assert!(answer.header("x-farthing-request-id").is_some(), "{start}");
    openai_error(&answer, status)
}

#[test]
fn malformed_bodies_are_400_and_never_reach_a_provider() {
    let scene = scene();
    let bodies: &[&[u8]] = &[
        b"",
        b"not json",
        b"{",
        b"{\"model\":\"gpt-4o-mini\",\"messages\":[}",
        b"{\"model\":\"gpt-4o-mini\",\"messages\":[]} trailing",
        b"[]",
        b"null",
        b"\"text\"",
        b"17",
        b"{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\xfe\"}]}",
        b"{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"\x00\"}]}",
        b"\xef\xbb\xbf{\"model\"",
    ];
    for body in bodies {
        told(&scene, body, 400);
    }
}

#[test]
fn wrong_types_are_400_and_name_the_field() {
    let scene = scene();
    let cases = [
        ("model", json!(5)),
        ("model", json!(null)),
        ("model", json!(["gpt-4o-mini"])),
        ("messages", json!("hello")),
        ("messages", json!({})),
        ("messages", json!(null)),
        ("stream", json!("yes")),
        ("stream", json!(1)),
        ("stream_options", json!(true)),
        ("max_tokens", json!("many")),
        ("max_tokens", json!(-1)),
        ("max_tokens", json!(1.5)),
        ("max_tokens", json!(1e300)),
        ("max_completion_tokens", json!([])),
    ];
    for (field, value) in cases {
        let stream = if field == "stream_options" { json!({"stream": true}) } else { json!({}) };
        let mut body = ask(&stream);
        body[field] = value;
        let error = told(&scene, body.to_string().as_bytes(), 400);
        assert!(error["message"].as_str().unwrap().contains(field), "{body}: {error}");
    }
}

#[test]
fn missing_fields_are_400_and_named() {
    let scene = scene();
    for field in ["model", "messages"] {
        let mut body = ask(&json!({}));
        body.as_object_mut().unwrap().remove(field);
        let error = told(&scene, body.to_string().as_bytes(), 400);
        assert!(error["message"].as_str().unwrap().contains(field), "{error}");
    }
}

#[test]
fn odd_messages_are_the_providers_to_judge_or_400() {
    let scene = scene();
    // Whether the gateway reads messages or leaves them to the provider, the client is told 400.
    scene.upstream.always(Reply::error(400, "messages are not like that"));
    for messages in [
        json!([]),
        json!([1]),
        json!([null]),
        json!([{}]),
        json!([{"role": "user", "content": 7}]),
        json!([{"role": 7}]),
        json!([[[]]]),
    ] {
        let body = ask(&json!({"messages": messages}));
        told(&scene, body.to_string().as_bytes(), 400);
    }
}

#[test]
fn an_unknown_model_is_404() {
    let scene = scene();
    for name in ["no-such-model", "gpt-4o-mini ", "../../etc/passwd", &"x".repeat(10_000), "modèle-é\u{202e}"] {
        let error = told(&scene, ask(&json!({"model": name})).to_string().as_bytes(), 404);
        assert_eq!(error["code"], "model_not_found", "{error}");
    }
}

#[test]
fn a_body_above_ten_mebibytes_is_413() {
    let scene = scene();
    let body = ask(&json!({"messages": [{"role": "user", "content": "x".repeat(11 << 20)}]}));
    told(&scene, body.to_string().as_bytes(), 413);
}

#[test]
fn a_body_just_below_ten_mebibytes_is_served() {
    let scene = scene();
    scene.upstream.expect(Reply::chat(Tokens::plain(100, 1)));
    let body = ask(&json!({"messages": [{"role": "user", "content": "x".repeat(9 << 20)}]})).to_string();
    scene.gateway.create("/api/projects", &json!({"name": "rich"}));
    let key = scene.gateway.add_key("rich", &json!({}));
    let answer = scene.gateway.application(&key.secret).post_bytes(PATH, body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(scene.upstream.only().body.len(), body.len());
}

#[test]
fn deep_nesting_is_400() {
    let scene = scene();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let body =
            format!("{{\"model\":\"{MODEL}\",\"messages\":[{{\"role\":\"user\",\"content\":\"hi\"}}],\"x\":{deep}}}");
        told(&scene, body.as_bytes(), 400);
        told(&scene, open.repeat(100_000).as_bytes(), 400);
    }
}

#[test]
fn an_encoded_body_is_415() {
    let scene = scene();
    let client = scene.application().with("content-encoding", "gzip");
    openai_error(&client.post_bytes(PATH, b"\x1f\x8b\x08\x00"), 415);
}

#[test]
fn another_method_is_405_or_404() {
    let scene = scene();
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let answer = scene.application().send(method, PATH, b"").unwrap();
        assert!(answer.status == 405 || answer.status == 404, "{method}: {}", answer.text());
        openai_error(&answer, answer.status);
    }
}

#[test]
fn nothing_is_lost_by_all_that() {
    let scene = scene();
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
    told(&scene, b"{", 400);
    told(&scene, ask(&json!({"model": "no-such-model"})).to_string().as_bytes(), 404);
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
    assert_eq!(scene.gateway.verdict()["open_holds"], 0);
}
