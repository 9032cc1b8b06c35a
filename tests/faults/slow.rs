//! Slow peers: silent, a head or a body byte by byte, a body that never comes, answers that nobody reads. Each is let go
//! in time, what it began is settled, memory is bounded, and others are served meanwhile.
//!
//! A few of each, and a gateway with little patience, by default; `FARTHING_SLOW_PEERS=2000` opens that many of each, and half as
//! many readers, against a gateway with its own settings.

mod endless;
mod honest;
mod peer;

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use farthing_support::poll::until;
use farthing_support::scene::{MODEL, PROJECT, PROVIDER_KEY, ask, prices};
use farthing_support::traffic::Took;
use farthing_support::{Client, Gate, Reply, Scene, TestGateway, Tokens};
use serde_json::json;

use crate::raw::answered;
use crate::{BINARY, foresee_many_files, give_way, pause};
use endless::Endless;
use honest::Honest;
use peer::{KINDS, Peer};

/// When the last must have been let go, with all the patience there is: 30 s, and five more. The machine may be busy.
const PROMISE: Duration = Duration::from_secs(35 + 10);
/// The same for readers that stop, who are waited for from when everybody's buffers are full: a thousand take their time.
const READERS: Duration = Duration::from_secs(65 + 55);
/// What the gateway may hold for all of them.
const MOST_MEMORY: u64 = 512 << 20;
/// How fast peers come: strangers do not all come in the same moment.
const ARRIVALS: Duration = Duration::from_micros(500);
/// How fast readers come that stop: each is sent hundreds of kilobytes until all buffers are full.
const READERS_ARRIVE: Duration = Duration::from_millis(20);

/// How many of each kind, if it is said.
fn asked() -> Option<usize> {
    let asked = std::env::var("FARTHING_SLOW_PEERS").ok();
    asked.map(|text| text.parse().expect("FARTHING_SLOW_PEERS is a number"))
}

const WORTH_WAITING: Duration = Duration::from_millis(2);

/// How long honest callers call alone.
fn while_alone() -> Duration {
    Duration::from_secs(if asked().is_some() { 20 } else { 2 })
}

fn scene() -> Scene {
    foresee_many_files();
    let builder = TestGateway::builder(BINARY);
    Scene::around(match asked() {
        Some(_) => builder.start(),
        None => hurried(1).start(),
    })
}

fn hurried(seconds: u32) -> farthing_support::gateway::Builder {
    let seconds = seconds.to_string();
    TestGateway::builder(BINARY)
        .set("FARTHING__SERVER__CLIENT_PATIENCE_SECONDS", &seconds)
        .set("FARTHING__SERVER__HEAD_SECONDS", &seconds)
}

#[test]
fn peers_that_do_not_get_on_are_let_go() {
    let (scene, count) = (scene(), asked().unwrap_or(5));
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    Honest::prepare(&scene);
    let alone = calling_alone(&scene);
    let before = scene.gateway.memory("VmRSS");
    let arriving = Honest::start(&scene);
    let mut peers = attacking(|| arrive(&scene, count));
    let (arriving, beside) = (arriving.stop(), Honest::start(&scene));
    attacking(|| linger(&mut peers));
    let (beside, again) = (beside.stop(), calling_alone(&scene));
    println!(
        "alone: {alone}\nwhile they come: {arriving}\nwhile they stay and are let go: {beside}\nalone again: {again}"
    );
    for kind in KINDS {
        let of_kind = || peers.iter().filter(|peer| peer.kind == kind);
        let left = of_kind().filter(|peer| peer.closed.is_none()).count();
        let last = of_kind().filter_map(|peer| peer.closed).max().unwrap_or_default();
        println!("{kind:?}: {count} opened, {left} left, the last let go after {last:.1?}");
        assert!(left == 0 && last <= PROMISE, "{kind:?}: {left} left, the last after {last:?}");
    }
    bounded(&scene, before);
    scene.gateway.requests_at_least(PROJECT, alone.count() + arriving.count() + beside.count() + again.count());
}

/// How honest callers fare alone: before, and again after, which shows how far two such figures are apart on this machine.
fn calling_alone(scene: &Scene) -> Took {
    let callers = Honest::start(scene);
    pause(while_alone());
    callers.stop()
}

/// Does what attackers do, on a thread that gives way.
fn attacking<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let work = || {
        give_way();
        work()
    };
    thread::scope(|threads| threads.spawn(work).join().expect("the attackers live"))
}

/// Opens so many of each kind.
fn arrive(scene: &Scene, count: usize) -> Vec<Peer> {
    let (address, key, began) = (scene.gateway.address(), &scene.key.secret, Instant::now());
    let kinds = (0..count).flat_map(|_| KINDS).enumerate();
    let open = |(nth, kind)| {
        wait_until(began + ARRIVALS.saturating_mul(u32::try_from(nth).expect("not that many")));
        Peer::open(kind, address, key)
    };
    let peers: Vec<Peer> = kinds.map(open).collect();
    println!("{} connections in {:.1?}", peers.len(), began.elapsed());
    peers
}

/// Lets them dribble until all are let go or it takes too long.
fn linger(peers: &mut [Peer]) {
    let began = Instant::now();
    // A thousand bytes must last.
    let step = if asked().is_some() { Duration::from_secs(1) } else { Duration::from_millis(100) };
    while peers.iter().any(|peer| peer.closed.is_none()) && began.elapsed() < PROMISE {
        dribble(peers, step);
    }
}

/// A byte from each within `step`, spread over all of it.
fn dribble(peers: &mut [Peer], step: Duration) {
    let (began, each) = (Instant::now(), step / u32::try_from(peers.len()).expect("not that many"));
    for (peer, nth) in peers.iter_mut().zip(1..).filter(|(peer, _)| peer.closed.is_none()) {
        peer.step();
        wait_until(began + each.saturating_mul(nth));
    }
    wait_until(began + step);
}

/// Waits, if it is worth it: a wait for each of thousands of bytes would be work of its own.
fn wait_until(when: Instant) {
    let early = when.saturating_duration_since(Instant::now());
    if early >= WORTH_WAITING {
        pause(early);
    }
}

fn bounded(scene: &Scene, before: u64) {
    let peak = scene.gateway.memory("VmHWM");
    println!("RSS {} MiB before, {} MiB at most", before >> 20, peak >> 20);
    assert!(peak <= MOST_MEMORY, "{peak} bytes");
}

#[test]
fn readers_that_stop_reading_are_let_go_and_settled() {
    let (scene, readers) = (scene(), asked().unwrap_or(5).div_ceil(2));
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let (endless, base_url) = Endless::start();
    let provider = json!({"name": "endless", "kind": "openai", "base_url": base_url, "api_key": PROVIDER_KEY,
        "allow_private_network": true});
    scene.gateway.create("/api/providers", &provider);
    scene.gateway.add_model("endless", "endless", &prices());
    // What they were sent may be charged: that is not the honest callers' budget.
    scene.gateway.add_project("stalled", None);
    let key = scene.gateway.add_key("stalled", &json!({}));
    Honest::prepare(&scene);
    let alone = calling_alone(&scene);
    let before = scene.gateway.memory("VmRSS");
    let arriving = Honest::start(&scene);
    let body = ask(&json!({"model": "endless", "stream": true})).to_string();
    let began = Instant::now();
    let start = |caller: Client| {
        pause(READERS_ARRIVE);
        caller.start("POST", "/v1/chat/completions", body.as_bytes()).expect("it is sent")
    };
    // They are kept, and never read.
    let kept: Vec<_> = attacking(|| (0..readers).map(|_| start(scene.gateway.application(&key.secret))).collect());
    let (arriving, beside) = (arriving.stop(), Honest::start(&scene));
    let gone = || (endless.left.load(Ordering::Acquire) == readers).then_some(());
    until("everybody has left", READERS, gone);
    let took = began.elapsed();
    let (beside, again) = (beside.stop(), calling_alone(&scene));
    println!(
        "alone: {alone}\nwhile they come: {arriving}\nwhile they stay and are let go: {beside}\nalone again: {again}"
    );
    println!("{readers} stalled readers let go after {took:.1?}");
    bounded(&scene, before);
    scene.gateway.settled();
    scene.gateway.requests(PROJECT, alone.count() + arriving.count() + beside.count() + again.count());
    for row in scene.gateway.requests("stalled", readers) {
        assert_eq!(row["status"], "client_gone", "{row}");
    }
    drop(kept);
}

#[test]
fn a_connection_lives_as_long_as_every_head_comes_in_time() {
    let (scene, gate) = (Scene::around(hurried(2).start()), Gate::default());
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)).behind(&gate));
    let mut stream = TcpStream::connect(scene.gateway.address()).expect("the gateway listens");
    let mut say = |pieces: &[&str]| {
        for piece in pieces {
            stream.write_all(piece.as_bytes()).expect("it is taken");
            pause(Duration::from_millis(300));
        }
        answered(&mut stream)
    };
    let (first, rest) = ("GET /live HTT", "P/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(say(&[first, rest]), 200, "in two pieces");
    pause(Duration::from_millis(2_500));
    assert_eq!(say(&[first, rest]), 200, "idle for longer than a head may take");
    let body = format!(r#"{{"model":"{MODEL}","messages":[{{"role":"user","content":"hi"}}]}}"#);
    let head = format!("POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nx-api-key: {}\r\n", scene.key.secret);
    let whole = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let opener = std::thread::spawn(move || {
        pause(Duration::from_millis(2_500));
        gate.open();
    });
    // The head after it has begun, too, and waits for longer than a head may take: its time has not begun.
    assert_eq!(say(&[&whole, first]), 200, "an answer that takes longer than a head may");
    opener.join().expect("a gate can be opened");
    assert_eq!(say(&[rest]), 200, "the rest of a head that was sent ahead");
    assert_eq!(say(&[first]), 408, "a head that never ends");
}
