//! What begins and ends where: answers whose end is their connection's, answers that never begin, heads that can be read in two ways.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use farthing_support::scene::{PROVIDER_KEY, ask, prices};
use farthing_support::{Reply, Tokens};
use serde_json::json;

use crate::scene;

/// Reads one request with a length. `None` if the connection ends before.
fn request(stream: &mut TcpStream) -> Option<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    stream.read_exact(&mut vec![0; length.parse().unwrap()]).ok()
}

fn chat(content: &str) -> String {
    json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": content}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    .to_string()
}

fn whole(content: &str) -> String {
    let body = chat(content);
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A provider that frames no answer on its first connection, and sends what belongs to that answer to whoever asks there next.
fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut connections = listener.incoming().map(Result::unwrap);
        let mut first = connections.next().unwrap();
        thread::spawn(move || {
            request(&mut first).unwrap();
            first.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n").unwrap();
            if request(&mut first).is_some() {
                first.write_all(whole("somebody else's").as_bytes()).unwrap();
            }
        });
        for mut stream in connections {
            thread::spawn(move || {
                while request(&mut stream).is_some() {
                    stream.write_all(whole("its own").as_bytes()).unwrap();
                }
            });
        }
    });
    url
}

#[test]
fn a_stream_to_a_client_of_http_1_0_ends_with_its_connection() {
    let scene = scene();
    for (version, keep, chunked) in [("1.0", "close", false), ("1.0", "keep-alive", false), ("1.1", "close", true)] {
        scene.upstream.expect(Reply::chat(Tokens::plain(9, 9)));
        let body = ask(&json!({"stream": true})).to_string();
        let mut stream = TcpStream::connect(scene.gateway.address()).unwrap();
        write!(
            stream,
            "POST /v1/chat/completions HTTP/{version}\r\nhost: h\r\nconnection: {keep}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            scene.key.secret,
            body.len()
        )
        .unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).unwrap();
        let (head, said) = told.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/{version} 200")), "{told}");
        assert_eq!(head.contains("transfer-encoding"), chunked, "{told}");
        assert_eq!(said.starts_with("data: ") && said.ends_with("data: [DONE]\n\n"), !chunked, "{told}");
        assert!(!head.contains("keep-alive"), "{told}");
    }
}

#[test]
fn what_follows_an_answer_without_an_end_is_nobodys() {
    let scene = scene();
    let provider = json!({"name": "unframed", "kind": "openai", "base_url": start(), "api_key": PROVIDER_KEY,
        "allow_private_network": true});
    scene.gateway.create("/api/providers", &provider);
    scene.gateway.add_model("m", "unframed", &prices());
    // One after the other, on whichever worker: a connection belongs to one of them.
    let answers: Vec<_> = (0..8).map(|_| scene.chat(&ask(&json!({"model": "m"})))).collect();
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [502, 200, 200, 200, 200, 200, 200, 200]);
    assert!(answers.iter().all(|answer| !answer.text().contains("somebody else's")));
}

/// A provider that takes in the whole request and says nothing.
fn leaver() -> (Arc<AtomicUsize>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            request(&mut stream).unwrap();
            count.fetch_add(1, Ordering::AcqRel);
        }
    });
    (taken, url)
}

#[test]
fn who_leaves_after_the_request_may_have_done_the_work() {
    let (scene, (taken, url)) = (scene(), leaver());
    let provider = json!({"name": "leaver", "kind": "openai", "base_url": url, "api_key": PROVIDER_KEY, "allow_private_network": true});
    scene.gateway.create("/api/providers", &provider);
    for (name, at, priority) in
        [("words", "leaver", 0), ("words", "openai", 1), ("pictures", "leaver", 0), ("pictures", "openai", 1)]
    {
        let model =
            json!({"name": name, "provider": at, "upstream_model": name, "priority": priority, "prices": prices()});
        scene.gateway.create("/api/models", &model);
    }
    let picture =
        scene.application().post("/v1/images/generations", &json!({"model": "pictures", "prompt": "a heron"}));
    assert_eq!((picture.status, picture.header("x-should-retry")), (502, Some("false")), "{}", picture.text());
    assert_eq!((taken.load(Ordering::Acquire), scene.upstream.calls()), (1, 0), "nobody makes it again");
    scene.upstream.expect(Reply::chat(Tokens::plain(9, 4)));
    let words = scene.chat(&ask(&json!({"model": "words"})));
    assert_eq!((words.status, words.header("x-farthing-attempts")), (200, Some("2")), "{}", words.text());
    let row = scene.recorded(&words);
    let first = &row["entries"][0];
    assert_eq!(
        (&first["kind"], &first["usage_detail"]),
        (&json!("attempt"), &json!("estimated:upstream_cut")),
        "{row}"
    );
    assert_ne!(first["amount_usd"], "0", "the prompt may be billed");
}

#[test]
fn a_host_that_can_be_read_in_two_ways_is_refused() {
    let scene = scene();
    let told = |host: &str| {
        let mut stream = TcpStream::connect(scene.gateway.address()).unwrap();
        write!(stream, "GET /live HTTP/1.1\r\n{host}connection: close\r\n\r\n").unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).unwrap();
        told
    };
    for good in ["host: a\r\n", "host: a.example:8080\r\n", "host: [::1]:80\r\n", "host: xn--bcher-kva.example\r\n"] {
        assert!(told(good).starts_with("HTTP/1.1 200"), "{good}");
    }
    for bad in
        ["host: a/b\r\n", "host: u@a\r\n", "host: a?b\r\n", "host: a#b\r\n", "host: a b\r\n", "host: a\r\nhost: b\r\n"]
    {
        assert!(told(bad).starts_with("HTTP/1.1 400"), "{bad}");
    }
}

/// Several requests in one write: each is answered as itself, in order, and none after one that ends the connection.
#[test]
fn requests_that_come_together_are_answered_each_as_itself() {
    let scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(9, 4)));
    let post = |version: &str, extra: &str, stream: bool| {
        let (body, key) = (ask(&json!({"stream": stream})).to_string(), &scene.key.secret);
        format!(
            "POST /v1/chat/completions HTTP/{version}\r\nhost: h\r\n{extra}authorization: Bearer {key}\r\ncontent-type: \
             application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let (whole, stream) = (post("1.1", "", false), post("1.1", "", true));
    let (last, old) = (post("1.1", "connection: close\r\n", false), post("1.0", "connection: keep-alive\r\n", true));
    let head = "HEAD /live HTTP/1.1\r\nhost: h\r\n\r\n".to_owned();
    let end = "HEAD /live HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n".to_owned();
    for (sent, answers, bodies, calls) in [
        (vec![&whole, &head, &whole, &end], 4, 2, 2),
        (vec![&stream, &end], 2, 1, 1),
        (vec![&whole, &stream, &whole, &end], 4, 3, 3),
        (vec![&last, &whole, &whole], 1, 1, 1),
        (vec![&old, &whole], 1, 1, 1),
        (vec![&head, &old, &head], 2, 1, 1),
    ] {
        let sent = sent.into_iter().map(String::as_str).collect::<String>();
        // In one piece, with the first body in two, and a byte short of where the first request ends.
        for cut in [sent.len(), sent.find('{').unwrap_or(0) + 9, sent.find("\r\n\r\n").unwrap_or(0) + 4] {
            let before = scene.upstream.calls();
            let mut stream = TcpStream::connect(scene.gateway.address()).unwrap();
            stream.write_all(&sent.as_bytes()[..cut]).unwrap();
            thread::yield_now();
            stream.write_all(&sent.as_bytes()[cut..]).ok();
            let mut told = Vec::new();
            stream.read_to_end(&mut told).ok();
            let told = String::from_utf8(told).unwrap();
            let heads = told.matches("HTTP/1.").count();
            let said = told.matches("\"choices\"").count().min(told.matches("usage").count()).min(bodies);
            assert_eq!(
                (heads, said, scene.upstream.calls() - before),
                (answers, bodies, calls),
                "cut at {cut}: {sent}\n{told}"
            );
            assert!(told.matches("HTTP/1.1 200").count() + told.matches("HTTP/1.0 200").count() == answers, "{told}");
        }
    }
}
