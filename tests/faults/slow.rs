//! Slow peers: silent, a head or a body byte by byte, a body that never comes, answers that nobody reads. Each is let go
//! in time, what it began is settled, and others are served meanwhile. `FARTHING_SLOW_PEERS=2000` opens that many of each.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use farthing_support::scene::{PROJECT, ask};
use farthing_support::{Reply, Scene, Seen, TestGateway, Tokens};
use serde_json::json;

use crate::{BINARY, pause};

/// The gateway's patience with them, for short.
const PATIENCE: Duration = Duration::from_secs(1);
/// When the last must have been let go: a body may take twice as long, and the machine may be busy.
const PROMISE: Duration = Duration::from_secs(35);
const STEP: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Silent,
    FirstHead,
    Body,
    ChunkedBody,
    NoBody,
}

const KINDS: [Kind; 5] = [Kind::Silent, Kind::FirstHead, Kind::Body, Kind::ChunkedBody, Kind::NoBody];

struct Peer {
    kind: Kind,
    stream: TcpStream,
    opened: Instant,
    closed: Option<Duration>,
}

impl Peer {
    fn open(kind: Kind, address: SocketAddr, key: &str) -> Self {
        let mut stream = TcpStream::connect(address).expect("the gateway listens");
        let body = if kind == Kind::ChunkedBody {
            "Transfer-Encoding: chunked\r\n\r\n3e8\r\n"
        } else {
            "Content-Length: 1000\r\n\r\n"
        };
        let head = format!("POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {key}\r\n{body}");
        let first = match kind {
            Kind::Silent => "",
            Kind::FirstHead => "GET /live HTTP/1.1\r\nHost: h\r\nX: ",
            Kind::Body | Kind::ChunkedBody | Kind::NoBody => &head,
        };
        stream.write_all(first.as_bytes()).expect("a first piece is taken");
        stream.set_nonblocking(true).expect("a socket can be told");
        Self { kind, stream, opened: Instant::now(), closed: None }
    }

    /// Sends another byte, and looks whether the other side has closed.
    fn step(&mut self) {
        if matches!(self.kind, Kind::FirstHead | Kind::Body | Kind::ChunkedBody) {
            drop(self.stream.write(b" "));
        }
        let mut buffer = [0; 1024];
        let is_closed = match self.stream.read(&mut buffer) {
            Ok(count) => count == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        if is_closed {
            self.closed = Some(self.opened.elapsed());
        }
    }
}

fn count() -> usize {
    std::env::var("FARTHING_SLOW_PEERS").map_or(5, |text| text.parse().expect("FARTHING_SLOW_PEERS is a number"))
}

fn scene() -> Scene {
    let seconds = PATIENCE.as_secs().to_string();
    Scene::around(TestGateway::builder(BINARY).set("FARTHING__SERVER__CLIENT_PATIENCE_SECONDS", &seconds).start())
}

#[test]
fn peers_that_do_not_get_on_are_let_go() {
    let scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let (address, key) = (scene.gateway.address(), &scene.key.secret);
    let began = Instant::now();
    let peers = KINDS.into_iter().flat_map(|kind| (0..count()).map(move |_| kind));
    let mut peers: Vec<Peer> = peers.map(|kind| Peer::open(kind, address, key)).collect();
    let (mut slowest, mut honest) = (Duration::ZERO, 0);
    while peers.iter().any(|peer| peer.closed.is_none()) && began.elapsed() < PROMISE {
        peers.iter_mut().filter(|peer| peer.closed.is_none()).for_each(Peer::step);
        let asked = Instant::now();
        assert_eq!(scene.chat(&ask(&json!({}))).status, 200, "others are served");
        slowest = slowest.max(asked.elapsed());
        honest += 1;
        pause(STEP);
    }
    for kind in KINDS {
        let of_kind = peers.iter().filter(|peer| peer.kind == kind);
        let (left, last) = of_kind.fold((0, Duration::ZERO), |(left, last), peer| match peer.closed {
            Some(closed) => (left, last.max(closed)),
            None => (left + 1, last),
        });
        println!("{kind:?}: {} opened, {left} left, the last let go after {last:?}", count());
        assert_eq!(left, 0, "{kind:?}");
    }
    println!(
        "{honest} honest calls meanwhile, the slowest {slowest:?}; RSS {} MiB",
        scene.gateway.memory("VmRSS") >> 20
    );
    scene.gateway.requests_at_least(PROJECT, honest);
}

fn endless(_: &Seen) -> Reply {
    Reply::chat(Tokens::plain(9, 100_000)).chunks(100_000)
}

#[test]
fn a_reader_that_stops_reading_is_let_go_and_settled() {
    let scene = scene();
    scene.upstream.answer_with(endless);
    let readers = count().div_ceil(2);
    let before = scene.gateway.memory("VmRSS");
    let body = ask(&json!({"stream": true})).to_string();
    // They are kept, and never read.
    let kept: Vec<_> = (0..readers)
        .map(|_| scene.application().start("POST", "/v1/chat/completions", body.as_bytes()).expect("it is sent"))
        .collect();
    let began = Instant::now();
    let gone = |journal: &[Seen]| {
        let left = journal.iter().filter(|seen| seen.left_at.is_some()).count();
        (journal.len() == readers && left == readers).then_some(())
    };
    scene.upstream.wait_for("everybody leave", Duration::from_secs(65), gone);
    let after = scene.gateway.memory("VmHWM");
    println!(
        "{readers} stalled readers let go after {:?}; RSS {} to {} MiB",
        began.elapsed(),
        before >> 20,
        after >> 20
    );
    scene.gateway.settled();
    for row in scene.gateway.requests(PROJECT, readers) {
        assert_eq!(row["status"], "client_gone", "{row}");
    }
    drop(kept);
}
