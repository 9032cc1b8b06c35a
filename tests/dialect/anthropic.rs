//! The dialect `anthropic` against recordings, and against streams of our own that fail in every way.

use bytes::{Bytes, BytesMut};
use farthing::dialect::anthropic::{MessagesDecoder, MessagesEncoder, MessagesRequest, MessagesStream, reply};
use farthing::dialect::canonical::{Event, Format, Piece, Settings, Stop, ToolChoice};
use farthing::dialect::passage::{Decode, Encode};
use farthing::dialect::{Reading, Rewrite, StreamEnd, StreamFault, UsageOption};
use proptest::prelude::*;
use serde_json::Value;

use crate::recordings::{Told, decode_every_way, gathered, recordings, relay_every_way, told};

const WIRE: &str = "anthropic-messages";
const SPLICED: &str = r#"{"cost_usd":"0.1"}"#;

const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\
    \"model\":\"m\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n";
const BLOCK: &str = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\
    \"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
const HELLO: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\
    \"delta\":{\"type\":\"text_delta\",\"text\":\"H\u{e9}\"}}\n\n";
const PING: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
const END: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\
    \"usage\":{\"output_tokens\":5}}\n\n";
const STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\" }\n\n";

fn decoder() -> Box<dyn Decode> {
    Box::new(MessagesDecoder::new())
}

#[test]
fn whole_answers_are_read_as_recorded() {
    for recording in recordings(WIRE).iter().filter(|recording| !recording.stream) {
        let body = &recording.body;
        assert_eq!(reply::is_answer(body), !recording.is_refusal(), "{}", recording.name);
        let Some(read) = reply::read(body) else {
            assert!(recording.is_refusal(), "{}", recording.name);
            continue;
        };
        recording.check(&told(&read));
        recording.check_usage(reply::usage(body));
        let again = reply::write(&read, Some(SPLICED));
        assert_eq!(reply::read(&again), Some(read), "{}", recording.name);
    }
}

#[test]
fn streams_are_decoded_as_recorded() {
    for recording in recordings(WIRE).iter().filter(|recording| recording.stream) {
        let (events, end) = decode_every_way(&recording.name, &recording.body, decoder);
        assert_eq!(end, Ok(StreamEnd::Complete), "{}", recording.name);
        recording.check(&gathered(&events));
        let (again, end) = decode_every_way(&recording.name, &encode(events.clone()), decoder);
        assert_eq!((gathered(&again), end), (gathered(&events), Ok(StreamEnd::Complete)), "{}", recording.name);
    }
}

fn encode(events: Vec<Event>) -> Bytes {
    let (mut encoder, mut out) = (MessagesEncoder::new(), BytesMut::new());
    events.into_iter().for_each(|event| encoder.event(event, &mut out));
    encoder.tail(Some(SPLICED), &mut out);
    out.freeze()
}

#[test]
fn streams_pass_byte_for_byte() {
    for recording in recordings(WIRE).iter().filter(|recording| recording.stream) {
        let name = &recording.name;
        let relayed = relay_every_way(name, &recording.body, SPLICED, || Box::new(MessagesStream::new()));
        recording.check_usage(relayed.usage);
        assert_eq!((relayed.fault.as_ref(), relayed.end, relayed.done), (None, StreamEnd::Complete, true), "{name}");
        let text = String::from_utf8(relayed.tail.to_vec()).unwrap();
        assert!(text.starts_with("event: message_stop\n") && text.contains(SPLICED), "{name}: {text}");
        let unspliced = text.replace(&format!(",\"farthing\":{SPLICED}"), "");
        assert_eq!([&relayed.passed[..], unspliced.as_bytes()].concat(), recording.body, "{name}");
        assert!(relayed.seen.text_bytes >= recording.expected["text_len"].as_u64().unwrap(), "{name}");
    }
}

#[test]
fn recorded_requests_are_read_or_refused_by_path() {
    for recording in recordings(WIRE) {
        let Some(body) = recording.request.clone() else { continue };
        let request = MessagesRequest::parse(body.clone()).unwrap();
        let same = Rewrite { model: &request.head.model, usage: UsageOption::Asked, output_cap: None };
        assert_eq!(request.for_upstream(&same), body);
        let read = request.conversation();
        match recording.name.as_str() {
            "t-anthropic-messages-j02" => {
                let fault = read.unwrap_err();
                assert_eq!(fault.param.as_deref(), Some("messages[0].content[1]"));
                assert_eq!(fault.code, "unsupported_field");
            }
            name => check_request(name, &read.unwrap().settings),
        }
    }
}

fn check_request(name: &str, settings: &Settings) {
    let schema = matches!(settings.format, Format::Schema { .. });
    assert_eq!(schema, matches!(name, "t-anthropic-messages-j05" | "t-anthropic-messages-s04"), "{name}");
    assert_eq!(settings.thinking.budget, (name == "t-anthropic-messages-s03").then_some(1024), "{name}");
    assert!(settings.output_cap.is_some_and(|cap| cap >= 4096), "{name}");
}

#[test]
fn what_real_clients_send_is_read() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/client_requests.json");
    let Ok(text) = std::fs::read(path) else { return };
    let all: Value = serde_json::from_slice(&text).unwrap();
    let requests = all["requests"].as_object().unwrap().values().flat_map(|client| client.as_array().unwrap());
    let mut read = 0;
    for request in requests.filter(|request| request["target"] == "/v1/messages") {
        let body = request["body"].clone();
        let parsed = MessagesRequest::parse(Bytes::from(body.to_string())).unwrap();
        let conversation = parsed.conversation().unwrap();
        assert_eq!((conversation.messages.len(), conversation.hints.len()), (1, 0));
        assert_eq!(conversation.tools.len(), body["tools"].as_array().map_or(0, Vec::len));
        assert_eq!(conversation.tool_choice, body.get("tool_choice").map(|_| ToolChoice::Auto));
        read += 1;
    }
    assert!(read >= 18, "{read}");
}

fn outcome(body: &str) -> (Told, Result<StreamEnd, StreamFault>, usize) {
    let body = Bytes::from(body.to_owned());
    let (events, end) = decode_every_way("own", &body, decoder);
    let relayed = relay_every_way("own", &body, SPLICED, || Box::new(MessagesStream::new()));
    assert_eq!(relayed.fault.clone().map_or(Ok(relayed.end), Err), end, "a passage ends as its reading does");
    assert!(body.starts_with(&relayed.passed));
    let told = gathered(&events);
    assert_eq!(told.usage.unwrap_or(Reading::Absent), relayed.usage);
    (told, end, relayed.passed.len())
}

#[test]
fn streams_end_or_are_cut() {
    let whole = [START, BLOCK, HELLO, PING, END].concat();
    for (body, end) in [
        (whole.clone() + STOP, StreamEnd::Complete),
        (whole.clone() + STOP + HELLO, StreamEnd::Complete),
        (whole.clone() + STOP.trim_end(), StreamEnd::Complete),
        (whole.clone() + "data: [DONE]\n\n", StreamEnd::Complete),
        (whole.clone(), StreamEnd::Complete),
        (whole.trim_end().to_owned(), StreamEnd::Complete),
        ([START, BLOCK, HELLO].concat(), StreamEnd::Cut),
        ([START, BLOCK, HELLO, END.split_once("stop_reason").unwrap().0].concat(), StreamEnd::Cut),
        (String::new(), StreamEnd::Cut),
    ] {
        let (told, found, passed) = outcome(&body);
        assert_eq!(found, Ok(end), "{body}");
        assert_eq!(told.text, if body.is_empty() { "" } else { "H\u{e9}" });
        assert!(passed <= whole.len());
    }
}

#[test]
fn errors_inside_a_stream_end_it() {
    let event =
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"no\"}}\n\n";
    for error in [event, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"no\"}}"] {
        for before in [String::new(), [START, BLOCK, HELLO].concat()] {
            let (_, end, passed) = outcome(&[&before, error].concat());
            let Err(StreamFault::UpstreamError(words)) = end else { panic!("{end:?}") };
            assert_eq!((words.message.as_str(), words.kind.as_deref()), ("no", Some("overloaded_error")));
            assert_eq!(passed, before.len());
        }
    }
    let (_, end, _) = outcome("data: {\"type\":\"error\"}\n\n");
    assert!(matches!(end, Err(StreamFault::UpstreamError(_))));
}

#[test]
fn garbage_is_named_and_insane_usage_kept_apart() {
    for body in
        ["<html>\n\n", "data: <html>\n\n", "\0\0\0\n\n", "data: {\"type\":\"message_start\"\n\n", "data: []\n\n"]
    {
        let (_, end, passed) = outcome(&[START, body].concat());
        assert!(matches!(end, Err(StreamFault::Garbage(_))), "{body}");
        assert_eq!(passed, START.len());
    }
    for figure in ["-1", "1.5", "\"9\"", "1e12", "[]"] {
        let (told, end, _) = outcome(&[START, HELLO, &END.replace(":5", &format!(":{figure}")), STOP].concat());
        assert!(matches!(told.usage, Some(Reading::Insane(_))), "{figure}");
        assert_eq!(end, Ok(StreamEnd::Complete));
    }
}

#[test]
fn servers_that_are_brief_are_understood() {
    // Arguments with the block's beginning, no block ends, an empty id, thinking that was unsigned, an unknown event.
    let body = [
        START,
        "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"hm\"}}\n\n",
        "data: {\"type\":\"later\",\"x\":null}\n\n: comment\n\n",
        "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"\",\
            \"name\":\"f\",\"input\":{\"a\":1}}}\n\n",
        &END.replace("end_turn", "tool_use"),
        STOP,
    ];
    let (told, end, _) = outcome(&body.concat());
    assert_eq!((told.reasoning.as_str(), end), ("hm", Ok(StreamEnd::Complete)));
    assert_eq!(told.calls[0].2, "{\"a\":1}");
    assert!(told.calls[0].0.starts_with("toolu_"));
    assert_eq!(told.stop, Some(Stop::ToolCalls));
}

#[test]
fn a_call_without_arguments_has_an_empty_object_of_them() {
    let begin = "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\
        \"name\":\"f\",\"input\":{}}}\n\n";
    let delta = |json: &str| {
        format!(
            "data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"input_json_delta\",\"partial_json\":\"{json}\"}}}}\n\n"
        )
    };
    let end = END.replace("end_turn", "tool_use");
    for (deltas, arguments) in [(delta(""), "{}"), (String::new(), "{}"), (delta("") + &delta("[1]"), "[1]")] {
        let (told, ..) = outcome(&[START, begin, &deltas, &end, STOP].concat());
        assert_eq!(told.calls[0].2, arguments);
    }
}

#[test]
fn seals_are_decoded() {
    let body = [
        START,
        "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"ab\"}}\n\n",
        "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"xx\"}}\n\n",
    ];
    let (events, _) = decode_every_way("seals", &Bytes::from(body.concat()), decoder);
    let seals: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::More { piece: Piece::Sealed { signature, sealed, id: None }, .. } => {
                Some((signature.as_deref(), sealed.as_deref()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(seals, [(Some("ab"), None), (None, Some("xx"))]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_at_any_border_give_one_outcome(
        parts in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..12),
            prop::sample::select(vec![START, BLOCK, HELLO, PING, END, STOP, "\r", "data:", "{\"error\":1}", "data: {}\n\n"])
                .prop_map(|text| text.as_bytes().to_vec()),
        ], 0..6),
    ) {
        let body = Bytes::from(parts.concat());
        let (_, end) = decode_every_way("any", &body, decoder);
        let relayed = relay_every_way("any", &body, SPLICED, || Box::new(MessagesStream::new()));
        prop_assert_eq!(relayed.fault.map_or(Ok(relayed.end), Err), end);
        prop_assert!(reply::read(&body).is_none_or(|_| reply::is_answer(&body)));
    }
}
