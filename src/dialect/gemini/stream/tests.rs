//! What passes and what waits, how streams end and fail, and that what is written is read back.

use bytes::{Bytes, BytesMut};

use super::*;
use crate::dialect::canonical::{Event, Json, Piece, Stop};
use crate::dialect::gemini::Framing;
use crate::dialect::passage::{Decode, Encode, Passage, Seen, StreamEnd};
use crate::dialect::{Reading, StreamFault};

const HELLO: &str = r#"{"candidates":[{"content":{"parts":[{"text":"Hé"}],"role":"model"},"index":0}]}"#;
const STOP: &str = r#"{"candidates":[{"content":{"parts":[{"text":"!"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1}}"#;
const AFTER: &str = r#"{"usageMetadata":{"promptTokenCount":4}}"#;

fn sse(chunks: &[&str]) -> String {
    chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect()
}

fn array(chunks: &[&str]) -> String {
    format!("[{}\n]", chunks.join("\n,\r\n"))
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn relay(body: &str) -> (GeminiStream, String) {
    let mut stream = GeminiStream::new();
    let passed = stream.push(Bytes::from(body.to_owned())).unwrap();
    (stream, text(&passed))
}

fn decode(body: &str) -> (Vec<Event>, Result<StreamEnd, StreamFault>) {
    let (mut decoder, mut events) = (GeminiDecoder::new(), Vec::new());
    let end = decoder.push(&Bytes::from(body.to_owned()), &mut events).map(|()| decoder.finish(&mut events));
    (events, end)
}

#[test]
fn the_end_waits_for_the_tail() {
    for (body, head, is_array) in
        [(sse(&[HELLO, STOP, AFTER]), sse(&[HELLO]), false), (array(&[HELLO, STOP, AFTER]), format!("[{HELLO}"), true)]
    {
        let (mut stream, passed) = relay(&body);
        assert_eq!(passed, head);
        assert_eq!(stream.is_done(), is_array, "only an array says that it ends");
        assert!(matches!(stream.usage(), Reading::Figures(usage) if usage.total() == 4), "the last one counts");
        assert_eq!(stream.seen(), Seen { events: 2, text_bytes: 4, tier: None });
        assert_eq!(stream.finish(), StreamEnd::Complete);
        let spliced = body.replace(r#"Count":4}"#, r#"Count":4,"farthing":{"cost":1}}"#);
        assert_eq!(text(&stream.tail(Some(r#"{"cost":1}"#))), spliced.strip_prefix(&head).unwrap());
    }
}

#[test]
fn comments_do_not_reach_googles_client() {
    let (_, passed) = relay(&format!(": note\n\n{}: note\n\n{}", sse(&[HELLO]), sse(&[HELLO])));
    assert_eq!(passed, sse(&[HELLO, HELLO]));
}

#[test]
fn the_end_is_judged_by_reasons() {
    let second = STOP.replace(r#""finishReason""#, r#""index":1,"finishReason""#);
    let begun = HELLO.replace(r#""index":0"#, r#""index":1"#);
    let blocked = r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4}}"#;
    let (complete, cut) = (StreamEnd::Complete, StreamEnd::Cut);
    for (body, end) in [
        (sse(&[HELLO, STOP]), complete),
        (sse(&[HELLO, STOP]).trim_end().to_owned(), complete),
        (array(&[HELLO, STOP]), complete),
        (array(&[HELLO, STOP]).trim_end_matches(']').to_owned(), complete),
        (sse(&[blocked]), complete),
        (sse(&[HELLO, &begun, STOP]), cut),
        (sse(&[HELLO, &begun, STOP, &second]), complete),
        (sse(&[HELLO]), cut),
        (array(&[HELLO]), cut),
        (sse(&[HELLO, STOP]).replace("[],", "").get(..120).unwrap().to_owned(), cut),
        (" \n".to_owned(), cut),
        ("[]".to_owned(), cut),
        (String::new(), cut),
    ] {
        let (mut stream, passed) = relay(&body);
        let decoded = decode(&body);
        assert_eq!((stream.finish(), decoded.1), (end, Ok(end)), "{body}");
        let stops = decoded.0.iter().filter(|event| matches!(event, Event::Finished { .. })).count();
        assert_eq!(stops > 0, end == complete, "{body}");
        if end == complete {
            let whole = passed + &text(&stream.tail(None));
            let closed = if body.starts_with('[') { body.trim_end_matches(']').to_owned() + "]" } else { body };
            let solid = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(solid(&whole), solid(&closed));
        }
    }
}

#[test]
fn faults_end_the_stream_after_what_was_due() {
    let error = r#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#;
    let prefix = sse(&[HELLO]);
    for (body, due, message) in [
        (sse(&[HELLO, error]), prefix.clone(), Some("overloaded")),
        (array(&[HELLO, error]), format!("[{HELLO}"), Some("overloaded")),
        (format!("[{error}]"), String::new(), Some("overloaded")),
        (error.to_owned(), String::new(), Some("overloaded")),
        ("\n {\n\"error\": \"odd\"}\n".to_owned(), String::new(), Some("odd")),
        (format!("{prefix}<html>\n\n"), prefix.clone(), None),
        (format!("{prefix}data: {{\"candidates\":7}}\n\n"), prefix.clone(), None),
        (format!("{prefix}data: {{broken\n\n"), prefix.clone(), None),
        (format!("[{HELLO},7]"), format!("[{HELLO}"), None),
        ("\0\0\0\n\n".to_owned(), String::new(), None),
    ] {
        let mut stream = GeminiStream::new();
        let fault = stream.push(Bytes::from(body.clone())).unwrap_err();
        assert_eq!(text(&stream.rest()), due, "{body}");
        assert_eq!((stream.push(Bytes::from(sse(&[STOP]))), stream.finish()), (Ok(Bytes::new()), StreamEnd::Cut));
        assert_eq!(decode(&body).1, Err(fault.clone()), "{body}");
        match fault {
            StreamFault::UpstreamError(words) => assert_eq!(Some(words.message.as_str()), message, "{body}"),
            other => assert!(message.is_none() && matches!(other, StreamFault::Garbage(_)), "{body}"),
        }
    }
}

#[test]
fn endless_elements_are_refused() {
    let mut stream = GeminiStream::new();
    let chunk = Bytes::from("[{\"a\":\"".to_owned() + &"a".repeat(1024 * 1024));
    assert_eq!(stream.push(chunk), Err(StreamFault::Oversized));
}

#[test]
fn calls_are_never_merged_and_reasons_come_last() {
    let call = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":1}}},{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}],"responseId":"r","modelVersion":"m"}"#;
    let (events, end) = decode(&sse(&[call, STOP]));
    assert_eq!(end, Ok(StreamEnd::Complete));
    assert_eq!(events.first(), Some(&Event::Began { id: "r".into(), model: "m".into(), created: None }));
    let ids: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::More { piece: Piece::ToolCall { id, call, .. }, .. } => Some((*call, id.clone())),
            _ => None,
        })
        .collect();
    assert!(ids.len() == 2 && ids[0].0 == 0 && ids[1].0 == 1 && ids[0].1 != ids[1].1, "{ids:?}");
    assert_eq!(events.last(), Some(&Event::Finished { choice: 0, stop: Stop::ToolCalls }));
}

fn encode(framing: Framing, events: &[Event]) -> String {
    let (mut encoder, mut out) = (GeminiEncoder::new(framing), BytesMut::new());
    events.iter().for_each(|event| encoder.event(event.clone(), &mut out));
    encoder.tail(Some(r#"{"cost":1}"#), &mut out);
    text(&out.freeze())
}

fn more(piece: Piece) -> Event {
    Event::More { choice: 0, piece }
}

/// Everything a stream of this dialect can say, in the order in which it says it.
fn told() -> Vec<Event> {
    let tier = farthing_actors::domain::ServiceTier::Flex;
    let usage = farthing_actors::domain::Usage { input: 1, output: 2, tier, ..Default::default() };
    let seal = |text: &str| Piece::Sealed { signature: Some(text.into()), sealed: None, id: None };
    let call = |call, id: &str, signature: Option<&str>| Piece::ToolCall {
        call,
        id: id.into(),
        name: "f".into(),
        signature: signature.map(Into::into),
    };
    vec![
        Event::Began { id: "r".into(), model: "m".into(), created: None },
        more(Piece::Reasoning("hm\n\n".into())),
        more(seal("AA==")),
        more(Piece::Text("data: \"x\"\n\n".into())),
        more(seal("AQ==")),
        more(Piece::LogProbs(
            Json::parse(r#"{"content":[{"token":"a","logprob":-1,"bytes":null,"top_logprobs":[]}]}"#).unwrap(),
        )),
        more(call(0, "toolu_1", Some("Ag=="))),
        more(Piece::Arguments { call: 0, text: r#"{"a": 1}"#.into() }),
        more(call(1, "toolu_2", None)),
        more(Piece::Arguments { call: 1, text: "{}".into() }),
        Event::Usage(Reading::Figures(usage)),
        Event::ServiceTier("flex".into()),
        Event::Finished { choice: 0, stop: Stop::ToolCalls },
    ]
}

#[test]
fn what_is_written_is_read_back() {
    for framing in [Framing::Sse, Framing::Array] {
        let written = encode(framing, &told());
        let (events, end) = decode(&written);
        assert_eq!((events, end), (told(), Ok(StreamEnd::Complete)), "{written}");
        assert!(written.contains(r#""farthing":{"cost":1}"#));
        let lines = written.lines().filter(|line| !line.is_empty());
        assert!(framing == Framing::Array || lines.into_iter().all(|line| line.starts_with("data: {")), "{written}");
    }
    assert!(serde_json::from_str::<Vec<Json>>(&encode(Framing::Array, &told())).is_ok());
}

#[test]
fn arguments_in_pieces_become_whole_calls() {
    let begin = |call, id: &str| Piece::ToolCall { call, id: id.into(), name: "f".into(), signature: None };
    let piece = |call, text: &str| Piece::Arguments { call, text: text.into() };
    let pieces = [
        begin(0, "a"),
        begin(1, "b"),
        piece(0, "{\n\"x\":"),
        piece(1, "oops"),
        piece(0, "1}"),
        Piece::Text("t".into()),
    ];
    let mut events: Vec<_> = pieces.into_iter().map(more).collect();
    events.push(Event::Finished { choice: 0, stop: Stop::ToolCalls });
    let written = encode(Framing::Sse, &events);
    assert!(written.contains(r#"{"id":"a","name":"f","args":{ "x":1}}"#), "{written}");
    assert!(written.contains(r#"{"id":"b","name":"f","args":{"arguments":"oops"}}"#), "{written}");
    // A stream that its provider ended without a reason has one all the same, or Google's clients take it for cut.
    let ended =
        r#"[{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}]}]"#;
    assert_eq!(encode(Framing::Array, &[]), ended);
}
