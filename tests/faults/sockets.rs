//! Listeners by the thousand: what an idle socket of the feed costs, and that calls go on beside them and when all leave.
//! `FARTHING_SOCKETS` says how many; a process needs as many open files.

use std::env;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::ask;
use farthing_support::{Reply, Scene, TestGateway, Tokens};
use serde_json::json;

use crate::{BINARY, foresee_many_files, pause};

/// What an idle socket may cost.
const MOST_BYTES: u64 = 32 * 1_024;
/// Calls to each gateway between two looks at the other.
const CALLS: usize = 100;
/// How often both are looked at where figures are asked for.
const MANY_TURNS: usize = 100;
const WORK_AFTERWARDS: Duration = Duration::from_millis(50);

/// A socket of the feed, opened with these headers.
pub(crate) fn upgraded(address: SocketAddr, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let head = format!(
        "GET /ws/feed HTTP/1.1\r\nHost: {address}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut line = String::new();
    let mut reader = BufReader::with_capacity(1, &stream);
    reader.read_line(&mut line).expect("an answer");
    assert!(line.starts_with("HTTP/1.1 101"), "{line}");
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).expect("the rest of its head");
    }
    stream
}

/// How long calls took, in microseconds, in order.
struct Times(Vec<u128>);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |percent| self.0.get(self.0.len() * percent / 100).copied().unwrap_or_default();
        write!(f, "p50 {} us, p99 {} us", at(50), at(99))
    }
}

fn calls(scene: &Scene) -> Vec<u128> {
    let call = |_| {
        let begin = Instant::now();
        assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
        begin.elapsed().as_micros()
    };
    (0..CALLS).map(call).collect()
}

/// How long calls take at each of two gateways, asked in turns, so that a noisy minute of the machine meets both.
fn compared(scenes: [&Scene; 2], turns: usize) -> [Times; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..turns {
        for (scene, times) in scenes.iter().zip(&mut times) {
            times.extend(calls(scene));
            // What a call tells listeners is not the other gateway's.
            pause(WORK_AFTERWARDS);
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        Times(times)
    })
}

fn listeners(gateway: &TestGateway) -> usize {
    let figures = gateway.anonymous().get("/metrics").text();
    let line = figures.lines().find_map(|line| line.strip_prefix("farthing_feed_listeners "));
    line.and_then(|count| count.parse().ok()).expect("the figure is there")
}

fn scene() -> Scene {
    let scene = Scene::around(TestGateway::builder(BINARY).start());
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    scene
}

#[test]
fn idle_listeners_cost_little_and_hold_nobody_up() {
    let asked = env::var("FARTHING_SOCKETS").ok();
    let turns = if asked.is_some() { MANY_TURNS } else { 1 };
    let count = asked.map_or(300, |text| text.parse().expect("FARTHING_SOCKETS is a number"));
    foresee_many_files();
    let (alone, crowded) = (scene(), scene());
    let authorization = format!("Authorization: Bearer {}\r\n", crowded.gateway.management_token());
    let open = |count| -> Vec<_> { (0..count).map(|_| upgraded(crowded.gateway.address(), &authorization)).collect() };
    let [one, other] = compared([&alone, &crowded], turns.div_ceil(2));
    println!("two gateways without listeners: {one}; {other}");
    // What is set up once is no listener's.
    let mut sockets = open(20);
    let before = crowded.gateway.memory("VmRSS");
    sockets.extend(open(count));
    let each = crowded.gateway.memory("VmRSS").saturating_sub(before) / u64::try_from(count).expect("a small number");
    let [without, beside] = compared([&alone, &crowded], turns);
    println!(
        "{count} listeners that never read: {each} bytes each; calls without them {without}; beside them {beside}"
    );
    assert_eq!(listeners(&crowded.gateway), count + 20);
    drop(sockets);
    until("all places are free again", PATIENCE.saturating_mul(3), || (listeners(&crowded.gateway) == 0).then_some(()));
    assert!(each <= MOST_BYTES, "{each} bytes each");
}
