//! Streams from events: the order of blocks, and reading them back.

use bytes::Bytes;
use farthing_actors::domain::Usage;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::dialect::anthropic::MessagesDecoder;
use crate::dialect::passage::{Decode, StreamEnd};

fn more(piece: Piece) -> Event {
    Event::More { choice: 0, piece }
}

fn text(text: &str) -> Event {
    more(Piece::Text(text.into()))
}

fn call(call: usize) -> Event {
    more(Piece::ToolCall { call, id: format!("id:{call}"), name: "f".into(), signature: None })
}

fn arguments(call: usize, text: &str) -> Event {
    more(Piece::Arguments { call, text: text.into() })
}

fn sealed(signature: Option<&str>, sealed: Option<&str>, id: Option<&str>) -> Event {
    let [signature, sealed, id] = [signature, sealed, id].map(|seal| seal.map(ToOwned::to_owned));
    more(Piece::Sealed { signature, sealed, id })
}

fn began() -> Event {
    Event::Began { id: "msg_1".into(), model: "m".into(), created: None }
}

fn finished(stop: Stop) -> Event {
    Event::Finished { choice: 0, stop }
}

fn encode(events: impl IntoIterator<Item = Event>) -> Bytes {
    let (mut encoder, mut out) = (MessagesEncoder::new(), BytesMut::new());
    events.into_iter().for_each(|event| encoder.event(event, &mut out));
    encoder.tail(Some(r#"{"cost":1}"#), &mut out);
    out.freeze()
}

/// The events on the wire: each name is its type.
fn wire(bytes: &Bytes) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    let events = text.split_terminator("\n\n").map(|event| {
        let (name, json) = event.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
        let json: Value = serde_json::from_str(json).unwrap();
        assert_eq!(json["type"], name);
        json
    });
    events.collect()
}

/// The outline of the blocks: `+` and kind, what is added, `-`. Blocks must be numbered and one at a time.
fn outline(bytes: &Bytes) -> Vec<String> {
    let (mut number, mut open) = (0, false);
    let mut outline = Vec::new();
    for event in wire(bytes) {
        let Some(index) = event.get("index") else { continue };
        assert_eq!(*index, number);
        let kind = event["type"].as_str().unwrap();
        assert_eq!(open, kind != "content_block_start", "{event}");
        open = kind != "content_block_stop";
        number += u64::from(!open);
        outline.push(match kind {
            "content_block_start" => format!("+{}", event["content_block"]["type"].as_str().unwrap()),
            "content_block_delta" => {
                let delta = event["delta"].as_object().unwrap();
                let (_, added) = delta.iter().find(|(name, _)| *name != "type").unwrap();
                added.as_str().unwrap().to_owned()
            }
            _ => "-".to_owned(),
        });
    }
    assert!(!open);
    outline
}

#[test]
fn blocks_come_one_after_the_other() {
    let thinking = || more(Piece::Reasoning("hm".into()));
    for (events, expected) in [
        (vec![text("a"), text(""), text("b")], "+text a b -"),
        (vec![thinking(), sealed(Some("s"), None, None), text("a")], "+thinking hm s - +text a -"),
        (vec![thinking(), text("a")], "+thinking hm - +text a -"),
        (vec![sealed(None, Some("x"), None), sealed(Some("s"), None, None)], "+redacted_thinking - +thinking s -"),
        // One after the other, each as it comes.
        (
            vec![call(0), arguments(0, "{"), arguments(0, "}"), call(1), arguments(1, "{"), arguments(1, "}")],
            "+tool_use { } - +tool_use { } -",
        ),
        // Side by side: the second waits until it is certain that the first is whole.
        (
            vec![
                call(0),
                call(1),
                arguments(1, "{1"),
                arguments(0, "{0"),
                arguments(1, "}"),
                arguments(0, "}"),
                call(2),
            ],
            "+tool_use {0 } - +tool_use {1} - +tool_use -",
        ),
        (
            vec![call(0), call(1), arguments(1, "{}"), arguments(0, "{}"), text("a")],
            "+tool_use {} - +tool_use {} - +text a -",
        ),
    ] {
        let all = [began()].into_iter().chain(events).chain([finished(Stop::End)]);
        assert_eq!(outline(&encode(all)).join(" "), expected);
    }
}

#[test]
fn the_tail_says_all_that_was_counted() {
    let usage = Usage {
        input: 1,
        cache_read: 2,
        cache_write_5m: 3,
        cache_write_1h: 4,
        output: 5,
        reasoning: 6,
        ..Usage::default()
    };
    let stop = Stop::StopText(Some("x".into()));
    let events = [
        began(),
        text("a"),
        Event::ServiceTier("default".into()),
        Event::Usage(Reading::Figures(usage)),
        finished(stop),
    ];
    let wire = wire(&encode(events));
    let [start, .., end, stop] = wire.as_slice() else { panic!() };
    assert_eq!((&start["message"]["id"], &start["message"]["role"]), (&json!("msg_1"), &json!("assistant")));
    assert_eq!(start["message"]["usage"]["output_tokens"], 0);
    assert_eq!(end["delta"], json!({"stop_reason": "stop_sequence", "stop_sequence": "x"}));
    let figures = json!({"input_tokens": 1, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}, "output_tokens": 11,
        "output_tokens_details": {"thinking_tokens": 6}, "service_tier": "standard"});
    assert_eq!(end["usage"], figures);
    assert_eq!(*stop, json!({"type": "message_stop", "farthing": {"cost": 1}}));
    assert_eq!(wire_of_nothing(), ["message_start", "message_delta", "message_stop"]);
}

fn wire_of_nothing() -> Vec<String> {
    wire(&encode([])).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

/// Neighbours of one kind joined, so that cuts do not matter.
fn joined(events: Vec<Event>) -> Vec<Event> {
    let mut joined: Vec<Event> = Vec::new();
    for event in events {
        match (joined.last_mut(), &event) {
            (Some(Event::More { piece: Piece::Text(before), .. }), Event::More { piece: Piece::Text(more), .. })
            | (
                Some(Event::More { piece: Piece::Reasoning(before), .. }),
                Event::More { piece: Piece::Reasoning(more), .. },
            ) => {
                before.push_str(more);
            }
            _ => joined.push(event),
        }
    }
    joined
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(kinds in prop::collection::vec((0_u8..6, "\\PC{1,9}"), 0..9)) {
        let mut events = vec![began()];
        let mut calls = 0;
        for (kind, said) in kinds {
            match kind {
                0 => events.push(text(&said)),
                1 => events.push(more(Piece::Reasoning(said))),
                2 => events.extend([more(Piece::Reasoning("hm".into())), sealed(Some(&said), None, None)]),
                3 => events.push(sealed(None, Some(&said), None)),
                4 => events.push(sealed(None, Some(&said), Some("rs"))),
                _ => {
                    let signature = (said.len() % 2 == 0).then(|| said.clone());
                    events.push(more(Piece::ToolCall { call: calls, id: said.clone(), name: said, signature }));
                    events.push(arguments(calls, r#"{"a":1}"#));
                    calls += 1;
                }
            }
        }
        events.push(finished(Stop::End));
        let events = joined(events);
        let (mut decoder, mut read) = (MessagesDecoder::new(), Vec::new());
        decoder.push(&encode(events.clone()), &mut read).unwrap();
        prop_assert!(decoder.is_done());
        prop_assert_eq!(decoder.finish(&mut read), StreamEnd::Complete);
        read.retain(|event| !matches!(event, Event::Usage(_)));
        prop_assert_eq!(joined(read), events);
    }
}
