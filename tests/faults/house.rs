//! A full house: as many calls in flight as there may be. More are refused before their body is read, in the shape of their route;
//! probes, operators and the dashboard are served as ever.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use farthing_support::poll::until;
use farthing_support::scene::{MODEL, PROJECT, ask};
use farthing_support::{Gate, Reply, Scene, Seen, TestGateway, Tokens};
use serde_json::json;

use crate::raw::{hear, tell};
use crate::{BINARY, pause};

/// The most in flight.
const HOUSE: usize = 8;
const WORKERS: usize = 2;
const CALLERS: usize = 80;

fn scene() -> Scene {
    let builder = TestGateway::builder(BINARY).set("FARTHING__SERVER__WORKERS", &WORKERS.to_string());
    Scene::around(builder.set("FARTHING__SERVER__MAX_IN_FLIGHT", &HOUSE.to_string()).start())
}

fn head(scene: &Scene, path: &str, length: usize) -> String {
    let key = &scene.key.secret;
    format!("POST {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {key}\r\nContent-Length: {length}\r\n\r\n")
}

#[test]
fn a_full_house_refuses_calls_before_their_body_and_serves_everybody_else() {
    let (scene, gate) = (scene(), Gate::default());
    let body = ask(&json!({})).to_string();
    (0..HOUSE).for_each(|_| scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)).behind(&gate)));
    let start = || scene.application().start("POST", "/v1/chat/completions", body.as_bytes()).expect("it is sent");
    let held: Vec<_> = (0..HOUSE).map(|_| start()).collect();
    let all = |journal: &[_]| (journal.len() == HOUSE).then_some(());
    scene.upstream.wait_for("the house is full", Duration::from_secs(30), all);
    let gemini = format!("/v1beta/models/{MODEL}:generateContent");
    for (path, shape) in [
        ("/v1/chat/completions", r#""code":"overloaded""#),
        ("/v1/responses", r#""code":"overloaded""#),
        ("/v1/messages", r#""type":"error""#),
        ("/v1/messages/count_tokens", r#""type":"error""#),
        (gemini.as_str(), "UNAVAILABLE"),
        ("/v1/embeddings", r#""code":"overloaded""#),
        ("/v1/audio/transcriptions", r#""code":"overloaded""#),
    ] {
        // The body never comes.
        let told = tell(scene.gateway.address(), head(&scene, path, 1_000).as_bytes());
        assert_eq!((told.statuses().as_slice(), told.closed), (&[503][..], true), "{path}: {}", told.text);
        assert!(told.text.contains(shape) && told.text.to_lowercase().contains("retry-after: 1"), "{}", told.text);
    }
    for path in ["/live", "/health", "/ready", "/sign-in"] {
        assert_eq!(scene.gateway.anonymous().get(path).status, 200, "{path}");
    }
    for path in ["/v1/models", "/v1/key"] {
        assert_eq!(scene.application().get(path).status, 200, "{path}");
    }
    assert_eq!(scene.gateway.operator().get("/api/providers").status, 200);
    scene.gateway.add_project("meanwhile", Some("1.00"));
    gate.open();
    for sent in held {
        assert_eq!(sent.finish().map(|answer| answer.status).ok(), Some(200));
    }
    scene.gateway.settled();
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200, "there is room again");
}

#[test]
fn bodies_that_were_let_in_together_do_not_make_the_house_fuller() {
    let (scene, gate) = (scene(), Gate::default());
    let held = gate.clone();
    scene.upstream.answer_with(move |_| Reply::chat(Tokens::plain(1, 1)).behind(&held));
    let body = ask(&json!({})).to_string();
    let head = head(&scene, "/v1/chat/completions", body.len()).replace("Host: h", "Host: h\r\nConnection: close");
    let (first, rest) = body.split_at(10);
    let open = |_| {
        let mut stream = TcpStream::connect(scene.gateway.address()).expect("the gateway listens");
        stream.write_all(format!("{head}{first}").as_bytes()).expect("a first piece is taken");
        stream
    };
    let mut streams: Vec<_> = (0..CALLERS).map(open).collect();
    // If some are not let in before the house is full, they are refused sooner, which is as well.
    pause(Duration::from_millis(500));
    streams.iter_mut().for_each(|stream| stream.write_all(rest.as_bytes()).expect("the rest is taken"));
    let refused = Arc::new(AtomicUsize::new(0));
    let hear = |stream| {
        let refused = Arc::clone(&refused);
        thread::spawn(move || match hear(stream).statuses().as_slice() {
            [200] => {}
            [503] => drop(refused.fetch_add(1, Ordering::AcqRel)),
            other => panic!("{other:?}"),
        })
    };
    let threads: Vec<_> = streams.into_iter().map(hear).collect();
    let decided =
        |journal: &[Seen]| (journal.len() + refused.load(Ordering::Acquire) == CALLERS).then_some(journal.len());
    let served = scene.upstream.wait_for("all are refused or sent on", Duration::from_secs(15), decided);
    gate.open();
    threads.into_iter().for_each(|thread| thread.join().expect("nothing else is answered"));
    println!("{served} of {CALLERS} served at once, where {HOUSE} may");
    // Two workers may each let one in at the same moment.
    assert!((HOUSE..=HOUSE + WORKERS).contains(&served), "{served}");
    scene.gateway.requests(PROJECT, served);
}

#[test]
fn bodies_share_their_room_and_give_it_back() {
    const ROOM: usize = 1 << 20;
    let builder = TestGateway::builder(BINARY).set("FARTHING__SERVER__MAX_BODIES_BYTES", &ROOM.to_string());
    let scene = Scene::around(builder.start());
    let (gate, long) = (Gate::default(), "x".repeat(600_000));
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": long}]}).to_string();
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)).behind(&gate));
    let start = || scene.application().start("POST", "/v1/chat/completions", body.as_bytes()).expect("it is sent");
    let held = start();
    scene
        .upstream
        .wait_for("the first is on its way", Duration::from_secs(30), |calls| (calls.len() == 1).then_some(()));
    let told = start().finish().expect("an answer");
    assert_eq!((told.status, told.header("retry-after")), (503, Some("1")), "{}", told.text());
    assert!(told.text().contains(r#""code":"overloaded""#), "{}", told.text());
    // Small ones need no share.
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    assert_eq!(scene.application().post("/v1/chat/completions", &ask(&json!({}))).status, 200);
    gate.open();
    assert_eq!(held.finish().expect("an answer").status, 200);
    let served = || (start().finish().expect("an answer").status == 200).then_some(());
    until("the room is free again", Duration::from_secs(30), served);
}

#[test]
fn a_process_with_little_memory_left_takes_no_more_calls_and_can_be_managed() {
    let builder = TestGateway::builder(BINARY).set("FARTHING__SERVER__MEMORY_LIMIT_BYTES", "1048576");
    let scene = Scene::around(builder.start());
    let refused = || scene.application().post("/v1/chat/completions", &ask(&json!({})));
    let (told, _) = until("it notices", Duration::from_secs(30), || Some(refused()).filter(|told| told.status == 503));
    assert!(told.text().contains(r#""code":"overloaded""#), "{}", told.text());
    assert_eq!(scene.gateway.operator().get("/api/keys").status, 200);
    assert_eq!(scene.gateway.anonymous().get("/ready").status, 200);
}
