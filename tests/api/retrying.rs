//! Attempts: what is asked again, after what pause, and what never is.

use std::time::Duration;

use farthing_support::gateway::openai_error;
use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::{MODEL, PROJECT, ask, cost, prices};
use farthing_support::{Picos, Reply, Scene, Tokens, Upstream};
use serde_json::json;

use crate::scene;

const TOKENS: Tokens = Tokens { prompt: 7, cached: 0, completion: 3, reasoning: 0 };

fn busy(status: u16, pause: &str) -> Reply {
    Reply::error(status, "slow down").header("retry-after", pause)
}

/// A second deployment of the scene's model, tried after the first.
fn add_second(scene: &Scene, provider: &str) {
    let second = json!({
        "name": MODEL, "provider": provider, "upstream_model": "second", "priority": 1, "prices": prices(),
    });
    scene.gateway.create("/api/models", &second);
}

#[test]
fn a_short_pause_that_a_provider_asks_for_is_kept_and_the_call_is_charged_once() {
    for (status, stream) in [(429, false), (503, true), (529, false)] {
        let scene = scene();
        scene.upstream.expect(busy(status, "1"));
        scene.upstream.expect(Reply::chat(TOKENS));
        let body = ask(&json!({"stream": stream}));
        let (answer, took) = until("it is answered", PATIENCE, || Some(scene.chat(&body)));
        assert_eq!((answer.status, answer.header("x-farthing-attempts")), (200, Some("2")), "{}", answer.text());
        assert!(took >= Duration::from_secs(1), "{status}: it came back after {took:?}");
        let row = scene.recorded(&answer);
        assert_eq!((&row["status"], &row["attempts"]), (&json!("ok"), &json!(2)), "{row}");
        assert_eq!(Picos::of(&row["cost_usd"]), cost(TOKENS), "the refused attempt costs nothing: {row}");
    }
}

#[test]
fn a_provider_is_asked_back_once_and_then_its_word_is_passed_on() {
    let scene = scene();
    scene.upstream.expect(busy(429, "0"));
    scene.upstream.expect(busy(429, "0").header("retry-after-ms", "4321"));
    let answer = scene.chat(&ask(&json!({})));
    openai_error(&answer, 429);
    assert_eq!(answer.header("retry-after"), Some("5"), "seconds, rounded up");
    assert_eq!(scene.recorded(&answer)["attempts"], 2);
}

#[test]
fn another_provider_is_asked_at_once_instead_of_waiting() {
    let (scene, spare) = (scene(), Upstream::start());
    scene.gateway.add_provider("spare", &spare);
    add_second(&scene, "spare");
    scene.upstream.expect(busy(429, "5"));
    spare.expect(Reply::chat(TOKENS));
    let (answer, took) = until("it is answered", PATIENCE, || Some(scene.chat(&ask(&json!({})))));
    assert_eq!((answer.status, answer.header("x-farthing-provider")), (200, Some("spare")), "{}", answer.text());
    assert!(took < Duration::from_secs(5), "it waited {took:?}");
    drop(scene);
}

#[test]
fn a_refused_credential_is_not_sent_again() {
    let scene = scene();
    add_second(&scene, "openai");
    scene.upstream.expect(Reply::error(401, "who are you"));
    let answer = scene.chat(&ask(&json!({})));
    assert_eq!(answer.status, 502, "{}", answer.text());
    let row = scene.recorded(&answer);
    assert_eq!(row["attempts"], 1);
    let route = json!([
        "explicit gpt-4o-mini",
        "failed: gpt-4o-mini at openai: status 401",
        "left out: gpt-4o-mini at openai: the refused key is not sent again",
    ]);
    assert_eq!(row["route"], route);
}

#[test]
fn a_provider_that_refuses_the_key_is_asked_last_until_it_takes_it() {
    let (scene, spare) = (scene(), Upstream::start());
    scene.gateway.add_provider("spare", &spare);
    add_second(&scene, "spare");
    let provider = || scene.gateway.list("/api/providers").into_iter().find(|one| one["name"] == "openai").unwrap();
    let id = provider()["id"].as_str().unwrap().to_owned();
    scene.upstream.expect(Reply::error(402, "pay first"));
    spare.always(Reply::chat(TOKENS));
    let chat = || scene.chat(&ask(&json!({})));
    assert_eq!((chat().header("x-farthing-attempts"), chat().header("x-farthing-attempts")), (Some("2"), Some("1")));
    assert_eq!(scene.upstream.calls(), 1, "others have their turn first");
    let explained = scene.recorded(&chat())["route"].to_string();
    assert!(explained.contains("last: gpt-4o-mini at openai: its key was refused"), "{explained}");
    let (shown, metric) = (provider(), "farthing_provider_key_refused{provider=\"openai\"} 1");
    assert_eq!((&shown["api_key_refused"]["http_status"], &shown["breaker"]["state"]), (&json!(402), &json!("closed")));
    assert!(scene.gateway.anonymous().get("/metrics").text().contains(metric));
    // Without another it is called as ever.
    spare.always(Reply::error(500, "out of order"));
    scene.upstream.expect(Reply::chat(TOKENS));
    assert_eq!(chat().header("x-farthing-provider"), Some("openai"));
    until("the key is taken again", PATIENCE, || provider()["api_key_refused"].is_null().then_some(()));
    // And with another key it has its turn at once.
    scene.upstream.expect(Reply::error(401, "not you"));
    assert!(chat().status >= 500);
    assert_eq!(provider()["api_key_refused"]["http_status"], 401);
    let key = json!({"api_key": "sk-another-1f0c8c1d5a7e4b2f9d3a"}).to_string();
    let changed = scene.gateway.operator().send("PATCH", &format!("/api/providers/{id}"), key.as_bytes()).unwrap();
    assert_eq!(changed.status, 200, "{}", changed.text());
    until("nothing is held against it", PATIENCE, || provider()["api_key_refused"].is_null().then_some(()));
    scene.upstream.expect(Reply::chat(TOKENS));
    assert_eq!(chat().header("x-farthing-provider"), Some("openai"));
}

#[test]
fn a_call_that_nobody_could_serve_is_on_record_and_says_why() {
    let scene = scene();
    let id = scene.gateway.list("/api/providers")[0]["id"].as_str().unwrap().to_owned();
    let force = format!("/api/providers/{id}/breaker");
    let forced = scene.gateway.operator().send("PUT", &force, br#"{"state": "open"}"#).unwrap();
    assert_eq!(forced.status, 200, "{}", forced.text());
    // It is in nobody's hand that a model is added meanwhile.
    scene.gateway.add_model("late", "openai", &prices());
    for model in [MODEL, "late"] {
        let answer = scene.chat(&ask(&json!({"model": model})));
        openai_error(&answer, 503);
        let row = scene.recorded(&answer);
        assert_eq!(
            (&row["status"], &row["http_status"], &row["attempts"]),
            (&json!("refused"), &json!(503), &json!(0))
        );
        assert_eq!(row["route"], json!([format!("left out: {model} at openai: circuit open")]));
        assert_eq!(Picos::of(&row["cost_usd"]), Picos(0));
    }
    assert_eq!(scene.upstream.calls(), 0);
}

#[test]
fn another_deployment_of_a_provider_that_failed_is_tried_after_a_pause() {
    let scene = scene();
    add_second(&scene, "openai");
    scene.upstream.expect(Reply::error(500, "out of order"));
    scene.upstream.expect(Reply::chat(TOKENS));
    let answer = scene.chat(&ask(&json!({})));
    assert_eq!((answer.status, answer.header("x-farthing-model")), (200, Some("second")), "{}", answer.text());
}

#[test]
fn a_sign_of_life_before_an_error_is_no_answer_yet() {
    let scene = scene();
    add_second(&scene, "openai");
    let events = |events: &str| Reply::raw(200, events.as_bytes()).header("content-type", "text/event-stream");
    scene.upstream.expect(events(": PROCESSING\n\ndata: {\"error\":{\"code\":502,\"message\":\"no\"}}\n\n"));
    scene.upstream.expect(Reply::chat(TOKENS));
    let answer = scene.chat(&ask(&json!({"stream": true})));
    assert_eq!((answer.status, answer.header("x-farthing-model")), (200, Some("second")), "{}", answer.text());
    assert_eq!(Picos::of(&scene.recorded(&answer)["cost_usd"]), cost(TOKENS));
    let said = r#"{"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}"#;
    scene.upstream.expect(events(&format!(": PROCESSING\n\n: PROCESSING\n\ndata: {said}\n\ndata: [DONE]\n\n")));
    let answer = scene.chat(&ask(&json!({"stream": true})));
    assert!(answer.text().starts_with(&format!(": PROCESSING\n\n: PROCESSING\n\ndata: {said}")), "{}", answer.text());
}

#[test]
fn a_picture_is_never_made_again() {
    let scene = scene();
    scene.upstream.expect(busy(503, "0"));
    let body = json!({"model": MODEL, "prompt": "a heron"});
    let answer = scene.application().post("/v1/images/generations", &body);
    assert!(answer.status >= 500, "{}", answer.text());
}

#[test]
fn an_error_says_where_the_call_went_and_whether_to_send_it_again() {
    let spent = json!({"error": {"message": "no credit", "type": "insufficient_quota", "code": "insufficient_quota"}});
    let (chat, picture) =
        (("chat/completions", ask(&json!({}))), ("images/generations", json!({"model": MODEL, "prompt": "x"})));
    for ((path, body), reply, status, again, charged) in [
        (&chat, Reply::error(401, "who are you"), 502, "false", false),
        (&chat, Reply::error(402, "pay"), 502, "false", false),
        (&chat, Reply::status(429, &spent).header("retry-after", "1"), 429, "false", false),
        (&chat, Reply::error(400, "no"), 400, "false", false),
        (&chat, busy(429, "60"), 429, "true", false),
        (&chat, Reply::error(500, "out of order"), 502, "true", false),
        (&chat, Reply::raw(200, b"<html>"), 502, "true", true),
        (&picture, Reply::error(500, "out of order"), 502, "false", false),
        (&picture, Reply::raw(200, b"<html>"), 502, "false", true),
        (&picture, busy(429, "60"), 429, "true", false),
    ] {
        let scene = scene();
        scene.upstream.expect(reply.clone());
        let answer = scene.application().post(&format!("/v1/{path}"), body);
        assert_eq!(
            (answer.status, answer.header("x-should-retry")),
            (status, Some(again)),
            "{reply:?} {}",
            answer.text()
        );
        assert_eq!(answer.header("retry-after").is_some(), status == 429 && again == "true", "{reply:?}");
        let sent = ["x-farthing-provider", "x-farthing-model", "x-farthing-attempts"].map(|name| answer.header(name));
        assert_eq!(sent, [Some("openai"), Some(MODEL), Some("1")], "{reply:?}");
        let booked = Picos::of(&scene.recorded(&answer)["cost_usd"]);
        assert_eq!(booked != Picos(0), charged, "{reply:?}");
        let told = answer.header("x-farthing-cost").map(Picos::parse);
        assert_eq!(told, Some(booked).filter(|cost| *cost != Picos(0)), "{reply:?}");
    }
}

#[test]
fn one_failure_that_may_pass_is_reason_enough_to_come_again() {
    let (scene, spare) = (scene(), Upstream::start());
    scene.gateway.add_provider("spare", &spare);
    add_second(&scene, "spare");
    scene.upstream.expect(Reply::error(500, "out of order"));
    spare.expect(Reply::error(401, "who are you"));
    let answer = scene.chat(&ask(&json!({})));
    assert_eq!((answer.status, answer.header("x-should-retry")), (502, Some("true")), "{}", answer.text());
    let sent = ["x-farthing-provider", "x-farthing-model", "x-farthing-attempts"].map(|name| answer.header(name));
    assert_eq!(sent, [Some("spare"), Some("second"), Some("2")]);
    let unsent = scene.chat(&ask(&json!({"model": "nobody's"})));
    assert_eq!((unsent.status, unsent.header("x-farthing-attempts")), (404, None));
    drop(scene);
}

#[test]
fn whoever_leaves_during_the_pause_pays_nothing() {
    let scene = scene();
    scene.upstream.expect(busy(429, "5"));
    let body = ask(&json!({})).to_string();
    let waiting = scene.application().start("POST", "/v1/chat/completions", body.as_bytes()).unwrap();
    until("the provider has refused it", PATIENCE, || (scene.upstream.calls() == 1).then_some(()));
    waiting.hang_up();
    let row = &scene.gateway.requests(PROJECT, 1)[0];
    assert_eq!((&row["status"], Picos::of(&row["cost_usd"])), (&json!("client_gone"), Picos(0)), "{row}");
}

/// What keys failed before is not held against them: two keys, with two failures each, call a provider that is gone.
#[test]
fn a_circuit_opens_though_every_key_has_failed_before() {
    let scene = scene();
    let keys = [0, 1].map(|_| scene.gateway.application(&scene.gateway.add_key(PROJECT, &json!({})).secret));
    let call = |key: usize| keys[key].post("/v1/chat/completions", &ask(&json!({}))).status;
    for key in [0, 1] {
        for reply in [Reply::error(500, "no"), Reply::error(500, "no"), Reply::chat(TOKENS)] {
            scene.upstream.expect(reply);
        }
        assert_eq!([call(key), call(key), call(key)], [502, 502, 200]);
    }
    scene.upstream.always(Reply::error(500, "no"));
    assert_eq!([0, 1, 0, 1, 0].map(call), [502, 502, 502, 503, 503]);
}
