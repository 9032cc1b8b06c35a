//! Oddities of compatible servers' streams.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::dialect::canonical::Stop;

fn events(chunks: &[Value]) -> Vec<Event> {
    let body: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    let (mut decoder, mut events) = (ChatDecoder::new(), Vec::new());
    decoder.push(&Bytes::from(body), &mut events).unwrap();
    events
}

fn chunk(choice: Value) -> Value {
    json!({"id": "x", "model": "m", "created": 1, "choices": [choice]})
}

fn more(choice: u64, piece: Piece) -> Event {
    Event::More { choice, piece }
}

fn finished(choice: u64, stop: Stop) -> Event {
    Event::Finished { choice, stop }
}

#[test]
fn the_answer_begins_with_the_first_choice() {
    let judged = json!({"id": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": [{}]});
    let told = events(&[judged, json!({"id": "y"}), chunk(json!({"delta": {"role": "assistant", "content": null}}))]);
    assert_eq!(told, [Event::Began { id: "x".into(), model: "m".into(), created: Some(1) }]);
}

#[test]
fn what_failed_may_tell_what_it_cost() {
    let failed = json!({"error": {"message": "m"}, "usage": {"prompt_tokens": 5, "completion_tokens": 2}});
    let mut told = Vec::new();
    let fault = ChatDecoder::new().push(&Bytes::from(format!("data: {failed}\n\n")), &mut told);
    assert!(matches!(fault, Err(StreamFault::UpstreamError(_))));
    assert!(matches!(told[..], [Event::Usage(Reading::Figures(usage))] if usage.total() == 7), "{told:?}");
}

#[test]
fn what_a_delta_says_is_told_in_order() {
    let told = events(&[
        chunk(json!({"index": 1, "delta": {"content": "a", "reasoning": "r", "refusal": "n"},
            "logprobs": {"content": []}, "finish_reason": ""})),
        chunk(
            json!({"index": 0, "delta": {"content": [{"type": "thinking", "thinking": [{"text": "t"}]}, {"text": "b"}]}}),
        ),
        chunk(json!({"index": 1, "finish_reason": "stop"})),
        chunk(json!({"index": 1, "delta": {}, "finish_reason": "stop"})),
        chunk(
            json!({"index": 0, "delta": {"function_call": {"name": "f", "arguments": "{}"}}, "finish_reason": "stop"}),
        ),
    ]);
    let arguments = Piece::Arguments { call: 0, text: "{}".into() };
    assert!(matches!(&told[8], Event::More { choice: 0, piece: Piece::ToolCall { call: 0, .. } }), "{told:?}");
    let plain: Vec<_> =
        told.into_iter().filter(|event| !matches!(event, Event::More { piece: Piece::ToolCall { .. }, .. })).collect();
    assert_eq!(
        plain[1..],
        [
            more(1, Piece::Reasoning("r".into())),
            more(1, Piece::Text("a".into())),
            more(1, Piece::Refusal("n".into())),
            more(1, Piece::LogProbs(Json::object(r#"{"content":[]}"#).unwrap())),
            more(0, Piece::Reasoning("t".into())),
            more(0, Piece::Text("b".into())),
            finished(1, Stop::End),
            more(0, arguments),
            finished(0, Stop::ToolCalls),
        ]
    );
}

#[test]
fn plain_thinking_is_sealed_when_it_ends() {
    let seal =
        |told: &[Event]| told.iter().position(|event| matches!(event, Event::More { piece: Piece::Sealed { .. }, .. }));
    let thought = chunk(json!({"delta": {"content": "", "reasoning_content": "r"}}));
    let spoken = events(&[thought.clone(), thought.clone(), chunk(json!({"delta": {"content": "a"}}))]);
    assert_eq!((seal(&spoken), spoken.len()), (Some(3), 5));
    let ended = events(&[thought.clone(), chunk(json!({"delta": {}, "finish_reason": "length"}))]);
    assert_eq!((seal(&ended), ended.len()), (Some(2), 4));
    assert_eq!(seal(&events(&[thought])), None, "while it goes on");
}

#[test]
fn usage_and_tier_are_told_wherever_they_stand() {
    let figures = json!({"prompt_tokens": 3, "completion_tokens": 1});
    let finish = json!({"delta": {}, "finish_reason": "content_filter"});
    for chunk in [
        json!({"choices": [finish], "usage": figures, "service_tier": "flex"}),
        json!({"choices": [finish], "x_groq": {"usage": figures}, "service_tier": "flex"}),
    ] {
        let told = events(&[chunk]);
        assert_eq!(told[1..3], [finished(0, Stop::Filtered), Event::ServiceTier("flex".into())]);
        assert!(matches!(told[3], Event::Usage(Reading::Figures(usage)) if usage.total() == 4));
    }
    let insane = events(&[json!({"choices": [], "usage": {"prompt_tokens": -1}})]);
    assert!(matches!(insane[1], Event::Usage(Reading::Insane(_))));
}

/// Everything said, however it was cut: events, how it ended, and whether it failed.
fn outcome(chunks: impl IntoIterator<Item = Bytes>) -> (Vec<Event>, bool, StreamEnd) {
    let (mut decoder, mut events, mut failed) = (ChatDecoder::new(), Vec::new(), false);
    for chunk in chunks {
        failed |= decoder.push(&chunk, &mut events).is_err();
    }
    let end = decoder.finish(&mut events);
    (events, failed, end)
}

proptest! {
    #[test]
    fn any_bytes_at_any_border_say_the_same(
        parts in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..12),
            prop::sample::select(vec![
                "data: {\"choices\":[{\"delta\":{\"content\":\"H\u{e9}\",\"reasoning_content\":\"r\"}}]}\n\n",
                "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\r\n\r\n", "data: {\"choices\":[{\"index\":1,\"delta\":7}]}\n\n",
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n", "data: [DONE]\n\n",
                "\r", "\n", "data:", ": x\n\n", "{\"error\":1}", "data: {}",
            ]).prop_map(|text| text.as_bytes().to_vec()),
        ], 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let body = Bytes::from(parts.concat());
        let cut = cut.index(body.len() + 1);
        prop_assert_eq!(outcome([body.slice(..cut), body.slice(cut..)]), outcome([body]));
    }
}
