//! Anthropic's dialect to Amazon Bedrock: another body, a signature, and binary messages for a stream.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use farthing_support::{Reply, Scene};
use serde_json::{Value, json};

use crate::scene;

const MODEL: &str = "anthropic.claude-haiku-4-5-20251001-v1:0";
const EVENTS: [&str; 4] = [
    r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"usage":{"input_tokens":20,"cache_read_input_tokens":5,"output_tokens":1}}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Bonjour"}}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}"#,
    r#"{"type":"message_stop"}"#,
];

fn at_bedrock() -> Scene {
    let scene = scene();
    let base = scene.upstream.base_url().replace("/v1", "");
    let amazon = json!({"name": "amazon", "kind": "bedrock", "base_url": base, "api_key": "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG",
        "allow_private_network": true});
    scene.gateway.create("/api/providers", &amazon);
    let model = json!({"name": "claude", "provider": "amazon", "upstream_model": MODEL,
        "prices": farthing_support::scene::prices()});
    scene.gateway.create("/api/models", &model);
    scene
}

/// One message of the event stream: lengths, their checksum, no headers, the payload, the checksum of it all.
fn message(event: &str) -> Vec<u8> {
    let payload = format!(r#"{{"bytes":"{}"}}"#, STANDARD.encode(event));
    let length = u32::try_from(16 + payload.len()).unwrap();
    let mut bytes = [length.to_be_bytes(), [0; 4]].concat();
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend_from_slice(payload.as_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

fn ask(stream: bool) -> Value {
    json!({"model": "claude", "max_tokens": 50, "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
}

#[test]
fn a_call_is_signed_and_worded_for_bedrock_and_its_stream_comes_back_as_events() {
    let scene = at_bedrock();
    let stream: Vec<u8> = EVENTS.iter().flat_map(|event| message(event)).collect();
    scene.upstream.expect(Reply::raw(200, &stream).header("content-type", "application/vnd.amazon.eventstream"));
    let client = scene.application().with("anthropic-beta", "one-1,two-2");
    let answer = client.post("/v1/messages", &ask(true));
    let text = answer.text();
    let told: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(told[..3], EVENTS[..3], "{text}");
    assert!(told[3].starts_with(r#"{"type":"message_stop""#), "{text}");

    let seen = scene.upstream.journal().pop().unwrap();
    assert_eq!(seen.path, "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke-with-response-stream");
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!((&body["model"], &body["stream"]), (&Value::Null, &Value::Null), "{body}");
    assert_eq!(body["anthropic_version"], "bedrock-2023-05-31");
    assert_eq!(body["anthropic_beta"], json!(["one-1", "two-2"]));
    let signature = seen.header("authorization").unwrap();
    assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{signature}");
    assert!(
        signature.contains("/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date, Signature="),
        "{signature}"
    );
    let row = scene.recorded(&answer);
    let usage = json!({"input": 20, "cache_read": 5, "cache_write": 0, "output": 7, "reasoning": 0});
    assert_eq!((&row["usage"], &row["usage_source"], &row["status"]), (&usage, &json!("provider"), &json!("ok")));
}

#[test]
fn an_openai_client_is_served_from_bedrock_and_a_damaged_stream_is_refused() {
    let scene = at_bedrock();
    let whole = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"Bonjour"}],"stop_reason":"end_turn","usage":{"input_tokens":20,"output_tokens":7}}"#;
    scene.upstream.expect(Reply::raw(200, whole.as_bytes()));
    let answer = scene.application().post("/v1/chat/completions", &ask(false));
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "Bonjour", "{}", answer.text());
    let path = scene.upstream.journal().pop().unwrap().path;
    assert_eq!(path, "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke");

    let mut damaged = message(EVENTS[0]);
    damaged[20] ^= 1;
    scene.upstream.expect(Reply::raw(200, &damaged));
    assert_eq!(scene.application().post("/v1/messages", &ask(true)).status, 502);
}
