//! What strangers send as their credential: whatever it is, the answer is a refusal, no slower the more of it is right, and a crowd
//! of them costs a bounded amount of memory.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use farthing_support::{Scene, TestGateway};
use serde_json::json;

use crate::BINARY;
use crate::raw::tell;

/// Of each credential.
const LOOKS: usize = 60;
/// Who sign in at once.
const CROWD: usize = 500;
/// What four hashes at once take, with as much again, and the buffers of a crowd's connections. A hash for each would be
/// 9.5 GB.
const ROOM: u64 = (2 * 4 * 19 + 100) * 1024 * 1024;

/// Nobody is turned away for asking often: every one of these is looked at.
fn scene() -> Scene {
    Scene::around(TestGateway::builder(BINARY).set("FARTHING__SERVER__FAILURES_PER_MINUTE", "0").start())
}

/// A key of the right form, checksum and all, with this id and secret.
fn key(id: &str, secret: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let body = format!("sk-ft-{id}-{secret}");
    let mut rest = usize::try_from(crc32fast::hash(body.as_bytes())).expect("32 bits");
    let sum = std::iter::repeat_with(|| {
        let digit = DIGITS[rest % 62];
        rest /= 62;
        char::from(digit)
    });
    format!("{body}{}", sum.take(6).collect::<String>())
}

/// `text` with another character at `at`.
fn altered(text: &str, at: usize) -> String {
    let other = if text.as_bytes()[at] == b'a' { "b" } else { "a" };
    let (before, rest) = text.split_at(at);
    format!("{before}{other}{}", rest.split_at(1).1)
}

fn request(path: &str, credential: &[u8]) -> Vec<u8> {
    let head = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Bearer ");
    [head.as_bytes(), credential, b"\r\n\r\n"].concat()
}

#[test]
fn whatever_stands_in_authorization_is_refused_and_nothing_breaks() {
    let scene = scene();
    let long = vec![b'x'; 100 * 1024];
    let odd: Vec<u8> = (1..=255).filter(|byte| !b"\r\n".contains(byte)).collect();
    let unknown = key("aaaaaaaa", &"a".repeat(43));
    for path in ["/v1/models", "/v1/chat/completions", "/api/keys", "/api/session"] {
        for credential in [
            b"' OR '1'='1".as_slice(),
            b"x'; DROP TABLE virtual_keys; --",
            b"\" UNION SELECT password FROM users --",
            &long,
            &odd,
            b"\xff\xfe\xfd",
            b"\x00",
            "\u{202e}\u{1f511}".as_bytes(),
            b"",
            b"Bearer Bearer",
            b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYW5hZ2VtZW50In0.",
            unknown.as_bytes(),
        ] {
            let told = tell(scene.gateway.address(), &request(path, credential));
            let start = String::from_utf8_lossy(&credential[..credential.len().min(40)]).into_owned();
            let statuses = told.statuses();
            // 405: not by this method, which is said before anybody is asked who they are.
            let is_refusal =
                matches!(statuses.as_slice(), [400 | 401]) || (statuses == [405] && path.ends_with("completions"));
            assert!(is_refusal, "{path} {start:?}: {statuses:?}");
            assert!(!told.text.contains("SELECT") && !told.text.contains("sqlite"), "{}", told.text);
        }
    }
    assert_eq!(scene.application().get("/v1/models").status, 200, "the key goes on");
}

/// How long one answer takes on a connection that is open already.
fn timed(stream: &mut TcpStream, path: &str, credential: &str) -> Duration {
    let text = format!("GET {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {credential}\r\n\r\n");
    let began = Instant::now();
    stream.write_all(text.as_bytes()).expect("it is sent");
    let status = crate::raw::answered(stream);
    let took = began.elapsed();
    assert_eq!(status, 401, "{path} {credential}");
    took
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Medians of the answers to these credentials, asked for in turn.
fn medians(address: SocketAddr, path: &str, credentials: &[(&str, String)]) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).expect("the gateway listens");
    stream.set_nodelay(true).expect("it can be set");
    let mut times = vec![Vec::new(); credentials.len()];
    // The first round warms up.
    for round in 0..=LOOKS {
        for ((_, credential), times) in credentials.iter().zip(&mut times) {
            let took = timed(&mut stream, path, credential);
            if round > 0 {
                times.push(took);
            }
        }
    }
    times.iter_mut().map(|times| median(times)).collect()
}

#[test]
fn no_answer_is_slower_the_more_of_a_credential_is_right() {
    let scene = scene();
    let (right, token) = (scene.key.secret.clone(), scene.gateway.management_token().to_owned());
    let part = |from: usize, to: usize| right.get(from..to).expect("a key has 64 characters");
    let (id, secret) = (part(6, 14), part(15, 58));
    let (last, none) = (secret.len() - 1, "a".repeat(43));
    let keys = [
        ("another id and secret", key("aaaaaaaa", &none)),
        ("the id, another secret", key(id, &none)),
        ("the secret, another id", key("aaaaaaaa", secret)),
        ("all but the first letter", key(id, &altered(secret, 0))),
        ("all but the last letter", key(id, &altered(secret, last))),
    ];
    let tokens = [
        ("nothing of it", "x".repeat(token.len())),
        ("the first half", format!("{}{}", token.split_at(token.len() / 2).0, "x".repeat(token.len() / 2))),
        ("all but the first letter", altered(&token, 0)),
        ("all but the last letter", altered(&token, token.len() - 2)),
    ];
    for (path, credentials) in [("/v1/models", &keys[..]), ("/api/keys", &tokens[..])] {
        let medians = medians(scene.gateway.address(), path, credentials);
        for ((what, _), median) in credentials.iter().zip(&medians) {
            println!("{path}: {median:>10?} {what}");
        }
        let (least, most) = (medians.iter().min().expect("some"), medians.iter().max().expect("some"));
        // Comparing letter by letter is some nanoseconds of these; a look into the database, or a slow hash, would be far more.
        assert!(most.abs_diff(*least) <= Duration::from_millis(1).max(*least), "{path}: {medians:?}");
    }
}

#[test]
fn a_crowd_that_signs_in_takes_the_memory_of_a_few() {
    let scene = scene();
    scene
        .gateway
        .create("/api/users", &json!({"name": "mia", "role": "owner", "password": "five plain words in a row"}));
    let attempt = |name: &str| {
        let body = json!({"username": name, "password": "a guess at a password"}).to_string();
        let head = "POST /api/session HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json\r\n";
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    // One at a time, so that what every sign-in needs is there before.
    assert_eq!(tell(scene.gateway.address(), attempt("mia").as_bytes()).statuses(), [401]);
    let before = scene.gateway.memory("VmHWM");
    let (address, gate) = (scene.gateway.address(), Barrier::new(CROWD));
    let statuses: Vec<u16> = thread::scope(|scope| {
        let callers: Vec<_> = (0..CROWD)
            .map(|number| {
                let (text, gate) = (attempt(if number % 2 == 0 { "mia" } else { "nobody" }), &gate);
                scope.spawn(move || {
                    let mut stream = TcpStream::connect(address).expect("the gateway listens");
                    gate.wait();
                    stream.write_all(text.as_bytes()).expect("it is sent");
                    let mut answer = String::new();
                    stream.read_to_string(&mut answer).expect("an answer");
                    answer.get(9..12).and_then(|status| status.parse().ok()).expect("a status")
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().expect("a caller")).collect()
    });
    let grown = scene.gateway.memory("VmHWM").saturating_sub(before);
    let of = |status| statuses.iter().filter(|found| **found == status).count();
    println!("{CROWD} at once: {} looked at, {} told to come back, {} MiB more", of(401), of(503), grown >> 20);
    assert_eq!(of(401) + of(503), CROWD, "{statuses:?}");
    assert!(of(401) >= 4, "some are looked at");
    assert!(grown <= ROOM, "{grown} bytes");
    assert_eq!(scene.application().get("/v1/models").status, 200);
}
