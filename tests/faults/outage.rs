//! Providers that fail under load: a circuit opens after three failures and recovers by itself, a second provider hides the
//! first one's death, and an outage of both is not made worse by trying again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farthing_support::poll::until;
use farthing_support::scene::{MODEL, PROJECT, ask, prices};
use farthing_support::{Client, Reply, Scene, Tokens, Upstream};
use serde_json::{Value, json};

use crate::{BINARY, pause};

const CALLERS: usize = 16;
/// How long a sick provider is called meanwhile.
const LOAD: Duration = Duration::from_secs(3);
/// An open circuit lets nothing through for thirty seconds.
const RECOVERS_WITHIN: Duration = Duration::from_secs(35);

fn well() -> Reply {
    Reply::chat(Tokens::plain(9, 4)).after(Duration::from_millis(20))
}

fn sick() -> Reply {
    Reply::error(500, "out of order")
}

/// Callers that call until told to stop, half of them for streams; the statuses they saw.
struct Load {
    callers: Vec<JoinHandle<Vec<u16>>>,
    done: Arc<AtomicBool>,
    begun: Instant,
}

impl Load {
    fn begin(scene: &Scene) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let caller = |number: usize| {
            let (client, done) = (scene.application(), Arc::clone(&done));
            let body = ask(&json!({"stream": number.is_multiple_of(2)}));
            thread::spawn(move || call_until(&client, &body, &done))
        };
        Self { callers: (0..CALLERS).map(caller).collect(), done, begun: Instant::now() }
    }

    fn end(self) -> (Vec<u16>, Duration) {
        self.done.store(true, Ordering::Release);
        let statuses = self.callers.into_iter().flat_map(|caller| caller.join().expect("every call is answered"));
        (statuses.collect(), self.begun.elapsed())
    }
}

fn call_until(client: &Client, body: &Value, done: &AtomicBool) -> Vec<u16> {
    let mut statuses = Vec::new();
    while !done.load(Ordering::Acquire) {
        let answer = client.post("/v1/chat/completions", body);
        let whole = answer.status != 200 || body["stream"] != true || answer.text().ends_with("data: [DONE]\n\n");
        assert!(whole, "a stream did not come to its end: {}", answer.text());
        statuses.push(answer.status);
        // Refusals come at once: without this the load would be a flood.
        pause(Duration::from_millis(if answer.status == 200 { 0 } else { 20 }));
    }
    statuses
}

fn breaker(scene: &Scene) -> Value {
    scene.gateway.list("/api/providers").swap_remove(0)["breaker"].clone()
}

fn state(scene: &Scene) -> Value {
    breaker(scene)["state"].clone()
}

fn force(scene: &Scene, state: &str) {
    let id = scene.gateway.list("/api/providers").swap_remove(0)["id"].as_str().expect("an id").to_owned();
    let body = json!({"state": state}).to_string();
    let answer = scene.gateway.operator().send("PUT", &format!("/api/providers/{id}/breaker"), body.as_bytes());
    assert_eq!(answer.expect("an answer").status, 200);
}

/// Another provider of the same model, tried second.
fn add_spare(scene: &Scene) -> Upstream {
    let spare = Upstream::start();
    scene.gateway.add_provider("spare", &spare);
    let deployment = json!({
        "name": MODEL, "provider": "spare", "upstream_model": MODEL, "priority": 1, "prices": prices(),
    });
    scene.gateway.create("/api/models", &deployment);
    spare
}

#[test]
fn a_circuit_opens_after_three_failures_lets_nothing_through_and_recovers() {
    let scene = Scene::start(BINARY);
    for status in [400, 401, 404, 422] {
        scene.upstream.always(Reply::error(status, "no"));
        (0..5).for_each(|_| drop(scene.chat(&ask(&json!({})))));
    }
    assert_eq!(state(&scene), "closed", "what is not the provider's fault opens nothing");
    let before = scene.upstream.calls();
    scene.upstream.always(sick());
    let (mut statuses, mut slowest) = (Vec::new(), Duration::ZERO);
    for _ in 0..50 {
        let begin = Instant::now();
        statuses.push(scene.chat(&ask(&json!({}))).status);
        slowest = if statuses.len() > 3 { slowest.max(begin.elapsed()) } else { slowest };
    }
    assert_eq!(scene.upstream.calls() - before, 3, "exactly three failures, and no call while the circuit is open");
    assert!(statuses.iter().skip(3).all(|status| *status == 503), "{statuses:?}");
    let told = breaker(&scene);
    let cause = told["cause"].as_str().unwrap_or_default();
    assert!(told["state"] == "open" && cause.starts_with("3 failures in a row"), "{told}");
    assert!(told["next_trial_at"].is_string() && told["circuits"][0]["model"] == MODEL, "{told}");

    scene.upstream.always(well());
    let load = Load::begin(&scene);
    let took = until("the circuit is closed", RECOVERS_WITHIN, || (state(&scene) == "closed").then_some(())).1;
    let (statuses, _) = load.end();
    println!("an open circuit answers within {slowest:?}; closed {took:?} after the provider was well again");
    assert!(statuses.contains(&200));

    force(&scene, "open");
    let before = scene.upstream.calls();
    assert_eq!((scene.chat(&ask(&json!({}))).status, scene.upstream.calls()), (503, before));
    force(&scene, "auto");
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
    scene.gateway.settled();
}

#[test]
fn a_provider_that_dies_under_load_is_not_noticed_where_another_is_well() {
    let scene = Scene::start(BINARY);
    let spare = add_spare(&scene);
    scene.upstream.always(well());
    spare.always(well());
    let load = Load::begin(&scene);
    until("the first one is busy", RECOVERS_WITHIN, || (scene.upstream.calls() >= 100).then_some(()));
    scene.upstream.always(Reply::chat(Tokens::plain(9, 4)).cut_after(0));
    until("the second one took over", RECOVERS_WITHIN, || (spare.calls() >= 200).then_some(()));
    let (statuses, took) = load.end();
    println!("{} calls in {took:?}, {} by the second provider", statuses.len(), spare.calls());
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    scene.gateway.settled();
    drop(scene);
}

#[test]
fn an_outage_of_everything_is_not_made_worse_by_trying_again() {
    let scene = Scene::start(BINARY);
    let spare = add_spare(&scene);
    scene.upstream.always(sick());
    spare.always(sick());
    let load = Load::begin(&scene);
    pause(LOAD);
    let (statuses, took) = load.end();
    let (calls, attempts) = (statuses.len(), scene.upstream.calls() + spare.calls());
    let allowed = calls * 6 / 5 + 3 * usize::try_from(took.as_secs() + 1).expect("seconds");
    println!("{calls} calls in {took:?} during an outage: {attempts} attempts, {allowed} allowed");
    assert!(attempts <= allowed, "{attempts} attempts for {calls} calls");
    assert!(statuses.iter().all(|status| (500..=504).contains(status)), "{statuses:?}");
    let rows = scene.gateway.list(&format!("/api/requests?project={PROJECT}"));
    assert!(rows.iter().all(|row| row["cost_usd"] == "0"), "an outage costs nothing");
    scene.gateway.settled();
    drop(scene);
}
