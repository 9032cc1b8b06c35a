//! What is read of an answer, and that what is written is read back.

use farthing_actors::domain::Usage;

use super::*;
use crate::dialect::canonical::{Reasoning, Source, ToolCall};

fn thought(text: &str, signature: Option<&str>) -> Part {
    let signature = signature.map(str::to_owned);
    Part::of(PartKind::Reasoning(Reasoning { text: text.into(), signature, ..Reasoning::default() }))
}

fn call(id: &str, arguments: &str, signature: Option<&str>) -> Part {
    let (id, name, signature) = (id.into(), "f".into(), signature.map(str::to_owned));
    Part::of(PartKind::ToolCall(ToolCall { id, name, arguments: arguments.into(), signature }))
}

fn first(body: &str) -> Choice {
    read(body.as_bytes()).unwrap().choices.remove(0)
}

#[test]
fn parts_are_read() {
    let choice = first(
        r#"{"candidates":[{"content":{"parts":[{"text":"a","thought":true},{"text":"b","thought":true,"thoughtSignature":"AA=="},
        {"executableCode":{"code":"1"}},{"codeExecutionResult":{"output":"1"}},{"text":"hi","thoughtSignature":"AQ=="},{"oddity":7},7,
        {"functionCall":{"name":"f","args":{"x":1e2}},"thoughtSignature":"Ag=="},{"functionCall":{"id":"","name":"f"}},{"text":""}]},
        "finishReason":"STOP","groundingMetadata":{}}]}"#,
    );
    let [reasoning, text, seal, one, two] = &choice.parts[..] else { panic!("{:?}", choice.parts) };
    assert_eq!((reasoning, text, seal), (&thought("ab", Some("AA==")), &Part::text("hi"), &thought("", Some("AQ=="))));
    let (PartKind::ToolCall(one), PartKind::ToolCall(two)) = (&one.kind, &two.kind) else { panic!() };
    assert_eq!((one.arguments.as_str(), one.signature.as_deref()), (r#"{"x":1e2}"#, Some("Ag==")));
    assert!(one.id != two.id && one.id.starts_with("call_farthing_") && two.arguments == "{}");
    assert_eq!(choice.stop, Stop::ToolCalls);
}

#[test]
fn silence_has_its_reason() {
    for (body, stop) in [
        (r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{}}"#, Stop::Filtered),
        (r#"{"candidates":[],"promptFeedback":{"blockReason":"OTHER"}}"#, Stop::Filtered),
        (r#"{"usageMetadata":{"promptTokenCount":1}}"#, Stop::Other("NO_CANDIDATES".into())),
        (r#"{"candidates":[{"finishReason":"MAX_TOKENS"}]}"#, Stop::Length),
        (r#"{"candidates":[{"finishReason":"SPII","content":null}]}"#, Stop::Filtered),
        (
            r#"{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]}"#,
            Stop::Other("MALFORMED_FUNCTION_CALL".into()),
        ),
        (r#"{"candidates":[{"content":{"parts":null}}]}"#, Stop::End),
    ] {
        assert_eq!((first(body).stop, first(body).parts.len()), (stop, 0), "{body}");
    }
}

#[test]
fn what_is_no_answer_is_not_read() {
    for body in ["", "<html>", "[]", "{}", r#"{"error":{"code":404,"message":"m"}}"#, r#"{"candidates":7}"#] {
        assert_eq!((read(body.as_bytes()), usage(body.as_bytes())), (None, Reading::Absent), "{body}");
    }
    assert!(is_answer(b"{\"candidates\":\"\xff\"}") && !is_answer(b"{\"a\":1}") && !is_answer(b"[]"));
    assert!(read(b"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\xff\"}]}}]}").is_some());
}

#[test]
fn what_is_written_is_read_back() {
    let image = PartKind::Image {
        source: Source::Inline { media_type: "image/png".into(), base64: "AAAA".into() },
        detail: None,
    };
    let parts = vec![
        thought("hm", Some("AA==")),
        Part::text("a"),
        thought("", Some("AQ==")),
        Part::of(image),
        call("toolu_1", r#"{"b":1, "a":1e2}"#, Some("Ag==")),
        call("toolu_2", "{}", None),
    ];
    let log_probs = Json::parse(r#"{"content":[{"token":"a","logprob":-1,"bytes":null,"top_logprobs":[]}]}"#);
    let tier = farthing_actors::domain::ServiceTier::Flex;
    let usage = Usage { input: 1, cache_read: 2, output: 3, reasoning: 4, tier, ..Usage::default() };
    let reply = Reply {
        id: "r".into(),
        model: "m".into(),
        created: None,
        choices: vec![
            Choice { parts, stop: Stop::ToolCalls, log_probs },
            Choice { parts: vec![Part::text("b")], stop: Stop::Length, log_probs: None },
            Choice { parts: Vec::new(), stop: Stop::Filtered, log_probs: None },
        ],
        usage: Reading::Figures(usage),
        service_tier: Some("flex".into()),
    };
    let written = write(&reply, Some(r#"{"cost":"0.1"}"#));
    assert_eq!(read(&written), Some(reply));
    assert!(String::from_utf8_lossy(&written).contains(r#","farthing":{"cost":"0.1"}}"#));
}
