//! Runs of agents: what one may cost together, and its end by an operator.

use std::thread;

use farthing_support::gateway::openai_error;
use farthing_support::{Answer, Gate, Key, Picos, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::budgets::{exact, refused};
use crate::scene;

const CALLERS: usize = 100;

fn call(scene: &Scene, key: &Key, run: &str, body: &Value) -> Answer {
    scene.gateway.application(&key.secret).with("x-farthing-run", run).post("/v1/chat/completions", body)
}

fn runs(scene: &Scene, key: &Key) -> Vec<Value> {
    scene.gateway.list(&format!("/api/runs?key={}", key.id))
}

#[test]
fn a_hundred_calls_of_a_run_stop_exactly_at_its_limit_and_another_run_goes_on() {
    let (scene, gate) = (scene(), Gate::default());
    let body = exact(&scene);
    let key = scene.gateway.add_key("team-a", &json!({"run_limit_usd": "0.07"}));
    scene.upstream.always(Reply::chat(Tokens::plain(5, 10)).behind(&gate));
    let caller = |_| {
        let (client, body) = (scene.gateway.application(&key.secret).with("x-farthing-run", "one"), body.clone());
        thread::spawn(move || client.post("/v1/chat/completions", &body))
    };
    let callers: Vec<_> = (0..CALLERS).map(caller).collect();
    let decided = || (callers.iter().filter(|caller| caller.is_finished()).count() == CALLERS - 7).then_some(());
    farthing_support::poll::until("all but seven are refused", farthing_support::poll::PATIENCE, decided);
    gate.open();
    let answers: Vec<Answer> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
    answers.iter().filter(|answer| answer.status != 200).for_each(refused);
    assert_eq!(scene.upstream.calls(), 7);

    assert_eq!(call(&scene, &key, "two", &body).status, 200, "another run of the same key");
    assert_eq!(scene.gateway.application(&key.secret).post("/v1/chat/completions", &body).status, 200, "and no run");
    let listed = runs(&scene, &key);
    let seen =
        |n: usize| (listed[n]["name"].as_str().unwrap(), Picos::of(&listed[n]["spent_usd"]), &listed[n]["calls"]);
    assert_eq!((listed.len(), seen(0)), (2, ("one", Picos::parse("0.07"), &json!(7))), "{listed:#?}");
    assert_eq!(seen(1), ("two", Picos::parse("0.01"), &json!(1)));
}

fn killed(scene: &Scene, key: &Key, run: &str, body: &Value) {
    let answer = call(scene, key, run, body);
    assert_eq!(openai_error(&answer, 403)["code"], "run_killed");
    assert_eq!(answer.header("x-should-retry"), Some("false"));
    let row = scene.recorded(&answer);
    assert_eq!((&row["status"], &row["http_status"], &row["run"]), (&json!("refused"), &json!(403), &json!(run)));
}

#[test]
fn a_killed_run_is_refused_at_once_and_after_a_crash() {
    let mut scene = scene();
    let body = exact(&scene);
    let key = scene.gateway.add_key("team-a", &json!({}));
    scene.upstream.always(Reply::chat(Tokens::plain(5, 10)));
    for run in ["night build", "other", "third"] {
        assert_eq!(call(&scene, &key, run, &body).status, 200);
    }
    let id = runs(&scene, &key)[0]["id"].as_str().unwrap().to_owned();
    let kill = |path: &str| scene.gateway.operator().post(path, &json!({}));
    assert_eq!(kill(&format!("/api/runs/{id}/kill")).status, 200);
    assert_eq!(kill(&format!("/api/runs/{id}/kill")).status, 200, "twice is as good as once");
    assert_eq!(kill(&format!("/api/keys/{}/runs/not%20begun/kill", key.id)).status, 200);
    assert_eq!(kill("/api/runs/run_00000000000000000000000000000007/kill").status, 404);
    assert_eq!(kill("/api/keys/key_00000000000000000000000000000007/runs/x/kill").status, 404);
    killed(&scene, &key, "night build", &body);
    killed(&scene, &key, "not begun", &body);

    scene.gateway.kill_9();
    scene.gateway.restart();
    killed(&scene, &key, "night build", &body);
    killed(&scene, &key, "not begun", &body);
    assert_eq!(call(&scene, &key, "other", &body).status, 200);
    let listed = runs(&scene, &key);
    let states: Vec<_> = listed.iter().map(|run| (run["name"].as_str().unwrap(), &run["killed"])).collect();
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(states, [("night build", &yes), ("not begun", &yes), ("other", &no), ("third", &no)]);
    let pages = |query: &str| scene.gateway.operator().get(&format!("/api/runs?limit=3{query}")).json();
    let first = pages("");
    let second = pages(&format!("&cursor={}", first["next_cursor"].as_str().unwrap()));
    assert_eq!((second["data"].as_array().unwrap().len(), &second["next_cursor"]), (1, &Value::Null));
}
