//! A thousand callers that leave: before the answer's head, in it, in the middle of a stream, just before the end. Each
//! is booked once, its provider is told within a second, and neither a permit nor a hold stays behind.

use std::collections::{HashMap, HashSet};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farthing_support::scene::{PROJECT, ask};
use farthing_support::{Client, Gate, Picos, Reply, Scene, Seen, Tokens};
use serde_json::{Value, json};

use crate::seed::Seed;
use crate::{BINARY, pause};

const WORKERS: usize = 20;
const EACH: usize = 50;
/// Calls the key may have in flight: more than the workers have, far fewer than would leak.
const PLACES: usize = 64;
const PROMISE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(20);

/// What is asked for: every kind ends by itself either at once or long after the caller has left and the promise is due.
#[derive(Clone, Copy)]
enum Kind {
    LongStream,
    ShortStream,
    SlowWhole,
    QuickWhole,
}

/// One call: its mark at the upstream, and when its caller left.
type Left = (String, Instant);

impl Kind {
    fn of(seed: u64) -> Self {
        [Self::LongStream, Self::ShortStream, Self::SlowWhole, Self::QuickWhole][usize::try_from(seed % 4).unwrap_or(0)]
    }

    fn streams(self) -> bool {
        matches!(self, Self::LongStream | Self::ShortStream)
    }

    /// How much of the answer may be awaited: up to about its end, where that comes in time.
    fn bytes(self) -> usize {
        match self {
            Self::LongStream => 4_000,
            Self::ShortStream => 2_500,
            Self::SlowWhole => 1,
            Self::QuickWhole => 1_200,
        }
    }
}

fn reply(seen: &Seen) -> Reply {
    let reply = Reply::chat(Tokens::plain(9, 20));
    match Kind::of(seen.json()["seed"].as_u64().unwrap_or_default()) {
        Kind::LongStream => reply.chunks(1_000).gap(Duration::from_millis(10)),
        Kind::ShortStream => reply.chunks(4).gap(Duration::from_millis(5)),
        Kind::SlowWhole => reply.after(Duration::from_secs(10)),
        Kind::QuickWhole => reply.after(Duration::from_millis(5)),
    }
}

/// Calls and leaves, again and again.
fn leave(client: &Client, worker: usize, mut seed: Seed) -> Vec<Left> {
    let leave_once = |number: usize| {
        let (mark, kind) = (format!("w{worker}-n{number}"), Kind::of(number as u64));
        let body = ask(&json!({"user": mark, "seed": number, "stream": kind.streams()})).to_string();
        let sent = client.start("POST", "/v1/chat/completions", body.as_bytes()).expect("the gateway listens");
        // A third leaves before anything has come, after a moment that reaches the provider or does not.
        let bytes = if seed.below(3) == 0 { 0 } else { seed.below(kind.bytes()) };
        if bytes == 0 {
            pause(Duration::from_micros(seed.below(40_000) as u64));
        }
        let (read, left) = sent.hang_up_after(bytes as u64).expect("the gateway does not leave first");
        let admitted = read.len() < 12 || read.starts_with(b"HTTP/1.1 200");
        assert!(admitted, "{}", String::from_utf8_lossy(&read));
        (mark, left)
    };
    (0..EACH).map(leave_once).collect()
}

#[test]
fn a_thousand_callers_that_leave_are_booked_once_each_and_leave_nothing_behind() {
    let mut seed = Seed::from_outside();
    let scene = Scene::start(BINARY);
    scene.upstream.answer_with(reply);
    let key = scene.gateway.add_key(PROJECT, &json!({"limits": {"concurrency": PLACES}}));
    let client = scene.gateway.application(&key.secret);
    let begin = Instant::now();
    let worker = |number| {
        let (client, seed) = (client.clone(), seed.branch());
        thread::spawn(move || leave(&client, number, seed))
    };
    let workers: Vec<_> = (0..WORKERS).map(worker).collect();
    let left: HashMap<String, Instant> =
        workers.into_iter().flat_map(|worker| worker.join().expect("every call was admitted")).collect();
    let took = begin.elapsed();

    let slowest = told(&scene, &left);
    scene.gateway.settled();
    let (seen, booked) = (scene.upstream.calls(), reckon(&scene));
    assert!(seen <= booked && booked <= left.len(), "{seen} calls upstream, {booked} booked, {} made", left.len());
    fill(&scene, &client);
    println!(
        "{} left in {took:?}: {seen} were sent upstream, {booked} booked; the upstream was told after at most {slowest:?}",
        left.len()
    );
}

/// Waits until no call is open at the upstream; how long after its caller the last one was closed.
fn told(scene: &Scene, left: &HashMap<String, Instant>) -> Duration {
    let journal = scene.upstream.wait_for("the end of every call", PATIENCE, |journal| {
        journal.iter().all(|seen| seen.finished || seen.left_at.is_some()).then(|| journal.to_vec())
    });
    let mark = |seen: &Seen| seen.json()["user"].as_str().unwrap_or_default().to_owned();
    let marks: HashSet<String> = journal.iter().map(mark).collect();
    assert_eq!(marks.len(), journal.len(), "a call was sent upstream twice");
    let late = |seen: &Seen| Some(seen.left_at?.saturating_duration_since(left[&mark(seen)]));
    let slowest = journal.iter().filter_map(late).max().expect("some were cancelled");
    assert!(slowest <= PROMISE, "the upstream was told {slowest:?} after the caller had left");
    slowest
}

/// Checks the money, and counts the calls in the books.
fn reckon(scene: &Scene) -> usize {
    let rows = scene.gateway.list(&format!("/api/requests?project={PROJECT}"));
    let ids: HashSet<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(ids.len(), rows.len(), "a call is booked twice");
    let known = |row: &Value| matches!(row["status"].as_str(), Some("ok" | "client_gone"));
    let odd: Vec<&Value> = rows.iter().filter(|row| !known(row)).collect();
    assert!(odd.is_empty(), "{odd:?}");
    let project = scene.gateway.list("/api/projects").into_iter().find(|known| known["name"] == PROJECT);
    let budget = project.expect("it is there")["budget"].clone();
    let booked: Picos = rows.iter().map(|row| Picos::of(&row["cost_usd"])).sum();
    assert_eq!((Picos::of(&budget["spent_usd"]), Picos::of(&budget["held_usd"])), (booked, Picos(0)));
    rows.len()
}

/// Takes every place of the key at once: all are free, and there is none beyond them.
fn fill(scene: &Scene, client: &Client) {
    let (gate, before) = (Gate::default(), scene.upstream.calls());
    scene.upstream.always(Reply::chat(Tokens::plain(9, 20)).behind(&gate));
    let call = |_| {
        let client = client.clone();
        thread::spawn(move || client.post("/v1/chat/completions", &ask(&json!({}))).status)
    };
    let calls: Vec<JoinHandle<u16>> = (0..PLACES).map(call).collect();
    let all = before + PLACES;
    scene
        .upstream
        .wait_for("as many calls as there are places", PATIENCE, |journal| (journal.len() >= all).then_some(()));
    assert_eq!(client.post("/v1/chat/completions", &ask(&json!({}))).status, 429, "one too many");
    gate.open();
    let statuses: Vec<u16> = calls.into_iter().map(|call| call.join().expect("an answer")).collect();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
}
