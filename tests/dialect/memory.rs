//! What an open stream holds: as much after a hundred thousand chunks as after the first.
//! Owns the measure and the exceptions, which are two: a dialect whose last event repeats the whole answer must keep
//! it, and one whose calls are whole must keep a call until it is.

use bytes::Bytes;
use farthing::dialect::{Passage, answer};
use farthing_actors::domain::Dialect;

use crate::allocated;
use crate::fuzz::{DIALECTS, corpus::small, parse};

const CHUNKS: usize = 100_000;

/// What a stream may come to hold: buffers that grew once, ids, indexes.
const SLACK: isize = 16 * 1024;

/// A stream: how it begins, and what is said again and again.
struct Spoken {
    dialect: Dialect,
    begins: &'static str,
    again: &'static [(&'static str, &'static str)],
}

const CHAT: Spoken = Spoken {
    dialect: Dialect::OpenaiChat,
    begins: "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\
        \"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n",
    again: &[
        ("text", "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"so much \"}}]}\n\n"),
        ("thinking", "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm \"}}]}\n\n"),
        (
            "arguments",
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":\
            {\"arguments\":\"{}\"}}]}}]}\n\n",
        ),
        ("usage", "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n"),
        ("comments", ": waiting\n\n"),
        ("other choices", "data: {\"choices\":[{\"index\":9,\"delta\":{\"content\":\"x\"}}]}\n\n"),
    ],
};

const RESPONSES: Spoken = Spoken {
    dialect: Dialect::OpenaiResponses,
    begins: "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"model\":\"m\"}}\n\n\
        data: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":\"function_call\",\
        \"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"\"}}\n\n",
    again: &[
        ("text", "data: {\"type\":\"response.output_text.delta\",\"output_index\":1,\"delta\":\"so much \"}\n\n"),
        (
            "thinking",
            "data: {\"type\":\"response.reasoning_summary_text.delta\",\"output_index\":2,\"delta\":\"hm \"}\n\n",
        ),
        (
            "arguments",
            "data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":0,\"delta\":\"{}\"}\n\n",
        ),
        ("unknown", "data: {\"type\":\"response.new_thing\",\"delta\":\"x\"}\n\n"),
    ],
};

const ANTHROPIC: Spoken = Spoken {
    dialect: Dialect::Anthropic,
    begins: "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"r\",\"model\":\"m\"}}\n\n\
        data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
        data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"thinking\"}}\n\n\
        data: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"c\",\
        \"name\":\"f\",\"input\":{}}}\n\n",
    again: &[
        (
            "text",
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\
            \"text\":\"so much \"}}\n\n",
        ),
        (
            "thinking",
            "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"thinking_delta\",\
            \"thinking\":\"hm \"}}\n\n",
        ),
        (
            "arguments",
            "data: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\
            \"partial_json\":\"{}\"}}\n\n",
        ),
        ("usage", "data: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":1}}\n\n"),
        ("pings", "event: ping\ndata: {\"type\":\"ping\"}\n\n"),
    ],
};

const GEMINI: Spoken = Spoken {
    dialect: Dialect::Gemini,
    begins: "data: {\"responseId\":\"r\",\"modelVersion\":\"m\"}\n\n",
    again: &[
        ("text", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"so much \"}]}}]}\n\n"),
        ("thinking", "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hm \",\"thought\":true}]}}]}\n\n"),
        ("usage", "data: {\"usageMetadata\":{\"promptTokenCount\":1,\"totalTokenCount\":1}}\n\n"),
    ],
};

/// Whether the client's dialect repeats what was said, so that it must be kept.
fn is_kept(client: Dialect, said: &str) -> bool {
    match client {
        Dialect::OpenaiResponses => matches!(said, "text" | "thinking" | "arguments"),
        // Of a call, until it is whole.
        Dialect::Gemini => said == "arguments",
        Dialect::OpenaiChat | Dialect::Anthropic | Dialect::OllamaChat => false,
    }
}

/// Says one thing again and again; gives how much more is held at the end than after the first hundred.
fn growth(passage: &mut dyn Passage, said: &'static str, chunks: usize) -> isize {
    let chunk = Bytes::from_static(said.as_bytes());
    let mut early = 0;
    for count in 0..chunks {
        drop(passage.push(chunk.clone()).unwrap());
        if count == 100 {
            early = allocated::held();
        }
    }
    allocated::held() - early
}

fn flat(spoken: &Spoken) {
    for client in DIALECTS {
        let request = parse(client, small(client).as_bytes(), true).unwrap();
        let mut passage = answer::passage(&request, spoken.dialect, 1);
        drop(passage.push(Bytes::from_static(spoken.begins.as_bytes())).unwrap());
        let chunks = CHUNKS / spoken.again.len();
        for (what, said) in spoken.again {
            let more = growth(&mut *passage, said, chunks);
            let came = isize::try_from(chunks * said.len()).unwrap();
            let kept = client != spoken.dialect && is_kept(client, what);
            let bound = if kept { came + SLACK } else { SLACK };
            assert!(more <= bound, "{:?} to {client:?}, {what}: {more} bytes more for {came}", spoken.dialect);
        }
    }
}

#[test]
fn chat_streams_hold_no_more_after_long() {
    flat(&CHAT);
}

#[test]
fn responses_streams_hold_no_more_after_long() {
    flat(&RESPONSES);
}

#[test]
fn anthropic_streams_hold_no_more_after_long() {
    flat(&ANTHROPIC);
}

#[test]
fn gemini_streams_hold_no_more_after_long() {
    flat(&GEMINI);
}

/// One event that never ends, in small chunks and in one, blank or not: a fault, and no memory.
#[test]
fn what_never_ends_is_refused() {
    for (spoken, client) in DIALECTS.into_iter().flat_map(|spoken| DIALECTS.map(|client| (spoken, client))) {
        let request = parse(client, small(client).as_bytes(), true).unwrap();
        for byte in *b"x [" {
            let mut passage = answer::passage(&request, spoken, 1);
            let chunk = Bytes::from(vec![byte; 64 * 1024]);
            let (faults, most) =
                allocated::measure(|| (0..200).filter(|_| passage.push(chunk.clone()).is_err()).count());
            assert_eq!(faults, 1, "{spoken:?} to {client:?}: 12 MiB of {:?}", char::from(byte));
            assert!(most <= 8 * 1024 * 1024, "{spoken:?} to {client:?}: {most} bytes for {:?}", char::from(byte));
        }
    }
}
