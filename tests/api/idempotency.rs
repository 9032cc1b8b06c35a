//! `Idempotency-Key`: one call, one charge and one answer, however often the client sends it.

mod crashes;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use farthing_support::scene::{MODEL, PROJECT, ask, cost};
use farthing_support::{Answer, Client, Dialect, Gate, Picos, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;
use crate::secrets::holding;

const SOON: Duration = Duration::from_secs(20);
const TOKENS: Tokens = Tokens { prompt: 100, cached: 0, completion: 30, reasoning: 0 };
const CHAT: &str = "/v1/chat/completions";

fn with_key(scene: &Scene, key: &str) -> Client {
    scene.application().with("idempotency-key", key)
}

fn body(dialect: Dialect, stream: bool, text: &str) -> Value {
    let message = json!([{"role": "user", "content": text}]);
    match dialect {
        Dialect::Chat => json!({"model": "m", "stream": stream, "max_tokens": 100, "messages": message}),
        Dialect::Responses => json!({"model": "m", "stream": stream, "max_output_tokens": 100, "input": text}),
        Dialect::Anthropic => json!({"model": "m", "stream": stream, "max_tokens": 100, "messages": message}),
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": text}]}],
            "generationConfig": {"maxOutputTokens": 100}}),
    }
}

fn spent(scene: &Scene) -> Picos {
    let projects = scene.gateway.list("/api/projects");
    Picos::of(&projects.iter().find(|project| project["name"] == PROJECT).unwrap()["budget"]["spent_usd"])
}

fn assert_again(first: &Answer, again: &Answer) {
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(again.body, first.body, "the same bytes");
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), (None, Some("true")));
    for name in ["content-type", "x-farthing-request-id"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
}

fn code(answer: &Answer) -> Value {
    answer.json()["error"]["code"].clone()
}

#[test]
fn a_hundred_copies_are_one_call_and_one_charge() {
    let (scene, gate) = (scene(), Gate::default());
    scene.upstream.expect(Reply::chat(TOKENS).behind(&gate));
    let (answers, arriving) = mpsc::channel();
    for _ in 0..100 {
        let (client, answers) = (with_key(&scene, "copies"), answers.clone());
        thread::spawn(move || answers.send(client.post(CHAT, &ask(&json!({})))).unwrap());
    }
    drop(answers);
    scene.upstream.wait_for("the one call", SOON, |journal| (!journal.is_empty()).then_some(()));
    let early = arriving.recv().unwrap();
    assert_eq!((early.status, early.header("retry-after")), (409, Some("1")), "{}", early.text());
    assert_eq!((code(&early), early.header("x-should-retry")), (json!("idempotency_in_progress"), Some("true")));
    gate.open();

    let later: Vec<_> = arriving.iter().collect();
    let first = later.iter().find(|answer| answer.status == 200 && answer.header("idempotent-replayed").is_none());
    let first = first.expect("one of them was served");
    for other in later.iter().filter(|other| other.status != 409 && !std::ptr::eq(*other, first)) {
        assert_again(first, other);
    }
    for _ in 0..3 {
        assert_again(first, &with_key(&scene, "copies").post(CHAT, &ask(&json!({}))));
    }
    assert_eq!((scene.upstream.calls(), spent(&scene)), (1, cost(TOKENS)));
    scene.gateway.requests(PROJECT, 1);
}

#[test]
fn every_dialect_gets_its_answer_again_after_a_restart_too_and_nobody_can_read_it_on_disk() {
    let mut scene = scene();
    for dialect in Dialect::ALL {
        scene.gateway.add_model_of(dialect, "m", "m", &scene.upstream);
    }
    let mut given = Vec::new();
    for (dialect, stream) in Dialect::ALL.into_iter().flat_map(|dialect| [(dialect, false), (dialect, true)]) {
        scene.upstream.expect(Reply::chat(TOKENS));
        // Chat, Responses and Messages have one route for both.
        let key = if stream { "stream" } else { "whole" };
        let first = with_key(&scene, key).post(&dialect.path("m", stream), &body(dialect, stream, "hello"));
        assert!(first.text().contains("word0"), "{}", first.text());
        given.push((dialect, stream, key, first));
    }
    let calls = scene.upstream.calls();
    assert_eq!(calls, 8);
    for round in ["running", "restarted"] {
        for (dialect, stream, key, first) in &given {
            let path = dialect.path("m", *stream);
            assert_again(first, &with_key(&scene, key).post(&path, &body(*dialect, *stream, "hello")));
            let other = with_key(&scene, key).post(&path, &body(*dialect, *stream, "other"));
            assert_eq!(other.status, 422, "{round} {dialect:?}: {}", other.text());
            assert!(dialect.error_message(&other.json()).contains("another body"));
        }
        if round == "running" {
            assert_eq!(holding(&scene.gateway.data_dir(), "word0"), Vec::<String>::new());
            assert!(scene.gateway.stop().success());
            assert_eq!(holding(&scene.gateway.data_dir(), "word0"), Vec::<String>::new());
            scene.gateway.restart();
        }
    }
    assert_eq!(scene.upstream.calls(), calls);
    scene.gateway.requests(PROJECT, 8);
}

#[test]
fn a_key_belongs_to_one_virtual_key_and_one_route() {
    let scene = scene();
    let other = scene.gateway.add_key(PROJECT, &json!({}));
    scene.upstream.always(Reply::chat(TOKENS));
    let first = with_key(&scene, "k").post(CHAT, &ask(&json!({})));
    let stranger = scene.gateway.application(&other.secret).with("idempotency-key", "k").post(CHAT, &ask(&json!({})));
    let request = json!({"model": MODEL, "max_output_tokens": 100, "input": "hello"});
    let elsewhere = with_key(&scene, "k").post("/v1/responses", &request);
    for answer in [&first, &stranger, &elsewhere] {
        assert_eq!((answer.status, answer.header("idempotent-replayed")), (200, None), "{}", answer.text());
    }
    assert_eq!(scene.upstream.calls(), 3);
    let malformed = with_key(&scene, "two words").post(CHAT, &ask(&json!({})));
    let error = farthing_support::gateway::openai_error(&malformed, 400);
    assert_eq!(error["param"], "Idempotency-Key", "{error}");
}

#[test]
fn a_refusal_leaves_the_key_free() {
    let scene = scene();
    let poor = json!({"budget": {"limit_usd": "0.000001", "window": "total", "time_zone": "UTC"}});
    let slow = json!({"limits": {"rpm": 1}});
    let client = |extra: &Value| {
        let key = scene.gateway.add_key(PROJECT, extra);
        scene.gateway.application(&key.secret).with("idempotency-key", "k")
    };
    let (poor, slow) = (client(&poor), client(&slow));
    scene.upstream.expect(Reply::chat(TOKENS));
    let request = json!({"model": MODEL, "max_output_tokens": 100, "input": "uses up the only request"});
    assert_eq!(slow.post("/v1/responses", &request).status, 200);
    for (client, extra, status) in [
        (&poor, json!({}), 402),
        (&slow, json!({}), 429),
        (&with_key(&scene, "k"), json!({"model": "unknown"}), 404),
        (&with_key(&scene, "k"), json!({"messages": 1}), 400),
    ] {
        for text in ["one body", "another"] {
            let mut body = ask(&json!({"user": text}));
            body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            let answer = client.post(CHAT, &body);
            assert_eq!(answer.status, status, "{text}: {}", answer.text());
        }
    }
}

#[test]
fn a_failure_that_cost_nothing_frees_the_key() {
    let scene = scene();
    for (status, text) in [(500, "one"), (400, "two")] {
        scene.upstream.expect(Reply::error(status, "no"));
        let answer = with_key(&scene, "k").post(CHAT, &ask(&json!({"user": text})));
        assert!(answer.status >= 400, "{}", answer.text());
    }
    scene.upstream.expect(Reply::chat(TOKENS));
    let answer = with_key(&scene, "k").post(CHAT, &ask(&json!({"user": "three"})));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_again(&answer, &with_key(&scene, "k").post(CHAT, &ask(&json!({"user": "three"}))));
    assert_eq!(spent(&scene), cost(TOKENS));
}

#[test]
fn an_answer_too_large_to_keep_is_named_by_its_request() {
    let scene = scene();
    scene.upstream.expect(Reply::chat(TOKENS).chunks(130_000));
    let first = with_key(&scene, "k").post(CHAT, &ask(&json!({})));
    assert!(first.status == 200 && first.body.len() > 1024 * 1024, "{}", first.status);
    let again = with_key(&scene, "k").post(CHAT, &ask(&json!({})));
    assert_eq!((again.status, code(&again)), (409, json!("idempotency_answer_not_kept")));
    let said = again.text();
    assert!(said.contains(first.header("x-farthing-request-id").unwrap()), "{said}");
    assert!(said.contains("100 input and 30 output tokens"), "{said}");
    assert_eq!(again.header("x-should-retry"), Some("false"));
    assert_eq!(spent(&scene), cost(TOKENS));
}
