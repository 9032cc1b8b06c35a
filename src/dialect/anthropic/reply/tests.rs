//! Answers: there and back, as other providers give them, and bodies that are none.

use farthing_actors::domain::Usage;
use serde_json::{Value, json};

use super::*;
use crate::dialect::canonical::{Part, PartKind, Reasoning, ToolCall};

fn reply(parts: Vec<Part>, stop: Stop) -> Reply {
    let usage = Usage {
        input: 1,
        cache_read: 2,
        cache_write_5m: 3,
        cache_write_1h: 4,
        output: 5,
        reasoning: 6,
        ..Usage::default()
    };
    Reply {
        id: "msg_1".into(),
        model: "m".into(),
        created: None,
        choices: vec![Choice { parts, stop, log_probs: None }],
        usage: Reading::Figures(usage),
        service_tier: Some("default".into()),
    }
}

fn call(id: &str, arguments: &str, signature: Option<&str>) -> Part {
    let signature = signature.map(ToOwned::to_owned);
    Part::of(PartKind::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments: arguments.into(), signature }))
}

fn reasoning(text: &str, [signature, sealed, id]: [Option<&str>; 3]) -> Part {
    let [signature, sealed, id] = [signature, sealed, id].map(|seal| seal.map(ToOwned::to_owned));
    Part::of(PartKind::Reasoning(Reasoning { text: text.into(), signature, sealed, id }))
}

#[test]
fn what_is_written_is_read_back() {
    let parts = vec![
        reasoning("hm", [Some("sig"), None, None]),
        reasoning("", [None, Some("opaque"), None]),
        reasoning("a summary", [None, Some("encrypted"), Some("rs_1")]),
        Part::text("so"),
        call("call:1", r#"{"b":1e2,"a":0}"#, Some("gemini's")),
        call("toolu_2", "{ broken", None),
    ];
    for stop in [
        Stop::End,
        Stop::Length,
        Stop::StopText(Some("x".into())),
        Stop::StopText(None),
        Stop::ToolCalls,
        Stop::Refusal,
        Stop::Pause,
        Stop::Other("odd".into()),
    ] {
        let reply = reply(parts.clone(), stop);
        assert_eq!(read(&write(&reply, Some(r#"{"a":1}"#))), Some(reply));
    }
}

#[test]
fn what_others_leave_out_is_made_up() {
    let mut bare = reply(vec![Part::of(PartKind::Refusal("no".into()))], Stop::Filtered);
    bare.id.clear();
    bare.usage = Reading::Absent;
    bare.service_tier = None;
    let body: Value = serde_json::from_slice(&write(&bare, None)).unwrap();
    assert!(body["id"].as_str().unwrap().starts_with("msg_"));
    assert_eq!(body["stop_reason"], "refusal");
    assert_eq!(body["content"], json!([{"type": "text", "text": "no"}]));
    assert_eq!((&body["usage"]["input_tokens"], &body["usage"]["output_tokens"]), (&json!(0), &json!(0)));
    assert!(body["usage"].get("farthing").is_none() && body["stop_sequence"].is_null());
}

#[test]
fn odd_answers_are_read_as_far_as_they_go() {
    let read = read(
        br#"{"type":"message","id":null,"content":[{"type":"later","text":"x"},{"type":"text","text":7},
        {"type":"text","text":"a","citations":[]},{"type":"tool_use","id":"","name":"f"}],"stop_reason":"tool_use"}"#,
    )
    .unwrap();
    let [text, call] = read.choices[0].parts.as_slice() else { panic!("{:?}", read.choices) };
    assert_eq!((text.as_text(), read.usage), (Some("a"), Reading::Absent));
    assert!(matches!(&call.kind, PartKind::ToolCall(call) if call.id.starts_with("toolu_") && call.arguments == "{}"));
    let plain = super::read(br#"{"content":"text"}"#).unwrap();
    assert_eq!(plain.choices[0].parts, [Part::text("text")]);
}

#[test]
fn what_is_no_answer_is_none() {
    for (body, answers) in [
        (&b"{}"[..], true),
        (b" {\"a\":\"\xff\"}\n", true),
        (b"{\"type\":\"error\",\"error\":{}}", false),
        (b"[]", false),
        (b"<html>", false),
        (b"\0\0", false),
        (b"{} {}", false),
        (b"", false),
    ] {
        assert_eq!(is_answer(body), answers);
        assert_eq!((read(body), usage(body)), (None, Reading::Absent));
    }
    let insane = br#"{"content":[],"usage":{"input_tokens":-1,"output_tokens":2}}"#;
    assert!(matches!(usage(insane), Reading::Insane(_)));
}
