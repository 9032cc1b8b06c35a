//! Requests as clients of each dialect write them.

use serde_json::{Value, json};

use super::{Asked, Call};

/// Tokens of thinking that clients ask for who do not ask by a word.
const BUDGET: u64 = 2_048;

pub(super) fn chat(asked: &Asked, model: &str, stream: bool) -> Value {
    let mut messages = vec![json!({"role": "system", "content": asked.system})];
    for text in &asked.texts {
        let content = match &asked.image {
            Some(png) => {
                json!([{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": data_url(png)}}])
            }
            None => json!(text),
        };
        messages.push(json!({"role": "user", "content": content}));
    }
    let call = |call: &Call| json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments.to_string()}});
    if let Some(calls) = list(&asked.calls, call) {
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": calls}));
    }
    for (id, text) in &asked.results {
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": text}));
    }
    let mut body = json!({"model": model, "messages": messages, "max_tokens": asked.cap});
    let tool = |(name, schema): &(String, Value)| json!({"type": "function", "function": {"name": name, "parameters": schema}});
    add(&mut body, "tools", list(&asked.tools, tool));
    let format = |schema: &Value| json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": true}});
    add(&mut body, "response_format", asked.schema.as_ref().map(format));
    add(&mut body, "reasoning_effort", asked.thinks.then(|| json!("high")));
    add(&mut body, "stream", stream.then_some(json!(true)));
    add(&mut body, "stream_options", stream.then(|| json!({"include_usage": true})));
    body
}

pub(super) fn responses(asked: &Asked, model: &str, stream: bool) -> Value {
    let mut input = Vec::new();
    for text in &asked.texts {
        let mut content = vec![json!({"type": "input_text", "text": text})];
        content.extend(asked.image.iter().map(|png| json!({"type": "input_image", "image_url": data_url(png)})));
        input.push(json!({"role": "user", "content": content}));
    }
    for call in &asked.calls {
        let arguments = call.arguments.to_string();
        input.push(json!({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments}));
    }
    for (id, text) in &asked.results {
        input.push(json!({"type": "function_call_output", "call_id": id, "output": text}));
    }
    let mut body =
        json!({"model": model, "instructions": asked.system, "input": input, "max_output_tokens": asked.cap});
    let tool = |(name, schema): &(String, Value)| json!({"type": "function", "name": name, "parameters": schema, "strict": false});
    add(&mut body, "tools", list(&asked.tools, tool));
    let format =
        |schema: &Value| json!({"format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": true}});
    add(&mut body, "text", asked.schema.as_ref().map(format));
    add(&mut body, "reasoning", asked.thinks.then(|| json!({"effort": "high", "summary": "auto"})));
    add(&mut body, "stream", stream.then_some(json!(true)));
    body
}

pub(super) fn anthropic(asked: &Asked, model: &str, stream: bool) -> Value {
    let mut messages = Vec::new();
    let image = |png| json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png}});
    for text in &asked.texts {
        let mut content = vec![json!({"type": "text", "text": text})];
        content.extend(asked.image.iter().map(image));
        messages.push(json!({"role": "user", "content": content}));
    }
    let call = |call: &Call| json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments});
    if let Some(content) = list(&asked.calls, call) {
        messages.push(json!({"role": "assistant", "content": content}));
    }
    let result = |(id, text): &(String, String)| json!({"type": "tool_result", "tool_use_id": id, "content": text});
    if let Some(content) = list(&asked.results, result) {
        messages.push(json!({"role": "user", "content": content}));
    }
    let mut body = json!({"model": model, "system": asked.system, "messages": messages, "max_tokens": asked.cap});
    let tool = |(name, schema): &(String, Value)| json!({"name": name, "input_schema": schema});
    add(&mut body, "tools", list(&asked.tools, tool));
    let format = |schema: &Value| json!({"format": {"type": "json_schema", "schema": schema}});
    add(&mut body, "output_config", asked.schema.as_ref().map(format));
    add(&mut body, "thinking", asked.thinks.then(|| json!({"type": "enabled", "budget_tokens": BUDGET})));
    add(&mut body, "stream", stream.then_some(json!(true)));
    body
}

pub(super) fn gemini(asked: &Asked) -> Value {
    let mut contents = Vec::new();
    for text in &asked.texts {
        let mut parts = vec![json!({"text": text})];
        parts.extend(asked.image.iter().map(|png| json!({"inlineData": {"mimeType": "image/png", "data": png}})));
        contents.push(json!({"role": "user", "parts": parts}));
    }
    let call = |call: &Call| json!({"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}});
    if let Some(parts) = list(&asked.calls, call) {
        contents.push(json!({"role": "model", "parts": parts}));
    }
    let result = |(id, text): &(String, String)| {
        let name = asked.calls.iter().find(|call| call.id == *id).map(|call| call.name.as_str());
        json!({"functionResponse": {"id": id, "name": name, "response": {"output": text}}})
    };
    if let Some(parts) = list(&asked.results, result) {
        contents.push(json!({"role": "user", "parts": parts}));
    }
    let mut settings = json!({"maxOutputTokens": asked.cap});
    if let Some(schema) = &asked.schema {
        settings["responseMimeType"] = "application/json".into();
        settings["responseJsonSchema"] = schema.clone();
    }
    let thinking = || json!({"thinkingBudget": BUDGET, "includeThoughts": true});
    add(&mut settings, "thinkingConfig", asked.thinks.then(thinking));
    let mut body = json!({
        "systemInstruction": {"parts": [{"text": asked.system}]}, "contents": contents, "generationConfig": settings,
    });
    let tool = |(name, schema): &(String, Value)| json!({"name": name, "parameters": capitals(schema)});
    add(&mut body, "tools", list(&asked.tools, tool).map(|tools| json!([{"functionDeclarations": tools}])));
    body
}

// Google's own schemas have their types in capitals.
fn capitals(schema: &Value) -> Value {
    let capital = |text: String, name: &str| {
        text.replace(&format!("\"type\":\"{name}\""), &format!("\"type\":\"{}\"", name.to_uppercase()))
    };
    let text = ["object", "string", "integer"].into_iter().fold(schema.to_string(), capital);
    serde_json::from_str(&text).unwrap()
}

fn list<T>(items: &[T], write: impl Fn(&T) -> Value) -> Option<Value> {
    (!items.is_empty()).then(|| items.iter().map(write).collect())
}

fn add(body: &mut Value, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        body[name] = value;
    }
}

fn data_url(png: &str) -> String {
    format!("data:image/png;base64,{png}")
}
