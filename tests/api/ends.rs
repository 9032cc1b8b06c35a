//! Answers that end where a reader might not expect it, and caps by the name that the provider obeys.

use std::time::Duration;

use farthing_support::poll::PATIENCE;
use farthing_support::scene::{PROJECT, ask};
use farthing_support::{Dialect, Gate, Reply, Tokens, Upstream};
use serde_json::{Value, json};

use crate::scene;

#[test]
fn a_stream_that_dies_with_the_process_is_booked_to_its_last_checkpoint() {
    const CHUNKS: usize = 200;
    let mut scene = scene();
    scene.upstream.expect(Reply::chat(Tokens::plain(10, 200)).chunks(CHUNKS).gap(Duration::from_millis(20)));
    let body = ask(&json!({"stream": true}));
    let mut exchange = scene.application().open("POST", "/v1/chat/completions", body.to_string().as_bytes()).unwrap();
    let id = exchange.header("x-farthing-request-id").unwrap().to_owned();
    // Checkpoints are a second apart: after three seconds one holds what was seen in the first.
    exchange.read_until("word50 ").unwrap();
    exchange.read_until("word150 ").unwrap();
    scene.gateway.kill_9();
    scene.gateway.restart();
    let row = scene.gateway.request(&id);
    assert_eq!((&row["status"], &row["usage_detail"]), (&json!("interrupted"), &json!("estimated:crash")), "{row}");
    let booked = row["usage"]["output"].as_u64().unwrap();
    assert!(booked >= 50, "{row}");
}

#[test]
fn what_dies_with_the_process_is_booked_where_it_had_gone_and_by_what_is_likely() {
    let (mut scene, gate) = (scene(), Gate::default());
    let (first, second) = (Upstream::start(), Upstream::start());
    for (priority, (name, upstream)) in [("first", &first), ("second", &second)].into_iter().enumerate() {
        scene.gateway.add_provider(name, upstream);
        let prices = json!({"input_cost_per_m": "1", "output_cost_per_m": (10 * priority).to_string()});
        let deployment = json!({"name": "two", "provider": name, "upstream_model": "m", "priority": priority,
            "max_output_tokens": 1_000, "context_window": 9_000, "prices": prices});
        scene.gateway.create("/api/models", &deployment);
    }
    let mut prompts = Vec::new();
    for (stream, output) in [(false, 7), (true, 0)] {
        first.expect(Reply::status(500, &json!({"error": {"message": "not now"}})));
        second.expect(Reply::chat(Tokens::plain(1, 1)).behind(&gate));
        let body = ask(&json!({"model": "two", "stream": stream, "max_tokens": 7})).to_string();
        let asked = scene.application().start("POST", "/v1/chat/completions", body.as_bytes()).unwrap();
        let before = usize::from(stream);
        second.wait_for("the fallback", PATIENCE, |journal| (journal.len() > before).then_some(()));
        scene.gateway.kill_9();
        scene.gateway.restart();
        let rows = scene.gateway.list(&format!("/api/requests?project={PROJECT}"));
        let row = scene.gateway.request(rows[0]["id"].as_str().unwrap());
        let told = (&row["provider"], &row["usage_detail"], &row["usage"]["output"]);
        assert_eq!(told, (&json!("second"), &json!("estimated:crash"), &json!(output)), "{row}");
        prompts.push(row["usage"]["input"].as_u64().unwrap());
        drop(asked);
    }
    assert!(0 < prompts[1] && prompts[1] < prompts[0], "likely for a stream, at most for a whole answer: {prompts:?}");
    gate.open();
}

#[test]
fn a_gemini_stream_of_one_event_is_served_and_booked() {
    let scene = scene();
    scene.gateway.add_model_of(Dialect::Gemini, "gemini", "gemini", &scene.upstream);
    let event = r#"data: {"candidates":[{"content":{"parts":[{"text":"all"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}}"#;
    scene
        .upstream
        .expect(Reply::raw(200, format!("{event}\n\n").as_bytes()).header("content-type", "text/event-stream"));
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    let answer = scene.application().post("/v1beta/models/gemini:streamGenerateContent?alt=sse", &body);
    assert!(answer.text().contains(r#""text":"all""#), "{}", answer.text());
    let row = scene.recorded(&answer);
    let told = (&row["status"], &row["usage_source"], &row["usage"]["input"], &row["usage"]["output"]);
    assert_eq!(told, (&json!("ok"), &json!("provider"), &json!(3), &json!(2)));
}

#[test]
fn an_error_without_a_body_is_an_error_like_any_other() {
    let scene = scene();
    scene.upstream.expect(Reply::raw(502, b""));
    let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]});
    let answer = scene.chat(&body);
    assert_eq!((answer.status, &scene.recorded(&answer)["cost_usd"]), (502, &json!("0")), "{}", answer.text());
}

#[test]
fn an_error_under_an_accepting_status_is_no_answer() {
    let scene = scene();
    scene.upstream.expect(Reply::raw(200, br#"{"error":{"message":"not today","code":"busy"}}"#));
    let answer = scene.chat(&json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}));
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(scene.recorded(&answer)["status"], "upstream_error");
}

#[test]
fn a_budget_is_capped_by_the_name_that_the_provider_obeys() {
    let scene = scene();
    let local = json!({"name": "local", "kind": "openai_compatible", "base_url": scene.upstream.base_url(),
        "api_key": "sk-local", "allow_private_network": true});
    scene.gateway.create("/api/providers", &local);
    scene.gateway.add_model("llama", "local", &farthing_support::scene::prices());
    for (asked, told) in [
        (json!({"max_completion_tokens": 7}), json!({"max_completion_tokens": 7, "max_tokens": 7})),
        (
            json!({"max_completion_tokens": 1, "max_tokens": 99_999}),
            json!({"max_completion_tokens": 1, "max_tokens": 1}),
        ),
    ] {
        let mut body = json!({"model": "llama", "messages": [{"role": "user", "content": "hi"}]});
        body.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
        scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
        assert_eq!(scene.chat(&body).status, 200);
        let seen: Value = serde_json::from_slice(&scene.upstream.journal().pop().unwrap().body).unwrap();
        for (field, tokens) in told.as_object().unwrap() {
            assert_eq!(seen[field], *tokens, "{field} of {seen}");
        }
    }
}
