//! Requests as providers of each dialect read them. A member in another dialect's words is not found, or panics.

use serde_json::{Value, json};

use super::{Asked, Call};

pub(super) fn chat(body: &Value) -> Asked {
    let mut asked = Asked {
        cap: body["max_tokens"].as_u64().or(body["max_completion_tokens"].as_u64()),
        thinks: body["reasoning_effort"].is_string(),
        schema: some(&body["response_format"]["json_schema"]["schema"]),
        tools: items(&body["tools"], |tool| named(&tool["function"]["name"], &tool["function"]["parameters"])),
        ..Asked::default()
    };
    if body["stream"] == true {
        assert_eq!(body["stream_options"]["include_usage"], true, "usage is always asked for: {body}");
    }
    for message in body["messages"].as_array().unwrap() {
        match message["role"].as_str().unwrap() {
            "system" | "developer" => asked.system.push_str(&text(&message["content"], "text")),
            "user" => {
                asked.texts.push(text(&message["content"], "text"));
                let image = part(&message["content"], "image_url").map(|part| &part["image_url"]["url"]);
                asked.image = asked.image.or(image.map(png));
            }
            "assistant" => asked.calls.extend(items(&message["tool_calls"], |call| {
                assert_eq!(call["type"], "function");
                Call::told(&call["id"], &call["function"]["name"], parsed(&call["function"]["arguments"]))
            })),
            "tool" => asked.results.push((owned(&message["tool_call_id"]), text(&message["content"], "text"))),
            other => panic!("chat has no role {other}: {body}"),
        }
    }
    asked
}

pub(super) fn responses(body: &Value) -> Asked {
    let mut asked = Asked {
        system: body["instructions"].as_str().unwrap_or_default().to_owned(),
        cap: body["max_output_tokens"].as_u64(),
        thinks: body["reasoning"]["effort"].is_string(),
        schema: some(&body["text"]["format"]["schema"]),
        tools: items(&body["tools"], |tool| named(&tool["name"], &tool["parameters"])),
        ..Asked::default()
    };
    for item in body["input"].as_array().unwrap() {
        match item["type"].as_str().unwrap_or("message") {
            "message" if item["role"] == "user" => {
                asked.texts.push(text(&item["content"], "input_text"));
                asked.image = asked.image.or(part(&item["content"], "input_image").map(|part| png(&part["image_url"])));
            }
            "message" => asked.system.push_str(&text(&item["content"], "input_text")),
            "function_call" => {
                asked.calls.push(Call::told(&item["call_id"], &item["name"], parsed(&item["arguments"])));
            }
            "function_call_output" => {
                asked.results.push((owned(&item["call_id"]), text(&item["output"], "input_text")));
            }
            other => panic!("unexpected item {other}: {body}"),
        }
    }
    asked
}

pub(super) fn anthropic(body: &Value) -> Asked {
    let mut asked = Asked {
        system: text(&body["system"], "text"),
        cap: body["max_tokens"].as_u64(),
        thinks: body["thinking"]["type"].as_str().is_some_and(|kind| kind != "disabled"),
        schema: some(&body["output_config"]["format"]["schema"]),
        tools: items(&body["tools"], |tool| named(&tool["name"], &tool["input_schema"])),
        ..Asked::default()
    };
    for message in body["messages"].as_array().unwrap() {
        let content = &message["content"];
        let said = text(content, "text");
        if message["role"] == "user" && !said.is_empty() {
            asked.texts.push(said);
        }
        for block in content.as_array().into_iter().flatten() {
            let source = &block["source"];
            match block["type"].as_str().unwrap() {
                "text" => {}
                "image" => {
                    assert_eq!((&source["type"], &source["media_type"]), (&json!("base64"), &json!("image/png")));
                    asked.image = Some(owned(&source["data"]));
                }
                "tool_use" => asked.calls.push(Call::told(&block["id"], &block["name"], block["input"].clone())),
                "tool_result" => asked.results.push((owned(&block["tool_use_id"]), text(&block["content"], "text"))),
                other => panic!("unexpected block {other}: {body}"),
            }
        }
    }
    asked
}

pub(super) fn gemini(body: &Value) -> Asked {
    let settings = &body["generationConfig"];
    let mut asked = Asked {
        system: items(&body["systemInstruction"]["parts"], |part| owned(&part["text"])).concat(),
        cap: settings["maxOutputTokens"].as_u64(),
        thinks: settings["thinkingConfig"].is_object(),
        schema: some(&settings["responseJsonSchema"]).or(some(&settings["responseSchema"]).map(lowered)),
        ..Asked::default()
    };
    for tool in body["tools"].as_array().into_iter().flatten() {
        asked.tools.extend(items(&tool["functionDeclarations"], |function| {
            let schema = some(&function["parametersJsonSchema"]).or(some(&function["parameters"])).map(lowered);
            (owned(&function["name"]), schema.unwrap())
        }));
    }
    for content in body["contents"].as_array().unwrap() {
        for part in content["parts"].as_array().unwrap() {
            let (call, result, image) = (&part["functionCall"], &part["functionResponse"], &part["inlineData"]);
            if part["text"].is_string() {
                assert_eq!(content["role"], "user", "{body}");
                asked.texts.push(owned(&part["text"]));
            } else if call.is_object() {
                assert_eq!(content["role"], "model", "{body}");
                asked.calls.push(Call::told(&call["id"], &call["name"], call["args"].clone()));
            } else if result.is_object() {
                assert_eq!(result["name"], "weather", "a result names its function: {body}");
                asked.results.push((owned(&result["id"]), owned(&result["response"]["output"])));
            } else {
                assert_eq!(image["mimeType"], "image/png", "{body}");
                asked.image = Some(owned(&image["data"]));
            }
        }
    }
    asked
}

fn named(name: &Value, schema: &Value) -> (String, Value) {
    (owned(name), schema.clone())
}

fn items<T>(list: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    list.as_array().into_iter().flatten().map(read).collect()
}

fn owned(text: &Value) -> String {
    text.as_str().unwrap_or_else(|| panic!("{text} should be text")).to_owned()
}

fn some(value: &Value) -> Option<Value> {
    Some(value.clone()).filter(|value| !value.is_null())
}

fn parsed(arguments: &Value) -> Value {
    serde_json::from_str(arguments.as_str().unwrap()).unwrap()
}

// Content that is a text, or a list whose texts have this type.
fn text(content: &Value, kind: &str) -> String {
    match content {
        Value::String(text) => text.clone(),
        _ => items(content, |part| if part["type"] == kind { owned(&part["text"]) } else { String::new() }).concat(),
    }
}

fn part<'a>(content: &'a Value, kind: &str) -> Option<&'a Value> {
    content.as_array()?.iter().find(|part| part["type"] == kind)
}

fn png(url: &Value) -> String {
    url.as_str().unwrap().strip_prefix("data:image/png;base64,").unwrap().to_owned()
}

fn lowered(schema: Value) -> Value {
    let Value::Object(members) = schema else { return schema };
    let lower = |(name, value): (String, Value)| {
        let lowered = match (name.as_str(), &value) {
            ("type", Value::String(kind)) => kind.to_lowercase().into(),
            _ => lowered(value),
        };
        (name, lowered)
    };
    members.into_iter().map(lower).collect()
}
