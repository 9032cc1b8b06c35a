//! A streamed chat completion: every event as it comes, usage for those who asked, the books for all.

use std::time::Duration;

use farthing_support::scene::{ask, cost};
use farthing_support::{Exchange, Gate, Picos, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

const SOON: Duration = Duration::from_secs(10);

pub(crate) fn open(scene: &Scene, extra: &Value) -> Exchange {
    let mut body = ask(&json!({"stream": true}));
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let exchange = scene.application().open("POST", "/v1/chat/completions", body.to_string().as_bytes()).unwrap();
    assert_eq!(exchange.status, 200);
    assert!(exchange.header("content-type").unwrap().starts_with("text/event-stream"));
    exchange
}

/// All events, comments left out, as the JSON after `data: `; the end marker is the text `[DONE]`.
pub(crate) fn events(exchange: &mut Exchange) -> Vec<Value> {
    let mut all = Vec::new();
    while let Some(event) = exchange.next_event().unwrap() {
        if let Some(payload) = event.strip_prefix("data: ") {
            all.push(serde_json::from_str(payload).unwrap_or_else(|_| Value::from(payload)));
        }
    }
    all
}

fn text(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
}

#[test]
fn usage_is_withheld_from_a_client_that_did_not_ask_and_booked_all_the_same() {
    let scene = scene();
    let tokens = Tokens { prompt: 100, cached: 40, completion: 30, reasoning: 0 };
    scene.upstream.expect(Reply::chat(tokens).chunks(5));

    let mut exchange = open(&scene, &json!({}));
    let id = exchange.header("x-farthing-request-id").unwrap().to_owned();
    let events = events(&mut exchange);
    assert_eq!(text(&events), "word0 word1 word2 word3 word4 ");
    assert_eq!(events.last().unwrap(), "[DONE]");
    assert!(events.iter().all(|event| event["usage"].is_null()), "{events:?}");
    assert!(events.iter().all(|event| event["choices"] != json!([])), "no chunk without a choice: {events:?}");
    assert_eq!(scene.upstream.only().json()["stream_options"]["include_usage"], true, "usage is always requested");

    let row = scene.gateway.request(&id);
    assert_eq!(Picos::of(&row["cost_usd"]), cost(tokens), "{row}");
    assert_eq!((&row["stream"], &row["status"]), (&json!(true), &json!("ok")), "{row}");
    assert!(row["first_token_ms"].is_u64(), "{row}");
}

#[test]
fn usage_and_cost_come_to_a_client_that_asked() {
    let scene = scene();
    let tokens = Tokens::plain(100, 30);
    scene.upstream.expect(Reply::chat(tokens));

    let mut exchange = open(&scene, &json!({"stream_options": {"include_usage": true}}));
    let id = exchange.header("x-farthing-request-id").unwrap().to_owned();
    let events = events(&mut exchange);
    let counted: Vec<&Value> = events.iter().filter(|event| event["usage"].is_object()).collect();
    assert_eq!(counted.len(), 1, "{events:?}");
    assert_eq!(counted[0]["usage"]["prompt_tokens"], 100);
    assert_eq!(counted[0]["farthing"]["request_id"], *id);
    assert_eq!(Picos::of(&counted[0]["farthing"]["cost_usd"]), cost(tokens));
    assert_eq!(events.last().unwrap(), "[DONE]");
}

#[test]
fn an_explicit_no_is_a_no() {
    let scene = scene();
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
    let mut exchange = open(&scene, &json!({"stream_options": {"include_usage": false}}));
    assert!(events(&mut exchange).iter().all(|event| event["usage"].is_null()));
    assert_eq!(scene.upstream.only().json()["stream_options"]["include_usage"], true);
}

#[test]
fn an_event_is_forwarded_when_it_arrives() {
    let (scene, gate) = (scene(), Gate::default());
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)).wait_after(1, &gate));
    let mut exchange = open(&scene, &json!({}));
    // The upstream sends no more until we have read the first event.
    let first = exchange.next_event().unwrap().unwrap();
    assert!(first.contains("word0"), "{first}");
    gate.open();
    assert_eq!(events(&mut exchange).last().unwrap(), "[DONE]");
}

#[test]
fn an_answer_held_in_full_is_already_in_the_books() {
    let scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(10, 10)));
    for _ in 0..10 {
        events(&mut open(&scene, &json!({})));
        assert_eq!(scene.gateway.verdict()["open_holds"], 0, "settled before the last byte");
    }
}

#[test]
fn streamed_tool_calls_are_untouched() {
    let scene = scene();
    scene.upstream.expect(Reply::chat(Tokens::plain(5, 5)).tool("weather", r#"{"city":"Oslo"}"#));
    let tools = json!([{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]);
    let all = events(&mut open(&scene, &json!({"tools": tools, "tool_choice": "auto"})));
    let call = &all[0]["choices"][0]["delta"]["tool_calls"][0];
    assert_eq!((&call["id"], &call["function"]["arguments"]), (&json!("call_1"), &json!(r#"{"city":"Oslo"}"#)));
    assert_eq!(scene.upstream.only().json()["tools"], tools);
}

#[test]
fn a_stop_waits_for_a_running_stream() {
    let (mut scene, gate) = (scene(), Gate::default());
    scene.upstream.expect(Reply::chat(Tokens::plain(10, 10)).wait_after(1, &gate));
    let mut exchange = open(&scene, &json!({}));
    exchange.next_event().unwrap();
    let anonymous = scene.gateway.anonymous();
    let reading = std::thread::spawn(move || {
        // Not ready, or no longer listening: either way the stop has begun.
        let refused = || (!anonymous.send("GET", "/ready", b"").is_ok_and(|answer| answer.status == 200)).then_some(());
        farthing_support::poll::until("the stop begins", SOON, refused);
        gate.open();
        events(&mut exchange)
    });
    assert!(scene.gateway.stop().success());
    assert_eq!(reading.join().unwrap().last().unwrap(), "[DONE]");
    scene.gateway.restart();
    assert_eq!(scene.gateway.requests(farthing_support::scene::PROJECT, 1)[0]["status"], "ok");
}
