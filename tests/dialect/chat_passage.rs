//! `openai_chat` to `openai_chat`: what passes is what came, however it is cut.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use farthing::dialect::openai_chat::{ChatStream, reply};
use farthing::dialect::{Reading, StreamEnd, StreamFault};
use serde_json::Value;

use crate::recordings::{self, Relayed};

const SPLICED: &str = r#"{"cost_usd":"0.1"}"#;

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn index(folder: &Path) -> Vec<Value> {
    let text = std::fs::read(folder.join("index.json")).unwrap();
    serde_json::from_slice::<Value>(&text).unwrap()["fixtures"].as_array().unwrap().clone()
}

fn body(folder: &Path, fixture: &Value) -> Bytes {
    Bytes::from(std::fs::read(folder.join(fixture["file"].as_str().unwrap())).unwrap())
}

fn relay_every_way(name: &str, body: &Bytes, wants_usage: bool) -> Relayed {
    recordings::relay_every_way(name, body, SPLICED, || Box::new(ChatStream::new(wants_usage)))
}

fn expected_usage(usage: &Value) -> impl Fn(Reading) -> bool + '_ {
    move |reading| match reading {
        Reading::Absent => usage.is_null(),
        Reading::Insane(_) => usage == "insane",
        Reading::Pictures(_) => false,
        Reading::Figures(figures) => serde_json::to_value(figures).unwrap() == *usage,
    }
}

fn end_of(relayed: &Relayed) -> &'static str {
    match (&relayed.fault, relayed.end) {
        (Some(StreamFault::UpstreamError(_)), _) => "error",
        (Some(_), _) => "garbage",
        (None, StreamEnd::Complete) => "complete",
        (None, StreamEnd::Cut) => "cut",
    }
}

#[test]
fn own_streams_are_the_same_however_they_are_cut() {
    let folder = folder("tests/fixtures/openai_chat");
    let streams: Vec<_> = index(&folder).into_iter().filter(|fixture| fixture["stream"] == true).collect();
    assert!(streams.len() >= 10);
    for (fixture, wants_usage) in streams.iter().flat_map(|stream| [(stream, true), (stream, false)]) {
        let name = fixture["file"].as_str().unwrap();
        let body = body(&folder, fixture);
        let relayed = relay_every_way(name, &body, wants_usage);
        assert!(expected_usage(&fixture["usage"])(relayed.usage), "{name}: {:?}", relayed.usage);
        assert_eq!(end_of(&relayed), fixture["end"], "{name}");
        assert_eq!(relayed.seen.text_bytes, fixture["text_bytes"], "{name}");
        assert_eq!(relayed.seen.events, fixture["events"], "{name}");
        check_bytes(name, &body, &relayed, wants_usage);
    }
}

/// What passed is a prefix of what came, up to the withheld chunks; the tail is exactly the rest that is due.
fn check_bytes(name: &str, body: &[u8], relayed: &Relayed, wants_usage: bool) {
    assert!(body.starts_with(&relayed.passed), "{name}: bytes were changed");
    let withheld = String::from_utf8_lossy(&body[relayed.passed.len()..]).into_owned();
    let tail = String::from_utf8_lossy(&relayed.tail).into_owned();
    assert!(tail.ends_with("data: [DONE]\n\n"), "{name}");
    let usage_only = relayed.done && withheld.contains("\"usage\"");
    assert_eq!(tail.contains(SPLICED), usage_only && wants_usage, "{name}");
    if usage_only && wants_usage {
        let chunk = withheld.split("data: [DONE]").next().unwrap();
        let spliced = tail.replace(&format!(",\"farthing\":{SPLICED}"), "");
        assert_eq!(spliced.split("data: [DONE]").next().unwrap().trim_end(), chunk.trim_end(), "{name}");
    }
}

#[test]
fn own_answers_are_read() {
    let folder = folder("tests/fixtures/openai_chat");
    for fixture in index(&folder).iter().filter(|fixture| fixture["stream"] == false) {
        let body = body(&folder, fixture);
        assert!(reply::is_answer(&body));
        let reading = reply::usage(&body);
        assert!(expected_usage(&fixture["usage"])(reading), "{}: {reading:?}", fixture["file"]);
    }
}

#[test]
fn recordings_are_read_as_recorded() {
    for recording in recordings::recordings("openai-chat") {
        if !recording.stream {
            recording.check_usage(reply::usage(&recording.body));
            continue;
        }
        let name = &recording.name;
        let whole = relay_every_way(name, &recording.body, true);
        recording.check_usage(whole.usage);
        assert!(recording.body.starts_with(&whole.passed), "{name}: bytes were changed");
        let error = &recording.expected["error"];
        assert_eq!(end_of(&whole), if error.is_null() { "complete" } else { "error" }, "{name}");
        if let Some(StreamFault::UpstreamError(words)) = &whole.fault {
            assert_eq!(words.message, error["message"], "{name}");
            assert_eq!(words.code.as_deref(), error["code"].as_str(), "{name}");
        }
        let text = recording.expected["text_len"].as_u64().unwrap();
        assert!(whole.seen.text_bytes >= text && whole.done == error.is_null(), "{name}: {:?}", whole.seen);
    }
}

#[test]
fn recorded_embeddings_are_metered_as_recorded() {
    for recording in recordings::recordings("openai-embeddings") {
        if recording.is_refusal() {
            let words = farthing::dialect::UpstreamWords::read(&recording.body).unwrap();
            assert_eq!(words.message, recording.expected["error"]["message"], "{}", recording.name);
            continue;
        }
        recording
            .check_usage(farthing::dialect::plain::usage(farthing::dialect::Endpoint::Embeddings, &recording.body));
    }
}
