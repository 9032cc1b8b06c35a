//! `openai_responses` where a stream goes wrong: errors inside it, cuts, garbage, servers that send less than OpenAI.

use bytes::Bytes;
use farthing::dialect::canonical::Stop;
use farthing::dialect::openai_responses::{ResponsesDecoder, ResponsesStream};
use farthing::dialect::{Reading, StreamEnd, StreamFault};

use crate::recordings::{self, Relayed, Told};

const CREATED: &str = r#"event: response.created
data: {"type":"response.created","response":{"id":"r","model":"m","created_at":1,"error":null},"sequence_number":0}

"#;
const DELTA: &str = r#"event: response.output_text.delta
data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a\n\"é","sequence_number":1}

"#;
const COMPLETED: &str = r#"event: response.completed
data: {"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":1,"output_tokens":2}}}

"#;

/// Relays and decodes a stream in every way; both must agree on how it ends.
fn both(stream: &str) -> (Relayed, Told) {
    let body = Bytes::from(stream.to_owned());
    let relayed = recordings::relay_every_way(stream, &body, "{}", || Box::new(ResponsesStream::new()));
    let (events, end) = recordings::decode_every_way(stream, &body, || Box::new(ResponsesDecoder::new()));
    assert_eq!(relayed.fault.clone().map_or(Ok(relayed.end), Err), end, "{stream}");
    let told = recordings::gathered(&events);
    assert_eq!(relayed.usage, told.usage.unwrap_or(Reading::Absent), "{stream}");
    (relayed, told)
}

#[test]
fn errors_inside_are_the_providers() {
    for (event, message, code, usage) in [
        (
            r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"m"},"usage":{"input_tokens":3,"output_tokens":1}}}"#,
            "m",
            Some("server_error"),
            4,
        ),
        (
            r#"{"type":"response.failed","response":{"error":null,"usage":null}}"#,
            "the provider gave no reason",
            None,
            0,
        ),
        (r#"{"type":"error","code":"c","message":"m","param":null,"sequence_number":2}"#, "m", Some("c"), 0),
        (r#"{"type":"error","error":{"type":"t","code":"c","message":"m"}}"#, "m", Some("c"), 0),
        (r#"{"error":{"message":"m","code":500}}"#, "m", Some("500"), 0),
    ] {
        let (relayed, told) = both(&format!("{CREATED}{DELTA}data: {event}\n\n{COMPLETED}"));
        let Some(StreamFault::UpstreamError(words)) = relayed.fault else { panic!("{event}") };
        assert_eq!((words.message.as_str(), words.code.as_deref()), (message, code), "{event}");
        assert_eq!(String::from_utf8(relayed.passed).unwrap(), format!("{CREATED}{DELTA}"), "{event}");
        assert_eq!((told.text.as_str(), told.stop), ("a\n\"é", None), "{event}");
        let figures = if let Reading::Figures(usage) = relayed.usage { usage.total() } else { 0 };
        assert_eq!((figures, relayed.tail.len()), (usage, 0), "{event}");
    }
    let (relayed, _) = both(r#"{"error":{"message":"m","type":"t","code":"c"}}"#);
    assert!(matches!(relayed.fault, Some(StreamFault::UpstreamError(words)) if words.message == "m"));
}

#[test]
fn a_cut_stream_never_ends_well() {
    for stream in [
        String::new(),
        CREATED.to_owned(),
        format!("{CREATED}{DELTA}"),
        format!("{CREATED}{DELTA}data: [DONE]\n\n"),
        format!("{CREATED}{DELTA}data: {{\"type\":\"response.completed\",\"resp"),
        format!(": queued\n\n{CREATED}"),
    ] {
        let (relayed, told) = both(&stream);
        assert_eq!((relayed.fault, relayed.end, relayed.done), (None, StreamEnd::Cut, false), "{stream}");
        assert_eq!((told.stop, relayed.usage), (None, Reading::Absent), "{stream}");
        let passed = String::from_utf8_lossy(&relayed.passed).into_owned();
        assert!(stream.starts_with(&passed) && !passed.contains("[DONE]"), "{stream}");
    }
}

#[test]
fn garbage_is_named() {
    for stream in
        ["<html><body>no</body></html>\n\n", "\0\0\0\n\n", "data: {\"type\":\n\n", "data: [1]\n\n", "data: x\n\n"]
    {
        let (relayed, told) = both(stream);
        assert!(matches!(relayed.fault, Some(StreamFault::Garbage(_))), "{stream}: {:?}", relayed.fault);
        assert_eq!((relayed.passed.len(), told), (0, Told::default()), "{stream}");
    }
}

#[test]
fn the_last_event_waits_and_what_follows_is_dropped() {
    let unknown = "event: response.new_thing\ndata: {\"type\":\"response.new_thing\",\"x\":1e2}\n\n";
    let (relayed, told) = both(&format!("{CREATED}{unknown}{DELTA}{COMPLETED}data: [DONE]\n\n{DELTA}"));
    assert_eq!(String::from_utf8(relayed.passed).unwrap(), format!("{CREATED}{unknown}{DELTA}"));
    let spliced = COMPLETED.replace(r#""output_tokens":2"#, r#""output_tokens":2,"farthing":{}"#);
    assert_eq!(relayed.tail, spliced.as_bytes());
    assert_eq!((relayed.end, told.stop), (StreamEnd::Complete, Some(Stop::End)));
    assert_eq!((relayed.seen.events, relayed.seen.text_bytes), (1, 5));
}

#[test]
fn the_last_event_is_spliced_however_it_is_written() {
    let usage = r#""usage" : { "input_tokens":1,"output_tokens":2 }"#;
    let spliced = r#""usage" : { "input_tokens":1,"output_tokens":2 ,"farthing":{}}"#;
    for (before, after) in [
        ("data:{\"type\":\"response.completed\",", "\n\n"),
        ("data: {\"type\":\"response.incomplete\",\r\ndata: ", "\r\n\r\n"),
    ] {
        let (relayed, _) = both(&format!("{before}\"response\":{{{usage}}}}}{after}"));
        let tail = String::from_utf8(relayed.tail.to_vec()).unwrap();
        assert_eq!(
            tail.replace("\r\ndata: ", " "),
            format!("{before}\"response\":{{{spliced}}}}}{after}").replace("\r\ndata: ", " ")
        );
    }
    // Without its blank line, without usage, with impossible usage, with broken UTF-8: the event stays as it is.
    let silent = "data: {\"type\":\"response.completed\",\"response\":{\"usage\":null}}";
    let (relayed, _) = both(silent);
    assert_eq!((relayed.tail, relayed.end), (Bytes::from(format!("{silent}\n\n")), StreamEnd::Complete));
    let insane = "data: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":-1}}}\n\n";
    assert!(matches!(both(insane).0.usage, Reading::Insane(_)));
}

#[test]
fn servers_that_send_less_are_read_all_the_same() {
    let call = r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}"}"#;
    let message =
        r#"{"type":"message","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"no"}]}"#;
    let thought = r#"{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"t"}]}"#;
    let expected = Told {
        text: "a".into(),
        reasoning: "t".into(),
        refusal: "no".into(),
        calls: vec![("c".into(), "f".into(), r#"{"a":1}"#.into())],
        stop: Some(Stop::ToolCalls),
        usage: None,
    };
    let last = format!(
        "data: {{\"type\":\"response.completed\",\"response\":{{\"output\":[{thought},{message},{call}]}}}}\n\n"
    );
    let done = |at: usize, item: &str| {
        format!("data: {{\"type\":\"response.output_item.done\",\"output_index\":{at},\"item\":{item}}}\n\n")
    };
    let items = format!("{}{}{}", done(0, thought), done(1, message), done(2, call));
    assert_eq!(both(&last).1, expected, "only the whole");
    assert_eq!(both(&format!("{items}{last}")).1, expected, "items, then the whole");
    let bare = "data: {\"type\":\"response.completed\",\"response\":{}}\n\n";
    assert_eq!(both(&format!("{items}{bare}")).1, expected, "only items");
    let shifted = format!("{}{}{}", done(1, thought), done(2, message), done(3, call));
    assert_eq!(both(&format!("{shifted}{last}")).1, expected, "indexes from one");
}
