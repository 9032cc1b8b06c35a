//! `openai_responses` against recordings: whole answers, streams cut everywhere, requests.

use bytes::Bytes;
use farthing::dialect::canonical::{Event, Reply, Stop};
use farthing::dialect::openai_responses::{ResponsesDecoder, ResponsesRequest, ResponsesStream, reply};
use farthing::dialect::{Reading, StreamEnd, UpstreamWords};
use serde_json::Value;

use crate::recordings::{self, Recording};

const WIRE: &str = "openai-responses";
const SPLICED: &str = r#"{"cost_usd":"0.1"}"#;

#[test]
fn whole_answers_are_read_as_recorded() {
    for recording in recordings::recordings(WIRE).iter().filter(|recording| !recording.stream) {
        let (name, body) = (&recording.name, &recording.body);
        recording.check_usage(reply::usage(body));
        if recording.is_refusal() {
            assert_eq!(reply::read(body), None, "{name}");
            let words = UpstreamWords::read(body).unwrap();
            assert_eq!(words.message, recording.expected["error"]["message"], "{name}");
            continue;
        }
        assert!(reply::is_answer(body));
        let read = reply::read(body).unwrap();
        recording.check(&recordings::told(&read));
        let again = reply::read(&reply::write(&read, Some(SPLICED))).unwrap();
        assert_eq!(again, read, "{name}");
    }
}

#[test]
fn streams_are_decoded_as_recorded_however_they_are_cut() {
    for recording in recordings::recordings(WIRE).iter().filter(|recording| recording.stream) {
        let name = &recording.name;
        let (events, end) = recordings::decode_every_way(name, &recording.body, || Box::new(ResponsesDecoder::new()));
        assert_eq!(end, Ok(StreamEnd::Complete), "{name}");
        recording.check(&recordings::gathered(&events));
        assert!(matches!(events.first(), Some(Event::Began { created: Some(_), .. })), "{name}");
        assert_same_as_whole(recording, &events);
    }
}

/// The last event repeats the whole answer: what the stream told is what reading that tells.
fn assert_same_as_whole(recording: &Recording, events: &[Event]) {
    let name = &recording.name;
    let text = std::str::from_utf8(&recording.body).unwrap();
    let last = text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    let whole: Reply = reply::read(last["response"].to_string().as_bytes()).unwrap();
    let (streamed, whole) = (recordings::gathered(events), recordings::told(&whole));
    assert_eq!(streamed.text, whole.text, "{name}");
    assert_eq!(streamed.reasoning, whole.reasoning, "{name}");
    assert_eq!(streamed.calls, whole.calls, "{name}");
}

#[test]
fn streams_pass_as_they_came_and_the_last_event_waits() {
    for recording in recordings::recordings(WIRE).iter().filter(|recording| recording.stream) {
        let (name, body) = (&recording.name, &recording.body);
        let relayed = recordings::relay_every_way(name, body, SPLICED, || Box::new(ResponsesStream::new()));
        recording.check_usage(relayed.usage);
        assert_eq!((relayed.fault, relayed.end, relayed.done), (None, StreamEnd::Complete, true), "{name}");
        assert!(body.starts_with(&relayed.passed), "{name}: bytes were changed");
        let tail = String::from_utf8(relayed.tail.to_vec()).unwrap();
        let unspliced = tail.replace(&format!(",\"farthing\":{SPLICED}"), "");
        assert!(tail.len() > unspliced.len(), "{name}");
        assert_eq!(unspliced.as_bytes(), &body[relayed.passed.len()..], "{name}");
        let text = recording.expected["text_len"].as_u64().unwrap();
        assert!(relayed.seen.text_bytes >= text, "{name}: {:?}", relayed.seen);
    }
}

#[test]
fn recorded_requests_have_a_conversation_or_a_clear_fault() {
    let mut hosted = 0;
    for recording in recordings::recordings(WIRE) {
        let Some(body) = recording.request else { continue };
        let request = ResponsesRequest::parse(body).unwrap();
        assert_eq!((request.stored_state(), request.head.stream), (None, recording.stream), "{}", recording.name);
        match request.conversation() {
            Ok(conversation) => assert!(!conversation.messages.is_empty(), "{}", recording.name),
            Err(fault) => {
                assert_eq!((fault.param.as_deref(), fault.code), (Some("tools[0]"), "unsupported_field"), "{fault:?}");
                hosted += 1;
            }
        }
    }
    assert!(hosted <= 2, "only the two with web search");
}

#[test]
fn what_client_libraries_send_has_a_conversation() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/client_requests.json");
    let Ok(text) = std::fs::read(file) else { return };
    let libraries: Value = serde_json::from_slice(&text).unwrap();
    let requests = libraries["requests"].as_object().unwrap().values().flat_map(|sent| sent.as_array().unwrap());
    let ours: Vec<&Value> = requests.filter(|request| request["target"] == "/v1/responses").collect();
    assert!(ours.len() >= 10, "{}", ours.len());
    for request in ours {
        let body = Bytes::from(request["body"].to_string());
        let conversation = ResponsesRequest::parse(body).unwrap().conversation().unwrap();
        let said = conversation.messages[0].parts[0].as_text().unwrap();
        assert!(said.starts_with("replay "), "{said}");
        assert_eq!(conversation.hints, Vec::<String>::new());
        assert_eq!(conversation.tools.len(), request["body"]["tools"].as_array().map_or(0, Vec::len));
    }
}

#[test]
fn failed_and_silent_answers_are_told_apart() {
    let failed = br#"{"id":"r","status":"failed","error":{"code":"server_error","message":"m"},"output":[],
        "usage":{"input_tokens":3,"output_tokens":1}}"#;
    assert_eq!(reply::read(failed), None);
    assert!(matches!(reply::usage(failed), Reading::Figures(usage) if usage.total() == 4));
    for body in [&b"<html>"[..], b"", b"[]", b"{\"output\":["] {
        assert!(reply::read(body).is_none() && !reply::is_answer(body) && reply::usage(body) == Reading::Absent);
    }
    let bare = reply::read(br#"{"output":[{"type":"message","content":"hi"}],"usage":null}"#).unwrap();
    assert_eq!((bare.choices[0].parts[0].as_text(), bare.usage), (Some("hi"), Reading::Absent));
    for (status, stop) in [
        (r#""status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}"#, Stop::Length),
        (r#""status":"incomplete","incomplete_details":{"reason":"content_filter"}"#, Stop::Filtered),
        (r#""status":"incomplete","incomplete_details":null"#, Stop::Other("incomplete".into())),
        (r#""status":"completed""#, Stop::End),
    ] {
        let read = reply::read(format!(r#"{{"output":[],{status}}}"#).as_bytes()).unwrap();
        assert_eq!(read.choices[0].stop, stop);
    }
}
