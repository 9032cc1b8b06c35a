//! What a client of each dialect is told, whole or streamed, read as strictly as its stock library reads.

use farthing_support::Dialect;
use serde_json::{Value, json};

use super::asked::Call;
use super::wire::{Event, Form, events};

mod stream;

/// An answer without its dialect.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Told {
    pub(super) text: String,
    pub(super) thinking: String,
    pub(super) calls: Vec<Call>,
    /// In the dialect's own word.
    pub(super) stop: String,
    /// Prompt, of it cached, generated, of it reasoning.
    pub(super) usage: [u64; 4],
}

impl Told {
    /// Reads a body.
    pub(super) fn read(dialect: Dialect, form: Form, body: &str) -> Self {
        match (dialect, form) {
            (_, Form::Whole) => Self::whole(dialect, &serde_json::from_str(body).unwrap()),
            (Dialect::Chat, _) => stream::chat(&events(form, body)),
            (Dialect::Responses, _) => stream::responses(&events(form, body)),
            (Dialect::Anthropic, _) => stream::anthropic(&events(form, body)),
            (Dialect::Gemini, _) => stream::gemini(&events(form, body)),
        }
    }

    fn whole(dialect: Dialect, answer: &Value) -> Self {
        match dialect {
            Dialect::Chat => chat(answer),
            Dialect::Responses => responses(answer),
            Dialect::Anthropic => anthropic(answer),
            Dialect::Gemini => gemini(answer),
        }
    }
}

fn chat(answer: &Value) -> Told {
    assert_eq!(answer["object"], "chat.completion", "{answer}");
    let (choice, usage) = (&answer["choices"][0], &answer["usage"]);
    let message = &choice["message"];
    let call = |call: &Value| {
        Call::new(text(&call["id"]), text(&call["function"]["name"]), parsed(&call["function"]["arguments"]))
    };
    Told {
        text: message["content"].as_str().unwrap_or_default().to_owned(),
        thinking: message["reasoning_content"].as_str().unwrap_or_default().to_owned(),
        calls: list(&message["tool_calls"], call),
        stop: text(&choice["finish_reason"]).to_owned(),
        usage: chat_usage(usage),
    }
}

fn chat_usage(usage: &Value) -> [u64; 4] {
    if usage.is_null() {
        return [0; 4];
    }
    let generated = number(&usage["completion_tokens"]);
    assert_eq!(number(&usage["total_tokens"]), number(&usage["prompt_tokens"]) + generated, "{usage}");
    let cached = &usage["prompt_tokens_details"]["cached_tokens"];
    let reasoning = &usage["completion_tokens_details"]["reasoning_tokens"];
    [number(&usage["prompt_tokens"]), number(cached), generated, number(reasoning)]
}

fn responses(answer: &Value) -> Told {
    assert_eq!(answer["object"], "response", "{answer}");
    let mut told = Told { stop: text(&answer["status"]).to_owned(), ..Told::default() };
    if let Some(why) = answer["incomplete_details"]["reason"].as_str() {
        told.stop = format!("{} {why}", told.stop);
    }
    for item in answer["output"].as_array().unwrap() {
        match text(&item["type"]) {
            "message" => told.text += &list(&item["content"], |part| text(&part["text"]).to_owned()).concat(),
            "reasoning" => told.thinking += &list(&item["summary"], |part| text(&part["text"]).to_owned()).concat(),
            "function_call" => {
                told.calls.push(Call::new(text(&item["call_id"]), text(&item["name"]), parsed(&item["arguments"])));
            }
            other => panic!("{other}: {answer}"),
        }
    }
    let usage = &answer["usage"];
    if usage.is_null() {
        return told;
    }
    let (cached, reasoning) =
        (&usage["input_tokens_details"]["cached_tokens"], &usage["output_tokens_details"]["reasoning_tokens"]);
    told.usage = [number(&usage["input_tokens"]), number(cached), number(&usage["output_tokens"]), number(reasoning)];
    told
}

fn anthropic(answer: &Value) -> Told {
    assert_eq!((&answer["type"], &answer["role"]), (&json!("message"), &json!("assistant")), "{answer}");
    let mut told = Told { stop: text(&answer["stop_reason"]).to_owned(), ..Told::default() };
    for block in answer["content"].as_array().unwrap() {
        match text(&block["type"]) {
            "text" => told.text += text(&block["text"]),
            "thinking" => told.thinking += text(&block["thinking"]),
            "tool_use" => told.calls.push(Call::new(text(&block["id"]), text(&block["name"]), block["input"].clone())),
            other => panic!("{other}: {answer}"),
        }
    }
    told.usage = anthropic_usage(&answer["usage"]);
    told
}

fn anthropic_usage(usage: &Value) -> [u64; 4] {
    if *usage == json!({}) {
        return [0; 4];
    }
    let cached = number(&usage["cache_read_input_tokens"]);
    let written = number(&usage["cache_creation_input_tokens"]);
    let reasoning = usage["output_tokens_details"]["thinking_tokens"].as_u64().unwrap_or(0);
    [number(&usage["input_tokens"]) + cached + written, cached, number(&usage["output_tokens"]), reasoning]
}

fn gemini(answer: &Value) -> Told {
    let mut told = Told::default();
    add_gemini(&mut told, answer);
    told
}

fn add_gemini(told: &mut Told, answer: &Value) {
    let candidate = &answer["candidates"][0];
    for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
        let call = &part["functionCall"];
        if call.is_object() {
            let id = call["id"].as_str().unwrap_or_default();
            told.calls.push(Call::new(id, text(&call["name"]), call["args"].clone()));
        } else if part["thought"] == true {
            told.thinking += text(&part["text"]);
        } else {
            told.text += text(&part["text"]);
        }
    }
    if let Some(stop) = candidate["finishReason"].as_str() {
        told.stop = stop.to_owned();
    }
    let usage = &answer["usageMetadata"];
    if usage.is_object() {
        let count = |name: &str| usage[name].as_u64().unwrap_or(0);
        let reasoning = count("thoughtsTokenCount");
        let generated = count("candidatesTokenCount") + reasoning;
        assert_eq!(count("totalTokenCount"), count("promptTokenCount") + generated, "{usage}");
        told.usage = [count("promptTokenCount"), count("cachedContentTokenCount"), generated, reasoning];
    }
}

/// Checks that a broken stream has exactly one error event, at its end, and no end marker; gives its message.
pub(super) fn broken(dialect: Dialect, form: Form, body: &str) -> String {
    let events = events(form, body);
    let is_error = |event: &Event| event.json["error"].is_object() || event.json["type"] == "error";
    assert_eq!(events.iter().filter(|event| is_error(event)).count(), 1, "{body}");
    let before: String = events.iter().filter_map(|event| words(dialect, &event.json)).collect();
    assert_eq!(before, "word0 word1 ", "what came before it is the client's: {body}");
    let last = events.last().unwrap();
    assert!(is_error(last), "{body}");
    let ended = match dialect {
        Dialect::Chat => body.contains("[DONE]"),
        Dialect::Responses => body.contains("response.completed") || body.contains("response.incomplete"),
        Dialect::Anthropic => body.contains("message_stop"),
        Dialect::Gemini => body.contains("finishReason"),
    };
    assert!(!ended, "no end marker: {body}");
    if matches!(dialect, Dialect::Responses | Dialect::Anthropic) {
        assert_eq!(last.name.as_deref(), Some("error"), "{body}");
    }
    dialect.error_message(&last.json)
}

// The text that one event of a stream adds.
fn words(dialect: Dialect, event: &Value) -> Option<&str> {
    match dialect {
        Dialect::Chat => event["choices"][0]["delta"]["content"].as_str(),
        Dialect::Responses => event["delta"].as_str(),
        Dialect::Anthropic => event["delta"]["text"].as_str(),
        Dialect::Gemini => event["candidates"][0]["content"]["parts"][0]["text"].as_str(),
    }
}

fn list<T>(list: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    list.as_array().into_iter().flatten().map(read).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} should be text"))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} should be a count"))
}

fn parsed(arguments: &Value) -> Value {
    serde_json::from_str(text(arguments)).unwrap_or_else(|error| panic!("{arguments}: {error}"))
}
