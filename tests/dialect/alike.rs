//! What all four dialects do alike when a request is translated, though each reads and writes for itself.

use farthing::dialect::canonical::Feature;
use farthing::dialect::{Rewrite, UsageOption, request};
use farthing_actors::domain::Dialect;
use serde_json::{Value, json};

use crate::fuzz::{DIALECTS, corpus::small, parse};

const TO: Rewrite<'_> = Rewrite { model: "m", usage: UsageOption::AsIs, output_cap: None };

fn with(dialect: Dialect, members: &Value) -> Vec<u8> {
    let mut body: Value = serde_json::from_str(small(dialect)).unwrap();
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    body.to_string().into_bytes()
}

#[test]
fn unknown_members_are_refused_by_name_and_pass_where_nothing_is_translated() {
    for dialect in DIALECTS {
        let read = parse(dialect, &with(dialect, &json!({"oddity": [1]})), true).unwrap();
        let fault = read.conversation().unwrap_err();
        assert_eq!((fault.code, fault.param.as_deref()), ("unsupported_field", Some("oddity")), "{dialect:?}");
        assert!(String::from_utf8(read.for_upstream(&TO).to_vec()).unwrap().contains(r#""oddity":[1]"#));
        parse(dialect, &with(dialect, &json!({"oddity": null})), true).unwrap().conversation().unwrap();
    }
}

#[test]
fn names_are_hints_and_penalties_of_nothing_are_none() {
    let body = with(
        Dialect::OpenaiChat,
        &json!({"messages": [{"role": "user", "name": "ann", "content": "x"}], "presence_penalty": 0,
            "frequency_penalty": 0.0, "logit_bias": {}}),
    );
    let conversation = parse(Dialect::OpenaiChat, &body, true).unwrap().conversation().unwrap();
    for dialect in DIALECTS {
        let written = request::write(&conversation, dialect, &TO, false);
        let ignored = written.unwrap_or_else(|fault| panic!("{dialect:?}: {fault:?}")).ignored;
        assert_eq!(ignored.contains(&Feature::Names), dialect != Dialect::OpenaiChat, "{dialect:?}");
    }
}

#[test]
fn how_closely_to_look_at_a_picture_is_a_hint_to_who_has_no_word_for_it() {
    for (detail, is_asked) in [("low", true), ("high", true), ("auto", false)] {
        let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": detail}});
        let body = with(Dialect::OpenaiChat, &json!({"messages": [{"role": "user", "content": [image]}]}));
        let read = parse(Dialect::OpenaiChat, &body, true).unwrap();
        for dialect in [Dialect::OpenaiResponses, Dialect::Anthropic, Dialect::Gemini, Dialect::OllamaChat] {
            let (written, ignored) = read.word(dialect, &TO).unwrap();
            let is_said = String::from_utf8_lossy(&written).contains(&format!("\"detail\":\"{detail}\""));
            assert_eq!(is_said, dialect == Dialect::OpenaiResponses, "{dialect:?} {detail}");
            let told = ["messages[].content[].image_url.detail"].map(str::to_owned);
            assert_eq!(ignored, if is_asked && !is_said { &told[..] } else { &[] }, "{dialect:?} {detail}");
        }
    }
}

#[test]
fn what_every_dialect_demands_is_asked_for_in_the_clients_words() {
    let call = json!({"type": "function", "function": {"name": "", "arguments": "{}"}, "id": "c"});
    for (messages, tools) in [
        (json!([{"role": "user", "content": "x"}]), json!([{"type": "function", "function": {"name": ""}}])),
        (json!([{"role": "assistant", "tool_calls": [call]}]), json!([])),
    ] {
        let body = with(Dialect::OpenaiChat, &json!({"messages": messages, "tools": tools}));
        assert!(parse(Dialect::OpenaiChat, &body, true).unwrap().conversation().is_err(), "{messages}");
    }
    let body = with(Dialect::OpenaiChat, &json!({"messages": [{"role": "system", "content": "be brief"}]}));
    let conversation = parse(Dialect::OpenaiChat, &body, true).unwrap().conversation().unwrap();
    for dialect in DIALECTS {
        let body = request::write(&conversation, dialect, &TO, false).unwrap().body;
        let body: Value = serde_json::from_slice(&body).unwrap();
        let said = ["messages", "input", "contents"].iter().find_map(|member| body[*member].as_array()).unwrap();
        assert!(!said.is_empty(), "{dialect:?}: {body}");
    }
}
