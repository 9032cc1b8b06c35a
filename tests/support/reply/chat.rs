//! OpenAI's chat completions as a provider writes them; thinking as compatible servers do, in `reasoning_content`.

use serde_json::{Value, json};

use super::{Call, Completion, Events, Tokens};
use crate::dialect::Wish;

pub(super) fn whole(answer: &Completion, wish: &Wish) -> String {
    let mut message = json!({"role": "assistant", "content": null});
    if answer.calls.is_empty() {
        message["content"] = answer.text().into();
    } else {
        message["tool_calls"] = answer.calls.iter().map(call).collect();
    }
    if let Some(thinking) = &answer.thinking {
        message["reasoning_content"] = thinking.as_str().into();
    }
    let (finish, usage) = (finish(answer), counted(answer));
    format!(
        "{{\"id\":\"chatcmpl-1\", \"object\":\"chat.completion\",\"created\":1700000000,\"model\":{},\"x_unknown\":{{\"z\":1e2,\"a\":[ ]}},\
         \"choices\":[{{\"index\":0,\"message\":{message},\"logprobs\":null,\"finish_reason\":\"{finish}\"}}],\"usage\":{usage},\
         \"system_fingerprint\":\"fp_1\"}}",
        Value::from(wish.model.as_str())
    )
}

pub(super) fn events(answer: &Completion, wish: &Wish) -> Events {
    let delta = |delta: Value| chunk(wish, &json!([choice(&delta, None)]), Value::Null);
    let thinking = answer.thinking.as_ref();
    let head =
        thinking.map(|text| delta(json!({"role": "assistant", "reasoning_content": text}))).into_iter().collect();
    let mut pieces: Vec<String> = answer.texts().map(|text| delta(json!({"content": text}))).collect();
    for (index, call) in answer.calls.iter().enumerate() {
        pieces.extend(streamed(index, call).map(delta));
    }
    let mut tail = vec![chunk(wish, &json!([choice(&json!({}), Some(finish(answer)))]), Value::Null)];
    if wish.usage && answer.counted {
        tail.push(chunk(wish, &json!([]), usage(answer.tokens)));
    }
    tail.push("data: [DONE]\n\n".to_owned());
    Events { head, pieces, tail }
}

fn call(call: &Call) -> Value {
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
}

// The first call of an answer comes whole, as short ones do; later ones in two fragments.
fn streamed(index: usize, told: &Call) -> impl Iterator<Item = Value> {
    let mut first = call(told);
    first["index"] = index.into();
    let mut rest = None;
    if index > 0 {
        let [start, end] = told.fragments();
        first["function"]["arguments"] = start.into();
        rest = Some(json!({"tool_calls": [{"index": index, "function": {"arguments": end}}]}));
    }
    [json!({"role": "assistant", "content": null, "tool_calls": [first]})].into_iter().chain(rest)
}

fn choice(delta: &Value, finish: Option<&str>) -> Value {
    json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish})
}

fn chunk(wish: &Wish, choices: &Value, usage: Value) -> String {
    let mut body =
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": wish.model});
    body["choices"] = choices.clone();
    if wish.usage {
        body["usage"] = usage;
    }
    format!("data: {body}\n\n")
}

fn finish(answer: &Completion) -> &'static str {
    match answer {
        Completion { capped: true, .. } => "length",
        Completion { calls, .. } if !calls.is_empty() => "tool_calls",
        _ => "stop",
    }
}

fn counted(answer: &Completion) -> Value {
    if answer.counted { usage(answer.tokens) } else { Value::Null }
}

fn usage(tokens: Tokens) -> Value {
    json!({
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.prompt + tokens.completion,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning, "audio_tokens": 0},
    })
}
