//! Requests whose end two readers would see at different places. Behind each comes another request: where the first is
//! refused, nothing behind it may be answered; where it is sound, nothing but the other.

use std::net::SocketAddr;

use farthing_support::scene::ask;
use farthing_support::{Reply, Scene, Tokens};
use serde_json::json;

use crate::BINARY;
use crate::raw::tell;

const BEHIND: &str = "GET /v1/behind HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
const CHUNKED: &str = "5\r\nhello\r\n0\r\n\r\n";

/// Headers of requests with a chunked body that must be refused.
const CODINGS: [&str; 23] = [
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "Content-Length: 0\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\ncontent-length: 15",
    "Content-Length: 15\r\nTRANSFER-ENCODING: CHUNKED",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunk",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: chunked, gzip",
    "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: xchunked",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding\t: chunked",
    " Transfer-Encoding: chunked",
    "X: y\r\n Transfer-Encoding: chunked",
    "X: y\r\n\tTransfer-Encoding: chunked",
    "Transfer-Encoding:\r\n chunked",
    "Transfer-Encoding: chu\0nked",
    "Transfer Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding : identity",
    "X\0: y\r\nTransfer-Encoding: chunked",
];

/// Headers of requests with a body of five bytes that must be refused.
const LENGTHS: [&str; 15] = [
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 6\r\nContent-Length: 5",
    "Content-Length: 5, 6",
    "Content-Length: 5, 5",
    "Content-Length: +5",
    "Content-Length: -5",
    "Content-Length: 0x5",
    "Content-Length: 5 5",
    "Content-Length: 5;",
    "Content-Length: 5e0",
    "Content-Length: five",
    "Content-Length: 99999999999999999999999",
    "Content-Length : 5",
    "X: y\r\n Content-Length: 5",
    "Content-Length: 5\0",
];

/// Chunked bodies that must be refused.
const CHUNKS: [&str; 11] = [
    "-5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "g\r\nhello\r\n0\r\n\r\n",
    "\r\nhello\r\n0\r\n\r\n",
    "5\r\nhelloX\r\n0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "5\rhello\r\n0\r\n\r\n",
    "5\r\nhello\rX0\r\n\r\n",
];

/// Whole heads that must be refused.
const HEADS: [&str; 14] = [
    "POST /v1/models HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "POST /v1/models HTTP/1.0\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
    "GET /live HTTP/2.0\r\nHost: h\r\n\r\n",
    "GET /live HTTP/1.2\r\nHost: h\r\n\r\n",
    "GET /live http/1.1\r\nHost: h\r\n\r\n",
    "GET /live\r\n\r\n",
    "GET  /live HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /live HTTP/1.1 \r\nHost: h\r\n\r\n",
    "GET /li ve HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /live HTTP/1.1\r\n\r\n",
    "GET /live HTTP/1.1\r\nHost: h\r\nHost: other\r\n\r\n",
    "GET /live HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n",
    "G\0T /live HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /live HTTP/1.1\r\nHost: h\r\n: nameless\r\n\r\n",
];

/// Sound requests in odd clothes: their end is where everybody sees it.
const SOUND: [(&str, &str); 8] = [
    ("Content-Length: 5", "hello"),
    ("Content-Length:\t5", "hello"),
    ("Transfer-Encoding: chunked", CHUNKED),
    ("transfer-encoding:chunked", CHUNKED),
    ("Transfer-Encoding: CHUNKED", CHUNKED),
    ("Transfer-Encoding: chunked", "5;name=value\r\nhello\r\n0\r\n\r\n"),
    ("Transfer-Encoding: chunked", "005\r\nhello\r\n000\r\n\r\n"),
    ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"),
];

fn post(headers: &str, body: &str) -> String {
    format!("POST /v1/models HTTP/1.1\r\nHost: h\r\n{headers}\r\n\r\n{body}")
}

fn refused() -> Vec<String> {
    let codings = CODINGS.map(|headers| post(headers, CHUNKED));
    let lengths = LENGTHS.map(|headers| post(headers, "hello"));
    let chunks = CHUNKS.map(|body| post("Transfer-Encoding: chunked", body));
    codings.into_iter().chain(lengths).chain(chunks).chain(HEADS.map(str::to_owned)).collect()
}

#[test]
fn what_two_readers_would_end_at_different_places_is_refused_and_nothing_behind_it_is_answered() {
    let scene = Scene::start(BINARY);
    let address = scene.gateway.address();
    let cases = refused();
    println!("{} refused, {} sound", cases.len(), SOUND.len());
    assert!(cases.len() >= 60);
    let mut wrong: Vec<String> = cases.iter().filter_map(|case| refusal_fault(address, case)).collect();
    for (headers, body) in SOUND {
        let told = tell(address, (post(headers, body) + BEHIND).as_bytes());
        // Nobody reads a body without a key: its connection may be closed behind the first answer.
        if !told.closed || !matches!(told.statuses().as_slice(), [401] | [401, 401]) {
            wrong.push(format!("{headers:?} {body:?}: {:?}", told.statuses()));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    // Otherwise strangers would write the log, as fast as they can send.
    assert!(!scene.gateway.logs().contains("actix"), "{}", scene.gateway.logs());
}

/// What is wrong about how `case` is refused.
fn refusal_fault(address: SocketAddr, case: &str) -> Option<String> {
    let told = tell(address, format!("{case}{BEHIND}").as_bytes());
    let statuses = told.statuses();
    // A body that turns out to be none is found when its head may already have been answered.
    let refused = matches!(statuses.as_slice(), [400..=499]) || (statuses.is_empty() && told.closed);
    (!refused || !told.closed).then(|| format!("{case:?}: {statuses:?}, closed: {}", told.closed))
}

#[test]
fn whatever_host_a_request_names_the_answer_is_the_same() {
    let scene = Scene::start(BINARY);
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let (address, key) = (scene.gateway.address(), &scene.key.secret);
    let body = ask(&json!({})).to_string();
    let length = body.len();
    for host in ["h", "", "127.0.0.1:1", "a/b", "a?b", "a#b", "u@h", "h:99999", "/v1/models", "api.openai.com"] {
        for (key, status) in [(key.as_str(), 200), ("sk-ft-wrong", 401)] {
            let head = format!("Authorization: Bearer {key}\r\nConnection: close\r\nContent-Length: {length}");
            for target in ["/v1/chat/completions", "http://elsewhere.example/v1/chat/completions"] {
                let told =
                    tell(address, format!("POST {target} HTTP/1.1\r\nHost: {host}\r\n{head}\r\n\r\n{body}").as_bytes());
                let right = matches!(told.statuses().as_slice(), [told] if *told == status || *told == 400);
                assert!(right && told.closed, "{host:?} {target}: {:?}", told.statuses());
            }
        }
    }
}
