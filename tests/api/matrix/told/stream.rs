//! Streams, put together as each dialect's stock library does.

use serde_json::{Value, json};

use super::{Call, Told, add_gemini, anthropic_usage, chat_usage, number, text};
use crate::matrix::wire::Event;

/// A call whose arguments still grow.
struct Growing {
    id: String,
    name: String,
    arguments: String,
}

pub(super) fn chat(events: &[Event]) -> Told {
    let (mut told, mut calls) = (Told::default(), Vec::<Growing>::new());
    let (end, events) = events.split_last().unwrap();
    assert!(end.json.is_null(), "the last event is [DONE]");
    let mut events = events;
    if let [before @ .., last] = events
        && last.json["choices"] == json!([])
    {
        told.usage = chat_usage(&last.json["usage"]);
        events = before;
    }
    for Event { json, .. } in events {
        assert_eq!((&json["object"], json["choices"].as_array().unwrap().len()), (&json!("chat.completion.chunk"), 1));
        let (choice, delta) = (&json["choices"][0], &json["choices"][0]["delta"]);
        told.text += delta["content"].as_str().unwrap_or_default();
        told.thinking += delta["reasoning_content"].as_str().unwrap_or_default();
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(number(&call["index"])).unwrap();
            if index == calls.len() {
                calls.push(Growing::new(text(&call["id"]), text(&call["function"]["name"])));
            }
            calls[index].arguments += call["function"]["arguments"].as_str().unwrap_or_default();
        }
        if let Some(stop) = choice["finish_reason"].as_str() {
            assert!(told.stop.is_empty(), "one end: {json}");
            told.stop = stop.to_owned();
        }
    }
    told.calls = calls.into_iter().map(Growing::finish).collect();
    told
}

pub(super) fn responses(events: &[Event]) -> Told {
    let mut grown = Told::default();
    let mut arguments = Vec::<String>::new();
    for (serial, Event { name, json }) in events.iter().enumerate() {
        assert_eq!(number(&json["sequence_number"]), serial as u64, "numbers follow each other: {json}");
        match name.as_deref().unwrap() {
            "response.output_text.delta" => grown.text += text(&json["delta"]),
            "response.reasoning_summary_text.delta" => grown.thinking += text(&json["delta"]),
            "response.output_item.added" if json["item"]["type"] == "function_call" => arguments.push(String::new()),
            "response.function_call_arguments.delta" => *arguments.last_mut().unwrap() += text(&json["delta"]),
            _ => {}
        }
    }
    assert_eq!(events[0].json["type"], "response.created");
    let told = super::responses(&events.last().unwrap().json["response"]);
    assert_eq!((&grown.text, &grown.thinking), (&told.text, &told.thinking), "deltas add up to the final text");
    let grown: Vec<Value> = arguments.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(grown, told.calls.iter().map(|call| call.arguments.clone()).collect::<Vec<_>>());
    told
}

pub(super) fn anthropic(events: &[Event]) -> Told {
    let mut told = Told::default();
    let (mut block, mut blocks, mut call) = (None::<String>, 0, None::<Growing>);
    assert_eq!(events[0].json["message"]["role"], "assistant", "message_start comes first");
    assert_eq!(events.last().unwrap().json["type"], "message_stop");
    for Event { json, .. } in events {
        let kind = text(&json["type"]);
        if kind.starts_with("content_block") {
            assert_eq!(number(&json["index"]), blocks, "{json}");
        }
        match kind {
            "content_block_start" => {
                let begun = &json["content_block"];
                assert!(block.replace(text(&begun["type"]).to_owned()).is_none(), "one block at a time: {json}");
                if begun["type"] == "tool_use" {
                    assert_eq!(begun["input"], json!({}));
                    call = Some(Growing::new(text(&begun["id"]), text(&begun["name"])));
                }
            }
            "content_block_delta" => match text(&json["delta"]["type"]) {
                "text_delta" => told.text += text(&json["delta"]["text"]),
                "thinking_delta" => told.thinking += text(&json["delta"]["thinking"]),
                "input_json_delta" => call.as_mut().unwrap().arguments += text(&json["delta"]["partial_json"]),
                "signature_delta" => {}
                other => panic!("{other}"),
            },
            "content_block_stop" => {
                assert!(block.take().is_some());
                told.calls.extend(call.take().map(Growing::finish));
                blocks += 1;
            }
            "message_delta" => {
                told.stop = text(&json["delta"]["stop_reason"]).to_owned();
                told.usage = anthropic_usage(&json["usage"]);
            }
            "message_start" | "message_stop" | "ping" => {}
            other => panic!("{other}"),
        }
    }
    told
}

pub(super) fn gemini(events: &[Event]) -> Told {
    let mut told = Told::default();
    for Event { name, json } in events {
        assert_eq!(*name, None);
        assert!(json["candidates"].is_array(), "{json}");
        add_gemini(&mut told, json);
    }
    told
}

impl Growing {
    fn new(id: &str, name: &str) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), arguments: String::new() }
    }

    fn finish(self) -> Call {
        let arguments =
            if self.arguments.is_empty() { json!({}) } else { serde_json::from_str(&self.arguments).unwrap() };
        Call { id: self.id, name: self.name, arguments }
    }
}
