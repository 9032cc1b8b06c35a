//! The pieces all dialects stand on: events cut out of chunks, and members changed in place.

use bytes::Bytes;
use farthing::dialect::splice::Splice;
use farthing::dialect::sse::{Event, MAX_EVENT, Oversized, Splitter};
use farthing::dialect::walk::{Refused, walk};
use serde_json::Value;

use super::corpus::Corpus;
use super::random::Random;
use super::{Case, mutate};
use crate::allocated;

/// Events are the stream, byte for byte, however it is cut.
pub(super) fn events(case: &mut Case, corpus: &Corpus) {
    let random = &mut case.random;
    case.input = random.of(&corpus.own.streams).concat();
    if random.once_in(2) {
        case.input = mutate::framing(random, &case.input);
    }
    mutate::bytes(random, &mut case.input);
    if random.once_in(200) {
        let at = random.below(case.input.len());
        drop(case.input.splice(at..at, std::iter::repeat_n(*random.of(b"x\0[ "), 10 * MAX_EVENT)));
    }
    let (whole, outcome) = cut([case.input.clone()]);
    let ((parts, again), held) = allocated::measure(|| cut(chunks(random, &case.input)));
    assert_eq!((&parts, &again), (&whole, &outcome), "the chunks decide");
    assert!(held <= 4 * case.input.len() + 4 * MAX_EVENT, "{held} bytes held");
    let all = whole.concat();
    assert!(case.input.starts_with(&all), "bytes were changed");
    for event in &whole {
        assert!(event.len() <= MAX_EVENT);
        let read = Event::read(event);
        let span = read.data_span().unwrap_or_default();
        assert!(event.get(span).is_some() && read.data().len() <= event.len());
    }
    if outcome.is_ok() {
        assert!(case.input.len() - all.len() <= MAX_EVENT);
    }
}

fn cut(chunks: impl IntoIterator<Item = Vec<u8>>) -> (Vec<Vec<u8>>, Result<(), Oversized>) {
    let (mut splitter, mut events, mut outcome) = (Splitter::default(), Vec::new(), Ok(()));
    let mut kept = Vec::new();
    for chunk in chunks {
        let (due, met) = splitter.sift(&Bytes::from(chunk), |event| {
            events.push(event.to_vec());
            Ok::<_, Oversized>(true)
        });
        kept.extend_from_slice(&due);
        if met.is_err() {
            outcome = met;
            break;
        }
    }
    assert_eq!(kept, events.concat(), "what was wanted is what was given");
    (events, outcome)
}

/// `stream` in chunks: whole, byte by byte, or cut at random.
pub(super) fn chunks(random: &mut Random, stream: &[u8]) -> Vec<Vec<u8>> {
    let most = match random.below(4) {
        0 => stream.len() + 1,
        1 if stream.len() < 8_000 => 1,
        2 => 60,
        _ => 2_000,
    };
    let most = most.max(stream.len() / 5_000);
    let (mut rest, mut chunks) = (stream, Vec::new());
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((1 + random.below(most)).min(rest.len()));
        chunks.push(chunk.to_vec());
        rest = after;
    }
    chunks
}

/// Edits of a document change what they name and nothing else.
pub(super) fn splice(case: &mut Case, corpus: &Corpus) {
    let random = &mut case.random;
    let mut document = random.of(&corpus.own.requests).clone();
    mutate::document(random, &mut document, &corpus.words);
    // Deeper than this, the reader that compares gives up; the splice does not read.
    let Value::Object(members) = &document else { return };
    if depth_exceeds(document.to_string().as_bytes(), 100) {
        return;
    }
    let body = Bytes::from(if random.once_in(2) { document.to_string() } else { format!("{document:#}") });
    case.input = body.to_vec();
    assert!(!depth_exceeds(&body, 2_000) && depth_exceeds(&body, 0));
    let mut splice = Splice::new(&body);
    splice.insert(0..body.len(), "farthing one", "1");
    splice.insert(0..body.len(), "farthing \"two\"", r#"{"a":[]}"#);
    let edited = splice.finish();
    let mut expected = members.clone();
    expected.insert("farthing one".to_owned(), Value::from(1));
    expected.insert("farthing \"two\"".to_owned(), serde_json::json!({"a": []}));
    assert_eq!(serde_json::from_slice::<Value>(&edited).unwrap(), Value::Object(expected));
    // Spans of chance must not panic, and what they leave is in its order.
    let mut wild = Splice::new(&body);
    for _ in 0..random.below(5) {
        let (start, length) = (random.below(body.len() + 9), random.below(50));
        wild.replace(start..start + length, "x");
        wild.insert(random.below(body.len())..start, "n", "1");
    }
    assert!(wild.finish().len() <= body.len() + 5 * 8);
    mutate::bytes(random, &mut case.input);
    depth_exceeds(&case.input, 128);
}

fn depth_exceeds(body: &[u8], limit: usize) -> bool {
    matches!(walk(body, limit), Err(Refused::TooDeep))
}
