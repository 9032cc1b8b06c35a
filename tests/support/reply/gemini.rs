//! Gemini's answers as Google writes them: calls in one piece, thoughts outside candidates, events or one growing array.

use serde_json::{Value, json};

use super::{Call, Completion, Events, SEAL};
use crate::dialect::Wish;

pub(super) fn whole(answer: &Completion, wish: &Wish) -> String {
    let parts: Vec<Value> = thoughts(answer).chain(texts(answer, answer.text())).chain(calls(answer)).collect();
    let rest = piece(wish, &parts, Some(answer)).to_string();
    format!("{{ \"x_unknown\":{{\"z\":1e2,\"a\":[ ]}},{}", rest.trim_start_matches('{'))
}

pub(super) fn events(answer: &Completion, wish: &Wish) -> Events {
    let one = |part: Value| framed(wish, &piece(wish, &[part], None));
    let mut events = Events {
        head: thoughts(answer).map(one).collect(),
        pieces: answer.texts().map(|text| json!({"text": text})).chain(calls(answer)).map(one).collect(),
        tail: vec![framed(wish, &piece(wish, &[json!({"text": ""})], Some(answer)))],
    };
    if wish.array {
        if let Some(first) = events.head.first_mut().or(events.pieces.first_mut()) {
            first.replace_range(..2, "[");
        }
        events.tail.push("]".to_owned());
    }
    events
}

// Elements of an array come with the comma before them.
fn framed(wish: &Wish, piece: &Value) -> String {
    if wish.array { format!(",\n{piece}") } else { format!("data: {piece}\n\n") }
}

fn thoughts(answer: &Completion) -> impl Iterator<Item = Value> {
    answer.thinking.iter().map(|text| json!({"text": text, "thought": true}))
}

fn texts(answer: &Completion, text: String) -> Option<Value> {
    answer.calls.is_empty().then(|| json!({"text": text}))
}

fn calls(answer: &Completion) -> impl Iterator<Item = Value> {
    let signed = answer.thinking.is_some();
    answer.calls.iter().enumerate().map(move |(n, one)| call(one, signed && n == 0))
}

// Thinking is sealed on the first call that it led to.
fn call(call: &Call, signed: bool) -> Value {
    let mut function = json!({"name": call.name, "args": call.object()});
    if !call.id.is_empty() {
        function["id"] = call.id.as_str().into();
    }
    let mut part = json!({"functionCall": function});
    if signed {
        part["thoughtSignature"] = SEAL.into();
    }
    part
}

/// A piece of the answer; the last one says why it ended and what it consumed.
fn piece(wish: &Wish, parts: &[Value], end: Option<&Completion>) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    let mut piece = json!({"modelVersion": wish.model, "responseId": "g1"});
    if let Some(answer) = end {
        let tokens = answer.tokens;
        candidate["finishReason"] = if answer.capped { "MAX_TOKENS" } else { "STOP" }.into();
        if answer.counted {
            piece["usageMetadata"] = json!({
                "promptTokenCount": tokens.prompt, "cachedContentTokenCount": tokens.cached,
                "candidatesTokenCount": tokens.completion - tokens.reasoning, "thoughtsTokenCount": tokens.reasoning,
                "totalTokenCount": tokens.prompt + tokens.completion,
            });
        }
    }
    piece["candidates"] = json!([candidate]);
    piece
}
