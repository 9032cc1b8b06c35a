//! A chat completion that is not streamed: the answer, its headers, and its line in the books.

use farthing_support::scene::{MODEL, PROJECT, ask, cost};
use farthing_support::{Picos, Reply, Tokens};
use serde_json::{Value, json};

use crate::scene;

#[test]
fn an_answer_is_in_the_books_at_usage_times_price() {
    let scene = scene();
    let tokens = Tokens { prompt: 1_234, cached: 1_000, completion: 57, reasoning: 7 };
    scene.upstream.expect(Reply::chat(tokens));

    let answer = scene.chat(&ask(&json!({})));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "word0 word1 word2 ");

    let row = scene.recorded(&answer);
    assert_eq!(Picos::of(&row["cost_usd"]), cost(tokens), "{row}");
    let usage = json!({"input": 234, "cache_read": 1_000, "cache_write": 0, "output": 50, "reasoning": 7});
    for (class, count) in usage.as_object().unwrap() {
        assert_eq!(row["usage"][class], *count, "{class}: {row}");
    }
    let fixed = json!({
        "project": PROJECT, "key": scene.key.id, "model": MODEL, "provider": "openai", "upstream_model": MODEL,
        "dialect": "openai_chat", "stream": false, "status": "ok", "http_status": 200, "usage_source": "provider", "attempts": 1,
    });
    for (field, value) in fixed.as_object().unwrap() {
        assert_eq!(row[field], *value, "{field}: {row}");
    }
    assert_eq!(scene.gateway.requests(PROJECT, 1)[0]["id"], row["id"]);
}

#[test]
fn the_headers_tell_what_happened() {
    let scene = scene();
    let tokens = Tokens::plain(10, 20);
    scene.upstream.expect(Reply::chat(tokens));

    let answer = scene.chat(&ask(&json!({})));
    assert_eq!(answer.header("x-farthing-provider"), Some("openai"));
    assert_eq!(answer.header("x-farthing-model"), Some(MODEL));
    assert_eq!(answer.header("x-farthing-attempts"), Some("1"));
    assert_eq!(Picos::parse(answer.header("x-farthing-cost").unwrap()), cost(tokens));
    assert!(answer.header("x-farthing-request-id").unwrap().starts_with("req_"));
    assert!(answer.header("x-farthing-overhead-us").unwrap().parse::<u64>().is_ok());
}

#[test]
fn spend_is_charged_to_the_project_and_nothing_stays_held() {
    let scene = scene();
    let tokens = Tokens::plain(1_000, 100);
    scene.upstream.always(Reply::chat(tokens));
    for _ in 0..3 {
        assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
    }
    let budget = project_budget(&scene);
    assert_eq!(Picos::of(&budget["spent_usd"]), cost(tokens) * 3);
    assert_eq!(Picos::of(&budget["held_usd"]), Picos(0));
    assert_eq!(Picos::of(&budget["remaining_usd"]) + Picos::of(&budget["spent_usd"]), Picos::parse("25"));
    let verdict = scene.gateway.settled();
    assert_eq!((&verdict["ok"], Picos::of(&verdict["imbalance_usd"])), (&json!(true), Picos(0)), "{verdict}");
    assert_eq!(verdict["requests"], 3, "{verdict}");
}

#[test]
fn an_explicit_zero_is_honoured() {
    let scene = scene();
    scene.upstream.expect(Reply::chat(Tokens::plain(0, 0)));
    let row = scene.recorded(&scene.chat(&ask(&json!({}))));
    assert_eq!((Picos::of(&row["cost_usd"]), &row["usage_source"]), (Picos(0), &json!("provider")), "{row}");
}

#[test]
fn a_model_without_prices_is_refused_to_a_budgeted_key_before_anything_is_sent() {
    let scene = scene();
    scene.gateway.create("/api/models", &json!({"name": "mystery", "provider": "openai", "upstream_model": "mystery"}));
    let answer = scene.chat(&ask(&json!({"model": "mystery"})));
    let error = farthing_support::gateway::openai_error(&answer, 400);
    assert_eq!(error["code"], "model_not_priced", "{error}");
}

#[test]
fn the_books_survive_a_stop_and_a_start() {
    let mut scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(500, 50)));
    let before = scene.recorded(&scene.chat(&ask(&json!({}))));
    let spent = project_budget(&scene)["spent_usd"].clone();

    assert!(scene.gateway.stop().success());
    scene.gateway.restart();
    let after = scene.gateway.requests(PROJECT, 1).remove(0);
    for (field, value) in after.as_object().unwrap() {
        assert_eq!(before[field], *value, "{field}");
    }
    assert_eq!(project_budget(&scene)["spent_usd"], spent);
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200, "keys, providers and prices are still there");
}

fn project_budget(scene: &farthing_support::Scene) -> Value {
    let projects = scene.gateway.list("/api/projects");
    projects.iter().find(|project| project["name"] == PROJECT).unwrap()["budget"].clone()
}
