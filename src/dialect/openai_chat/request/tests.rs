//! Requests: what is read, what is refused, and what the provider gets.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const PLAIN: Rewrite<'_> = Rewrite { model: "m", usage: UsageOption::AsIs, output_cap: None };

fn parse(body: &str) -> Result<ChatRequest, RequestFault> {
    ChatRequest::parse(Bytes::from(body.to_owned()))
}

/// The upstream form of a body that holds one message and, after it, `rest`.
fn rewritten(rest: &str, rewrite: &Rewrite<'_>) -> String {
    let request = parse(&format!(r#"{{"model":"m","messages":[0]{rest}}}"#)).unwrap();
    let body = String::from_utf8(request.for_upstream(rewrite).to_vec()).unwrap();
    body.strip_prefix(r#"{"model":"m","messages":[0]"#).unwrap().strip_suffix('}').unwrap().to_owned()
}

#[test]
fn what_matters_is_read() {
    let request = parse(
        r#" {"max_tokens":7, "n":2,"mess\u0061ges":[{"role":"user"},{}],"stream":true,"max_completion_tokens":1e2,
           "stream_options":{"include_usage":true},"model":"caf\u00e9"} "#,
    )
    .unwrap();
    assert_eq!((request.head.model.as_str(), request.head.stream, request.head.wants_usage), ("café", true, true));
    assert_eq!(
        (request.head.output_cap, request.head.choices, request.head.messages),
        (Some(7), 2, 2),
        "the lower cap"
    );
    let least = parse(r#"{"model":"m","messages":[0],"stream":null,"n":null,"max_tokens":null}"#).unwrap();
    assert_eq!(
        (least.head.stream, least.head.wants_usage, least.head.output_cap, least.head.choices),
        (false, false, None, 1)
    );
}

#[test]
fn faults_name_the_member() {
    let with = |rest: &str| format!(r#"{{"model":"m","messages":[0],{rest}}}"#);
    for (body, code, param) in [
        (String::new(), "invalid_json", None),
        ("{\"model\":\"m\",".into(), "invalid_json", None),
        (with("\"n\":1") + "x", "invalid_json", None),
        ("[]".into(), "invalid_type", None),
        ("null".into(), "invalid_type", None),
        (with(&format!("\"x\":{}{}", "[".repeat(128), "]".repeat(128))), "too_deep", None),
        ("[".repeat(100_000), "too_deep", None),
        (r#"{"messages":[0]}"#.into(), "missing_field", Some("model")),
        (r#"{"model":"m"}"#.into(), "missing_field", Some("messages")),
        (r#"{"model":"m","messages":null}"#.into(), "missing_field", Some("messages")),
        (r#"{"model":1,"messages":[0]}"#.into(), "invalid_type", Some("model")),
        (r#"{"model":"","messages":[0]}"#.into(), "invalid_value", Some("model")),
        (r#"{"model":"m","messages":{}}"#.into(), "invalid_type", Some("messages")),
        (r#"{"model":"m","messages":[]}"#.into(), "invalid_value", Some("messages")),
        (with(r#""model":"m2""#), "invalid_value", Some("model")),
        (with(r#""mod\u0065l":"m2""#), "invalid_value", Some("model")),
        (with(r#""stream":"true""#), "invalid_type", Some("stream")),
        (with(r#""n":0"#), "invalid_value", Some("n")),
        (with(r#""n":129"#), "invalid_value", Some("n")),
        (with(r#""n":1.5"#), "invalid_value", Some("n")),
        (with(r#""n":"1""#), "invalid_type", Some("n")),
        (with(r#""max_tokens":-1"#), "invalid_value", Some("max_tokens")),
        (with(r#""max_completion_tokens":0"#), "invalid_value", Some("max_completion_tokens")),
        (with(r#""stream_options":true"#), "invalid_type", Some("stream_options")),
        (with(r#""stream_options":{"include_usage":1}"#), "invalid_type", Some("stream_options.include_usage")),
        (
            with(r#""stream_options":{"include_usage":true,"include_usage":false}"#),
            "invalid_value",
            Some("stream_options"),
        ),
    ] {
        let fault = parse(&body).unwrap_err();
        assert_eq!((fault.code, fault.param.as_deref()), (code, param), "{body}");
        assert!(param.is_none_or(|param| fault.message.contains(param.split('.').next().unwrap())));
    }
    let broken = Bytes::from_static(b"{\"model\":\"m\",\"messages\":[\"\xff\"]}");
    assert_eq!(ChatRequest::parse(broken).unwrap_err().code, "invalid_json");
    assert!(parse(&with(&format!("\"x\":{}{}", "[".repeat(127), "]".repeat(127)))).is_ok());
}

#[test]
fn nothing_to_change_is_no_copy() {
    let body = Bytes::from_static(
        br#"{"model":"m","messages":[0],"stream_options":{"include_usage":true},"max_tokens":1e2,"x":1e999}"#,
    );
    let request = ChatRequest::parse(body.clone()).unwrap();
    let cap = Some(OutputCap { field: "max_completion_tokens", tokens: 100 });
    let same = request.for_upstream(&Rewrite { usage: UsageOption::Asked, output_cap: cap, ..PLAIN });
    assert_eq!((same.as_ptr(), same.len(), request.head.bytes), (body.as_ptr(), body.len(), body.len()));
}

#[test]
fn usage_is_asked_for_in_place() {
    let forced = Rewrite { usage: UsageOption::Asked, ..PLAIN };
    for (before, after) in [
        ("", r#","stream_options":{"include_usage":true}"#),
        (r#","stream_options":null ,"a":1"#, r#","stream_options":{"include_usage":true} ,"a":1"#),
        (r#","stream_options":{ }"#, r#","stream_options":{ "include_usage":true}"#),
        (r#","stream_options":{"b" : 2 }"#, r#","stream_options":{"b" : 2 ,"include_usage":true}"#),
        (r#","stream_options":{"include_usage": false,"b":2}"#, r#","stream_options":{"include_usage": true,"b":2}"#),
        (r#","stream_options":{"include_usage":null}"#, r#","stream_options":{"include_usage":true}"#),
    ] {
        assert_eq!(rewritten(before, &forced), after);
        assert_eq!(rewritten(before, &PLAIN), before);
    }
}

#[test]
fn the_option_is_taken_out_for_a_provider_that_refuses_it() {
    let refused = Rewrite { usage: UsageOption::LeftOut, ..PLAIN };
    for (before, after) in [
        ("", ""),
        (r#","stream_options":{"include_usage":true}"#, ""),
        (r#" , "stream_\u006fptions" : null ,"a":1"#, r#"  ,"a":1"#),
        (r#","a":"x,\"y","stream_options":{"b":{}},"c":[1]"#, r#","a":"x,\"y","c":[1]"#),
    ] {
        assert_eq!(rewritten(before, &refused), after);
    }
    for (before, after) in [
        (r#"{ "stream_options":{} , "model":"m","messages":[0]}"#, r#"{  "model":"m","messages":[0]}"#),
        (r#"{"model":"old","stream_options":{},"messages":[0]}"#, r#"{"model":"m","messages":[0],"max_tokens":7}"#),
    ] {
        let cap = before.contains("old").then_some(OutputCap { field: "max_tokens", tokens: 7 });
        assert_eq!(parse(before).unwrap().for_upstream(&Rewrite { output_cap: cap, ..refused }), after);
    }
}

#[test]
fn the_clients_own_cap_is_changed_and_one_that_the_provider_obeys_is_added() {
    let capped = Rewrite { output_cap: Some(OutputCap { field: "max_tokens", tokens: 50 }), ..PLAIN };
    for (before, after) in [
        ("", r#","max_tokens":50"#),
        (r#","max_tokens":null"#, r#","max_tokens":50"#),
        (r#","max_completion_tokens":null"#, r#","max_completion_tokens":null,"max_tokens":50"#),
        (r#","max_completion_tokens": 90"#, r#","max_completion_tokens": 50,"max_tokens":50"#),
        (
            r#","max_tokens":90,"a":0,"max_completion_tokens":80"#,
            r#","max_tokens":50,"a":0,"max_completion_tokens":50"#,
        ),
        (r#","max_tokens":null,"max_completion_tokens":80"#, r#","max_tokens":50,"max_completion_tokens":50"#),
    ] {
        assert_eq!(rewritten(before, &capped), after);
    }
    let newer = Rewrite { output_cap: Some(OutputCap { field: "max_completion_tokens", tokens: 50 }), ..PLAIN };
    assert_eq!(rewritten(r#","max_tokens":90"#, &newer), r#","max_tokens":50"#, "every provider obeys the older name");
}

proptest! {
    #[test]
    fn a_rewrite_changes_what_it_says_and_no_more(
        model in "\\PC{1,12}", other in "\\PC{0,12}", content in "\\PC{0,20}|[\"\\\\{}]{0,8}",
        options in prop::option::of(any::<bool>()), force_usage in any::<bool>(),
        cap in prop::option::of(1_u64..9999), pretty in any::<bool>(),
    ) {
        let mut body = json!({"model": model, "messages": [{"role": "user", "content": content}], "a": [1, {}]});
        if let Some(flag) = options {
            body["stream_options"] = json!({"include_usage": flag, "kept": 1});
        }
        let text = if pretty { format!("{body:#}") } else { body.to_string() };
        let output_cap = cap.map(|tokens| OutputCap { field: "max_tokens", tokens });
        let usage = if force_usage { UsageOption::Asked } else { UsageOption::AsIs };
        let rewrite = Rewrite { model: &other, usage, output_cap };
        let sent: Value = serde_json::from_slice(&parse(&text).unwrap().for_upstream(&rewrite)).unwrap();
        body["model"] = json!(other);
        if force_usage {
            body["stream_options"]["include_usage"] = json!(true);
        }
        if let Some(tokens) = cap {
            body["max_tokens"] = json!(tokens);
        }
        prop_assert_eq!(sent, body);
    }
}
