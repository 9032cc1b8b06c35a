//! What a client gets, byte for byte.

use farthing_actors::domain::{ServiceTier, Units, Usage};
use serde_json::{Value, json};

use super::*;

fn begun(wants_usage: bool) -> (ChatEncoder, BytesMut) {
    let (mut encoder, mut out) = (ChatEncoder::new("ours".into(), wants_usage), BytesMut::new());
    encoder.event(Event::Began { id: "x".into(), model: "theirs".into(), created: Some(7) }, &mut out);
    (encoder, out)
}

fn more(piece: Piece) -> Event {
    Event::More { choice: 0, piece }
}

fn text(out: &BytesMut) -> String {
    String::from_utf8(out.to_vec()).unwrap()
}

/// The deltas and reasons of what was written.
fn choices(out: &BytesMut) -> Vec<Value> {
    let chunks = text(out);
    let chunks = chunks.split("\n\n").filter_map(|chunk| chunk.strip_prefix("data: {"));
    chunks.map(|chunk| serde_json::from_str::<Value>(&format!("{{{chunk}")).unwrap()["choices"][0].clone()).collect()
}

const FIGURES: Reading = Reading::Figures(Usage {
    input: 1,
    cache_read: 2,
    cache_write_5m: 4,
    cache_write_1h: 8,
    output: 16,
    reasoning: 32,
    units: Units::NONE,
    tier: ServiceTier::Standard,
});

#[test]
fn a_short_answer_is_written_as_openai_does() {
    let head = r#"data: {"id":"x","object":"chat.completion.chunk","created":7,"model":"ours","choices":["#;
    for (wants_usage, null) in [(true, ",\"usage\":null"), (false, "")] {
        let (mut encoder, mut out) = begun(wants_usage);
        for event in
            [more(Piece::Text("Hé".into())), Event::Finished { choice: 0, stop: Stop::End }, Event::Usage(FIGURES)]
        {
            encoder.event(event, &mut out);
        }
        let expected = [
            format!(r#"{head}{{"index":0,"delta":{{"role":"assistant","content":""}},"finish_reason":null}}]{null}}}"#),
            format!(r#"{head}{{"index":0,"delta":{{"content":"Hé"}},"finish_reason":null}}]{null}}}"#),
            format!(r#"{head}{{"index":0,"delta":{{}},"finish_reason":"stop"}}]{null}}}"#),
        ];
        assert_eq!(text(&out), expected.join("\n\n") + "\n\n");
        let mut tail = BytesMut::new();
        encoder.tail(Some(r#"{"cost_usd":"1"}"#), &mut tail);
        let usage = concat!(
            r#"],"usage":{"prompt_tokens":15,"completion_tokens":48,"total_tokens":63,"#,
            r#""prompt_tokens_details":{"cached_tokens":2,"cache_write_tokens":12},"#,
            r#""completion_tokens_details":{"reasoning_tokens":32},"farthing":{"cost_usd":"1"}}}"#,
        );
        let last = if wants_usage { format!("{head}{usage}\n\n") } else { String::new() };
        assert_eq!(text(&tail), last + "data: [DONE]\n\n");
    }
}

#[test]
fn calls_have_indexes_and_signatures() {
    let (mut encoder, mut out) = begun(false);
    let call = Piece::ToolCall { call: 1, id: "a".into(), name: "f".into(), signature: Some("s".into()) };
    for event in [
        more(call),
        more(Piece::Arguments { call: 1, text: "{}".into() }),
        Event::Finished { choice: 0, stop: Stop::ToolCalls },
    ] {
        encoder.event(event, &mut out);
    }
    let choices = choices(&out);
    let begun = json!({"index": 1, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""},
        "extra_content": {"google": {"thought_signature": "s"}}});
    assert_eq!(choices[1]["delta"], json!({"tool_calls": [begun]}));
    assert_eq!(choices[2]["delta"], json!({"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]}));
    assert_eq!(choices[3]["finish_reason"], "tool_calls");
}

#[test]
fn seals_are_entries_that_clients_put_together_by_place() {
    let (mut encoder, mut out) = begun(false);
    let seal = |signature: Option<&str>, sealed: Option<&str>| {
        more(Piece::Sealed { signature: signature.map(Into::into), sealed: sealed.map(Into::into), id: None })
    };
    let thought = || more(Piece::Reasoning("t".into()));
    for event in [thought(), thought(), seal(Some("s"), None), seal(None, Some("x")), thought(), seal(None, Some("y"))]
    {
        encoder.event(event, &mut out);
    }
    let choices = choices(&out);
    let places: Vec<_> =
        choices[1..].iter().map(|choice| choice["delta"]["reasoning_details"][0]["index"].as_u64()).collect();
    assert_eq!(places, [Some(0), Some(0), Some(0), Some(1), Some(2), Some(3)]);
    assert_eq!(choices[1]["delta"]["reasoning_content"], "t");
    assert_eq!(choices[3]["delta"]["reasoning_details"][0]["signature"], "s");
}

#[test]
fn reasons_are_what_sdks_expect() {
    let refusal = || more(Piece::Refusal("no".into()));
    for (events, reason) in [
        (vec![refusal(), Event::Finished { choice: 0, stop: Stop::Refusal }], "stop"),
        (vec![Event::Finished { choice: 0, stop: Stop::Refusal }], "content_filter"),
        (vec![Event::Finished { choice: 0, stop: Stop::Length }], "length"),
        (vec![Event::Finished { choice: 0, stop: Stop::Filtered }], "content_filter"),
        (vec![Event::Finished { choice: 0, stop: Stop::Pause }], "stop"),
        (vec![Event::Finished { choice: 0, stop: Stop::Other("x".into()) }], "stop"),
    ] {
        let (mut encoder, mut out) = begun(false);
        events.into_iter().for_each(|event| encoder.event(event, &mut out));
        assert_eq!(choices(&out).last().unwrap()["finish_reason"], reason);
    }
}

#[test]
fn what_is_not_known_is_made_up_or_left_out() {
    let (mut encoder, mut out) = (ChatEncoder::new(String::new(), true), BytesMut::new());
    encoder.event(Event::Began { id: String::new(), model: "theirs".into(), created: None }, &mut out);
    encoder.event(Event::Usage(Reading::Insane("x")), &mut out);
    encoder.event(Event::ServiceTier("flex".into()), &mut out);
    encoder.event(Event::More { choice: 1, piece: Piece::Text("a".into()) }, &mut out);
    let told = text(&out);
    assert!(told.starts_with("data: {\"id\":\"chatcmpl-") && told.contains("\"created\":0,\"model\":\"theirs\""));
    assert_eq!(told.matches("\"service_tier\":\"flex\"").count(), 2, "the role of choice 1 and its text");
    let mut tail = BytesMut::new();
    encoder.tail(Some("{}"), &mut tail);
    assert_eq!(text(&tail), "data: [DONE]\n\n", "no figures, no usage");
}
