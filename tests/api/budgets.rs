//! Budgets: never overspent, whoever races; refused in words that no SDK retries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use farthing_support::gateway::openai_error;
use farthing_support::scene::{ask, prices};
use farthing_support::{Answer, Gate, Key, Picos, Reply, Scene, TestGateway, Tokens};
use serde_json::{Value, json};

use crate::scene;

const SOON: Duration = Duration::from_secs(30);
const CALLERS: usize = 100;
const AFFORDABLE: usize = 10;

/// A model whose hold is exactly its cost: prompts are free, and ten tokens of a tenth of a cent are always produced.
pub(crate) fn exact(scene: &Scene) -> Value {
    let prices = json!({
        "input_cost_per_m": "0", "output_cost_per_m": "1000", "cache_read_cost_per_m": "0", "cache_write_cost_per_m": "0",
        "cache_write_1h_cost_per_m": "0",
    });
    scene.gateway.add_model("exact", "openai", &prices);
    ask(&json!({"model": "exact", "max_tokens": 10}))
}

fn budget(gateway: &TestGateway, project: &str) -> Value {
    let projects = gateway.list("/api/projects");
    projects.into_iter().find(|known| known["name"] == project).unwrap()["budget"].clone()
}

/// Watches a budget until told to stop; returns how often it looked, and what it saw above the limit.
fn watch(scene: &Scene, project: &str, limit: Picos, done: Arc<AtomicBool>) -> thread::JoinHandle<(usize, Vec<Value>)> {
    let operator = scene.gateway.operator();
    let project = project.to_owned();
    thread::spawn(move || {
        let (mut looks, mut over) = (0, Vec::new());
        while !done.load(Ordering::Acquire) {
            let page = operator.get("/api/projects?limit=100").json();
            let found =
                page["data"].as_array().unwrap().iter().find(|known| known["name"] == *project).unwrap()["budget"]
                    .clone();
            if Picos::of(&found["spent_usd"]) + Picos::of(&found["held_usd"]) > limit {
                over.push(found);
            }
            looks += 1;
        }
        (looks, over)
    })
}

fn race(scene: &Scene, key: &Key, body: &Value) -> Vec<thread::JoinHandle<Answer>> {
    let call = |_| {
        let (client, body) = (scene.gateway.application(&key.secret), body.clone());
        thread::spawn(move || client.post("/v1/chat/completions", &body))
    };
    (0..CALLERS).map(call).collect()
}

#[test]
fn a_hundred_callers_on_a_budget_for_ten() {
    let (scene, gate) = (scene(), Gate::default());
    let body = exact(&scene);
    scene.gateway.add_project("race", Some("0.10"));
    let key = scene.gateway.add_key("race", &json!({}));
    scene.upstream.always(Reply::chat(Tokens::plain(1_000, 10)).behind(&gate));
    let done = Arc::new(AtomicBool::new(false));
    let watcher = watch(&scene, "race", Picos::parse("0.10"), Arc::clone(&done));

    let callers = race(&scene, &key, &body);
    // Everyone who cannot pay has been told so before the first answer returns any money.
    let decided =
        || (callers.iter().filter(|caller| caller.is_finished()).count() == CALLERS - AFFORDABLE).then_some(());
    farthing_support::poll::until("ninety are refused", SOON, decided);
    assert_eq!(Picos::of(&budget(&scene.gateway, "race")["held_usd"]), Picos::parse("0.10"));
    gate.open();
    let answers: Vec<Answer> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
    done.store(true, Ordering::Release);

    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), AFFORDABLE);
    assert_eq!(scene.upstream.calls(), AFFORDABLE, "nobody else was sent upstream");
    answers.iter().filter(|answer| answer.status != 200).for_each(refused);
    let (looks, over) = watcher.join().unwrap();
    assert!(looks > 0 && over.is_empty(), "spent + held above the limit: {over:?}");
    let budget = budget(&scene.gateway, "race");
    assert_eq!(Picos::of(&budget["spent_usd"]), Picos::parse("0.10"), "the whole budget could be spent");
    assert_eq!(Picos::of(&budget["held_usd"]), Picos(0));
}

pub(crate) fn refused(answer: &Answer) {
    let error = openai_error(answer, 402);
    assert_eq!(error["code"], "insufficient_quota", "{error}");
    assert_eq!(answer.header("x-should-retry"), Some("false"));
}

#[test]
fn at_ordinary_prices_the_race_ends_within_the_limit_and_with_little_left() {
    let scene = scene();
    scene.gateway.add_project("tight", Some("0.001"));
    let key = scene.gateway.add_key("tight", &json!({}));
    let tokens = Tokens::plain(12, 100);
    scene.upstream.always(Reply::chat(tokens).after(Duration::from_millis(5)));
    let limit = Picos::parse("0.001");
    let done = Arc::new(AtomicBool::new(false));
    let watcher = watch(&scene, "tight", limit, Arc::clone(&done));
    let answers: Vec<Answer> =
        race(&scene, &key, &ask(&json!({}))).into_iter().map(|caller| caller.join().unwrap()).collect();
    done.store(true, Ordering::Release);

    let (_, over) = watcher.join().unwrap();
    assert!(over.is_empty(), "spent + held above the limit: {over:?}");
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    answers.iter().filter(|answer| answer.status != 200).for_each(refused);
    scene.gateway.settled();
    let spent = Picos::of(&budget(&scene.gateway, "tight")["spent_usd"]);
    let booked: Picos = answers.iter().filter_map(|answer| answer.header("x-farthing-cost")).map(Picos::parse).sum();
    assert!(served > 0 && spent <= limit, "{served} served, {spent:?} spent");
    assert_eq!((scene.upstream.calls(), booked), (served, spent), "what clients were told is what was booked");
}

#[test]
fn a_keys_own_budget_binds_within_its_project() {
    let scene = scene();
    let body = exact(&scene);
    scene.gateway.add_project("wide", Some("1"));
    let own = json!({"budget": {"limit_usd": "0.02", "window": "total", "time_zone": "UTC"}});
    let key = scene.gateway.add_key("wide", &own);
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 10)));
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 10)));
    let call = || scene.gateway.application(&key.secret).post("/v1/chat/completions", &body);
    assert_eq!((call().status, call().status), (200, 200));
    refused(&call());
    assert_eq!(Picos::of(&budget(&scene.gateway, "wide")["remaining_usd"]), Picos::parse("0.98"));
}

#[test]
fn a_parents_budget_binds_its_children() {
    let scene = scene();
    let body = exact(&scene);
    scene.gateway.add_project("parent", Some("0.01"));
    let child = json!({"name": "child", "parent": "parent", "budget": {"limit_usd": "5", "window": "day", "time_zone": "Europe/Oslo"}});
    scene.gateway.create("/api/projects", &child);
    let key = scene.gateway.add_key("child", &json!({}));
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 10)));
    let call = || scene.gateway.application(&key.secret).post("/v1/chat/completions", &body);
    assert_eq!(call().status, 200);
    refused(&call());
    assert_eq!(Picos::of(&budget(&scene.gateway, "child")["spent_usd"]), Picos::parse("0.01"));
}

#[test]
fn each_of_three_levels_binds_and_all_are_charged() {
    let scene = scene();
    let body = exact(&scene);
    scene.gateway.add_project("top", Some("0.03"));
    let below = |name: &str, parent: &str, limit: &str| {
        let budget = json!({"limit_usd": limit, "window": "total"});
        scene.gateway.create("/api/projects", &json!({"name": name, "parent": parent, "budget": budget}))
    };
    below("middle", "top", "0.02");
    let low = below("low", "middle", "0.01");
    below("beside", "top", "1");
    let [low_key, middle_key, beside_key] =
        ["low", "middle", "beside"].map(|name| scene.gateway.add_key(name, &json!({})));
    scene.upstream.always(Reply::chat(Tokens::plain(1, 10)));
    let call = |key: &Key| scene.gateway.application(&key.secret).post("/v1/chat/completions", &body);
    assert_eq!(call(&low_key).status, 200);
    refused(&call(&low_key));
    assert_eq!(call(&middle_key).status, 200, "the middle had half of its budget left");
    refused(&call(&middle_key));
    assert_eq!(call(&beside_key).status, 200, "the top had a third left");
    refused(&call(&beside_key));
    for (project, spent) in [("top", "0.03"), ("middle", "0.02"), ("low", "0.01"), ("beside", "0.01")] {
        assert_eq!(Picos::of(&budget(&scene.gateway, project)["spent_usd"]), Picos::parse(spent), "{project}");
    }

    // Elsewhere in the tree it is charged there from now on; what was charged stays where it was.
    let change = |change: &Value| {
        let path = format!("/api/projects/{}", low["id"].as_str().unwrap());
        scene.gateway.operator().send("PATCH", &path, change.to_string().as_bytes()).unwrap().status
    };
    assert_eq!(change(&json!({"parent": "low"})), 400, "a project is not above itself");
    assert_eq!(change(&json!({"parent": null, "budget": {"limit_usd": "0.02", "window": "total"}})), 200);
    assert_eq!(call(&low_key).status, 200);
    assert_eq!(Picos::of(&budget(&scene.gateway, "low")["spent_usd"]), Picos::parse("0.02"));
    assert_eq!(Picos::of(&budget(&scene.gateway, "top")["spent_usd"]), Picos::parse("0.03"));
}

#[test]
fn each_attempt_is_a_line_of_its_own_and_the_spend_their_sum() {
    let (scene, slow) = (scene(), farthing_support::Upstream::start());
    let timeouts = json!({"connect_ms": 1_000, "first_byte_ms": 300, "idle_ms": 1_000, "total_ms": 2_000});
    let provider = json!({"name": "slow", "kind": "openai", "base_url": slow.base_url(), "api_key": "sk-slow-0123456789",
                          "allow_private_network": true, "timeouts": timeouts});
    scene.gateway.create("/api/providers", &provider);
    for (provider, priority) in [("slow", 0), ("openai", 1)] {
        let model = json!({"name": "twice", "provider": provider, "upstream_model": "m", "priority": priority,
                           "max_output_tokens": 100, "prices": prices()});
        scene.gateway.create("/api/models", &model);
    }
    slow.expect(Reply::silence());
    scene.upstream.expect(Reply::chat(Tokens::plain(7, 5)));
    let answer = scene.chat(&ask(&json!({"model": "twice"})));
    assert_eq!((answer.status, answer.header("x-farthing-attempts")), (200, Some("2")), "{}", answer.text());
    let row = scene.recorded(&answer);
    let entries = row["entries"].as_array().unwrap();
    let kinds: Vec<_> = entries.iter().map(|entry| (entry["kind"].as_str().unwrap(), &entry["attempt"])).collect();
    assert_eq!(kinds, [("attempt", &json!(1)), ("call", &json!(2))], "{row:#}");
    let sum: Picos = entries.iter().map(|entry| Picos::of(&entry["amount_usd"])).sum();
    assert!(Picos::of(&entries[0]["amount_usd"]) > Picos(0), "a provider that was still working may bill: {row:#}");
    assert_eq!((Picos::of(&row["cost_usd"]), Picos::of(&budget(&scene.gateway, "team-a")["spent_usd"])), (sum, sum));
    assert_eq!(scene.gateway.settled()["ok"], true);
}

#[test]
fn what_a_failed_call_held_is_given_back_at_once() {
    let scene = scene();
    let body = exact(&scene);
    scene.gateway.add_project("once", Some("0.01"));
    let key = scene.gateway.add_key("once", &json!({}));
    let call = || scene.gateway.application(&key.secret).post("/v1/chat/completions", &body);
    scene.upstream.expect(Reply::error(400, "no"));
    assert_eq!(call().status, 400);
    assert_eq!(Picos::of(&budget(&scene.gateway, "once")["remaining_usd"]), Picos::parse("0.01"));
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 10)));
    assert_eq!(call().status, 200);
}

#[test]
fn a_call_dearer_than_its_hold_is_booked_in_full() {
    let scene = scene();
    scene.gateway.add_model("talkative", "openai", &prices());
    scene.upstream.expect(Reply::chat(Tokens::plain(9, 50_000)));
    let answer = scene.chat(&ask(&json!({"model": "talkative", "max_tokens": 10})));
    let cost = farthing_support::scene::cost(Tokens::plain(9, 50_000));
    assert_eq!(Picos::of(&scene.recorded(&answer)["cost_usd"]), cost);
}
