//! Owners of state that die, or stall, under load, one after the other: callers see 503 at worst, nothing is lost or
//! billed twice, and five seconds later all is as before. (The process under test is built with the actors' feature
//! `testing`; no release is.)

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farthing_support::poll::until;
use farthing_support::scene::{PROJECT, ask, cost};
use farthing_support::{Answer, Client, Picos, Reply, Scene, TestGateway, Tokens};
use serde_json::{Value, json};

use crate::BINARY;

/// Every owner of state of the gateway (`src/app/parts.rs`).
const ACTORS: [&str; 9] =
    ["ledger", "limiters", "keyring", "registry", "sessions", "breakers", "feed", "idempotency", "audit"];
const CALLERS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(60);
/// How long an actor is away at most.
const PROMISE: Duration = Duration::from_secs(5);
const STALL: Duration = Duration::from_secs(3);
const TOKENS: Tokens = Tokens { prompt: 9, cached: 0, completion: 4, reasoning: 0 };
/// The whole process, with callers that wait.
const MEMORY: u64 = 512 * 1024 * 1024;

/// The folder in which a gateway finds orders for its actors.
struct Orders(PathBuf);

/// A gateway that obeys orders, under load.
struct Stand {
    scene: Scene,
    orders: Orders,
    done: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Vec<Told>>>,
    operator: JoinHandle<(u64, u64)>,
}

/// What a caller was told: the status, and the id of the request.
struct Told {
    status: u16,
    id: String,
}

impl Orders {
    fn make(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("farthing-orders-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("the temporary directory can be written");
        Self(folder)
    }

    /// Gives an order and waits until it is taken.
    fn give(&self, actor: &str, order: &str) -> Instant {
        let (draft, place) = (self.0.join("draft"), self.0.join(actor));
        fs::write(&draft, order).and_then(|()| fs::rename(&draft, &place)).expect("an order can be given");
        until(&format!("{actor} takes the order {order:?}"), PATIENCE, || (!Path::exists(&place)).then_some(()));
        Instant::now()
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

impl Stand {
    fn start(name: &str) -> Self {
        let orders = Orders::make(name);
        let builder = TestGateway::builder(BINARY).set("FARTHING_TEST_ORDERS", &orders.0.display().to_string());
        let scene = Scene::around(builder.start());
        scene.upstream.answer_with(|seen| {
            let gap = Duration::from_millis(u64::try_from(seen.serial % 5).unwrap_or(0) * 10);
            Reply::chat(TOKENS).chunks(4).gap(gap).after(gap)
        });
        let limits = json!({"limits": {"rpm": 1_000_000, "tpm": 100_000_000, "concurrency": 2 * CALLERS}});
        let key = scene.gateway.add_key(PROJECT, &limits);
        let done = Arc::new(AtomicBool::new(false));
        let caller = |number: usize| {
            let (client, done) = (scene.gateway.application(&key.secret), Arc::clone(&done));
            thread::spawn(move || calls(&client, number, &done))
        };
        let callers = (0..CALLERS).map(caller).collect();
        let (operator, stop) = (scene.gateway.operator(), Arc::clone(&done));
        let operator = thread::spawn(move || manages(&operator, &stop));
        scene.upstream.wait_for("the load", PATIENCE, |journal| (journal.len() > 4 * CALLERS).then_some(()));
        Self { scene, orders, done, callers, operator }
    }

    /// Waits until calls of every kind and changes are served again, and the gateway says that it is ready.
    fn back(&self, actor: &str) {
        let gateway = &self.scene.gateway;
        let (client, before) = (self.scene.application(), self.scene.upstream.calls());
        until("it is ready", PATIENCE, || (gateway.anonymous().get("/ready").status == 200).then_some(()));
        until("changes are made", PATIENCE, || (change(&gateway.operator()) == 201).then_some(()));
        for extra in [json!({}), json!({"stream": true})] {
            until("calls are answered", PATIENCE, || (call(&client, &extra, true).status == 200).then_some(()));
        }
        let load = |journal: &[_]| (journal.len() > before + 2 * CALLERS).then_some(());
        self.scene.upstream.wait_for(&format!("the load goes on after {actor}"), PATIENCE, load);
    }

    /// Ends the load; whatever was answered, refused or sent is in the books as it was.
    fn reckon(self) {
        self.done.store(true, Ordering::Release);
        let told: Vec<Told> =
            self.callers.into_iter().flat_map(|it| it.join().expect("every call is answered")).collect();
        let (changed, refused) = self.operator.join().expect("an operator");
        let gateway = &self.scene.gateway;
        gateway.settled();
        let rows = gateway.list(&format!("/api/requests?project={PROJECT}"));
        let by_id: HashMap<&str, &Value> = rows.iter().map(|row| (row["id"].as_str().expect("an id"), row)).collect();
        let mut counts: BTreeMap<u16, u64> = BTreeMap::new();
        for told in &told {
            *counts.entry(told.status).or_default() += 1;
            let row = by_id.get(told.id.as_str());
            match told.status {
                200 => assert!(row.is_some_and(|row| row["status"] == "ok"), "{}: {row:?}", told.id),
                _ => assert!(row.is_none_or(|row| row["status"] == "refused"), "{}: {row:?}", told.id),
            }
        }
        let memory = gateway.memory("VmHWM");
        println!("answers {counts:?}, {changed} changes and {refused} refused, at most {} MiB", memory >> 20);
        assert!(memory <= MEMORY && counts.keys().all(|status| matches!(status, 200 | 503)), "{counts:?}");
        assert_eq!(by_id.len(), rows.len(), "a request is booked twice");
        let (ok, others): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|row| row["status"] == "ok");
        assert!(ok.iter().all(|row| Picos::of(&row["cost_usd"]) == cost(TOKENS)), "{ok:?}");
        assert!(others.iter().all(|row| row["status"] == "refused" && row["cost_usd"] == "0"), "{others:?}");
        assert_eq!(ok.len(), self.scene.upstream.calls(), "every call that was sent is one line, and no other is");
    }
}

fn calls(client: &Client, number: usize, done: &AtomicBool) -> Vec<Told> {
    let mut all = Vec::new();
    while !done.load(Ordering::Acquire) {
        let serial = all.len() + number;
        let answer = call(client, &json!({"stream": serial.is_multiple_of(2)}), serial.is_multiple_of(3));
        let id = answer.header("x-farthing-request-id").expect("every answer names its request").to_owned();
        if answer.status != 200 {
            assert!(
                answer.header("retry-after").is_some(),
                "{} without a time to come back: {}",
                answer.status,
                answer.text()
            );
            crate::pause(Duration::from_millis(20));
        }
        all.push(Told { status: answer.status, id });
    }
    all
}

fn call(client: &Client, extra: &Value, keyed: bool) -> Answer {
    let client = if keyed { client.with("idempotency-key", &unique()) } else { client.clone() };
    let answer = client.post("/v1/chat/completions", &ask(extra));
    let whole = answer.status != 200 || extra["stream"] != true || answer.text().ends_with("data: [DONE]\n\n");
    assert!(whole, "a stream did not come to its end: {}", answer.text());
    answer
}

fn unique() -> String {
    use std::sync::atomic::AtomicU64;
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("key-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Changes what the keyring owns; the status of the answer.
fn change(operator: &Client) -> u16 {
    operator.post("/api/keys", &json!({"project": PROJECT, "name": "another"})).status
}

/// Makes changes until told to stop; how many were made, and how many refused.
fn manages(operator: &Client, done: &AtomicBool) -> (u64, u64) {
    let (mut made, mut refused) = (0, 0);
    while !done.load(Ordering::Acquire) {
        let status = change(operator);
        assert!(matches!(status, 201 | 503), "a change was answered {status}");
        *if status == 201 { &mut made } else { &mut refused } += 1;
        crate::pause(Duration::from_millis(30));
    }
    (made, refused)
}

#[test]
fn an_actor_that_dies_is_back_at_once_and_loses_nothing() {
    let stand = Stand::start("panic");
    for actor in ACTORS {
        let begin = stand.orders.give(actor, "panic");
        stand.back(actor);
        let took = begin.elapsed();
        println!("{actor} died; all is served again {took:?} later");
        assert!(took < PROMISE, "{took:?}");
    }
    let logs = stand.scene.gateway.logs();
    let deaths =
        |actor: &&str| logs.lines().filter(|line| line.contains("actor died") && line.contains(*actor)).count();
    assert!(ACTORS.iter().all(|actor| deaths(actor) == 1), "not every actor died once:\n{logs}");
    stand.reckon();
}

#[test]
fn an_actor_that_stalls_holds_up_and_loses_nothing() {
    let stand = Stand::start("stall");
    for actor in ACTORS {
        let begin = stand.orders.give(actor, &format!("stall {}", STALL.as_millis()));
        if actor == "ledger" {
            let ready = stand.scene.gateway.anonymous().get("/ready");
            assert_eq!(ready.status, 503, "a ledger that does not answer admits nothing: {}", ready.text());
        }
        stand.back(actor);
        let took = begin.elapsed();
        println!("{actor} stalled for {STALL:?}; all is served again {took:?} after it began");
        assert!(took < STALL + PROMISE, "{took:?}");
    }
    stand.reckon();
}

/// Nothing can replace a thread that hangs; a process can be, and whoever started it does.
#[test]
fn an_actor_that_stalls_for_ever_ends_the_process_and_loses_nothing() {
    let orders = Orders::make("for-ever");
    let builder = TestGateway::builder(BINARY).set("FARTHING_TEST_ORDERS", &orders.0.display().to_string());
    let mut scene = Scene::around(builder.start());
    scene.upstream.always(Reply::chat(TOKENS));
    assert_eq!(call(&scene.application(), &json!({}), false).status, 200);
    let begin = orders.give("feed", "stall 3600000");
    let lacks = |state: &Value, actor: &str| state["missing"].as_array().expect("a list").contains(&json!(actor));
    // Others share its thread, and may be missed first.
    let (state, took) = until("it is not ready for want of the feed", PATIENCE, || {
        let answer = scene.gateway.anonymous().get("/ready");
        Some(answer.json()).filter(|state| answer.status == 503 && lacks(state, "feed"))
    });
    println!("not ready after {took:?}: {state}");
    assert!(!lacks(&state, "ledger"), "{state}");
    // Calls need nothing of that thread.
    assert_eq!(call(&scene.application(), &json!({"stream": true}), false).status, 200);
    let (status, _) = scene.gateway.ended(PATIENCE);
    println!("ended with {status} after {:?}", begin.elapsed());
    assert_eq!(status.code(), Some(1), "{}", scene.gateway.logs());
    scene.gateway.restart();
    assert_eq!(call(&scene.application(), &json!({}), false).status, 200);
    scene.gateway.settled();
    assert_eq!(scene.gateway.requests(PROJECT, 3).len(), 3);
}
