//! Requests in passing: what is read, what is refused, and what the provider gets.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::dialect::head::OutputCap;
use crate::dialect::head::UsageOption;

const PLAIN: Rewrite<'_> = Rewrite { model: "m", usage: UsageOption::Asked, output_cap: None };

fn parse(body: &str) -> Result<MessagesRequest, RequestFault> {
    MessagesRequest::parse(Bytes::from(body.to_owned()))
}

#[test]
fn what_matters_is_read() {
    let request =
        parse(r#" {"max_tokens":1e2,"mess\u0061ges":[{"role":"user"},{}],"stream":true,"model":"caf\u00e9"} "#);
    let head = request.unwrap().head;
    assert_eq!((head.model.as_str(), head.stream, head.wants_usage), ("café", true, true));
    assert_eq!((head.output_cap, head.choices, head.messages, head.bytes), (Some(100), 1, 2, 91));
    assert_eq!(parse(r#"{"model":"m","messages":[0],"max_tokens":0}"#).unwrap().head.output_cap, Some(0));
}

#[test]
fn faults_name_the_member() {
    let with = |rest: &str| format!(r#"{{"model":"m","messages":[0],{rest}}}"#);
    for (body, code, param) in [
        (String::new(), "invalid_json", None),
        ("[]".into(), "invalid_type", None),
        (with(r#""a":1"#), "missing_field", Some("max_tokens")),
        (with(r#""max_tokens":null"#), "missing_field", Some("max_tokens")),
        (with(r#""max_tokens":-1"#), "invalid_value", Some("max_tokens")),
        (with(r#""max_tokens":"1""#), "invalid_type", Some("max_tokens")),
        (with(r#""max_tokens":1,"stream":1"#), "invalid_type", Some("stream")),
        (with(r#""max_tokens":1,"max_tokens":1"#), "invalid_value", Some("max_tokens")),
        (r#"{"messages":[0],"max_tokens":1}"#.into(), "missing_field", Some("model")),
        (r#"{"model":"m","max_tokens":1}"#.into(), "missing_field", Some("messages")),
        (r#"{"model":"m","max_tokens":1,"messages":[]}"#.into(), "invalid_value", Some("messages")),
        (r#"{"model":"m","max_tokens":1,"messages":"x"}"#.into(), "invalid_type", Some("messages")),
    ] {
        let fault = parse(&body).unwrap_err();
        assert_eq!((fault.code, fault.param.as_deref()), (code, param), "{body}");
    }
}

#[test]
fn going_on_with_a_thread_needs_storage() {
    for (thread, stored) in [
        (r#"{"type":"continue","previous_message_id":"msg_1"}"#, Some("thread")),
        (r#"{"type":"create"}"#, None),
        ("null", None),
        ("7", None),
    ] {
        let request = parse(&format!(r#"{{"model":"m","messages":[0],"max_tokens":1,"thread":{thread}}}"#)).unwrap();
        assert_eq!(request.stored_state(), stored, "{thread}");
    }
}

#[test]
fn counting_needs_no_cap_and_gets_none() {
    let body = Bytes::from_static(br#"{"model":"m","messages":[0]}"#);
    let request = MessagesRequest::parse_for_counting(body.clone()).unwrap();
    assert_eq!(request.head.output_cap, None);
    assert_eq!(request.for_upstream(&PLAIN), body);
    assert_eq!(count_tokens_reply(7), &br#"{"input_tokens":7}"#[..]);
}

#[test]
fn nothing_to_change_is_no_copy() {
    let body = Bytes::from_static(br#"{"model":"m","messages":[0],"max_tokens":1e2,"x":1e999}"#);
    let request = MessagesRequest::parse(body.clone()).unwrap();
    let cap = Some(OutputCap { field: "max_completion_tokens", tokens: 100 });
    let same = request.for_upstream(&Rewrite { output_cap: cap, ..PLAIN });
    assert_eq!((same.as_ptr(), same.len()), (body.as_ptr(), body.len()));
}

proptest! {
    #[test]
    fn a_rewrite_changes_what_it_says_and_no_more(
        model in "\\PC{1,12}", other in "\\PC{0,12}", content in "\\PC{0,20}|[\"\\\\{}]{0,8}",
        cap in prop::option::of(1_u64..9999), pretty in any::<bool>(),
    ) {
        let mut body =
            json!({"model": model, "messages": [{"role": "user", "content": content}], "max_tokens": 9, "a": [1, {}]});
        let text = if pretty { format!("{body:#}") } else { body.to_string() };
        let output_cap = cap.map(|tokens| OutputCap { field: "x", tokens });
        let rewrite = Rewrite { model: &other, usage: UsageOption::Asked, output_cap };
        let sent: Value = serde_json::from_slice(&parse(&text).unwrap().for_upstream(&rewrite)).unwrap();
        body["model"] = json!(other);
        if let Some(tokens) = cap {
            body["max_tokens"] = json!(tokens);
        }
        prop_assert_eq!(sent, body);
    }
}
