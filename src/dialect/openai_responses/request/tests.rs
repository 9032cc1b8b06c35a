//! Requests: the head, the bytes for a provider of the same dialect, and faults by the client's own path.

use super::*;
use crate::dialect::canonical::{Effort, Format, LogProbs, PartKind, Role, Source, ToolChoice};
use crate::dialect::head::UsageOption;
use crate::dialect::head::{OutputCap, USEFUL_OUTPUT};
use farthing_actors::domain::ServiceTier;

fn parse(body: &str) -> Result<ResponsesRequest, RequestFault> {
    ResponsesRequest::parse(Bytes::copy_from_slice(body.as_bytes()))
}

fn read(members: &str) -> Result<Conversation, RequestFault> {
    parse(&format!(r#"{{"model":"m",{members}}}"#)).unwrap().conversation()
}

#[test]
fn the_head_is_read() {
    let body = r#"{"model":"m","input":[{"role":"user","content":"a"},{"type":"x"}],"stream":true,"max_output_tokens":9,
            "service_tier":"flex"}"#;
    let head = parse(body).unwrap().head;
    let expected = Head {
        model: "m".into(),
        stream: true,
        wants_usage: true,
        output_cap: Some(9),
        least_output: USEFUL_OUTPUT,
        choices: 1,
        messages: 2,
        bytes: body.len(),
        tier: Some(ServiceTier::Flex),
        measure: Measure::TEXT,
    };
    assert_eq!(head, expected);
    assert_eq!(parse(r#"{"model":"m","input":"","service_tier":"auto"}"#).unwrap().head.tier, None);
    assert_eq!(parse(r#"{"model":"m","input":""}"#).unwrap().head.messages, 1);
    assert_eq!(parse(r#"{"model":"m","previous_response_id":"r"}"#).unwrap().head.messages, 0);
}

#[test]
fn faults_of_the_head_name_the_member() {
    for (body, param, code) in [
        ("{", None, "invalid_json"),
        ("[]", None, "invalid_type"),
        (r#"{"input":"a"}"#, Some("model"), "missing_field"),
        (r#"{"model":"m"}"#, Some("input"), "missing_field"),
        (r#"{"model":"m","input":null}"#, Some("input"), "missing_field"),
        (r#"{"model":"m","input":[]}"#, Some("input"), "invalid_value"),
        (r#"{"model":"m","input":{}}"#, Some("input"), "invalid_type"),
        (r#"{"model":"m","model":"n","input":"a"}"#, Some("model"), "invalid_value"),
        (r#"{"model":"m","input":"a","max_output_tokens":0}"#, Some("max_output_tokens"), "invalid_value"),
        (r#"{"model":"m","input":"a","stream":"yes"}"#, Some("stream"), "invalid_type"),
    ] {
        let fault = parse(body).unwrap_err();
        assert_eq!((fault.param.as_deref(), fault.code), (param, code), "{body}");
    }
}

#[test]
fn what_needs_storage_is_named() {
    for (members, stored) in [
        (r#""input":"a""#, None),
        (r#""input":"a","previous_response_id":null,"background":false,"store":true"#, None),
        (r#""input":"a","previous_response_id":"r""#, Some("previous_response_id")),
        (r#""input":"a","conversation":"c""#, Some("conversation")),
        (r#""prompt":{"id":"p"}"#, Some("prompt")),
        (r#""input":"a","background":true"#, Some("background")),
        (r#""input":[{"type":"item_reference","id":"i"}]"#, Some("input")),
        (r#""input":[{"role":"user","content":"a"},{"id":"i"}]"#, Some("input")),
        (r#""input":[{"role":"user","content":"a"},{"type":"item_reference","id":"rs_farthing_1"}]"#, None),
    ] {
        let request = parse(&format!(r#"{{"model":"m",{members}}}"#)).unwrap();
        assert_eq!(request.stored_state(), stored, "{members}");
        assert_eq!(request.conversation().is_err(), stored.is_some(), "{members}");
    }
}

#[test]
fn only_what_must_change_changes() {
    let rewrite = |model, cap: Option<u64>| Rewrite {
        model,
        usage: UsageOption::Asked,
        output_cap: cap.map(|tokens| OutputCap { field: "max_tokens", tokens }),
    };
    for (body, model, cap, expected) in [
        (r#"{"x":1e2,"model":"m","input":"a"}"#, "m", None, r#"{"x":1e2,"model":"m","input":"a"}"#),
        (r#"{ "model" : "m","input":"a" }"#, "n\"", None, r#"{ "model" : "n\"","input":"a" }"#),
        (r#"{"model":"m","input":"a"}"#, "m", Some(5), r#"{"model":"m","input":"a","max_output_tokens":5}"#),
        (
            r#"{"model":"m","max_output_tokens":7.0,"input":"a"}"#,
            "m",
            Some(5),
            r#"{"model":"m","max_output_tokens":5,"input":"a"}"#,
        ),
        (
            r#"{"model":"m","max_output_tokens":null,"input":"a"}"#,
            "m",
            Some(5),
            r#"{"model":"m","max_output_tokens":5,"input":"a"}"#,
        ),
        (
            r#"{"model":"m","max_output_tokens":5.0,"input":"a"}"#,
            "m",
            Some(5),
            r#"{"model":"m","max_output_tokens":5.0,"input":"a"}"#,
        ),
    ] {
        assert_eq!(parse(body).unwrap().for_upstream(&rewrite(model, cap)), expected, "{body}");
    }
}

#[test]
fn settings_are_read() {
    let read = read(
        r#""input":"hi","instructions":"be brief","temperature":0.5,"top_p":1,"max_output_tokens":99,
        "reasoning":{"effort":"xhigh","summary":"auto","context":"x"},"top_logprobs":3,
        "include":["reasoning.encrypted_content","message.output_text.logprobs","file_search_call.results"],
        "text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true},"verbosity":"low"},
        "tools":[{"type":"function","name":"f","parameters":null,"strict":null},{"type":"function","name":"g"}],
        "tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"g"}]},
        "parallel_tool_calls":false,"safety_identifier":"u","metadata":{"a":"b"},"service_tier":"flex",
        "prompt_cache_key":"k","store":true,"truncation":"auto","max_tool_calls":3"#,
    )
    .unwrap();
    assert_eq!((read.messages[0].role, read.messages[0].parts[0].as_text()), (Role::System, Some("be brief")));
    assert_eq!((read.messages[1].role, read.messages[1].parts[0].as_text()), (Role::User, Some("hi")));
    let settings = &read.settings;
    assert_eq!((settings.thinking.effort, settings.thinking.shown), (Some(Effort::Max), Some(true)));
    assert_eq!(settings.log_probs, Some(LogProbs { alternatives: Some(3) }));
    assert!(matches!(&settings.format, Format::Schema { name, strict: Some(true), .. } if name == "n"));
    assert_eq!((settings.user.as_deref(), settings.service_tier.as_deref()), (Some("u"), Some("flex")));
    assert_eq!((settings.verbosity.as_deref(), settings.cache_key.as_deref()), (Some("low"), Some("k")));
    assert_eq!((read.tools.len(), read.tools[0].name.as_str()), (1, "g"), "only what is allowed");
    assert_eq!((read.tool_choice, read.parallel_tools), (Some(ToolChoice::Auto), Some(false)));
    assert_eq!(read.hints, ["max_tool_calls", "store", "truncation", "include[2]", "reasoning.context"]);
}

#[test]
fn items_become_turns() {
    let read = read(
        r#""input":[
        {"role":"user","content":[{"type":"input_text","text":"a"},
            {"type":"input_image","image_url":"data:image/png;base64,AA==","detail":"low"},
            {"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,AA=="}]},
        {"type":"reasoning","id":"rs_1","summary":[]},
        {"type":"reasoning","id":"rs_2","summary":[{"type":"summary_text","text":"t"}],"encrypted_content":"signature:S"},
        {"type":"message","role":"assistant","id":"msg_1","phase":"commentary","status":"completed",
            "content":[{"type":"output_text","text":"b","annotations":[]}]},
        {"type":"reasoning","summary":[],"encrypted_content":"tool_call_signature:G:c2"},
        {"type":"function_call","call_id":"c1","id":"fc_1","name":"f","arguments":"{}"},
        {"type":"function_call","call_id":"c2","name":"g","arguments":"{\"x\":1}","status":"completed"},
        {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"r"}]},
        {"type":"function_call_output","call_id":"c1","output":"s"}]"#,
    )
    .unwrap();
    let roles: Vec<_> = read.messages.iter().map(|message| (message.role, message.parts.len())).collect();
    assert_eq!(roles, [(Role::User, 3), (Role::Assistant, 4), (Role::User, 2)]);
    let inline = Source::Inline { media_type: "image/png".into(), base64: "AA==".into() };
    assert_eq!(read.messages[0].parts[1].kind, PartKind::Image { source: inline, detail: Some("low".into()) });
    let thought = &read.messages[1].parts[0].kind;
    assert!(matches!(thought, PartKind::Reasoning(thought) if thought.signature.as_deref() == Some("S")));
    let call = |at: usize| match &read.messages[1].parts[at].kind {
        PartKind::ToolCall(call) => (call.id.clone(), call.signature.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!((call(2), call(3)), (("c1".into(), None), ("c2".into(), Some("G".into()))));
    let first = &read.messages[2].parts[0].kind;
    assert!(matches!(first, PartKind::ToolResult(result) if result.name.as_deref() == Some("g")));
}

#[test]
fn faults_of_the_conversation_name_the_path() {
    for (members, path, code) in [
        (
            r#""input":[{"role":"user","content":[{"type":"input_image"}]}]"#,
            "input[0].content[0].image_url",
            "missing_field",
        ),
        (r#""input":[{"role":"user","content":[{"type":"x"}]}]"#, "input[0].content[0]", "unsupported_field"),
        (r#""input":[{"role":"user","content":7}]"#, "input[0].content", "invalid_type"),
        (r#""input":[{"role":"tool","content":"a"}]"#, "input[0].role", "invalid_value"),
        (r#""input":[7]"#, "input[0]", "invalid_type"),
        (r#""input":[{"type":"custom_tool_call"}]"#, "input[0]", "unsupported_field"),
        (r#""input":[{"type":"function_call","name":"f"}]"#, "input[0].call_id", "missing_field"),
        (
            r#""input":"a","tools":[{"type":"function","name":"f"},{"type":"custom","name":"g"}]"#,
            "tools[1]",
            "unsupported_field",
        ),
        (r#""input":"a","tool_choice":{"type":"web_search"}"#, "tool_choice", "unsupported_field"),
        (r#""input":"a","tool_choice":"any""#, "tool_choice", "invalid_value"),
        (r#""input":"a","text":{"format":{"type":"json_schema","name":"n"}}"#, "text.format.schema", "missing_field"),
        (r#""input":"a","reasoning":{"effort":"huge"}"#, "reasoning.effort", "invalid_value"),
        (r#""input":"a","temperature":"hot""#, "temperature", "invalid_type"),
        (r#""input":"a","previous_response_id":"r""#, "previous_response_id", "unsupported_field"),
        (r#""input":"a","background":true"#, "background", "unsupported_field"),
    ] {
        let fault = read(members).unwrap_err();
        assert_eq!((fault.param.as_deref(), fault.code), (Some(path), code), "{members}: {fault}");
    }
}
