//! A provider of every dialect that keeps nothing: it counts the calls and writes the bytes it is given, good or bad.
//! (`farthing_support::Upstream` remembers every body, which a million calls do not allow.)

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use farthing_support::{Reply, Tokens};
use serde_json::{Value, json};

/// A call as it arrived.
pub(crate) struct Asked {
    /// Its number, from 0.
    pub(crate) serial: u64,
    pub(crate) path: String,
    pub(crate) body: Value,
}

/// What is written, and whether the connection ends with it.
pub(crate) struct Given {
    pub(crate) bytes: Vec<u8>,
    pub(crate) close: bool,
}

type Answering = dyn Fn(&Asked) -> Given + Send + Sync;

#[derive(Default)]
struct Seen {
    calls: AtomicU64,
    dropped: AtomicBool,
}

pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
}

impl Peer {
    pub(crate) fn start(answering: impl Fn(&Asked) -> Given + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (seen, answering): (Arc<Seen>, Arc<Answering>) = (Arc::default(), Arc::new(answering));
        let counted = Arc::clone(&seen);
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (counted, answering) = (Arc::clone(&counted), Arc::clone(&answering));
                thread::spawn(move || serve(stream, &counted, &*answering));
            }
        });
        Self { address, seen }
    }

    /// How many calls have arrived whole.
    pub(crate) fn calls(&self) -> u64 {
        self.seen.calls.load(Ordering::Acquire)
    }

    /// Whether it ever ended a connection: then a call may have been sent into one that had just ended.
    pub(crate) fn drops(&self) -> bool {
        self.seen.dropped.load(Ordering::Acquire)
    }
}

fn serve(stream: TcpStream, seen: &Seen, answering: &Answering) {
    // Without it answers only arrive later.
    drop(stream.set_nodelay(true));
    let Ok(mut writing) = stream.try_clone() else { return };
    let mut reading = BufReader::new(stream);
    while let Some((path, body)) = read(&mut reading) {
        let serial = seen.calls.fetch_add(1, Ordering::AcqRel);
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let given = answering(&Asked { serial, path, body });
        seen.dropped.fetch_or(given.close, Ordering::AcqRel);
        if writing.write_all(&given.bytes).is_err() || given.close {
            return;
        }
    }
}

fn read(reading: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    reading.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reading.read_line(&mut line).ok().filter(|count| *count > 0)?;
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        assert!(!name.eq_ignore_ascii_case("transfer-encoding"), "the gateway knows how much it sends");
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reading.read_exact(&mut body).ok()?;
    Some((path, body))
}

/// A sound answer to any call.
pub(crate) fn honest(asked: &Asked) -> Given {
    let path = asked.path.split('?').next().unwrap_or_default();
    let tail = path.rsplit('/').next().unwrap_or_default();
    let usage = json!({"prompt_tokens": 3, "total_tokens": 3});
    let plain = match tail {
        "embeddings" => json!({"object": "list", "model": "m", "usage": usage,
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}]}),
        "moderations" => json!({"id": "m", "model": "m", "results": [{"flagged": false}]}),
        "rerank" => json!({"id": "r", "results": [{"index": 0, "relevance_score": 0.5}]}),
        "completions" if !path.ends_with("chat/completions") => json!({"id": "c", "object": "text_completion",
            "created": 1, "model": "m", "choices": [{"text": "so", "index": 0, "finish_reason": "stop"}], "usage": usage}),
        "generations" => json!({"created": 1, "data": [{"b64_json": "AAAA"}]}),
        "speech" => return whole(200, "audio/mpeg", b"sound"),
        _ => Value::Null,
    };
    if !plain.is_null() {
        return whole(200, "application/json", plain.to_string().as_bytes());
    }
    let written = Reply::chat(Tokens::plain(9, 4)).chunks(2).written(&asked.path, &asked.body);
    if streams(asked) {
        let kind = if asked.path.contains(":stream") && !asked.path.contains("alt=sse") { JSON } else { EVENTS };
        return Given { bytes: chunked(kind, written.iter().map(String::as_bytes)), close: false };
    }
    whole(200, JSON, written.concat().as_bytes())
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const EVENTS: &str = "text/event-stream";

pub(crate) fn streams(asked: &Asked) -> bool {
    asked.body["stream"] == true || asked.path.contains(":stream")
}

pub(crate) fn whole(status: u16, kind: &str, body: &[u8]) -> Given {
    let head = format!("HTTP/1.1 {status} Scripted\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
    Given { bytes: [head.as_bytes(), body].concat(), close: false }
}

pub(crate) fn chunked<'a>(kind: &str, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut bytes = head.into_bytes();
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}
