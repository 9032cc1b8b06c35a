//! What is written is read back as it was.

use farthing_actors::domain::Usage;
use serde_json::{Value, json};

use super::*;
use crate::dialect::canonical::{Stop, ToolCall};
use crate::dialect::openai_chat::reply::read;
use crate::dialect::usage::Reading;

fn reply(parts: Vec<PartKind>, stop: Stop) -> Reply {
    let log_probs = Json::object(r#"{"content": []}"#);
    let choice = canonical::Choice { parts: parts.into_iter().map(Part::of).collect(), stop, log_probs };
    let usage = Usage {
        input: 1,
        cache_read: 2,
        cache_write_5m: 3,
        cache_write_1h: 0,
        output: 4,
        reasoning: 5,
        tier: farthing_actors::domain::ServiceTier::Flex,
        ..Usage::default()
    };
    Reply {
        id: "x".into(),
        model: "m".into(),
        created: Some(7),
        choices: vec![choice.clone(), choice],
        usage: Reading::Figures(usage),
        service_tier: Some("flex".into()),
    }
}

fn call(id: &str, signature: Option<&str>) -> PartKind {
    let (id, name, arguments) = (id.into(), "f".into(), r#"{"b": 1e2, "a": []}"#.into());
    PartKind::ToolCall(ToolCall { id, name, arguments, signature: signature.map(Into::into) })
}

fn thought(text: &str, signature: Option<&str>, sealed: Option<&str>) -> PartKind {
    let own = |text: Option<&str>| text.map(ToOwned::to_owned);
    PartKind::Reasoning(Reasoning { text: text.into(), signature: own(signature), sealed: own(sealed), id: None })
}

#[test]
fn what_chat_can_say_comes_back() {
    for (parts, stop) in [
        (vec![PartKind::Text("Hé \"\n".into())], Stop::End),
        (vec![], Stop::Length),
        (vec![PartKind::Refusal("no".into())], Stop::End),
        (vec![PartKind::Text("a".into()), call("1", None), call("2", Some("sig"))], Stop::ToolCalls),
        (
            vec![thought("t", Some("sig"), None), thought("", None, Some("x")), PartKind::Text("a".into())],
            Stop::Filtered,
        ),
        (vec![thought("t", None, Some("x")), call("1", None)], Stop::ToolCalls),
    ] {
        let reply = reply(parts, stop);
        assert_eq!(read(&write(&reply, Some("{}"))), Some(reply));
    }
}

#[test]
fn sdks_find_what_they_look_for() {
    let mut told = reply(vec![call("1", None)], Stop::ToolCalls);
    (told.id, told.created, told.usage) = (String::new(), None, Reading::Absent);
    let body: Value = serde_json::from_slice(&write(&told, Some("{}"))).unwrap();
    assert!(body["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!((&body["object"], &body["created"]), (&json!("chat.completion"), &json!(0)));
    assert!(body.get("usage").is_none(), "no figures are invented");
    let message = body["choices"][1]["message"].as_object().unwrap();
    assert!(message["content"].is_null() && message["role"] == "assistant");
    assert_eq!(body["choices"][1]["index"], 1);
}

#[test]
fn odd_answers_are_read_and_others_are_not() {
    let filtered = read(br#"{"choices":[{"finish_reason":"content_filter","content_filter_results":{}}]}"#).unwrap();
    assert_eq!((filtered.choices[0].parts.len(), &filtered.choices[0].stop), (0, &Stop::Filtered));
    let plain = read(br#"{"choices":[{"message":{"reasoning_content":"r","content":null}}],"created":0}"#).unwrap();
    assert!(matches!(&plain.choices[0].parts[0].kind, PartKind::Reasoning(thought) if thought.signature.is_some()));
    assert_eq!((plain.created, &plain.choices[0].stop), (None, &Stop::End));
    for body in [&b""[..], b"<html>", b"\0\0", b"[]", b"{}", br#"{"error":{"message":"no"}}"#, br#"{"choices":{}}"#] {
        assert_eq!(read(body), None);
    }
    let insane = read(br#"{"choices":[],"usage":{"prompt_tokens":-1}}"#).unwrap();
    assert!(matches!(insane.usage, Reading::Insane(_)));
}
