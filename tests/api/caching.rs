//! The response cache: the same bytes again, for the same project, at nothing, on record; and nothing that should not be given.

use farthing_support::gateway::openai_error;
use farthing_support::scene::{MODEL, PROJECT, ask, cost};
use farthing_support::{Answer, Dialect, Gate, Key, Picos, Reply, Scene, TestGateway, Tokens};
use serde_json::{Value, json};

use crate::streams::open;
use crate::{BINARY, scene};

const TOKENS: Tokens = Tokens { prompt: 100, cached: 0, completion: 30, reasoning: 0 };
const CHAT: &str = "/v1/chat/completions";

/// The usual scene, whose project has its answers given again.
fn cached() -> Scene {
    opted_in(scene())
}

fn opted_in(scene: Scene) -> Scene {
    set(&scene, PROJECT, &json!({"response_cache": {"ttl_seconds": 3_600}}));
    scene.upstream.always(Reply::chat(TOKENS));
    scene
}

fn project(scene: &Scene, name: &str) -> Value {
    scene.gateway.list("/api/projects").into_iter().find(|project| project["name"] == name).unwrap()
}

fn set(scene: &Scene, name: &str, change: &Value) {
    let path = format!("/api/projects/{}", project(scene, name)["id"].as_str().unwrap());
    let answer = scene.gateway.operator().send("PATCH", &path, change.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn spent(scene: &Scene) -> Picos {
    Picos::of(&project(scene, PROJECT)["budget"]["spent_usd"])
}

fn state(answer: &Answer) -> Option<&str> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("x-farthing-cache")
}

fn with(scene: &Scene, key: &Key, control: &str, text: &str) -> Answer {
    let client = scene.gateway.application(&key.secret).with("cache-control", control);
    client.post(CHAT, &ask(&json!({"messages": [{"role": "user", "content": text}]})))
}

fn body(dialect: Dialect, stream: bool) -> Value {
    // Of Chat and of Messages the very same.
    let messages = json!([{"role": "user", "content": "hello"}]);
    match dialect {
        Dialect::Chat | Dialect::Anthropic => {
            json!({"model": "m", "stream": stream, "max_tokens": 100, "messages": messages})
        }
        Dialect::Responses => json!({"model": "m", "stream": stream, "max_output_tokens": 100, "input": "hello"}),
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}),
    }
}

#[test]
fn a_hit_is_the_same_bytes_at_nothing_and_on_record_in_every_dialect_and_form() {
    let scene = cached();
    for dialect in Dialect::ALL {
        scene.gateway.add_model_of(dialect, "m", "m", &scene.upstream);
    }
    let colleague = scene.gateway.add_key(PROJECT, &json!({}));
    let mut requests = Vec::new();
    let mut bodies = Vec::new();
    for (dialect, stream) in Dialect::ALL.into_iter().flat_map(|dialect| [(dialect, false), (dialect, true)]) {
        let (path, body) = (dialect.path("m", stream), body(dialect, stream));
        let first = scene.application().post(&path, &body);
        assert_eq!(state(&first), Some("miss"), "{dialect:?} {stream}");
        let again = scene.gateway.application(&colleague.secret).post(&path, &body);
        assert_eq!(state(&again), Some("hit"), "{dialect:?} {stream}");
        assert_eq!(again.body, first.body, "the same bytes");
        for header in ["content-type", "x-farthing-provider", "x-farthing-model"] {
            assert_eq!(again.header(header), first.header(header), "{header}");
        }
        assert_eq!(Picos::parse(again.header("x-farthing-cost").unwrap()), Picos(0));
        assert!(!bodies.contains(&first.body), "{dialect:?} {stream} was mixed up with another");
        bodies.push(first.body.clone());
        requests.push((first.header("x-farthing-request-id").unwrap().to_owned(), again));
    }
    assert_eq!(scene.upstream.calls(), 8);
    // An array that grows is another answer than events.
    let events =
        scene.application().post("/v1beta/models/m:streamGenerateContent?alt=sse", &body(Dialect::Gemini, true));
    let array = scene.application().post("/v1beta/models/m:streamGenerateContent", &body(Dialect::Gemini, true));
    assert_ne!(events.body, array.body);
    assert_eq!(scene.upstream.calls(), 9);

    let bill = spent(&scene);
    for (first, again) in &requests {
        let line = scene.recorded(again);
        let facts = [&line["status"], &line["http_status"], &line["cached"], &line["usage_detail"], &line["attempts"]];
        assert_eq!(facts, [&json!("ok"), &json!(200), &json!(true), &json!("cached"), &json!(0)], "{line}");
        assert_eq!((Picos::of(&line["cost_usd"]), Picos::of(&line["held_usd"])), (Picos(0), Picos(0)));
        assert_eq!((&line["usage"]["input"], &line["unpriced"]), (&json!(0), &json!(false)));
        assert_eq!(line["route"], json!([format!("cached answer of {first}")]));
        assert_eq!(scene.gateway.request(first)["cached"], false);
    }
    let rows = scene.gateway.requests(PROJECT, 18);
    let charged: i128 = rows.iter().map(|row| Picos::of(&row["cost_usd"]).0).sum();
    assert_eq!(Picos(charged), bill, "hits are charged nothing");
    assert_eq!(scene.gateway.settled()["ok"], true);
}

#[test]
fn nothing_is_given_that_another_project_asked_or_that_differs_in_anything() {
    let scene = cached();
    scene.gateway.add_project("team-b", None);
    set(&scene, "team-b", &json!({"response_cache": {"ttl_seconds": 3_600}}));
    let stranger = scene.gateway.add_key("team-b", &json!({}));
    assert_eq!(state(&scene.chat(&ask(&json!({})))), Some("miss"));
    assert_eq!(state(&scene.gateway.application(&stranger.secret).post(CHAT, &ask(&json!({})))), Some("miss"));
    for other in [json!({"temperature": 0.5}), json!({"max_tokens": 99}), json!({"user": "another"})] {
        assert_eq!(state(&scene.chat(&ask(&other))), Some("miss"), "{other}");
    }
    assert_eq!(state(&scene.application().with("x-farthing-tags", "a").post(CHAT, &ask(&json!({})))), Some("miss"));
    assert_eq!(state(&scene.chat(&ask(&json!({})))), Some("hit"));
    assert_eq!(scene.upstream.calls(), 6);
}

#[test]
fn how_a_body_is_written_does_not_matter_to_the_cache_nor_to_an_idempotency_key() {
    let scene = cached();
    let client = scene.application().with("idempotency-key", "k").with("cache-control", "no-store");
    let mut answers = Vec::new();
    for body in [
        r#"{"model":"MODEL","max_tokens":100,"messages":[{"role":"user","content":"caf\u00e9"}]}"#,
        "{ \"messages\": [ {\"content\": \"café\", \"role\": \"user\"} ],\n \"max_tok\\u0065ns\": 100, \"model\": \"MODEL\" }",
    ] {
        let body = body.replace("MODEL", MODEL);
        answers.push(scene.application().post_bytes(CHAT, body.as_bytes()));
        answers.push(client.post_bytes(CHAT, body.as_bytes()));
    }
    let [miss, first, hit, again] = &answers[..] else { panic!() };
    assert_eq!((state(miss), state(hit)), (Some("miss"), Some("hit")));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), (None, Some("true")));
    assert_eq!((&hit.body, &again.body), (&miss.body, &first.body));
    let other = ask(&json!({"max_tokens": 100, "messages": [{"role": "user", "content": "cafe"}]}));
    assert_eq!((state(&scene.chat(&other)), client.post(CHAT, &other).status), (Some("miss"), 422));
    assert_eq!(scene.upstream.calls(), 3);
}

#[test]
fn a_hit_passes_every_limit_but_money() {
    let scene = cached();
    assert_eq!(state(&scene.chat(&ask(&json!({})))), Some("miss"));
    let call = |extra: Value| {
        let key = scene.gateway.add_key(PROJECT, &extra);
        let ask = |_| scene.gateway.application(&key.secret).post(CHAT, &ask(&json!({})));
        (key.id.clone(), [0, 1].map(ask))
    };
    let (_, slow) = call(json!({"limits": {"rpm": 1}}));
    assert_eq!((state(&slow[0]), slow[1].status), (Some("hit"), 429), "{}", slow[1].text());
    let (_, capped) = call(json!({"max_requests": 1}));
    assert_eq!((state(&capped[0]), capped[1].status), (Some("hit"), 402), "{}", capped[1].text());
    let (_, other) = call(json!({"allowed_models": ["other"]}));
    assert_eq!(openai_error(&other[0], 404)["code"], "model_not_found");
    let (_, poor) = call(json!({"budget": {"limit_usd": "0", "window": "total", "time_zone": "UTC"}}));
    assert_eq!([state(&poor[0]), state(&poor[1])], [Some("hit"), Some("hit")]);

    let revoked = scene.gateway.add_key(PROJECT, &json!({}));
    let path = format!("/api/keys/{}/revoke", revoked.id);
    assert_eq!(scene.gateway.operator().post(&path, &json!({})).status, 200);
    let refused = scene.gateway.application(&revoked.secret).post(CHAT, &ask(&json!({})));
    assert_eq!(refused.status, 401, "{}", refused.text());

    let providers = scene.gateway.list("/api/providers");
    let path = format!("/api/providers/{}", providers[0]["id"].as_str().unwrap());
    let off = scene.gateway.operator().send("PATCH", &path, br#"{"enabled":false}"#).unwrap();
    assert_eq!(off.status, 200, "{}", off.text());
    assert_ne!(scene.chat(&ask(&json!({}))).status, 200, "its provider was taken away");
    assert_eq!((scene.upstream.calls(), spent(&scene)), (1, cost(TOKENS)));
}

#[test]
fn a_budget_that_is_overdrawn_refuses_calls_but_not_hits() {
    let scene = cached();
    let key = scene.gateway.add_key(PROJECT, &json!({}));
    assert_eq!(state(&with(&scene, &key, "max-age=60", "dear")), Some("miss"));
    let path = format!("/api/keys/{}", key.id);
    let budget = json!({"budget": {"limit_usd": "0.000000000001", "window": "total", "time_zone": "UTC"}}).to_string();
    assert_eq!(scene.gateway.operator().send("PATCH", &path, budget.as_bytes()).unwrap().status, 200);
    assert_eq!(state(&with(&scene, &key, "max-age=60", "dear")), Some("hit"));
    assert_eq!(with(&scene, &key, "max-age=60", "other").status, 402);
    assert_eq!(scene.upstream.calls(), 1);
}

#[test]
fn only_who_asks_for_it_is_given_an_answer_again() {
    let scene = scene();
    scene.upstream.always(Reply::chat(TOKENS));
    let key = &scene.key;
    for (control, text, expected) in [
        // A project that has not asked: as the request says.
        ("private", "a", None),
        ("no-cache", "a", None),
        ("max-age=60", "a", Some("miss")),
        ("max-age=60", "a", Some("hit")),
        ("private", "a", None),
        ("max-age=60, no-store", "a", Some("bypass")),
        ("max-age=60, no-store", "b", Some("bypass")),
        ("max-age=60", "b", Some("miss")),
    ] {
        assert_eq!(state(&with(&scene, key, control, text)), expected, "{control} {text}");
    }
    set(&scene, PROJECT, &json!({"response_cache": {"ttl_seconds": 3_600}}));
    for (control, text, expected) in [
        ("private", "a", "hit"),
        ("no-store", "a", "bypass"),
        ("no-cache", "a", "bypass"),
        ("no-cache", "c", "bypass"),
        ("private", "c", "hit"),
    ] {
        assert_eq!(state(&with(&scene, key, control, text)), Some(expected), "{control} {text}");
    }
    set(&scene, PROJECT, &json!({"response_cache": null}));
    assert_eq!(state(&scene.chat(&ask(&json!({"messages": [{"role": "user", "content": "c"}]})))), None);
    let wrong = json!({"name": "x", "response_cache": {"ttl_seconds": 0}});
    assert_eq!(scene.gateway.operator().post("/api/projects", &wrong).status, 400);
}

#[test]
fn what_is_not_whole_or_no_text_is_not_kept() {
    let (scene, gate) = (cached(), Gate::default());
    let stream = json!({"stream": true});
    let again = |name: &str| {
        let calls = scene.upstream.calls();
        assert_eq!(state(&scene.chat(&ask(&stream))), Some("miss"), "after {name}");
        assert_eq!(scene.upstream.calls(), calls + 1);
        assert_eq!(scene.gateway.operator().send("DELETE", "/api/cache", b"").unwrap().json()["purged"], 1);
    };
    scene.upstream.expect(Reply::chat(TOKENS).chunks(9).cut_after(4));
    scene.chat(&ask(&stream));
    again("a cut");
    scene.upstream.expect(Reply::chat(TOKENS).chunks(9).error_after(4, "broken"));
    scene.chat(&ask(&stream));
    again("an error");
    scene.upstream.expect(Reply::chat(TOKENS).chunks(9).wait_after(4, &gate));
    let mut leaving = open(&scene, &json!({}));
    leaving.next_event().unwrap().unwrap();
    leaving.hang_up();
    scene.gateway.settled();
    again("a client that left");
    for _ in 0..2 {
        scene.upstream.expect(Reply::error(400, "no"));
        assert_eq!(scene.chat(&ask(&json!({}))).status, 400);
    }
    let picture = json!({"created": 1, "data": [{"b64_json": "aGk="}]});
    scene.upstream.answer_with(move |_| Reply::status(200, &picture));
    for _ in 0..2 {
        let answer = scene.application().post("/v1/images/generations", &json!({"model": MODEL, "prompt": "a cat"}));
        assert_eq!(state(&answer), Some("bypass"));
    }
    let tally = scene.gateway.operator().get("/api/cache").json();
    assert_eq!((&tally["entries"], &tally["bytes"]), (&json!(0), &json!(0)), "{tally}");
}

#[test]
fn memory_is_bounded_and_a_purge_leaves_nothing() {
    let gateway = TestGateway::builder(BINARY).set("FARTHING__CACHE__MAX_BYTES", "4000").start();
    let scene = opted_in(Scene::around(gateway));
    let calls = |text: &str| state(&with(&scene, &scene.key, "private", text)).unwrap().to_owned();
    for text in ["a", "b", "c", "d", "e", "f"] {
        assert_eq!(calls(text), "miss");
        assert_eq!(calls(text), "hit", "the latest is there");
    }
    let tally = scene.gateway.operator().get("/api/cache").json();
    assert!(tally["bytes"].as_u64().unwrap() <= 4_000 && tally["evicted"].as_u64().unwrap() > 0, "{tally}");
    assert_eq!(calls("a"), "miss", "the one unused longest is not");

    scene.gateway.add_project("team-b", None);
    let purge = |query: &str| scene.gateway.operator().send("DELETE", &format!("/api/cache{query}"), b"").unwrap();
    assert_eq!(purge("?project=team-b").json()["purged"], 0);
    assert_eq!(purge("?project=nobody").status, 404);
    assert_eq!(calls("a"), "hit");
    assert!(purge(&format!("?project={PROJECT}")).json()["purged"].as_u64().unwrap() > 0);
    assert_eq!(calls("a"), "miss");
    let url = format!("http://{}", scene.gateway.address());
    let purged = scene.gateway.command(&["cache", "purge", "--url", &url]);
    assert!(purged.status.success(), "{purged:?}");
    assert_eq!(calls("a"), "miss");
}

#[test]
fn with_no_memory_for_it_nobody_is_given_anything_again() {
    let gateway = TestGateway::builder(BINARY).set("FARTHING__CACHE__MAX_BYTES", "0").start();
    let scene = opted_in(Scene::around(gateway));
    for _ in 0..2 {
        assert_eq!(state(&scene.chat(&ask(&json!({})))), Some("bypass"));
    }
    assert_eq!(scene.upstream.calls(), 2);
}

#[test]
fn an_idempotency_key_goes_before_and_is_given_what_the_cache_has() {
    let scene = cached();
    let first = scene.chat(&ask(&json!({})));
    let named = |text: &str| {
        let client = scene.application().with("idempotency-key", "k");
        client.post(CHAT, &ask(&json!({"messages": [{"role": "user", "content": text}]})))
    };
    let hit = named("hello");
    assert_eq!((state(&hit), hit.header("idempotent-replayed")), (Some("hit"), None));
    let replayed = named("hello");
    assert_eq!((state(&replayed), replayed.header("idempotent-replayed")), (None, Some("true")));
    assert_eq!(replayed.header("x-farthing-request-id"), hit.header("x-farthing-request-id"));
    assert_eq!((&hit.body, &replayed.body), (&first.body, &first.body));
    assert_eq!(named("other").status, 422, "the key is bound to its body, whatever is cached");
    assert_eq!(scene.upstream.calls(), 1);
}

#[test]
fn a_hit_is_a_line_that_survives_the_death_of_the_process_and_the_answer_does_not() {
    let mut scene = cached();
    scene.chat(&ask(&json!({})));
    let hit = scene.chat(&ask(&json!({})));
    assert_eq!(state(&hit), Some("hit"));
    let id = hit.header("x-farthing-request-id").unwrap().to_owned();
    scene.gateway.kill_9();
    scene.gateway.restart();
    assert_eq!(scene.gateway.request(&id)["cached"], true);
    assert_eq!(state(&scene.chat(&ask(&json!({})))), Some("miss"));
    assert!(scene.gateway.settled()["ok"].as_bool().unwrap());
}
