//! Requests as Ollama is sent them, read from other dialects' words.

use serde_json::{Value, json};

use super::*;
use crate::dialect::canonical::Feature;
use crate::dialect::head::OutputCap;
use crate::dialect::head::UsageOption;
use crate::dialect::{ChatRequest, Request};
use farthing_actors::domain::Dialect;

fn worded(body: &Value) -> Result<(Value, Vec<String>), String> {
    let request = Request::Chat(ChatRequest::parse(body.to_string().into()).unwrap());
    let cap = Some(OutputCap { field: "max_tokens", tokens: 50 });
    let to = Rewrite { model: "qwen3", usage: UsageOption::Asked, output_cap: cap };
    let (body, ignored) = request.word(Dialect::OllamaChat, &to).map_err(|fault| fault.to_string())?;
    Ok((serde_json::from_slice(&body).unwrap(), ignored))
}

#[test]
fn a_whole_conversation_has_its_places() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let asked = json!({
        "model": "m", "stream": true, "temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": ["END"], "user": "u",
        "reasoning_effort": "low", "response_format": {"type": "json_object"},
        "tools": [{"type": "function", "function": {"name": "add", "description": "adds", "parameters": schema}}],
        "messages": [
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [
                {"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{\"a\":1}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "three"},
        ],
    });
    let (body, ignored) = worded(&asked).unwrap();
    assert_eq!(
        body,
        json!({
            "model": "qwen3", "stream": true, "think": true, "format": "json",
            "options": {"num_predict": 50, "stop": ["END"], "temperature": 0.5, "top_p": 0.9, "seed": 7},
            "tools": [{"type": "function", "function": {"name": "add", "description": "adds", "parameters": schema}}],
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": "look", "images": ["AAAA"]},
                {"role": "assistant", "content": "", "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"index": 0, "name": "add", "arguments": {"a": 1}}}]},
                {"role": "tool", "content": "three", "tool_name": "add", "tool_call_id": "c1"},
            ],
        })
    );
    assert_eq!(ignored, ["user"]);
}

#[test]
fn what_ollama_has_no_place_for_is_named() {
    let with = |extra: Value| {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        worded(&body)
    };
    let (plain, ignored) = with(json!({})).unwrap();
    assert_eq!((&plain["stream"], plain.get("think"), ignored.len()), (&json!(false), None, 0));
    assert_eq!(with(json!({"reasoning_effort": "none"})).unwrap().0["think"], false);
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    assert_eq!(with(json!({"tools": tools, "tool_choice": "none"})).unwrap().0.get("tools"), None);
    let picture = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}]);
    for extra in [
        json!({"n": 2}),
        json!({"logprobs": true}),
        json!({"logit_bias": {"5": 1}}),
        json!({"tools": tools, "tool_choice": "required"}),
        json!({"tools": tools, "parallel_tool_calls": false}),
        json!({"messages": picture}),
    ] {
        let refused = with(extra.clone()).unwrap_err();
        assert!(refused.contains("Ollama"), "{extra}: {refused}");
    }
    let lacking = Conversation { tool_choice: Some(ToolChoice::Required), tools: vec![], ..Conversation::default() };
    let to = Rewrite { model: "m", usage: UsageOption::AsIs, output_cap: None };
    assert!(write(&lacking, &to, false).is_ok(), "without tools there is nothing to be made to call");
    assert_eq!(Unsupported::new(Feature::Urls, "x").feature, Feature::Urls);
}
