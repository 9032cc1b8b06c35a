//! What requests mean, and what is refused by its path.

use serde_json::{Value, json};

use super::*;
use crate::dialect::canonical::{Effort, Format, Reasoning, Source, Thinking};

fn read(body: &Value) -> Result<Conversation, RequestFault> {
    conversation(body.to_string().as_bytes(), Some(9))
}

/// A request with these members beside one message.
fn with(members: &str) -> Result<Conversation, RequestFault> {
    let body = format!(r#"{{"messages":[{{"role":"user","content":"hi"}}],{members}}}"#);
    conversation(body.as_bytes(), Some(9))
}

/// The parts of one user's message with this block.
fn part(block: &Value) -> Result<Part, RequestFault> {
    let read = read(&json!({"messages": [{"role": "user", "content": [block]}]}))?;
    Ok(read.messages[0].parts[0].clone())
}

#[test]
fn system_prompts_come_in_two_forms() {
    let marked = json!([{"type": "text", "text": "a"},
        {"type": "text", "text": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]);
    let b = Part { cache: Some(CacheMark::Long), ..Part::text("b") };
    for (system, parts) in [(json!("a"), vec![Part::text("a")]), (marked, vec![Part::text("a"), b])] {
        let read = read(&json!({"system": system, "messages": [{"role": "user", "content": "hi"}]})).unwrap();
        assert_eq!((read.messages[0].role, &read.messages[0].parts), (Role::System, &parts));
        assert_eq!(read.messages[1].parts, [Part::text("hi")]);
    }
}

#[test]
fn blocks_are_parts() {
    let png = json!({"type": "base64", "media_type": "image/png", "data": "AA=="});
    let inline = Source::Inline { media_type: "image/png".into(), base64: "AA==".into() };
    let image = PartKind::Image { source: inline.clone(), detail: None };
    assert_eq!(part(&json!({"type": "image", "source": png})).unwrap().kind, image);
    for (source, expected) in [
        (json!({"type": "text", "media_type": "text/plain", "data": "x"}), Source::Text("x".into())),
        (json!({"type": "url", "url": "u"}), Source::Url("u".into())),
        (json!({"type": "file", "file_id": "f"}), Source::File("f".into())),
    ] {
        let block = json!({"type": "document", "source": source, "title": "t", "citations": {"enabled": false}});
        assert_eq!(part(&block).unwrap().kind, PartKind::Document { source: expected, name: Some("t".into()) });
    }
    let thinking = json!({"type": "thinking", "thinking": "hm", "signature": "s"});
    let reasoning = Reasoning { text: "hm".into(), signature: Some("s".into()), ..Reasoning::default() };
    assert_eq!(part(&thinking).unwrap().kind, PartKind::Reasoning(reasoning));
}

#[test]
fn results_know_their_tool() {
    let body = r#"{"messages":[
        {"role":"assistant","content":[{"type":"tool_use","id":"farthing_YTpi","name":"f","input":{"b":1e2,"a":0}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"farthing_YTpi","is_error":true,
            "content":[{"type":"text","text":"no"}]}, {"type":"tool_result","tool_use_id":"x"}]}]}"#;
    let read = conversation(body.as_bytes(), Some(1)).unwrap();
    let PartKind::ToolCall(call) = &read.messages[0].parts[0].kind else { panic!() };
    assert_eq!((call.id.as_str(), call.arguments.as_str()), ("a:b", r#"{"b":1e2,"a":0}"#));
    let results = [("a:b", Some("f"), vec![Part::text("no")], true), ("x", None, vec![], false)];
    for (part, (id, name, parts, is_error)) in read.messages[1].parts.iter().zip(results) {
        let name = name.map(ToOwned::to_owned);
        assert_eq!(part.kind, PartKind::ToolResult(ToolResult { id: id.into(), name, parts, is_error }));
    }
}

#[test]
fn settings_are_read() {
    let read = with(
        r#""stop_sequences":["x"],"temperature":0.5,"top_k":4,"metadata":{"user_id":"u"},"service_tier":"standard_only",
        "tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},"context_management":{},"unknown":null,
        "thread":{"type":"create"},"fallbacks":[],
        "thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"xhigh"},
        "output_format":{"type":"json_schema","schema":{"z":1,"a":2}}"#,
    );
    let read = read.unwrap();
    assert_eq!((read.tool_choice, read.parallel_tools), (Some(ToolChoice::Tool("f".into())), Some(false)));
    assert_eq!(read.hints, ["context_management", "thread", "fallbacks"]);
    let settings = read.settings;
    assert_eq!((settings.output_cap, settings.stop), (Some(9), vec!["x".to_owned()]));
    assert_eq!((settings.user.as_deref(), settings.service_tier.as_deref()), (Some("u"), Some("default")));
    assert_eq!(settings.thinking, Thinking { effort: Some(Effort::Max), budget: None, shown: Some(false) });
    let Format::Schema { schema, .. } = settings.format else { panic!() };
    assert_eq!(schema.text(), r#"{"z":1,"a":2}"#);
    for (thinking, budget) in [(r#"{"type":"disabled"}"#, 0), (r#"{"type":"enabled","budget_tokens":2000}"#, 2000)] {
        assert_eq!(with(&format!("\"thinking\":{thinking}")).unwrap().settings.thinking.budget, Some(budget));
    }
}

#[test]
fn what_no_other_provider_has_is_refused_by_its_path() {
    for (members, param) in [
        (r#""tools":[{"name":"f"},{"type":"web_search_20250305","name":"web_search"}]"#, "tools[1].type"),
        (r#""container":"c""#, "container"),
        (r#""mcp_servers":[{}]"#, "mcp_servers"),
        (r#""compaction":{}"#, "compaction"),
        (r#""inference_geo":"us""#, "inference_geo"),
    ] {
        let fault = with(members).unwrap_err();
        assert_eq!((fault.code, fault.param.as_deref()), ("unsupported_field", Some(param)));
    }
    let at = "messages[0].content[0]";
    for (block, path) in [
        (json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}), ""),
        (json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": []}), ""),
        (json!({"type": "container_upload", "file_id": "f"}), ""),
        (json!({"type": "search_result", "source": "u", "title": "t", "content": []}), ""),
        (json!({"type": "document", "source": {"type": "content", "content": []}}), ".source"),
        (json!({"type": "document", "source": {"type": "url", "url": "u"}, "context": "c"}), ".context"),
        (
            json!({"type": "document", "source": {"type": "url", "url": "u"}, "citations": {"enabled": true}}),
            ".citations",
        ),
        (json!({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "tool_reference"}]}), ".content[0]"),
    ] {
        let fault = part(&block).unwrap_err();
        assert_eq!((fault.code, fault.param), ("unsupported_field", Some(format!("{at}{path}"))));
    }
    assert_eq!(conversation(br#"{"messages":[]}"#, Some(0)).unwrap_err().param.as_deref(), Some("max_tokens"));
}

#[test]
fn what_cannot_be_read_is_named_by_its_path() {
    for (messages, param) in [
        (json!([1]), "messages[0]"),
        (json!([{"role": "tool", "content": ""}]), "messages[0].role"),
        (json!([{"role": "user"}]), "messages[0].content"),
        (json!([{"role": "user", "content": 1}]), "messages[0].content"),
        (json!([{"role": "user", "content": [{"type": "text", "text": 1}]}]), "messages[0].content[0]"),
        (json!([{"role": "user", "content": [{"type": "image"}]}]), "messages[0].content[0].source"),
        (json!([{"role": "assistant", "content": [{"type": "tool_use", "name": "f"}]}]), "messages[0].content[0].id"),
    ] {
        assert_eq!(read(&json!({"messages": messages})).unwrap_err().param.as_deref(), Some(param));
    }
    for (members, param) in [
        (r#""temperature":"hot""#, "temperature"),
        (r#""thinking":{"type":"maybe"}"#, "thinking.type"),
        (r#""output_config":{"effort":"some"}"#, "output_config.effort"),
        (r#""output_config":{"format":{"type":"json"}}"#, "output_config.format.type"),
        (r#""tool_choice":{"type":"tool"}"#, "tool_choice.name"),
        (r#""tools":{}"#, "tools"),
    ] {
        assert_eq!(with(members).unwrap_err().param.as_deref(), Some(param));
    }
}
