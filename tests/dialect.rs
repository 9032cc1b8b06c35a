//! The dialects against recorded answers: usage, and streams cut at every byte.
//! Own fixtures stand in `tests/fixtures`; where a folder of recordings stands beside the project, it is used too.

#[cfg(test)]
mod openai_chat {
    use std::path::{Path, PathBuf};

    use bytes::Bytes;
    use farthing::dialect::openai_chat::{ChatStream, reply};
    use farthing::dialect::{Passage, Reading, Seen, StreamEnd, StreamFault};
    use farthing_actors::domain::Usage;
    use serde_json::Value;

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

    /// Everything a client and the books see of one stream.
    #[derive(Debug, PartialEq)]
    struct Relayed {
        passed: Vec<u8>,
        tail: Bytes,
        fault: Option<StreamFault>,
        end: StreamEnd,
        usage: Reading,
        seen: Seen,
        done: bool,
    }

    fn relay(wants_usage: bool, chunks: impl IntoIterator<Item = Bytes>) -> Relayed {
        let mut stream = ChatStream::new(wants_usage);
        let (mut passed, mut fault) = (Vec::new(), None);
        for chunk in chunks {
            match stream.push(chunk) {
                Ok(due) => passed.extend_from_slice(&due),
                Err(met) => {
                    passed.extend_from_slice(&stream.rest());
                    fault = Some(met);
                }
            }
        }
        let (end, usage, seen, done) = (stream.finish(), stream.usage(), stream.seen(), stream.is_done());
        Relayed { passed, tail: stream.tail(Some(SPLICED)), fault, end, usage, seen, done }
    }

    /// Relays a body whole, cut once at every place, and byte by byte; all must be the same.
    fn relay_every_way(name: &str, body: &Bytes, wants_usage: bool) -> Relayed {
        let whole = relay(wants_usage, [body.clone()]);
        for cut in 0..=body.len() {
            let parts = [body.slice(..cut), body.slice(cut..)];
            assert_eq!(relay(wants_usage, parts), whole, "{name} cut at {cut}");
        }
        let bytewise = (0..body.len()).map(|at| body.slice(at..=at));
        assert_eq!(relay(wants_usage, bytewise), whole, "{name} byte by byte");
        whole
    }

    fn expected_usage(usage: &Value) -> impl Fn(Reading) -> bool + '_ {
        move |reading| match reading {
            Reading::Absent => usage.is_null(),
            Reading::Insane(_) => usage == "insane",
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

    /// Recordings count the whole prompt and all output, and the parts of both.
    fn as_recorded(name: &str, expected: &Value, reading: Reading) {
        let Reading::Figures(usage) = reading else {
            assert!(reading == Reading::Absent && expected.is_null(), "{name}: {reading:?}");
            return;
        };
        let Usage { cache_read, cache_write_5m, reasoning, .. } = usage;
        assert_eq!(usage.prompt(), expected["input"], "{name}: prompt");
        assert_eq!(usage.generated(), expected["output"], "{name}: output");
        assert_eq!(cache_read, expected["cached_input"], "{name}: cached");
        assert_eq!(cache_write_5m, expected["cache_write"], "{name}: cache write");
        assert_eq!(reasoning, expected["reasoning"].as_u64().unwrap_or(0), "{name}: reasoning");
    }

    #[test]
    fn recordings_are_read_as_recorded() {
        let folder = folder("../shared/fixtures");
        if !folder.join("index.json").exists() {
            return;
        }
        let fixtures = index(&folder);
        let chats: Vec<_> = fixtures.iter().filter(|fixture| fixture["wire"] == "openai-chat").collect();
        assert!(!chats.is_empty());
        for fixture in chats {
            let (name, body) = (fixture["file"].as_str().unwrap(), body(&folder, fixture));
            let expected = &fixture["expected"]["usage"];
            if fixture["stream"] == false {
                as_recorded(name, expected, reply::usage(&body));
                continue;
            }
            let whole = relay(true, [body.clone()]);
            as_recorded(name, expected, whole.usage);
            assert_eq!(relay(true, (0..body.len()).map(|at| body.slice(at..=at))), whole, "{name}");
            assert!(body.starts_with(&whole.passed), "{name}: bytes were changed");
            let error = &fixture["expected"]["error"];
            assert_eq!(end_of(&whole), if error.is_null() { "complete" } else { "error" }, "{name}");
            if let Some(StreamFault::UpstreamError(words)) = &whole.fault {
                assert_eq!(words.message, error["message"], "{name}");
                assert_eq!(words.code.as_deref(), error["code"].as_str(), "{name}");
            }
            let text = fixture["expected"]["text_len"].as_u64().unwrap();
            assert!(whole.seen.text_bytes >= text && whole.done == error.is_null(), "{name}: {:?}", whole.seen);
        }
    }
}
