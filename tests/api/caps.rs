//! Caps: how many requests a key may ever have, and how long an answer may be where a budget covers only part of it.

use std::thread;

use farthing_support::scene::ask;
use farthing_support::{Answer, Dialect, Key, Picos, Reply, Scene, TestGateway, Tokens};
use serde_json::{Value, json};

use crate::budgets::{exact, refused};
use crate::scene;

const CALLERS: usize = 50;

fn race(gateway: &TestGateway, key: &Key, body: &Value) -> Vec<Answer> {
    let call = |_| {
        let (client, body) = (gateway.application(&key.secret), body.clone());
        thread::spawn(move || client.post("/v1/chat/completions", &body))
    };
    let callers: Vec<_> = (0..CALLERS).map(call).collect();
    callers.into_iter().map(|caller| caller.join().unwrap()).collect()
}

fn served(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.status != 200).for_each(refused);
    answers.iter().filter(|answer| answer.status == 200).count()
}

fn shown(scene: &Scene, key: &Key) -> (Value, Value) {
    let seen = scene.gateway.operator().get(&format!("/api/keys/{}", key.id)).json();
    (seen["max_requests"].clone(), seen["requests_used"].clone())
}

fn patch(scene: &Scene, key: &Key, change: &Value) {
    let answer =
        scene.gateway.operator().send("PATCH", &format!("/api/keys/{}", key.id), change.to_string().as_bytes());
    assert_eq!(answer.unwrap().status, 200);
}

#[test]
fn a_cap_of_n_requests_admits_exactly_n_whoever_races_and_whatever_dies() {
    let mut scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(5, 5)));
    let key = scene.gateway.add_key("team-a", &json!({"max_requests": 7}));
    assert_eq!(served(&race(&scene.gateway, &key, &ask(&json!({})))), 7);
    assert_eq!((scene.upstream.calls(), shown(&scene, &key)), (7, (json!(7), json!(7))));

    scene.gateway.kill_9();
    scene.gateway.restart();
    assert_eq!(served(&race(&scene.gateway, &key, &ask(&json!({})))), 0, "a restart gives nothing back");
    patch(&scene, &key, &json!({"max_requests": 10}));
    assert_eq!(served(&race(&scene.gateway, &key, &ask(&json!({})))), 3, "a higher cap counts what there was");
    let own = scene.gateway.application(&key.secret).get("/v1/key").json();
    assert_eq!((&own["requests_used"], &own["requests_remaining"]), (&json!(10), &json!(0)), "{own}");
    patch(&scene, &key, &json!({"max_requests": null}));
    assert_eq!(served(&race(&scene.gateway, &key, &ask(&json!({})))), CALLERS);
    assert_eq!(shown(&scene, &key), (Value::Null, Value::Null));
}

#[test]
fn a_cap_set_later_counts_earlier_requests_but_no_refused_ones() {
    let scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(5, 5)));
    let call = || scene.chat(&ask(&json!({})));
    assert_eq!((call().status, call().status), (200, 200));
    patch(&scene, &scene.key, &json!({"max_requests": 3}));
    assert_eq!(shown(&scene, &scene.key), (json!(3), json!(2)));
    assert_eq!(call().status, 200);
    (0..3).for_each(|_| refused(&call()));
    patch(&scene, &scene.key, &json!({"max_requests": 4}));
    assert_eq!(shown(&scene, &scene.key), (json!(4), json!(3)), "refusals are not counted");
}

/// A model of `dialect` whose answers cost a tenth of a cent a token and whose prompts cost nothing.
fn add(scene: &Scene, dialect: Dialect) {
    let name = dialect.name();
    scene.gateway.add_provider_of(name, dialect.kind(), &scene.upstream);
    let prices = json!({"input_cost_per_m": "0", "output_cost_per_m": "1000"});
    scene.gateway.create(
        "/api/models",
        &json!({"name": name, "provider": name, "upstream_model": name, "dialects": [name],
                "max_output_tokens": 16_384, "prices": prices}),
    );
}

fn body(dialect: Dialect, cap: u64) -> Value {
    let (model, said) = (dialect.name(), json!([{"role": "user", "content": "hello"}]));
    match dialect {
        Dialect::Chat => json!({"model": model, "messages": said, "max_tokens": cap}),
        Dialect::Responses => json!({"model": model, "input": "hello", "max_output_tokens": cap}),
        Dialect::Anthropic => json!({"model": model, "messages": said, "max_tokens": cap}),
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}],
                                  "generationConfig": {"maxOutputTokens": cap}}),
    }
}

fn cap_in(body: &Value) -> Value {
    let places = ["/max_tokens", "/max_completion_tokens", "/max_output_tokens", "/generationConfig/maxOutputTokens"];
    places.iter().find_map(|place| body.pointer(place)).cloned().unwrap_or_default()
}

fn key_with(scene: &Scene, limit: &str) -> Key {
    scene.gateway.add_key("team-a", &json!({"budget": {"limit_usd": limit, "window": "total"}}))
}

#[test]
fn a_budget_that_covers_part_of_the_cap_lowers_it_in_each_dialect() {
    let scene = scene();
    for dialect in Dialect::ALL {
        add(&scene, dialect);
        let path = dialect.path(dialect.name(), false);
        let call = |limit: &str| {
            let key = key_with(&scene, limit);
            scene.gateway.application(&key.secret).post(&path, &body(dialect, 4_000))
        };
        scene.upstream.expect(Reply::chat(Tokens::plain(5, 10)));
        let answer = call("0.300");
        assert_eq!((answer.status, answer.header("x-farthing-output-cap")), (200, Some("300")), "{}", answer.text());
        let sent = scene.upstream.journal().pop().unwrap().json();
        assert_eq!(cap_in(&sent), 300, "{dialect:?}: {sent}");
        assert_eq!(Picos::of(&scene.recorded(&answer)["cost_usd"]), Picos::parse("0.01"));

        let before = scene.upstream.calls();
        assert_eq!(call("0.255").status, 402, "less than a useful answer: {dialect:?}");
        assert_eq!(scene.upstream.calls(), before);
    }
}

#[test]
fn a_cap_is_not_lowered_below_what_is_set_apart_for_thinking() {
    let scene = scene();
    add(&scene, Dialect::Anthropic);
    let mut asked = body(Dialect::Anthropic, 4_000);
    asked["thinking"] = json!({"type": "enabled", "budget_tokens": 2_000});
    let call = |limit: &str| scene.gateway.application(&key_with(&scene, limit).secret).post("/v1/messages", &asked);
    assert_eq!(call("2.255").status, 402, "the provider would refuse it, or nothing be left for the answer");
    scene.upstream.expect(Reply::chat(Tokens::plain(5, 10)));
    let answer = call("2.256");
    assert_eq!((answer.status, answer.header("x-farthing-output-cap")), (200, Some("2256")), "{}", answer.text());
    assert_eq!(scene.upstream.only().json()["max_tokens"], 2_256);
}

#[test]
fn a_key_shows_its_limits_and_refuses_senseless_ones() {
    let scene = scene();
    exact(&scene);
    let made = scene.gateway.add_key("team-a", &json!({"max_requests": 0, "run_limit_usd": 0.50}));
    let seen = scene.gateway.operator().get(&format!("/api/keys/{}", made.id)).json();
    assert_eq!(
        (&seen["max_requests"], &seen["requests_used"], &seen["run_limit_usd"]),
        (&json!(0), &json!(0), &json!("0.50"))
    );
    refused(&scene.gateway.application(&made.secret).post("/v1/chat/completions", &ask(&json!({}))));
    for wrong in [json!({"run_limit_usd": "-1"}), json!({"max_requests": -1}), json!({"max_requests": u64::MAX})] {
        let mut body = json!({"project": "team-a", "name": "wrong"});
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        assert_eq!(scene.gateway.operator().post("/api/keys", &body).status, 400, "{wrong}");
    }
}
