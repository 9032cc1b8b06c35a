//! The same question in every dialect, for tests of what all of them have in common.

use farthing_support::{Dialect, Seen};
use serde_json::{Value, json};

/// A small question to `model`, as a client of `dialect` asks it.
pub(crate) fn question(dialect: Dialect, model: &str, stream: bool) -> Value {
    match dialect {
        Dialect::Chat => json!({
            "model": model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100, "stream": stream,
        }),
        Dialect::Responses => json!({"model": model, "input": "hello", "max_output_tokens": 100, "stream": stream}),
        Dialect::Anthropic => json!({
            "model": model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100, "stream": stream,
        }),
        Dialect::Gemini => json!({
            "contents": [{"role": "user", "parts": [{"text": "hello"}]}], "generationConfig": {"maxOutputTokens": 100},
        }),
    }
}

/// The model a provider was asked for; Gemini's stands in the path.
pub(crate) fn model(seen: &Seen) -> String {
    let in_path = seen.path.rsplit_once("/models/").and_then(|(_, call)| call.split_once(':'));
    let in_body = || seen.json()["model"].as_str().unwrap_or_default().to_owned();
    in_path.map_or_else(in_body, |(model, _)| model.to_owned())
}
