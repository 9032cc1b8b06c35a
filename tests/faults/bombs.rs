//! Bodies and heads that are larger than they look: refused early, in bounded memory, while others are served.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use farthing_support::scene::{MODEL, ask};
use farthing_support::{Reply, Scene, Tokens};
use serde_json::json;

use crate::BINARY;
use crate::raw::{Told, hear, tell};

const MEBIBYTE: usize = 1024 * 1024;
/// Mebibytes that no loopback carries in the time.
const ENDLESS: usize = 64 * 1024;
/// How much more than before the gateway may have held for fifty compressed bodies.
const ROOM: u64 = 64 * 1024 * 1024;
/// The same for bodies that it reads up to its limit of ten mebibytes: they double while they grow, and what is freed is given
/// back when the allocator sees fit.
const ROOM_TO_READ: u64 = 2 * ROOM;

type Phase = fn(&Scene);

fn head(scene: &Scene, headers: &str) -> String {
    let key = &scene.key.secret;
    format!("POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {key}\r\n{headers}\r\n\r\n")
}

#[test]
fn bombs_are_refused_in_bounded_memory() {
    let scene = Scene::start(BINARY);
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200, "all is loaded that is loaded once");
    let before = scene.gateway.memory("VmRSS");
    let phases: [(&str, Phase, u64); 4] = [
        ("compressed", compressed, ROOM),
        ("endless", endless, ROOM_TO_READ),
        ("deep", deep, ROOM_TO_READ),
        ("floods", floods, ROOM_TO_READ),
    ];
    for (name, phase, room) in phases {
        phase(&scene);
        let more = scene.gateway.memory("VmHWM").saturating_sub(before);
        println!("{name}: at most {} MiB more than before", more >> 20);
        assert!(more <= room, "{name}: {more} bytes more than {before}");
    }
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200, "others are served");
    let (after, peak) = (scene.gateway.memory("VmRSS"), scene.gateway.memory("VmHWM"));
    println!("RSS before {} MiB, after {} MiB, peak {} MiB", before >> 20, after >> 20, peak >> 20);
}

/// Fifty at once: what they hide is never seen.
fn compressed(scene: &Scene) {
    let bytes = vec![0x1f; MEBIBYTE];
    let one = |encoding: &'static str| {
        let (address, bytes) = (scene.gateway.address(), bytes.clone());
        let head = head(scene, &format!("Content-Encoding: {encoding}\r\nContent-Length: {}", bytes.len()));
        thread::spawn(move || tell(address, &[head.as_bytes(), &bytes].concat()))
    };
    let all: Vec<_> = ["gzip", "br", "zstd", "deflate", "gzip, gzip"].into_iter().cycle().take(50).map(one).collect();
    for told in all {
        let told = told.join().expect("it does not panic");
        assert_eq!((told.statuses().as_slice(), told.closed), (&[415][..], true), "{}", told.text);
    }
}

/// A body of a gibibyte, announced; and one without end, in chunks: the gateway listens a second more, and closes.
fn endless(scene: &Scene) {
    let announced = tell(scene.gateway.address(), head(scene, "Content-Length: 1073741824").as_bytes());
    // It waits a little for whoever would send first and read then.
    assert_eq!((announced.statuses().as_slice(), announced.closed), (&[413][..], true), "{}", announced.text);
    let (began, (told, sent)) = (Instant::now(), pour(scene));
    let took = began.elapsed();
    assert!(matches!(told.statuses().as_slice(), [413] | []) && told.closed, "{}", told.text);
    println!("endless chunks: closed after {} MiB in {took:?}", sent / MEBIBYTE);
    assert!(sent < ENDLESS * MEBIBYTE && took < Duration::from_secs(10), "{sent} bytes in {took:?}");
}

fn pour(scene: &Scene) -> (Told, usize) {
    let mut stream = TcpStream::connect(scene.gateway.address()).expect("the gateway listens");
    stream.set_write_timeout(Some(Duration::from_secs(10))).expect("a timeout can be set");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout can be set");
    stream.write_all(head(scene, "Transfer-Encoding: chunked").as_bytes()).expect("a head is taken");
    let chunk = [format!("{MEBIBYTE:x}\r\n").as_bytes(), &vec![b' '; MEBIBYTE], b"\r\n"].concat();
    let sent = (0..ENDLESS).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    (hear(stream), sent * MEBIBYTE)
}

fn deep(scene: &Scene) {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let depth = 1_000_000;
        let body = format!(r#"{{"model":"m","messages":{}1{}}}"#, open.repeat(depth), close.repeat(depth));
        let answer = scene.application().post_bytes("/v1/chat/completions", body.as_bytes());
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!("too_deep")), "{}", answer.text());
    }
}

fn floods(scene: &Scene) {
    let address = scene.gateway.address();
    let many = (0..5_000).fold(String::new(), |mut all, count| {
        write!(all, "X-{count}: y\r\n").expect("text takes text");
        all
    });
    let large = format!("X: {}\r\n", "y".repeat(40 * 1024));
    let larger = format!("X: {}\r\n", "y".repeat(MEBIBYTE));
    for (headers, status) in [(&many, 431), (&large, 431), (&larger, 431)] {
        let told =
            tell(address, format!("GET /live HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n").as_bytes());
        let right = matches!(told.statuses().as_slice(), [told] if *told == status) || told.statuses().is_empty();
        assert!(right && told.closed, "{} bytes: {:?}", headers.len(), told.statuses());
    }
    for (length, statuses) in [(10 * 1024, &[414][..]), (70 * 1024, &[400, 414][..])] {
        let target = "a".repeat(length);
        let told = tell(address, format!("GET /{target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").as_bytes());
        let right = matches!(told.statuses().as_slice(), [told] if statuses.contains(told));
        assert!(right && told.closed, "{length}: {:?}", told.statuses());
    }
}

#[test]
fn a_crowd_is_refused_by_every_door_and_named() {
    let scene = Scene::start(BINARY);
    let (caller, operator) = (scene.application(), scene.gateway.operator());
    let list = |item: &str, count: usize| format!("[{}]", vec![item; count].join(","));
    let told = |path: &str, body: &str, field: &str| {
        let by = if path.starts_with("/api") { &operator } else { &caller };
        let answer = by.post_bytes(path, body.as_bytes());
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        assert!(answer.text().contains("more than 10000 items"), "{path}: {}", answer.text());
        assert!(answer.text().contains(field), "{path}: {}", answer.text());
    };
    let gemini = format!("/v1beta/models/{MODEL}:generateContent");
    let texts = list("\"x\"", 10_001);
    let message = list(r#"{"role":"user","content":"x"}"#, 10_001);
    for (path, body, field) in [
        ("/v1/chat/completions", format!(r#"{{"model":"{MODEL}","messages":{message}}}"#), "messages"),
        ("/v1/chat/completions", format!(r#"{{"model":"{MODEL}","tools":{}}}"#, list("{}", 10_001)), "tools"),
        ("/v1/responses", format!(r#"{{"model":"{MODEL}","input":{message}}}"#), "input"),
        ("/v1/messages", format!(r#"{{"model":"{MODEL}","messages":[{{"content":{texts}}}]}}"#), "messages[0].content"),
        ("/v1/messages/count_tokens", format!(r#"{{"model":"{MODEL}","messages":{message}}}"#), "messages"),
        (&gemini, format!(r#"{{"contents":{}}}"#, list(r#"{"parts":[]}"#, 10_001)), "contents"),
        ("/v1/embeddings", format!(r#"{{"model":"{MODEL}","input":{texts}}}"#), "input"),
        ("/v1/rerank", format!(r#"{{"model":"{MODEL}","documents":{texts}}}"#), "documents"),
        ("/api/projects", format!(r#"{{"name":"crowd","allowed_models":{texts}}}"#), "allowed_models"),
        ("/api/routes/explain", format!(r#"{{"model":{texts}}}"#), "model"),
    ] {
        told(path, &body, field);
    }
    let million = format!(r#"{{"model":"{MODEL}","messages":{}}}"#, list("1", 1_000_000));
    told("/v1/chat/completions", &million, "messages");
}
