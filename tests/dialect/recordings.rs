//! Recordings of real providers, and what a reader must find in them.
//! Owns the folder, the ways a body is cut, and the comparison. They stand beside the project, not in it: where they
//! are absent there is nothing to compare, and the fixtures of our own writing remain.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use farthing::dialect::canonical::{Event, PartKind, Piece, Reply, Stop};
use farthing::dialect::passage::Decode;
use farthing::dialect::{Passage, Reading, Seen, StreamEnd, StreamFault};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// One recorded answer.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) stream: bool,
    pub(crate) framing: String,
    pub(crate) body: Bytes,
    /// The request it answered, where that was kept.
    pub(crate) request: Option<Bytes>,
    pub(crate) expected: Value,
}

/// What an answer says, as the index of the recordings says it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) refusal: String,
    /// Id, name and arguments.
    pub(crate) calls: Vec<(String, String, String)>,
    pub(crate) stop: Option<Stop>,
    pub(crate) usage: Option<Reading>,
}

/// Everything a client and the books see of one relayed stream.
#[derive(Debug, PartialEq)]
pub(crate) struct Relayed {
    pub(crate) passed: Vec<u8>,
    pub(crate) tail: Bytes,
    pub(crate) fault: Option<StreamFault>,
    pub(crate) end: StreamEnd,
    pub(crate) usage: Reading,
    pub(crate) seen: Seen,
    pub(crate) done: bool,
}

/// All recordings of `wire`; none where the folder is absent.
pub(crate) fn recordings(wire: &str) -> Vec<Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures");
    let Ok(text) = std::fs::read(folder.join("index.json")) else { return Vec::new() };
    let index: Value = serde_json::from_slice(&text).unwrap();
    let found = index["fixtures"].as_array().unwrap().iter().filter(|fixture| fixture["wire"] == wire);
    let found: Vec<_> = found.map(|fixture| Recording::read(&folder, fixture)).collect();
    assert!(!found.is_empty(), "no recording of {wire}");
    found
}

impl Recording {
    fn read(folder: &Path, fixture: &Value) -> Self {
        let file = |name: &str| fixture[name].as_str().map(|file| folder.join(file));
        let read = |path: PathBuf| Bytes::from(std::fs::read(path).unwrap());
        Self {
            name: fixture["id"].as_str().unwrap().to_owned(),
            stream: fixture["stream"] == true,
            framing: fixture["framing"].as_str().unwrap().to_owned(),
            body: read(file("file").unwrap()),
            request: file("request_file").map(read),
            expected: fixture["expected"].clone(),
        }
    }

    /// Whether the answer is an error, by status.
    pub(crate) fn is_refusal(&self) -> bool {
        !self.stream && !self.expected["error"].is_null()
    }

    /// Compares what was read with what was recorded.
    pub(crate) fn check(&self, told: &Told) {
        let (name, expected) = (&self.name, &self.expected);
        let sum = Sha256::digest(told.text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(sum, expected["text_sha256"].as_str().unwrap(), "{name}: text {:?}", told.text);
        let prefix = expected["reasoning_prefix"].as_str().unwrap();
        assert!(told.reasoning.starts_with(prefix), "{name}: reasoning {:?}", told.reasoning);
        assert_eq!(told.refusal, expected["refusal"].as_str().unwrap(), "{name}: refusal");
        self.check_calls(told);
        assert_eq!(told.stop.as_ref().map(finish), expected["finish"].as_str(), "{name}: finish");
        self.check_usage(told.usage.unwrap_or(Reading::Absent));
    }

    fn check_calls(&self, told: &Told) {
        let expected = self.expected["tool_calls"].as_array().unwrap();
        assert_eq!(told.calls.len(), expected.len(), "{}: calls {:?}", self.name, told.calls);
        for ((id, name, arguments), expected) in told.calls.iter().zip(expected) {
            // Where the provider gives no id, one is made up.
            let given = expected["id"].as_str().filter(|id| !id.is_empty());
            assert!(given.is_none_or(|given| given == id), "{}: {id}", self.name);
            assert!(!id.is_empty(), "{}: a call without id", self.name);
            assert_eq!(name, expected["name"].as_str().unwrap(), "{}", self.name);
            let arguments = if arguments.is_empty() { "{}" } else { arguments.as_str() };
            assert_eq!(serde_json::from_str::<Value>(arguments).unwrap(), expected["arguments"], "{}", self.name);
        }
    }

    /// Recordings count the whole prompt and all output, and the parts of both.
    pub(crate) fn check_usage(&self, reading: Reading) {
        let (name, expected) = (&self.name, &self.expected["usage"]);
        let Reading::Figures(usage) = reading else {
            assert!(reading == Reading::Absent && expected.is_null(), "{name}: {reading:?}");
            return;
        };
        assert_eq!(usage.prompt(), expected["input"], "{name}: prompt");
        assert_eq!(usage.generated(), expected["output"], "{name}: output");
        assert_eq!(usage.cache_read, expected["cached_input"], "{name}: cached");
        assert_eq!(usage.cache_write_5m + usage.cache_write_1h, expected["cache_write"], "{name}: cache write");
        assert_eq!(usage.reasoning, expected["reasoning"].as_u64().unwrap_or(0), "{name}: reasoning");
    }
}

fn finish(stop: &Stop) -> &'static str {
    match stop {
        Stop::End | Stop::StopText(_) => "stop",
        Stop::Length => "length",
        Stop::ToolCalls => "tool_calls",
        Stop::Refusal => "refusal",
        Stop::Filtered => "content_filter",
        Stop::Pause => "pause",
        Stop::Other(_) => "other",
    }
}

/// What the first choice of a whole answer says.
pub(crate) fn told(reply: &Reply) -> Told {
    let mut told = Told { usage: Some(reply.usage), ..Told::default() };
    let Some(choice) = reply.choices.first() else { return told };
    told.stop = Some(choice.stop.clone());
    for part in &choice.parts {
        match &part.kind {
            PartKind::Text(text) => told.text.push_str(text),
            PartKind::Reasoning(reasoning) => told.reasoning.push_str(&reasoning.text),
            PartKind::Refusal(text) => told.refusal.push_str(text),
            PartKind::ToolCall(call) => {
                told.calls.push((call.id.clone(), call.name.clone(), call.arguments.clone()));
            }
            _ => {}
        }
    }
    told
}

/// What the first choice of a streamed answer says.
pub(crate) fn gathered(events: &[Event]) -> Told {
    let mut told = Told::default();
    for event in events {
        match event {
            Event::More { choice: 0, piece } => add(&mut told, piece),
            Event::Finished { choice: 0, stop } => told.stop = Some(stop.clone()),
            Event::Usage(reading) => told.usage = Some(*reading),
            _ => {}
        }
    }
    told
}

fn add(told: &mut Told, piece: &Piece) {
    match piece {
        Piece::Text(text) => told.text.push_str(text),
        Piece::Reasoning(text) => told.reasoning.push_str(text),
        Piece::Refusal(text) => told.refusal.push_str(text),
        Piece::ToolCall { call, id, name, .. } => {
            assert_eq!(*call, told.calls.len(), "calls begin in order");
            told.calls.push((id.clone(), name.clone(), String::new()));
        }
        Piece::Arguments { call, text } => told.calls[*call].2.push_str(text),
        Piece::Sealed { .. } | Piece::LogProbs(_) => {}
    }
}

/// Where a body is cut in two: everywhere, or at five hundred places where it is long. Byte by byte it is cut
/// everywhere.
fn cuts(body: &Bytes) -> impl Iterator<Item = usize> + use<> {
    (0..=body.len()).step_by(body.len() / 500 + 1)
}

/// Decodes a body whole, cut once at every place, and byte by byte; all must say the same. Gives the events of the
/// whole.
pub(crate) fn decode_every_way(
    name: &str,
    body: &Bytes,
    make: impl Fn() -> Box<dyn Decode>,
) -> (Vec<Event>, Result<StreamEnd, StreamFault>) {
    let whole = decode(make(), [body.clone()]);
    for cut in cuts(body) {
        let parts = decode(make(), [body.slice(..cut), body.slice(cut..)]);
        // Text may be cut where the body was; what it adds up to may not differ. Ids made up differ between runs.
        assert!(same(&parts.0, &whole.0) && parts.1 == whole.1, "{name} cut at {cut}");
    }
    let bytewise = decode(make(), (0..body.len()).map(|at| body.slice(at..=at)));
    assert!(same(&bytewise.0, &whole.0) && bytewise.1 == whole.1, "{name} byte by byte");
    whole
}

fn same(one: &[Event], other: &[Event]) -> bool {
    let nameless = |events: &[Event]| {
        let mut told = gathered(events);
        told.calls.iter_mut().for_each(|call| call.0.clear());
        told
    };
    one.len() == other.len() && nameless(one) == nameless(other)
}

fn decode(
    mut decoder: Box<dyn Decode>,
    chunks: impl IntoIterator<Item = Bytes>,
) -> (Vec<Event>, Result<StreamEnd, StreamFault>) {
    let mut events = Vec::new();
    for chunk in chunks {
        if decoder.is_done() {
            break;
        }
        if let Err(fault) = decoder.push(&chunk, &mut events) {
            return (events, Err(fault));
        }
    }
    let end = if decoder.is_done() { StreamEnd::Complete } else { decoder.finish(&mut events) };
    (events, Ok(end))
}

/// Relays a body whole, cut once at every place, and byte by byte; all must be the same.
pub(crate) fn relay_every_way(
    name: &str,
    body: &Bytes,
    farthing: &str,
    make: impl Fn() -> Box<dyn Passage>,
) -> Relayed {
    let whole = relay(make(), farthing, [body.clone()]);
    for cut in cuts(body) {
        let parts = [body.slice(..cut), body.slice(cut..)];
        assert_eq!(relay(make(), farthing, parts), whole, "{name} cut at {cut}");
    }
    let bytewise = (0..body.len()).map(|at| body.slice(at..=at));
    assert_eq!(relay(make(), farthing, bytewise), whole, "{name} byte by byte");
    whole
}

fn relay(mut stream: Box<dyn Passage>, farthing: &str, chunks: impl IntoIterator<Item = Bytes>) -> Relayed {
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
    Relayed { passed, tail: stream.tail(Some(farthing)), fault, end, usage, seen, done }
}
