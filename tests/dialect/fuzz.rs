//! Fuzzing: mutated and random input for every reader of every dialect, for a bounded time.
//! Owns the targets and the clock. `FARTHING_FUZZ_SECONDS` is the time of each target (10), `FARTHING_SEED` begins with
//! the case a failure named. Each target is a test of its own, so that they run side by side.
#![expect(clippy::disallowed_methods, reason = "time and seed are given from outside, and the clock bounds the search")]

#[path = "fuzz/corpus.rs"]
pub(crate) mod corpus;
#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/pieces.rs"]
mod pieces;
#[path = "fuzz/random.rs"]
mod random;
#[path = "fuzz/streams.rs"]
mod streams;
#[path = "fuzz/whole.rs"]
mod whole;

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use bytes::Bytes;
use farthing::dialect::{
    ChatRequest, Framing, GeminiRequest, MessagesRequest, Passage, Reading, Request, RequestFault, ResponsesRequest,
    StreamEnd, StreamFault,
};
use farthing_actors::domain::Dialect;

use self::corpus::Corpus;
use self::random::Random;

pub(crate) const DIALECTS: [Dialect; 4] =
    [Dialect::OpenaiChat, Dialect::OpenaiResponses, Dialect::Anthropic, Dialect::Gemini];

/// Seconds for each target where nobody says otherwise: eleven targets on two cores take a minute.
const SECONDS: u64 = 10;

/// One case: what a failure prints.
struct Case {
    seed: u64,
    random: Random,
    input: Vec<u8>,
}

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let shown = self.input.get(..8_192).unwrap_or(&self.input);
            println!("again: FARTHING_SEED={}\n{} bytes: {}", self.seed, self.input.len(), shown.escape_ascii());
        }
    }
}

/// Runs cases until the time is over; each has a seed of its own.
fn fuzz(mut one: impl FnMut(&mut Case)) {
    let given = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let first = given("FARTHING_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let time = Duration::from_secs(given("FARTHING_FUZZ_SECONDS").unwrap_or(SECONDS));
    println!("FARTHING_SEED={first}");
    let begin = Instant::now();
    let mut cases = 0;
    while cases == 0 || begin.elapsed() < time {
        let seed = first.wrapping_add(cases);
        one(&mut Case { seed, random: Random::new(seed), input: Vec::new() });
        cases += 1;
    }
    println!("{cases} cases in {:?}", begin.elapsed());
}

fn whole(dialect: Dialect) {
    let corpus = Corpus::of(dialect);
    fuzz(|case| {
        if case.random.once_in(2) {
            whole::request(case, dialect, &corpus);
        } else {
            whole::reply(case, dialect, &corpus);
        }
    });
}

fn streams(dialect: Dialect) {
    let corpus = Corpus::of(dialect);
    fuzz(|case| streams::stream(case, dialect, &corpus));
}

#[test]
fn sse_decoder() {
    let corpus = Corpus::of(Dialect::OpenaiChat);
    fuzz(|case| pieces::events(case, &corpus));
}

#[test]
fn splices() {
    let corpus = Corpus::of(Dialect::OpenaiChat);
    fuzz(|case| pieces::splice(case, &corpus));
}

#[test]
fn chat_whole() {
    whole(Dialect::OpenaiChat);
}

#[test]
fn chat_streams() {
    streams(Dialect::OpenaiChat);
}

#[test]
fn responses_whole() {
    whole(Dialect::OpenaiResponses);
}

#[test]
fn responses_streams() {
    streams(Dialect::OpenaiResponses);
}

#[test]
fn anthropic_whole() {
    whole(Dialect::Anthropic);
}

#[test]
fn anthropic_streams() {
    streams(Dialect::Anthropic);
}

#[test]
fn gemini_whole() {
    whole(Dialect::Gemini);
}

#[test]
fn gemini_streams() {
    streams(Dialect::Gemini);
}

#[test]
fn ollama_streams() {
    fuzz(streams::lines);
}

/// A request in `dialect`.
pub(crate) fn parse(dialect: Dialect, body: &[u8], stream: bool) -> Result<Request, RequestFault> {
    let body = Bytes::copy_from_slice(body);
    Ok(match dialect {
        // No client speaks Ollama's.
        Dialect::OpenaiChat | Dialect::OllamaChat => Request::Chat(ChatRequest::parse(body)?),
        Dialect::OpenaiResponses => Request::Responses(ResponsesRequest::parse(body)?),
        Dialect::Anthropic => Request::Messages(MessagesRequest::parse(body)?),
        Dialect::Gemini => Request::Gemini(GeminiRequest::parse(body, "m", stream)?, Framing::Sse),
    })
}

/// How the recordings call a dialect.
pub(crate) fn wire(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenaiChat => "openai-chat",
        Dialect::OpenaiResponses => "openai-responses",
        Dialect::Anthropic => "anthropic-messages",
        Dialect::Gemini => "gemini-generate",
        Dialect::OllamaChat => "ollama-chat",
    }
}

/// What a client and the books see of a stream.
#[derive(Debug, PartialEq)]
pub(crate) struct Played {
    pub(crate) passed: Vec<u8>,
    pub(crate) tail: Bytes,
    pub(crate) fault: Option<StreamFault>,
    pub(crate) end: StreamEnd,
    pub(crate) usage: Reading,
    pub(crate) text_bytes: u64,
    pub(crate) done: bool,
}

impl Played {
    /// All bytes the client got, if the stream ended well.
    pub(crate) fn all(&self) -> Vec<u8> {
        [&self.passed[..], &self.tail[..]].concat()
    }

    pub(crate) fn is_good(&self) -> bool {
        self.fault.is_none() && self.end == StreamEnd::Complete
    }
}

/// Relays a stream in these chunks.
pub(crate) fn play(passage: &mut dyn Passage, chunks: impl IntoIterator<Item = Vec<u8>>) -> Played {
    let (mut passed, mut fault) = (Vec::new(), None);
    for chunk in chunks {
        match passage.push(Bytes::from(chunk)) {
            Ok(due) => {
                assert!(fault.is_none() || due.is_empty(), "nothing follows a fault");
                passed.extend_from_slice(&due);
            }
            Err(met) => {
                passed.extend_from_slice(&passage.rest());
                fault = Some(met);
            }
        }
    }
    let (end, usage, text_bytes, done) =
        (passage.finish(), passage.usage(), passage.seen().text_bytes, passage.is_done());
    let tail = passage.tail(Some(FARTHING));
    Played { passed, tail, fault, end, usage, text_bytes, done }
}

pub(crate) const FARTHING: &str = r#"{"cost_usd":"0.1"}"#;

/// Figures that a bill may be made of.
pub(crate) fn check_usage(reading: Reading) {
    if let Reading::Figures(usage) = reading {
        assert!(usage.total() <= 1_000_000_000, "absurd usage: {usage:?}");
    }
}
