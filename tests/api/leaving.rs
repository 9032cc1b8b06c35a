//! Leaving early: the client's departure and the provider's, each settled once.

use std::time::Duration;

use farthing_support::poll::until;
use farthing_support::scene::{PROJECT, ask, cost};
use farthing_support::{Dialect, Gate, Picos, Reply, Scene, Tokens};
use serde_json::json;

use crate::scene;
use crate::streams::{events, open};

const PROMISE: Duration = Duration::from_secs(1);

#[test]
fn a_client_that_leaves_mid_stream_is_settled_once_and_the_provider_told_at_once() {
    let (scene, gate) = (scene(), Gate::default());
    scene.upstream.expect(Reply::chat(Tokens::plain(50, 500)).chunks(10).wait_after(3, &gate));
    let mut exchange = open(&scene, &json!({}));
    let id = exchange.header("x-farthing-request-id").unwrap().to_owned();
    for _ in 0..3 {
        exchange.next_event().unwrap().unwrap();
    }
    let left = exchange.hang_up();

    let told = scene.upstream.wait_for("the caller leave", PROMISE * 5, |journal| journal[0].left_at);
    assert!(told - left <= PROMISE, "the upstream connection was closed {:?} after the client left", told - left);
    scene.gateway.settled();
    let rows = scene.gateway.requests(PROJECT, 1);
    assert_eq!((&rows[0]["id"], &rows[0]["status"]), (&json!(id), &json!("client_gone")), "{rows:?}");
    assert_eq!(rows[0]["usage_source"].as_str().map(|source| source == "provider"), Some(false), "{rows:?}");
    assert!(Picos::of(&rows[0]["cost_usd"]) > Picos(0), "what was produced is charged: {rows:?}");
}

#[test]
fn a_client_that_leaves_a_busy_stream_is_noticed_too() {
    let scene = scene();
    let busy = Reply::chat(Tokens::plain(50, 500)).chunks(2_000).gap(Duration::from_millis(5));
    scene.upstream.expect(busy);
    let mut exchange = open(&scene, &json!({}));
    exchange.next_event().unwrap().unwrap();
    let left = exchange.hang_up();
    let told = scene.upstream.wait_for("the caller leave", PROMISE * 5, |journal| journal[0].left_at);
    assert!(told - left <= PROMISE, "{:?}", told - left);
    assert_eq!(scene.gateway.requests(PROJECT, 1)[0]["status"], "client_gone");
}

#[test]
fn a_client_that_leaves_before_the_answer_begins_is_settled_once() {
    let (scene, gate) = (scene(), Gate::default());
    scene.upstream.expect(Reply::chat(Tokens::plain(50, 500)).behind(&gate));
    let body = ask(&json!({"stream": true})).to_string();
    let sent = scene.application().start("POST", "/v1/chat/completions", body.as_bytes()).unwrap();
    scene.upstream.wait_for("the call", PROMISE * 5, |journal| (!journal.is_empty()).then_some(()));
    sent.hang_up();
    scene.upstream.wait_for("the caller leave", PROMISE * 5, |journal| journal[0].left_at);
    scene.gateway.settled();
    assert_eq!(scene.gateway.requests(PROJECT, 1)[0]["status"], "client_gone");
}

#[test]
fn what_a_provider_bills_although_nobody_waits_is_read_to_its_end() {
    let scene = scene();
    scene.gateway.add_model_of(Dialect::Gemini, "gemini", "gemini", &scene.upstream);
    let tokens = Tokens::plain(50, 500);
    for stream in [true, false] {
        let (gate, reply) = (Gate::default(), Reply::chat(tokens));
        scene.upstream.expect(if stream { reply.chunks(10).wait_after(3, &gate) } else { reply.behind(&gate) });
        let body = ask(&json!({"model": "gemini", "stream": stream})).to_string();
        let before = scene.upstream.calls();
        let sent = scene.application().start("POST", "/v1/chat/completions", body.as_bytes()).unwrap();
        scene.upstream.wait_for("the call", PROMISE * 5, |journal| (journal.len() > before).then_some(()));
        sent.hang_up();
        // By when a caller is known to have left who left later, and whose provider stops to bill.
        leave_openai(&scene);
        gate.open();
        scene.gateway.settled();
        let rows = scene.gateway.list(&format!("/api/requests?project={PROJECT}&model=gemini"));
        let told = (&rows[0]["status"], &rows[0]["usage_source"], &rows[0]["usage"]["output"]);
        assert_eq!(told, (&json!("client_gone"), &json!("provider"), &json!(500)), "stream {stream}: {rows:#?}");
        assert_eq!(Picos::of(&rows[0]["cost_usd"]), cost(tokens), "{rows:#?}");
    }
}

#[test]
fn whoever_comes_again_for_what_was_read_on_gets_it_and_pays_once() {
    let (scene, gate) = (scene(), Gate::default());
    scene.gateway.add_model_of(Dialect::Gemini, "gemini", "gemini", &scene.upstream);
    let tokens = Tokens::plain(50, 500);
    scene.upstream.expect(Reply::chat(tokens).behind(&gate));
    let (body, client) = (ask(&json!({"model": "gemini"})), scene.application().with("idempotency-key", "again"));
    let sent = client.start("POST", "/v1/chat/completions", body.to_string().as_bytes()).unwrap();
    scene.upstream.wait_for("the call", PROMISE * 5, |journal| (!journal.is_empty()).then_some(()));
    sent.hang_up();
    leave_openai(&scene);
    gate.open();
    scene.gateway.settled();
    // It is kept a moment after it is settled.
    let again = || Some(client.post("/v1/chat/completions", &body)).filter(|answer| answer.status != 409);
    let (answer, _) = until("it is kept", PROMISE * 5, again);
    assert_eq!((answer.status, answer.header("idempotent-replayed")), (200, Some("true")), "{}", answer.text());
    let rows = scene.gateway.list(&format!("/api/requests?project={PROJECT}&model=gemini"));
    assert_eq!((rows.len(), Picos::of(&rows[0]["cost_usd"])), (1, cost(tokens)), "{rows:#?}");
}

fn leave_openai(scene: &Scene) {
    let never = Gate::default();
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)).behind(&never));
    let (body, before) = (ask(&json!({})).to_string(), scene.upstream.calls());
    let sent = scene.application().start("POST", "/v1/chat/completions", body.as_bytes()).unwrap();
    scene.upstream.wait_for("the call", PROMISE * 5, |journal| (journal.len() > before).then_some(()));
    sent.hang_up();
    scene.upstream.wait_for("the caller leave", PROMISE * 5, |journal| journal[before].left_at);
}

#[test]
fn a_stream_cut_by_the_provider_ends_in_an_error_event_and_is_settled() {
    let scene = scene();
    scene.upstream.expect(Reply::chat(Tokens::plain(50, 500)).chunks(10).cut_after(4));
    let mut exchange = open(&scene, &json!({}));
    let id = exchange.header("x-farthing-request-id").unwrap().to_owned();
    let events = events(&mut exchange);
    assert_eq!(events.iter().filter(|event| event["choices"].is_array()).count(), 4, "{events:?}");
    assert!(events.iter().all(|event| event != "[DONE]"), "no end marker after a cut: {events:?}");
    let error = &events.last().unwrap()["error"];
    assert!(error["message"].is_string() && error["type"].is_string(), "{events:?}");

    let row = scene.gateway.request(&id);
    assert_eq!((&row["status"], &row["usage_source"] != "provider"), (&json!("upstream_cut"), true), "{row}");
    assert!(Picos::of(&row["cost_usd"]) > Picos(0), "what was produced is charged: {row}");
    scene.gateway.requests(PROJECT, 1);
}
