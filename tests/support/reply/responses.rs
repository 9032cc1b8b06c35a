//! OpenAI's Responses as OpenAI writes them: items, and events that repeat each item whole at its end.

use serde_json::{Value, json};

use super::{Completion, Events, SEAL, named};
use crate::dialect::Wish;

pub(super) fn whole(answer: &Completion, wish: &Wish) -> String {
    let rest = response(answer, wish, true).to_string();
    format!("{{ \"x_unknown\":{{\"z\":1e2,\"a\":[ ]}},{}", rest.trim_start_matches('{'))
}

pub(super) fn events(answer: &Completion, wish: &Wish) -> Events {
    let began = response(answer, wish, false);
    let mut events = Events {
        head: vec![
            named(&json!({"type": "response.created", "sequence_number": 0, "response": began})),
            named(&json!({"type": "response.in_progress", "sequence_number": 1, "response": began})),
        ],
        ..Events::default()
    };
    let mut serial = 2;
    for (index, item) in items(answer).iter().enumerate() {
        let kind = item["type"].as_str().unwrap_or_default();
        let grown = match kind {
            "message" => message(answer, item),
            "reasoning" => reasoning(item),
            _ => call(answer, item),
        };
        for (place, mut event) in grown {
            event["output_index"] = index.into();
            event["item_id"] = item["id"].clone();
            event["sequence_number"] = serial.into();
            serial += 1;
            let list = match place {
                Place::Head => &mut events.head,
                Place::Piece => &mut events.pieces,
                Place::Tail => &mut events.tail,
            };
            list.push(named(&event));
        }
    }
    let kind = if answer.capped { "response.incomplete" } else { "response.completed" };
    let end = json!({"type": kind, "sequence_number": serial, "response": response(answer, wish, true)});
    events.tail.push(named(&end));
    events
}

enum Place {
    Head,
    Piece,
    Tail,
}

fn message(answer: &Completion, item: &Value) -> Vec<(Place, Value)> {
    let mut empty = item.clone();
    (empty["status"], empty["content"]) = (json!("in_progress"), json!([]));
    let part = &item["content"][0];
    let mut events = vec![
        (Place::Head, json!({"type": "response.output_item.added", "item": empty})),
        (
            Place::Head,
            json!({"type": "response.content_part.added", "content_index": 0, "part": {"type": "output_text", "text": "", "annotations": []}}),
        ),
    ];
    for text in answer.texts() {
        events.push((
            Place::Piece,
            json!({"type": "response.output_text.delta", "content_index": 0, "delta": text, "logprobs": [], "obfuscation": "x"}),
        ));
    }
    let text = json!({"type": "response.output_text.done", "content_index": 0, "text": part["text"]});
    events.push((Place::Tail, text));
    events.push((Place::Tail, json!({"type": "response.content_part.done", "content_index": 0, "part": part})));
    events.push((Place::Tail, json!({"type": "response.output_item.done", "item": item})));
    events
}

fn reasoning(item: &Value) -> Vec<(Place, Value)> {
    let mut empty = item.clone();
    empty["summary"] = json!([]);
    let text = &item["summary"][0]["text"];
    let events = vec![
        json!({"type": "response.output_item.added", "item": empty}),
        json!({"type": "response.reasoning_summary_part.added", "summary_index": 0, "part": {"type": "summary_text", "text": ""}}),
        json!({"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": text}),
        json!({"type": "response.reasoning_summary_text.done", "summary_index": 0, "text": text}),
        json!({"type": "response.output_item.done", "item": item}),
    ];
    events.into_iter().map(|event| (Place::Head, event)).collect()
}

fn call(answer: &Completion, item: &Value) -> Vec<(Place, Value)> {
    let mut empty = item.clone();
    (empty["status"], empty["arguments"]) = (json!("in_progress"), json!(""));
    let mut events = vec![json!({"type": "response.output_item.added", "item": empty})];
    let told = answer.calls.iter().find(|call| item["call_id"] == call.id);
    for fragment in told.iter().flat_map(|call| call.fragments()) {
        events.push(json!({"type": "response.function_call_arguments.delta", "delta": fragment}));
    }
    events.push(json!({"type": "response.function_call_arguments.done", "arguments": item["arguments"]}));
    events.push(json!({"type": "response.output_item.done", "item": item}));
    events.into_iter().map(|event| (Place::Piece, event)).collect()
}

fn response(answer: &Completion, wish: &Wish, done: bool) -> Value {
    let status = match (done, answer.capped) {
        (false, _) => "in_progress",
        (true, true) => "incomplete",
        (true, false) => "completed",
    };
    let why = if done && answer.capped { json!({"reason": "max_output_tokens"}) } else { Value::Null };
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_700_000_000, "model": wish.model, "status": status,
        "error": null, "incomplete_details": why, "output": if done { items(answer) } else { Vec::new() },
        "usage": if done && answer.counted { usage(answer) } else { Value::Null },
    })
}

fn items(answer: &Completion) -> Vec<Value> {
    let thinking = answer.thinking.iter().map(
        |text| json!({"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": text}], "encrypted_content": SEAL}),
    );
    let calls = answer.calls.iter().map(|call| {
        json!({"id": format!("fc_{}", call.id), "type": "function_call", "status": "completed", "call_id": call.id,
            "name": call.name, "arguments": call.arguments})
    });
    let text = answer.calls.is_empty().then(|| {
        let part = json!({"type": "output_text", "text": answer.text(), "annotations": []});
        json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]})
    });
    thinking.chain(text).chain(calls).collect()
}

fn usage(answer: &Completion) -> Value {
    let tokens = answer.tokens;
    json!({
        "input_tokens": tokens.prompt, "input_tokens_details": {"cached_tokens": tokens.cached},
        "output_tokens": tokens.completion, "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.prompt + tokens.completion,
    })
}
