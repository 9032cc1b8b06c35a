//! Streams of every pair of dialects, good and broken, in chunks of every size.

use bytes::Bytes;
use farthing::dialect::canonical::{Event, Piece, Stop};
use farthing::dialect::passage::Decode;
use farthing::dialect::sse::{MAX_EVENT, Oversized, Splitter};
use farthing::dialect::{
    Framing, GeminiRequest, Request, StreamEnd, StreamFault, answer, anthropic, gemini, ollama_chat, openai_chat,
    openai_responses,
};
use farthing_actors::domain::Dialect;

use super::corpus::{Corpus, small};
use super::pieces::chunks;
use super::{Case, DIALECTS, Played, check_usage, mutate, parse, play};
use crate::allocated;
use crate::ollama::STREAM;

const SLACK: usize = 1024 * 1024;

pub(super) fn stream(case: &mut Case, dialect: Dialect, corpus: &Corpus) {
    make(case, dialect, corpus);
    for client in DIALECTS {
        let framings: &[Framing] =
            if client == Dialect::Gemini { &[Framing::Sse, Framing::Array] } else { &[Framing::Sse] };
        for framing in framings {
            relay(case, dialect, client, *framing);
        }
    }
}

/// Ollama's lines, for clients of every dialect.
pub(super) fn lines(case: &mut Case) {
    let random = &mut case.random;
    let known: Vec<&str> = STREAM.lines().filter(|line| !line.is_empty()).collect();
    let mut input = STREAM.as_bytes().to_vec();
    if !random.once_in(6) {
        let picked: Vec<&str> = (0..=random.below(8)).map(|_| *random.of(&known)).collect();
        input = picked.join("\n").into_bytes();
    }
    if random.once_in(3) {
        mutate::bytes(random, &mut input);
    }
    case.input = input;
    for client in DIALECTS {
        relay(case, Dialect::OllamaChat, client, Framing::Sse);
    }
}

fn make(case: &mut Case, dialect: Dialect, corpus: &Corpus) {
    let random = &mut case.random;
    let mut events = random.of(&corpus.own.streams).clone();
    if !random.once_in(6) {
        mutate::events(random, &mut events, &corpus.events, &corpus.words);
    }
    let mut input = events.concat();
    if dialect == Dialect::Gemini && random.once_in(3) {
        input = array(&input);
    }
    if random.once_in(4) {
        input = mutate::framing(random, &input);
    }
    if random.once_in(4) {
        mutate::bytes(random, &mut input);
    }
    if random.once_in(400) {
        let at = random.below(input.len());
        let byte = *random.of(b" x\n[");
        // A million empty events take their time; a line may be longer.
        let length = if byte == b'\n' { MAX_EVENT / 8 } else { 10 * MAX_EVENT };
        drop(input.splice(at..at, std::iter::repeat_n(byte, length)));
    }
    case.input = input;
}

/// Events as the elements of one array.
fn array(stream: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(stream);
    let elements: Vec<&str> = text.split("data: ").skip(1).map(str::trim).collect();
    format!("[{}]", elements.join(",\r\n")).into_bytes()
}

fn request(client: Dialect, framing: Framing) -> Request {
    if client == Dialect::Gemini {
        let body = Bytes::from_static(small(client).as_bytes());
        return Request::Gemini(GeminiRequest::parse(body, "m", true).unwrap(), framing);
    }
    parse(client, small(client).as_bytes(), true).unwrap()
}

fn relay(case: &mut Case, spoken: Dialect, client: Dialect, framing: Framing) {
    let request = request(client, framing);
    let run = |chunks| play(&mut *answer::passage(&request, spoken, 1), chunks);
    let whole = run(vec![case.input.clone()]);
    let parts = chunks(&mut case.random, &case.input);
    let (cut, held) = allocated::measure(|| run(parts));
    let (pair, size) = (format!("{spoken:?} to {client:?} {framing:?}"), case.input.len());
    assert_eq!(
        (&cut.fault, cut.end, cut.usage, cut.done),
        (&whole.fault, whole.end, whole.usage, whole.done),
        "{pair}"
    );
    assert_eq!(cut.text_bytes, whole.text_bytes, "{pair}: text seen");
    check_usage(cut.usage);
    assert!(cut.text_bytes <= 2 * u64::try_from(size).unwrap(), "{pair}: {} of text in {size}", cut.text_bytes);
    assert!(held <= 60 * size + 2 * SLACK, "{pair}: {held} bytes held for {size}");
    assert!(cut.all().len() <= 40 * size + SLACK, "{pair}: {} bytes written for {size}", cut.all().len());
    if spoken == client {
        assert_eq!((&cut.passed, &cut.tail), (&whole.passed, &whole.tail), "{pair}: the chunks decide");
        faithful(&pair, &case.input, &cut);
    } else {
        readable(&pair, spoken, client, &cut, &case.input);
    }
}

/// What passed is the provider's own events, unchanged and in their order.
fn faithful(pair: &str, input: &[u8], played: &Played) {
    let shown = || played.passed.escape_ascii();
    if input.trim_ascii_start().starts_with(b"[") {
        assert!(input.starts_with(&played.passed), "{pair}: {}", shown());
        return;
    }
    let mut came = cut(&[input, b"\n\n"].concat()).into_iter();
    for event in cut(&played.passed) {
        // The last event of a stream may lack its blank line.
        assert!(came.any(|other| other.trim_ascii_end() == event.trim_ascii_end()), "{pair}: {}", shown());
    }
}

fn cut(stream: &[u8]) -> Vec<Vec<u8>> {
    let (mut splitter, mut events) = (Splitter::default(), Vec::new());
    let (_, _) = splitter.sift(&Bytes::copy_from_slice(stream), |event| {
        events.push(event.to_vec());
        Ok::<_, Oversized>(true)
    });
    events.push(splitter.take_pending().to_vec());
    events.retain(|event| !event.is_empty());
    events
}

/// What was written is a good stream in the client's dialect that says the same; broken off, it has no end.
fn readable(pair: &str, spoken: Dialect, client: Dialect, played: &Played, input: &[u8]) {
    let body = if played.is_good() { played.all() } else { played.passed.clone() };
    let (events, end) = decode(client, &body);
    let (told, _) = decode(spoken, input);
    let shown = || body.escape_ascii();
    let finished = |events: &[Event]| events.iter().any(|event| matches!(event, Event::Finished { .. }));
    if !played.is_good() {
        // A provider may fail after it said why the answer ends; only then does what passed look whole.
        assert!(finished(&told) || end == Ok(StreamEnd::Cut), "{pair}: {end:?}: {}", shown());
        return;
    }
    assert_eq!(end, Ok(StreamEnd::Complete), "{pair}: {}", shown());
    let (there, all, least) = (said(&events), said(&told), said(before_the_end(&told)));
    // What follows the end may come through, and a model that declined and does not say so is given words that do.
    let within = there.text.starts_with(&least.text) && (all.declined || all.text.starts_with(&there.text));
    assert!(within, "{pair}: {:?} of {:?}: {}", there.text, all.text, shown());
    assert!(there.calls.starts_with(&least.calls) && all.calls.starts_with(&there.calls), "{pair}: {}", shown());
}

fn before_the_end(events: &[Event]) -> &[Event] {
    let end = events.iter().position(|event| matches!(event, Event::Finished { choice: 0, .. }));
    &events[..end.unwrap_or(events.len())]
}

fn decode(dialect: Dialect, body: &[u8]) -> (Vec<Event>, Result<StreamEnd, StreamFault>) {
    let mut decoder: Box<dyn Decode> = match dialect {
        Dialect::OpenaiChat => Box::new(openai_chat::ChatDecoder::new()),
        Dialect::OpenaiResponses => Box::new(openai_responses::ResponsesDecoder::new()),
        Dialect::Anthropic => Box::new(anthropic::MessagesDecoder::new()),
        Dialect::Gemini => Box::new(gemini::GeminiDecoder::new()),
        Dialect::OllamaChat => Box::new(ollama_chat::OllamaDecoder::new()),
    };
    let mut events = Vec::new();
    let outcome = decoder.push(&Bytes::copy_from_slice(body), &mut events);
    let end = outcome.map(|()| if decoder.is_done() { StreamEnd::Complete } else { decoder.finish(&mut events) });
    (events, end)
}

#[derive(Default)]
struct Said {
    text: String,
    declined: bool,
    calls: Vec<String>,
}

/// What the first choice says. A call without a name may be left out.
fn said(events: &[Event]) -> Said {
    let mut said = Said::default();
    for event in events {
        match event {
            Event::More { choice: 0, piece: Piece::Text(more) | Piece::Refusal(more) } => said.text.push_str(more),
            Event::More { choice: 0, piece: Piece::ToolCall { name, .. } } if !name.is_empty() => {
                said.calls.push(name.clone());
            }
            Event::Finished { choice: 0, stop } => said.declined |= *stop == Stop::Refusal,
            _ => {}
        }
    }
    said
}
