//! Mutated requests: what stands in bodies, in heads, and in the framing, of every route that takes a body.

use farthing_support::Dialect;
use serde_json::{Value, json};

use super::client::{Heard, Line};
use super::mutate;
use super::random::Random;
use crate::speech::question;

/// The good requests, by path, and the words in them.
pub(crate) struct Corpus {
    good: Vec<(String, Value)>,
    words: Vec<Value>,
}

impl Corpus {
    pub(crate) fn new() -> Self {
        let mut good = Vec::new();
        for (client, provider) in Dialect::ALL.iter().flat_map(|one| Dialect::ALL.map(|other| (*one, other))) {
            for streams in [false, true] {
                let path = client.path(provider.name(), streams);
                good.push((path.clone(), question(client, provider.name(), streams)));
                good.push((path, rich(client, provider.name(), streams)));
            }
        }
        let model = Dialect::Chat.name();
        for (path, body) in [
            ("/v1/embeddings", json!({"model": model, "input": ["a", "b"], "encoding_format": "float"})),
            ("/v1/moderations", json!({"model": model, "input": "a"})),
            ("/v1/rerank", json!({"model": model, "query": "a", "documents": ["a", "b"], "top_n": 1})),
            ("/v1/completions", json!({"model": model, "prompt": "a", "max_tokens": 9, "stop": ["b"]})),
            ("/v1/images/generations", json!({"model": model, "prompt": "a", "n": 2, "size": "256x256"})),
            ("/v1/audio/speech", json!({"model": model, "input": "a", "voice": "alloy"})),
            ("/v1/messages/count_tokens", question(Dialect::Anthropic, model, false)),
            ("/v1beta/models/gemini:countTokens", question(Dialect::Gemini, model, false)),
        ] {
            good.push((path.to_owned(), body));
        }
        let mut words = Vec::new();
        good.iter().for_each(|(_, body)| mutate::gather(body, &mut words));
        Self { good, words }
    }
}

/// A request with much in it.
fn rich(dialect: Dialect, model: &str, stream: bool) -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let picture = "data:image/png;base64,aGk=";
    match dialect {
        Dialect::Chat => json!({"model": model, "stream": stream, "stream_options": {"include_usage": true},
            "max_completion_tokens": 99, "temperature": 0.5, "stop": ["x"], "user": "u", "n": 1, "seed": 7,
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
            "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": schema}}],
            "messages": [{"role": "system", "content": "be brief"},
                {"role": "user", "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": picture}}]},
                {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function",
                    "function": {"name": "f", "arguments": "{\"city\":\"Oslo\"}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "7"}]}),
        Dialect::Responses => {
            json!({"model": model, "stream": stream, "instructions": "be brief", "max_output_tokens": 99,
            "store": false, "text": {"format": {"type": "json_schema", "name": "n", "schema": schema}},
            "tools": [{"type": "function", "name": "f", "parameters": schema}], "reasoning": {"effort": "low"},
            "input": [{"role": "user", "content": [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": picture}]},
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": "7"}]})
        }
        Dialect::Anthropic => json!({"model": model, "stream": stream, "max_tokens": 2_000, "system": [{"type": "text",
            "text": "be brief", "cache_control": {"type": "ephemeral"}}], "stop_sequences": ["x"],
            "tools": [{"name": "f", "description": "d", "input_schema": schema}], "tool_choice": {"type": "auto"},
            "messages": [{"role": "user", "content": [{"type": "text", "text": "see"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}]},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {"city": "Oslo"}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "7"}]}]}),
        Dialect::Gemini => json!({"systemInstruction": {"parts": [{"text": "be brief"}]},
            "tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}],
            "generationConfig": {"maxOutputTokens": 99, "temperature": 0.5, "stopSequences": ["x"], "candidateCount": 1},
            "contents": [{"role": "user", "parts": [{"text": "see"}, {"inlineData": {"mimeType": "image/png", "data": "aGk="}}]},
                {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"city": "Oslo"}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"r": 7}}}]}]}),
    }
}

/// One case: mostly the body, on a kept connection; else the head or the framing, on a connection of its own.
pub(crate) fn one(line: &mut Line, random: &mut Random, key: &str, corpus: &Corpus) -> Heard {
    let (path, good) = random.of(&corpus.good);
    let body = body(random, good, &corpus.words);
    let kind = if random.once_in(30) {
        random.of(&["text/plain", "", "multipart/form-data; boundary=--", "a/b"])
    } else {
        "application/json"
    };
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: {kind}\r\n");
    let free = path.to_ascii_lowercase().contains("count");
    if random.once_in(5) {
        return line.send(&unsound(random, &head, &body)).free(free);
    }
    let sound = if random.once_in(8) { in_chunks(random, &head, &body) } else { sized(&head, &body) };
    line.ask(&sound).free(free)
}

pub(crate) fn body(random: &mut Random, good: &Value, words: &[Value]) -> Vec<u8> {
    let mut document = good.clone();
    if random.once_in(2) {
        mutate::document(random, &mut document, words);
        if let (Some(model), false) = (good.get("model"), random.once_in(4))
            && document.is_object()
        {
            // Else nearly all would stop at an unknown model.
            document["model"] = model.clone();
        }
    }
    let text = document.to_string();
    let mut bytes = match random.below(8) {
        0 => twice(random, &text),
        1 => huge(random, &text),
        _ => text.into_bytes(),
    };
    if random.once_in(4) {
        mutate::bytes(random, &mut bytes);
    }
    bytes
}

/// A member again, at its beginning, with another value.
pub(crate) fn twice(random: &mut Random, text: &str) -> Vec<u8> {
    let names: Vec<&str> = text.split('"').skip(1).step_by(2).filter(|name| !name.is_empty()).collect();
    let value = *random.of(&["null", "1", "\"x\"", "{}", "[]", "1e400", "-0"]);
    let name = if names.is_empty() { "model" } else { *random.of(&names) };
    text.replacen('{', &format!("{{\"{name}\":{value},"), 1 + random.below(3)).into_bytes()
}

/// Every number, or each that has a certain digit, far too large.
pub(crate) fn huge(random: &mut Random, text: &str) -> Vec<u8> {
    let digit = char::from(b'0' + u8::try_from(random.below(10)).unwrap_or(0));
    let large = ["99999999999999999999", "1e400", "-1", "9223372036854775807", "18446744073709551615", "0.1e-9"];
    text.replace(digit, *random.of(&large) as &str).into_bytes()
}

pub(crate) fn sized(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

fn in_chunks(random: &mut Random, head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
    let size = 1 + random.below(300);
    for piece in body.chunks(size) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

fn unsound(random: &mut Random, head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = sized(head, body);
    match random.below(8) {
        // Ends early.
        0 => bytes.truncate(random.below(bytes.len())),
        1 => {
            let more: String = (0..random.below(3_000)).map(|n| format!("x-{n}: {n}\r\n")).collect();
            bytes = sized(&format!("{head}{more}"), body);
        }
        2 => bytes = sized(&format!("{head}x-long: {}\r\n", "y".repeat(random.below(200_000))), body),
        3 => {
            bytes = in_chunks(random, head, body);
            mutate::bytes(random, &mut bytes);
        }
        4 => {
            let odd = [
                "expect: 100-continue",
                "content-length: 3",
                "transfer-encoding: gzip",
                "upgrade: websocket",
                "content-encoding: gzip",
            ];
            bytes = sized(&format!("{head}{}\r\n", random.of(&odd)), body);
        }
        // Only the head, so that the change is there.
        _ => {
            let mut changed = head.as_bytes().to_vec();
            mutate::bytes(random, &mut changed);
            bytes = [&changed, format!("content-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat();
        }
    }
    bytes
}
