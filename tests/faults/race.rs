//! A thousand callers at once on one budget at three levels: never overspent, and nearly all of it can be spent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use farthing_support::poll::until;
use farthing_support::scene::ask;
use farthing_support::{Client, Picos, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::BINARY;

const CALLERS: usize = 1_000;
const LIMIT: &str = "1";

fn budgets(operator: &Client) -> Vec<Value> {
    let page = operator.get("/api/projects?limit=100").json();
    let all = page["data"].as_array().expect("a list").iter();
    all.filter(|known| known["name"] == "race" || known["name"] == "above")
        .map(|known| known["budget"].clone())
        .collect()
}

fn taken(budget: &Value) -> Picos {
    Picos::of(&budget["spent_usd"]) + Picos::of(&budget["held_usd"])
}

/// Looks until told to stop; how often, and what was above the limit.
fn watch(operator: Client, done: Arc<AtomicBool>) -> JoinHandle<(usize, Vec<Value>)> {
    thread::spawn(move || {
        let (mut looks, mut over) = (0, Vec::new());
        while !done.load(Ordering::Acquire) {
            let seen = budgets(&operator);
            assert_eq!(seen.len(), 2, "the project and its parent");
            over.extend(seen.into_iter().filter(|budget| taken(budget) > Picos::parse(LIMIT)));
            looks += 1;
        }
        (looks, over)
    })
}

#[test]
fn a_thousand_callers_never_overspend_and_leave_almost_nothing_unspendable() {
    let scene = Scene::start(BINARY);
    let prices = json!({
        "input_cost_per_m": "0", "output_cost_per_m": "1000", "cache_read_cost_per_m": "0", "cache_write_cost_per_m": "0",
        "cache_write_1h_cost_per_m": "0",
    });
    scene.gateway.add_model("exact", "openai", &prices);
    let budget = json!({"limit_usd": LIMIT, "window": "total", "time_zone": "UTC"});
    scene.gateway.create("/api/projects", &json!({"name": "above", "budget": budget, "allowed_models": ["*"]}));
    let child = json!({"name": "race", "parent": "above", "budget": budget, "allowed_models": ["*"]});
    scene.gateway.create("/api/projects", &child);
    let key = scene.gateway.add_key("race", &json!({"budget": budget}));
    // A cent is held and a tenth of it spent: money comes back while others ask for it.
    scene.upstream.always(Reply::chat(Tokens::plain(9, 1)).after(std::time::Duration::from_millis(20)));
    let body = ask(&json!({"model": "exact", "max_tokens": 10}));

    let done = Arc::new(AtomicBool::new(false));
    let watcher = watch(scene.gateway.operator(), Arc::clone(&done));
    let call = |_| {
        let (client, body) = (scene.gateway.application(&key.secret), body.clone());
        thread::spawn(move || client.post("/v1/chat/completions", &body).status)
    };
    let callers: Vec<_> = (0..CALLERS).map(call).collect();
    let statuses: Vec<u16> = callers.into_iter().map(|caller| caller.join().expect("an answer")).collect();
    let served = statuses.iter().filter(|status| **status == 200).count();
    assert!(statuses.iter().all(|status| matches!(status, 200 | 402)), "{statuses:?}");

    let client = scene.gateway.application(&key.secret);
    let one_by_one = until("the budget is spent", std::time::Duration::from_secs(120), || {
        (client.post("/v1/chat/completions", &body).status == 402).then_some(())
    });
    done.store(true, Ordering::Release);
    let (looks, over) = watcher.join().expect("the watcher saw both budgets");
    assert!(looks > 0 && over.is_empty(), "spent + held above the limit: {over:?}");
    scene.gateway.settled();
    for budget in budgets(&scene.gateway.operator()) {
        let spent = Picos::of(&budget["spent_usd"]);
        assert!(spent >= Picos::parse("0.95") && spent <= Picos::parse(LIMIT), "{budget}");
    }
    println!("{served} of {CALLERS} served at once, {looks} looks; the rest one by one in {:?}", one_by_one.1);
}
