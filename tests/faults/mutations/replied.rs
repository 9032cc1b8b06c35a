//! Mutated replies: what stands in them, their heads and their framing, in every dialect, whole and streamed.

use farthing_support::{Dialect, Reply, Tokens};
use serde_json::Value;

use super::asked::{huge, twice};
use super::client::{Heard, Line};
use super::mutate;
use super::peer::{Asked, EVENTS, Given, JSON, chunked, streams, whole};
use super::random::Random;
use crate::speech::question;

/// A sound request: it is the reply that is mutated.
pub(crate) fn ask(line: &mut Line, random: &mut Random, key: &str) -> Heard {
    let (client, provider, stream) = (*random.of(&Dialect::ALL), *random.of(&Dialect::ALL), random.once_in(2));
    let body = question(client, provider.name(), stream).to_string();
    let (path, length) = (client.path(provider.name(), stream), body.len());
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: {JSON}\r\n");
    line.ask(format!("{head}content-length: {length}\r\n\r\n{body}").as_bytes())
}

/// What a provider does to the reply of each call, by the call's number.
pub(crate) struct Replies {
    first: u64,
    words: Vec<Value>,
    others: Vec<Vec<u8>>,
}

impl Replies {
    pub(crate) fn new(first: u64) -> Self {
        let (mut words, mut others) = (Vec::new(), Vec::new());
        for dialect in Dialect::ALL {
            for stream in [false, true] {
                let body = question(dialect, dialect.name(), stream);
                for written in good(0).written(&dialect.path(dialect.name(), stream), &body) {
                    let json =
                        written.find('{').zip(written.rfind('}')).and_then(|(start, end)| written.get(start..=end));
                    let json = json.and_then(|json| serde_json::from_str(json).ok());
                    mutate::gather(&json.unwrap_or(Value::Null), &mut words);
                    others.push(written.into_bytes());
                }
            }
        }
        Self { first, words, others }
    }

    pub(crate) fn to(&self, asked: &Asked) -> Given {
        let random = &mut Random::new(self.first.wrapping_add(asked.serial));
        let written = good(random.below(4)).written(&asked.path, &asked.body);
        let events: Vec<Vec<u8>> = written.into_iter().map(String::into_bytes).collect();
        if random.below(3) > 0 {
            return self.content(random, asked, events);
        }
        self.carriage(random, asked, &events)
    }

    /// What stands in the reply, in a sound frame.
    fn content(&self, random: &mut Random, asked: &Asked, mut events: Vec<Vec<u8>>) -> Given {
        if !streams(asked) {
            return whole(200, JSON, &self.document(random, &events.concat()));
        }
        match random.below(6) {
            0 => {
                let mut all = events.concat();
                mutate::bytes(random, &mut all);
                events = all.chunks(1 + random.below(200)).map(<[u8]>::to_vec).collect();
            }
            1 => events = vec![mutate::framing(random, &events.concat())],
            2 => {
                let text = String::from_utf8_lossy(&events.concat()).into_owned();
                events = vec![if random.once_in(2) { huge(random, &text) } else { twice(random, &text) }];
            }
            _ => mutate::events(random, &mut events, &self.others, &self.words),
        }
        Given { bytes: chunked(EVENTS, events.iter().map(Vec::as_slice)), close: false }
    }

    fn document(&self, random: &mut Random, good: &[u8]) -> Vec<u8> {
        let mut document: Value = serde_json::from_slice(good).expect("what support writes is JSON");
        match random.below(5) {
            0 => twice(random, &document.to_string()),
            1 => huge(random, &document.to_string()),
            2 => {
                let mut bytes = good.to_vec();
                mutate::bytes(random, &mut bytes);
                bytes
            }
            _ => {
                mutate::document(random, &mut document, &self.words);
                document.to_string().into_bytes()
            }
        }
    }

    /// How the reply is carried: status, head, framing, end.
    fn carriage(&self, random: &mut Random, asked: &Asked, events: &[Vec<u8>]) -> Given {
        let sound = if streams(asked) {
            chunked(EVENTS, events.iter().map(Vec::as_slice))
        } else {
            whole(200, JSON, &events.concat()).bytes
        };
        let mut bytes = match random.below(12) {
            0 => {
                let kinds =
                    ["text/html", "application/octet-stream", "", "text/event-stream", JSON, "image/png; x=\"\u{1}\""];
                return whole(200, *random.of(&kinds) as &str, &events.concat());
            }
            1 => {
                let status = *random.of(&[
                    201, 204, 206, 301, 302, 304, 400, 401, 403, 404, 413, 418, 422, 429, 500, 502, 503, 529, 599, 999,
                ]);
                let body = self.document(random, DOCUMENT);
                // After 204 and 304 no body belongs to the reply: whatever comes is the next one's beginning.
                return Given { close: true, ..whole(status, JSON, &body) };
            }
            2 => flood(random, &sound),
            3 => crowd(random, &sound),
            4 => {
                let lines = [
                    "content-encoding: gzip",
                    "transfer-encoding: gzip",
                    "content-length: 7",
                    "connection: close",
                    "trailer: x",
                ];
                let line = *random.of(&lines);
                with_line(&sound, line)
            }
            5 if random.once_in(40) => {
                let endless = vec![b'x'; 3 << 19];
                chunked(EVENTS, [b"data: ".as_slice(), &endless].into_iter())
            }
            6 => sound.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]),
            7 => replaced(&sound, b"\r\n\r\n", b"\r\n\r\nffffffffffffffff\r\n"),
            // Ends early.
            _ => sound[..random.below(sound.len())].to_vec(),
        };
        if random.once_in(3) {
            mutate::bytes(random, &mut bytes);
        }
        Given { bytes, close: true }
    }
}

const DOCUMENT: &[u8] = br#"{"type":"error","error":{"type":"overloaded_error","code":503,"status":"UNAVAILABLE",
"message":"no","param":null}}"#;

fn good(kind: usize) -> Reply {
    let plain = Reply::chat(Tokens { prompt: 9, cached: 4, completion: 7, reasoning: 2 }).chunks(3);
    match kind {
        0 => plain,
        1 => plain.thinking("let me think"),
        2 => plain.call("call_1", "f", r#"{"city":"Oslo"}"#).call("call_2", "f", "{}"),
        _ => plain.capped(),
    }
}

/// Answers before the answer.
fn flood(random: &mut Random, sound: &[u8]) -> Vec<u8> {
    let early = *random.of(&[
        b"HTTP/1.1 100 Continue\r\n\r\n".as_slice(),
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ]);
    let count = if random.once_in(20) { 20_000 } else { 1 + random.below(20) };
    [early.repeat(count), sound.to_vec()].concat()
}

/// A head that hardly ends.
fn crowd(random: &mut Random, sound: &[u8]) -> Vec<u8> {
    let lines = if random.once_in(10) { 60_000 } else { random.below(300) };
    let more: String = (0..lines).map(|n| format!("x-{n}: {n}\r\n")).collect();
    with_line(sound, more.trim_end())
}

fn with_line(sound: &[u8], line: &str) -> Vec<u8> {
    replaced(sound, b"\r\n", format!("\r\n{line}\r\n").as_bytes())
}

/// The first `from` gives way to `to`.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap_or(0);
    [&bytes[..at], to, &bytes[(at + from.len()).min(bytes.len())..]].concat()
}
