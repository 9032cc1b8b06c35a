//! What every kind of member means, and which member a fault names.

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::dialect::canonical::{
    CacheMark, Effort, Format, LogProbs, Message, Part, PartKind, Reasoning, Role, Source, Thinking, Tool, ToolCall,
    ToolChoice, ToolResult,
};

fn read(messages: &Value, rest: Value) -> Outcome<Conversation> {
    let mut body = rest;
    body["model"] = json!("m");
    body["messages"] = messages.clone();
    ChatRequest::parse(Bytes::from(body.to_string()))?.conversation()
}

fn with(rest: Value) -> Conversation {
    read(&json!([{"role": "user", "content": "x"}]), rest).unwrap()
}

fn messages(messages: Value) -> Vec<Message> {
    read(&messages, json!({})).unwrap().messages
}

fn parts(content: Value) -> Vec<PartKind> {
    let parts = messages(json!([{"role": "user", "content": content}])).remove(0).parts;
    parts.into_iter().map(|part| part.kind).collect()
}

fn inline(media_type: &str, base64: &str) -> Source {
    Source::Inline { media_type: media_type.into(), base64: base64.into() }
}

fn call(id: &str, name: &str, arguments: &str) -> PartKind {
    let (id, name, arguments) = (id.into(), name.into(), arguments.into());
    PartKind::ToolCall(ToolCall { id, name, arguments, signature: None })
}

fn result(id: &str, name: Option<&str>, texts: &[&str]) -> PartKind {
    let parts = texts.iter().map(|text| Part::text(*text)).collect();
    PartKind::ToolResult(ToolResult { id: id.into(), name: name.map(Into::into), parts, is_error: false })
}

#[test]
fn content_is_text_or_parts_of_every_kind() {
    let thought = Reasoning { text: "ab".into(), ..Reasoning::default() };
    let image = |source| PartKind::Image { source, detail: None };
    let document = |source, name: Option<&str>| PartKind::Document { source, name: name.map(Into::into) };
    for (part, kind) in [
        (json!({"type": "text", "text": "a"}), PartKind::Text("a".into())),
        (json!("a"), PartKind::Text("a".into())),
        (json!({"type": "image_url", "image_url": {"url": "https://x/y"}}), image(Source::Url("https://x/y".into()))),
        (json!({"type": "image_url", "image_url": "https://x/y"}), image(Source::Url("https://x/y".into()))),
        (
            json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}),
            PartKind::Image { source: inline("image/png", "AA=="), detail: Some("low".into()) },
        ),
        (
            json!({"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}}),
            PartKind::Audio { source: inline("audio/mpeg", "AA==") },
        ),
        (
            json!({"type": "file", "file": {"file_data": "data:application/pdf;x=1;base64,AA==", "filename": "a.pdf"}}),
            document(inline("application/pdf", "AA=="), Some("a.pdf")),
        ),
        (json!({"type": "file", "file": {"file_data": "AA=="}}), document(inline("application/pdf", "AA=="), None)),
        (json!({"type": "file", "file": {"file_id": "f"}}), document(Source::File("f".into()), None)),
        (json!({"type": "document_url", "document_url": "https://x"}), document(Source::Url("https://x".into()), None)),
        (json!({"type": "refusal", "refusal": "no"}), PartKind::Refusal("no".into())),
        (
            json!({"type": "thinking", "thinking": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
            PartKind::Reasoning(thought),
        ),
    ] {
        assert_eq!(parts(json!([part.clone()])), [kind], "{part}");
    }
    assert_eq!(parts(json!("plain")), [PartKind::Text("plain".into())]);
}

#[test]
fn turns_with_tools_are_put_together() {
    let read = messages(json!([
        {"role": "developer", "content": "d", "name": "n"},
        {"role": "assistant", "content": null, "refusal": null, "reasoning_content": "th", "annotations": [],
         "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
                        {"id": "", "function": {"name": "g", "arguments": {"y": 2}}}]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "", "content": [{"type": "text", "text": "2"}, {"type": "text", "text": "3"}]},
        {"role": "assistant", "content": "", "function_call": {"name": "h", "arguments": ""}},
        {"role": "function", "name": "h", "content": "4"},
    ]));
    let thought = PartKind::Reasoning(Reasoning { text: "th".into(), ..Reasoning::default() });
    let of =
        |role, kinds: Vec<PartKind>| Message { role, parts: kinds.into_iter().map(Part::of).collect(), name: None };
    let expected = [
        Message { name: Some("n".into()), ..of(Role::Developer, vec![PartKind::Text("d".into())]) },
        of(Role::Assistant, vec![thought, call("a", "f", "{\"x\":1}"), call("call_0", "g", "{\"y\":2}")]),
        of(Role::User, vec![result("a", Some("f"), &["1"]), result("call_0", Some("g"), &["2", "3"])]),
        of(Role::Assistant, vec![call("call_1", "h", "")]),
        of(Role::User, vec![result("call_1", Some("h"), &["4"])]),
    ];
    assert_eq!(read, expected);
}

#[test]
fn cache_markers_are_kept_where_other_dialects_have_them() {
    let mark = json!({"type": "ephemeral"});
    let read = read(
        &json!([
            {"role": "system", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
            {"role": "user", "content": "b", "cache_control": mark},
            {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "r", "cache_control": mark}]},
        ]),
        json!({"tools": [{"type": "function", "function": {"name": "f"}, "cache_control": mark}]}),
    )
    .unwrap();
    let marks: Vec<_> = read.messages.iter().map(|message| message.parts[0].cache).collect();
    assert_eq!(marks, [Some(CacheMark::Long), Some(CacheMark::Short), Some(CacheMark::Short)]);
    assert_eq!(read.tools[0].cache, Some(CacheMark::Short));
}

#[test]
fn settings_are_read_under_all_their_names() {
    let read = with(json!({
        "max_tokens": 9, "n": 2, "stop": "a", "temperature": 0.1, "top_k": 3, "seed": 7, "logit_bias": {"1": -1},
        "logprobs": true, "top_logprobs": 2, "safety_identifier": "u", "metadata": {"k": "v"}, "service_tier": "flex",
        "verbosity": "low", "prompt_cache_key": "k", "store": false, "usage": {"include": true}, "modalities": ["text"],
        "stream_options": {"include_usage": true, "include_obfuscation": false}, "top_p": null, "unknown": null,
    }));
    assert_eq!(read.hints, ["store", "usage", "stream_options.include_obfuscation"]);
    let settings = read.settings;
    assert_eq!((settings.output_cap, settings.choices, settings.stop), (Some(9), Some(2), vec!["a".to_owned()]));
    let sampling = settings.sampling;
    assert_eq!(sampling.temperature.unwrap().to_string(), "0.1");
    assert_eq!((sampling.top_k.unwrap().to_string(), sampling.seed.unwrap().to_string()), ("3".into(), "7".into()));
    assert_eq!(sampling.logit_bias.unwrap().text(), r#"{"1":-1}"#);
    assert_eq!(settings.log_probs, Some(LogProbs { alternatives: Some(2) }));
    assert_eq!((settings.user.as_deref(), settings.cache_key.as_deref()), (Some("u"), Some("k")));
    assert_eq!((settings.service_tier.as_deref(), settings.verbosity.as_deref()), (Some("flex"), Some("low")));
}

#[test]
fn thinking_and_formats_are_read() {
    let word = |effort| Thinking { effort: Some(effort), ..Thinking::default() };
    let budget = |tokens| Thinking { budget: Some(tokens), ..Thinking::default() };
    for (rest, thinking) in [
        (json!({"reasoning_effort": "xhigh"}), word(Effort::Max)),
        (json!({"reasoning_effort": "none", "thinking": {"type": "enabled"}}), word(Effort::None)),
        (json!({"thinking": {"type": "disabled"}}), word(Effort::None)),
        (json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}), budget(2000)),
        (json!({"reasoning": {"max_tokens": 5, "exclude": true}}), Thinking { shown: Some(false), ..budget(5) }),
        (json!({"reasoning": {"enabled": false}}), word(Effort::None)),
        (json!({"include_reasoning": true}), Thinking { shown: Some(true), ..Thinking::default() }),
    ] {
        assert_eq!(with(rest.clone()).settings.thinking, thinking, "{rest}");
    }
    assert_eq!(with(json!({"response_format": {"type": "text"}})).settings.format, Format::Text);
    assert_eq!(with(json!({"response_format": {"type": "json_object"}})).settings.format, Format::Json);
    let bare = with(json!({"response_format": {"type": "json_object", "schema": {}}})).settings.format;
    assert!(matches!(bare, Format::Schema { name, schema, .. } if name == "answer" && schema.text() == "{}"));
    let format = with(json!({"response_format":
        {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": {"type": "object"}}}}));
    assert!(matches!(format.settings.format, Format::Schema { name, schema, strict: Some(true), description: None }
        if name == "n" && schema.text() == r#"{"type":"object"}"#));
}

#[test]
fn tools_and_choices_are_read_under_both_names() {
    let function = json!({"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true});
    let read = with(json!({"tools": [{"type": "function", "function": function}], "functions": [{"name": "g"}],
        "parallel_tool_calls": false}));
    let tool = Tool { name: "g".into(), description: None, schema: None, strict: None, cache: None };
    assert_eq!((read.parallel_tools, &read.tools[1]), (Some(false), &tool));
    assert_eq!((read.tools[0].description.as_deref(), read.tools[0].strict), (Some("d"), Some(true)));
    let named = json!({"type": "function", "function": {"name": "f"}});
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}});
    for (rest, choice) in [
        (json!({"tool_choice": "auto"}), ToolChoice::Auto),
        (json!({"tool_choice": "none"}), ToolChoice::None),
        (json!({"tool_choice": "any"}), ToolChoice::Required),
        (json!({"tool_choice": named}), ToolChoice::Tool("f".into())),
        (json!({"tool_choice": allowed}), ToolChoice::OneOf(vec!["f".into()])),
        (json!({"function_call": {"name": "f"}}), ToolChoice::Tool("f".into())),
        (json!({"function_call": "auto"}), ToolChoice::Auto),
    ] {
        assert_eq!(with(rest.clone()).tool_choice, Some(choice), "{rest}");
    }
}

#[test]
fn faults_name_the_member_by_its_path() {
    let user = |content: Value| json!([{"role": "user", "content": content}]);
    let assistant = |rest: Value| json!([{"role": "user", "content": "x"}, rest]);
    for (messages, rest, code, param) in [
        (user(json!("x")), json!({"min_p": 0.1}), "unsupported_field", "min_p"),
        (user(json!("x")), json!({"web_search_options": {}}), "unsupported_field", "web_search_options"),
        (user(json!("x")), json!({"modalities": ["text", "audio"]}), "unsupported_field", "modalities"),
        (user(json!("x")), json!({"tools": [{"type": "web_search"}]}), "unsupported_field", "tools[0].type"),
        (user(json!("x")), json!({"tools": [{"function": {}}]}), "missing_field", "tools[0].function.name"),
        (user(json!("x")), json!({"tools": {}}), "invalid_type", "tools"),
        (user(json!("x")), json!({"tool_choice": "some"}), "invalid_value", "tool_choice"),
        (
            user(json!("x")),
            json!({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}}),
            "unsupported_field",
            "tool_choice.allowed_tools.mode",
        ),
        (user(json!("x")), json!({"stop": [1]}), "invalid_type", "stop"),
        (user(json!("x")), json!({"temperature": "hot"}), "invalid_type", "temperature"),
        (user(json!("x")), json!({"reasoning_effort": "huge"}), "invalid_value", "reasoning_effort"),
        (
            user(json!("x")),
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}}),
            "missing_field",
            "response_format.json_schema.schema",
        ),
        (user(json!(null)), json!({}), "missing_field", "messages[0].content"),
        (user(json!(1)), json!({}), "invalid_type", "messages[0].content"),
        (user(json!([{"text": "x"}])), json!({}), "missing_field", "messages[0].content[0].type"),
        (user(json!([7])), json!({}), "invalid_type", "messages[0].content[0]"),
        (user(json!([{"type": "video_url"}])), json!({}), "unsupported_field", "messages[0].content[0].type"),
        (
            user(json!([{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "data:,x"}}])),
            json!({}),
            "invalid_value",
            "messages[0].content[1].image_url.url",
        ),
        (json!([{"role": "critic", "content": "x"}]), json!({}), "invalid_value", "messages[0].role"),
        (json!(["x"]), json!({}), "invalid_type", "messages[0]"),
        (json!([{"role": "tool", "content": "x"}]), json!({}), "missing_field", "messages[0].tool_call_id"),
        (
            assistant(json!({"role": "assistant", "tool_calls": [{"id": "a", "type": "custom"}]})),
            json!({}),
            "unsupported_field",
            "messages[1].tool_calls[0].type",
        ),
    ] {
        let fault = read(&messages, rest).unwrap_err();
        assert_eq!((fault.code, fault.param.as_deref()), (code, Some(param)), "{fault:?}");
        assert!(fault.message.starts_with(param), "{fault:?}");
    }
}
