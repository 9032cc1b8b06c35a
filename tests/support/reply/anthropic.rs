//! Anthropic's Messages as Anthropic writes them: blocks, input without what the cache gave, usage that grows.

use serde_json::{Value, json};

use super::{Completion, Events, SEAL, named};
use crate::dialect::Wish;

pub(super) fn whole(answer: &Completion, wish: &Wish) -> String {
    let content: Vec<Value> = blocks(answer);
    let (usage, stop) = (usage(answer, answer.tokens.completion), stop(answer));
    format!(
        "{{\"type\":\"message\", \"id\":\"msg_1\",\"x_unknown\":{{\"z\":1e2,\"a\":[ ]}},\"role\":\"assistant\",\"model\":{},\"content\":{},\
         \"stop_reason\":\"{stop}\",\"stop_sequence\":null,\"usage\":{usage}}}",
        Value::from(wish.model.as_str()),
        Value::from(content)
    )
}

pub(super) fn events(answer: &Completion, wish: &Wish) -> Events {
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": wish.model, "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage(answer, 1),
    });
    let mut events =
        Events { head: vec![named(&json!({"type": "message_start", "message": message}))], ..Events::default() };
    for (index, block) in blocks(answer).iter().enumerate() {
        let start =
            |empty: Value| named(&json!({"type": "content_block_start", "index": index, "content_block": empty}));
        let delta = |delta: Value| named(&json!({"type": "content_block_delta", "index": index, "delta": delta}));
        let stop = named(&json!({"type": "content_block_stop", "index": index}));
        match block["type"].as_str() {
            Some("thinking") => {
                events.head.push(start(json!({"type": "thinking", "thinking": "", "signature": ""})));
                events.head.push(delta(json!({"type": "thinking_delta", "thinking": block["thinking"]})));
                events.head.push(delta(json!({"type": "signature_delta", "signature": block["signature"]})));
                events.head.push(stop);
            }
            Some("text") => {
                events.head.push(start(json!({"type": "text", "text": ""})));
                events.head.push("event: ping\ndata: {\"type\": \"ping\"}\n\n".to_owned());
                events.pieces.extend(answer.texts().map(|text| delta(json!({"type": "text_delta", "text": text}))));
                events.tail.push(stop);
            }
            _ => {
                let mut empty = block.clone();
                empty["input"] = json!({});
                events.pieces.push(start(empty));
                let call = answer.calls.iter().find(|call| block["id"] == call.id);
                let fragments = call.iter().flat_map(|call| call.fragments());
                events
                    .pieces
                    .extend(fragments.map(|text| delta(json!({"type": "input_json_delta", "partial_json": text}))));
                events.pieces.push(stop);
            }
        }
    }
    let usage = usage(answer, answer.tokens.completion);
    let end = json!({"stop_reason": stop(answer), "stop_sequence": null});
    events.tail.push(named(&json!({"type": "message_delta", "delta": end, "usage": usage})));
    events.tail.push(named(&json!({"type": "message_stop"})));
    events
}

fn blocks(answer: &Completion) -> Vec<Value> {
    let thinking = answer.thinking.iter().map(|text| json!({"type": "thinking", "thinking": text, "signature": SEAL}));
    let text = answer.calls.is_empty().then(|| json!({"type": "text", "text": answer.text()}));
    let calls = answer
        .calls
        .iter()
        .map(|call| json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.object()}));
    thinking.chain(text).chain(calls).collect()
}

fn stop(answer: &Completion) -> &'static str {
    match answer {
        Completion { capped: true, .. } => "max_tokens",
        Completion { calls, .. } if !calls.is_empty() => "tool_use",
        _ => "end_turn",
    }
}

fn usage(answer: &Completion, output: u64) -> Value {
    let tokens = answer.tokens;
    if !answer.counted {
        return json!({});
    }
    json!({
        "input_tokens": tokens.prompt - tokens.cached, "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": tokens.cached, "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning.min(output)},
    })
}
