//! The scripted upstream checked on its own: a test tool that lies would make every other test worthless.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::http::Client;
use crate::reply::{Gate, Tokens};

const SOON: Duration = Duration::from_secs(5);

fn asked(upstream: &Upstream, body: &Value) -> std::io::Result<crate::http::Exchange> {
    Client::new(upstream.address).open("POST", "/v1/chat/completions", body.to_string().as_bytes())
}

#[test]
fn a_whole_answer_carries_its_usage_and_is_journaled() {
    let upstream = Upstream::start();
    upstream.expect(Reply::chat(Tokens { prompt: 10, cached: 4, completion: 6, reasoning: 2 }));
    let answer = asked(&upstream, &json!({"model": "m"})).unwrap().finish().unwrap();
    let usage = &answer.json()["usage"];
    assert_eq!((&usage["prompt_tokens"], &usage["total_tokens"]), (&json!(10), &json!(16)));
    upstream.wait_for("the end of the answer", SOON, |journal| journal[0].finished.then_some(()));
    let seen = upstream.only();
    assert_eq!((seen.path.as_str(), seen.text().as_str()), ("/v1/chat/completions", r#"{"model":"m"}"#));
}

#[test]
fn a_stream_has_its_usage_chunk_only_when_asked() {
    let upstream = Upstream::start();
    for (options, chunks) in [(json!({}), 5), (json!({"include_usage": true}), 6)] {
        upstream.expect(Reply::chat(Tokens::plain(1, 1)));
        let body = json!({"model": "m", "stream": true, "stream_options": options});
        let mut exchange = asked(&upstream, &body).unwrap();
        let events: Vec<String> = std::iter::from_fn(|| exchange.next_event().unwrap()).collect();
        assert_eq!(events.len(), chunks, "{events:?}");
        assert_eq!(events.last().unwrap(), "data: [DONE]");
    }
}

#[test]
fn a_cut_stream_ends_without_its_end() {
    let upstream = Upstream::start();
    upstream.expect(Reply::chat(Tokens::plain(1, 1)).cut_after(2));
    let mut exchange = asked(&upstream, &json!({"model": "m", "stream": true})).unwrap();
    assert!(exchange.next_event().unwrap().is_some() && exchange.next_event().unwrap().is_some());
    assert!(exchange.next_event().is_err());
}

#[test]
fn a_caller_who_leaves_is_seen_to_leave() {
    let (upstream, gate) = (Upstream::start(), Gate::default());
    upstream.expect(Reply::chat(Tokens::plain(1, 1)).wait_after(1, &gate));
    let mut exchange = asked(&upstream, &json!({"model": "m", "stream": true})).unwrap();
    exchange.next_event().unwrap();
    let left = exchange.hang_up();
    let seen = upstream.wait_for("the caller leave", SOON, |journal| journal[0].left_at);
    assert!(seen >= left && !upstream.only().finished);
}

#[test]
fn a_gate_holds_an_answer_back() {
    let (upstream, gate) = (Upstream::start(), Gate::default());
    upstream.expect(Reply::chat(Tokens::plain(1, 1)).behind(&gate));
    let waiting = thread::spawn({
        let client = Client::new(upstream.address);
        move || client.post("/v1/chat/completions", &json!({"model": "m"})).status
    });
    upstream.wait_for("the call", SOON, |journal| (!journal.is_empty()).then_some(()));
    assert!(!upstream.only().finished);
    gate.open();
    assert_eq!(waiting.join().unwrap(), 200);
}

#[test]
#[should_panic(expected = "nobody declared")]
fn an_undeclared_call_fails_the_test() {
    let upstream = Upstream::start();
    asked(&upstream, &json!({})).unwrap();
}

#[test]
#[should_panic(expected = "never made")]
fn a_declared_call_that_is_not_made_fails_the_test() {
    Upstream::start().expect(Reply::error(500, "no"));
}
