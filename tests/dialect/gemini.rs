//! `gemini`: recorded answers and requests, and streams of our own, however they are cut.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use farthing::dialect::canonical::{Choice, Event, Message, Part, PartKind, Reasoning, Reply, Stop, ToolCall};
use farthing::dialect::gemini::{Framing, GeminiDecoder, GeminiEncoder, GeminiRequest, GeminiStream, reply, request};
use farthing::dialect::passage::Encode;
use farthing::dialect::{Reading, Rewrite, StreamEnd, StreamFault, UpstreamWords, UsageOption};
use serde_json::{Value, json};

use crate::recordings::{self, Recording, Relayed, Told, gathered, told};

const WIRE: &str = "gemini-generate";
const SPLICED: &str = r#"{"cost_usd":"0.1"}"#;

fn relay(name: &str, body: &Bytes) -> Relayed {
    recordings::relay_every_way(name, body, SPLICED, || Box::new(GeminiStream::new()))
}

fn decode(name: &str, body: &Bytes) -> (Vec<Event>, Result<StreamEnd, StreamFault>) {
    recordings::decode_every_way(name, body, || Box::new(GeminiDecoder::new()))
}

/// What passed and what followed in the end, without what was put in.
fn delivered(relayed: &Relayed) -> String {
    let all = [&relayed.passed[..], &relayed.tail[..]].concat();
    String::from_utf8(all).unwrap().replace(&format!(",\"farthing\":{SPLICED}"), "")
}

#[test]
fn recorded_answers_are_read() {
    for recording in recordings::recordings(WIRE).iter().filter(|recording| !recording.stream) {
        let name = &recording.name;
        assert_eq!(reply::is_answer(&recording.body), !recording.is_refusal(), "{name}");
        recording.check_usage(reply::usage(&recording.body));
        if recording.is_refusal() {
            assert_eq!(reply::read(&recording.body), None, "{name}");
            let words = UpstreamWords::read(&recording.body).unwrap();
            assert_eq!(words.message, recording.expected["error"]["message"], "{name}");
            assert_eq!(words.kind.as_deref(), recording.expected["error"]["type"].as_str(), "{name}");
            continue;
        }
        let read = reply::read(&recording.body).unwrap();
        recording.check(&told(&read));
        let again = reply::read(&reply::write(&read, Some(SPLICED))).unwrap();
        assert_eq!(again, read, "{name}: written and read again");
    }
}

#[test]
fn recorded_streams_are_decoded() {
    for recording in recordings::recordings(WIRE).iter().filter(|recording| recording.stream) {
        let (events, end) = decode(&recording.name, &recording.body);
        assert_eq!(end, Ok(StreamEnd::Complete), "{}", recording.name);
        recording.check(&gathered(&events));
        check_written(recording, &events);
    }
}

/// The events, written in both framings, say the same again.
fn check_written(recording: &Recording, events: &[Event]) {
    for framing in [Framing::Sse, Framing::Array] {
        let (mut encoder, mut out) = (GeminiEncoder::new(framing), BytesMut::new());
        events.iter().for_each(|event| encoder.event(event.clone(), &mut out));
        encoder.tail(Some(SPLICED), &mut out);
        let (again, end) = decode(&recording.name, &out.freeze());
        assert_eq!((solid(&again), end), (solid(events), Ok(StreamEnd::Complete)), "{}", recording.name);
    }
}

/// What events say, with line ends in arguments as the blanks they become in an event.
fn solid(events: &[Event]) -> Told {
    let mut told = gathered(events);
    told.calls.iter_mut().for_each(|call| call.2 = call.2.replace('\n', " "));
    told
}

#[test]
fn recorded_streams_pass_as_they_came() {
    for recording in recordings::recordings(WIRE).iter().filter(|recording| recording.stream) {
        let name = &recording.name;
        let relayed = relay(name, &recording.body);
        recording.check_usage(relayed.usage);
        assert_eq!((relayed.fault.as_ref(), relayed.end), (None, StreamEnd::Complete), "{name}");
        assert_eq!(relayed.done, recording.framing == "json-array", "{name}");
        assert!(recording.body.starts_with(&relayed.passed), "{name}: bytes were changed");
        let came = String::from_utf8_lossy(&recording.body);
        assert_eq!(delivered(&relayed).trim_end(), came.trim_end(), "{name}");
        assert!(String::from_utf8_lossy(&relayed.tail).contains(SPLICED), "{name}");
    }
}

/// A body as a conversation, written for Gemini and read again; or the member that no other dialect has.
fn translated(name: &str, body: Bytes) -> Result<(), String> {
    let request = GeminiRequest::parse(body.clone(), "m", false).unwrap();
    let to = Rewrite { model: "other", usage: UsageOption::Asked, output_cap: None };
    assert_eq!(request.for_upstream(&to).as_ptr(), request.for_upstream(&to).as_ptr(), "{name}: not the same bytes");
    let conversation = request.conversation().map_err(|fault| {
        assert_eq!(fault.code, "unsupported_field", "{name}: {fault:?}");
        fault.param.unwrap()
    })?;
    let written = request::write(&conversation, &to, false).unwrap();
    let mut again = GeminiRequest::parse(written.body, "m", false).unwrap().conversation().unwrap();
    again.hints.clone_from(&conversation.hints);
    let speakers = |messages: &[Message]| messages.iter().map(|message| message.role).collect::<Vec<_>>();
    assert_eq!(speakers(&again.messages), speakers(&conversation.messages), "{name}");
    assert_eq!((&again.tools, &again.tool_choice), (&conversation.tools, &conversation.tool_choice), "{name}");
    assert_eq!(again.settings, conversation.settings, "{name}");
    Ok(())
}

#[test]
fn recorded_requests_are_read() {
    let hosted = [("j03", "tools[0].codeExecution"), ("s03", "tools[0].fileSearch")];
    for recording in recordings::recordings(WIRE) {
        let refused = hosted.iter().find(|(name, _)| recording.name.ends_with(name)).map(|(_, field)| *field);
        let outcome = translated(&recording.name, recording.request.unwrap());
        assert_eq!(outcome.err().as_deref(), refused, "{}", recording.name);
    }
}

#[test]
fn what_client_libraries_send_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/client_requests.json");
    let Ok(text) = std::fs::read(path) else { return };
    let all: Value = serde_json::from_slice(&text).unwrap();
    let mut count = 0;
    for (library, requests) in all["requests"].as_object().unwrap() {
        let ours =
            requests.as_array().unwrap().iter().filter(|sent| sent["target"].as_str().unwrap().contains("/v1beta/"));
        for sent in ours {
            assert_eq!(translated(library, Bytes::from(sent["body"].to_string())), Ok(()), "{library}");
            count += 1;
        }
    }
    assert!(count >= 14, "{count}");
}

/// An answer as Google's client keeps it for the next turn: its signatures are base64 of the other alphabet.
fn as_history(content: &Value) -> Value {
    let text = content.to_string();
    let mut content: Value = serde_json::from_str(&text).unwrap();
    for part in content["parts"].as_array_mut().unwrap() {
        if let Some(signature) = part["thoughtSignature"].as_str() {
            part["thoughtSignature"] = signature.replace('+', "-").replace('/', "_").into();
        }
    }
    content
}

/// What another provider answers: thinking with every kind of seal, and calls.
fn sealed_parts() -> Vec<Part> {
    let own = |text: Option<&str>| text.map(str::to_owned);
    let reasoning = |text: &str, signature, sealed, id| {
        let (signature, sealed, id) = (own(signature), own(sealed), own(id));
        Part::of(PartKind::Reasoning(Reasoning { text: text.into(), signature, sealed, id }))
    };
    let call = |id: &str, signature| {
        let (name, arguments) = ("f".to_owned(), r#"{"a":1.0}"#.to_owned());
        Part::of(PartKind::ToolCall(ToolCall { id: id.into(), name, arguments, signature: own(signature) }))
    };
    vec![
        reasoning("hm", Some("Eq+/AA=="), None, None),
        reasoning("", None, Some("redacted-_"), None),
        reasoning("so", None, Some("gAAAA-_"), Some("rs_1")),
        Part::text("hi"),
        call("toolu_1", Some("+/8=")),
        call("call_farthing_7", None),
    ]
}

#[test]
fn sealed_thinking_survives_a_client() {
    let choice = Choice { parts: sealed_parts(), stop: Stop::ToolCalls, log_probs: None };
    let answer = Reply {
        id: String::new(),
        model: String::new(),
        created: None,
        choices: vec![choice],
        usage: Reading::Absent,
        service_tier: None,
    };
    let written: Value = serde_json::from_slice(&reply::write(&answer, None)).unwrap();
    let body = json!({"contents": [
        {"role": "user", "parts": [{"text": "a"}]},
        as_history(&written["candidates"][0]["content"]),
    ]});
    let request = GeminiRequest::parse(Bytes::from(body.to_string()), "m", false).unwrap();
    assert_eq!(request.conversation().unwrap().messages[1].parts, sealed_parts());
}

/// Two choices, thoughts, calls and line ends of every kind, in both framings.
fn own_chunks() -> [&'static str; 4] {
    [
        r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"m","thought":true,"thoughtSignature":"AA=="}]}},{"index":1,"content":{"parts":[{"text":"zwei \ud83e\udd80 é"}]}}],"responseId":"r"}"#,
        r#"{"candidates":[{"index":1,"finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":9}}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"a]}{[\"\\"},{"functionCall":{"name":"f","args":{"x":"}"}}},{"functionCall":{"name":"f","args":{"x":2}}}]},"finishReason":"STOP"}]}"#,
        r#"{"usageMetadata":{"promptTokenCount":9,"cachedContentTokenCount":4,"candidatesTokenCount":5}}"#,
    ]
}

#[test]
fn own_streams_are_the_same_however_they_are_cut() {
    let chunks = own_chunks();
    let events = |end: &str| chunks.iter().map(|chunk| format!("data: {chunk}{end}")).collect::<String>();
    for body in [
        events("\n\n"),
        events("\r\n\r\n"),
        events("\r\r"),
        events("\n\n").trim_end().to_owned(),
        format!("[{}]", chunks.join(",")),
        format!(" \r\n[\n{}\n] ", chunks.join("\n,\r\n")),
        format!("[{}", chunks.join("\n,\r\n")),
    ] {
        let bytes = Bytes::from(body.clone());
        let relayed = relay(&body, &bytes);
        assert_eq!((relayed.fault.as_ref(), relayed.end, relayed.seen.text_bytes), (None, StreamEnd::Complete, 40));
        let closed = if body.contains('[') && body.trim_start().starts_with('[') && !body.trim_end().ends_with(']') {
            body.clone() + "]"
        } else {
            body.clone()
        };
        assert_eq!(delivered(&relayed).trim_end(), closed.trim_end());
        let (events, end) = decode(&body, &bytes);
        let told = gathered(&events);
        assert_eq!((end, told.text.as_str(), told.reasoning.as_str()), (Ok(StreamEnd::Complete), "a]}{[\"\\", "hmm"));
        assert_eq!((told.calls.len(), told.stop), (2, Some(Stop::ToolCalls)));
        assert!(events.contains(&Event::Finished { choice: 1, stop: Stop::Length }));
        let Some(Reading::Figures(usage)) = told.usage else { panic!("{body}") };
        assert_eq!((usage.input, usage.cache_read, usage.output), (5, 4, 5));
    }
}

#[test]
fn broken_streams_are_told_the_same_however_they_are_cut() {
    let [first, ..] = own_chunks();
    let error = r#"{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}"#;
    for (body, reported) in [
        (format!("data: {first}\n\ndata: {error}\n\n"), true),
        (format!("[{first},{error}]"), true),
        (format!("data: {first}\n\n<html>\n\n"), false),
        (format!("data: {first}\n\ndata: {{\"a\":\n\n"), false),
        (format!("[{first},null]"), false),
    ] {
        let bytes = Bytes::from(body.clone());
        let relayed = relay(&body, &bytes);
        let (_, outcome) = decode(&body, &bytes);
        assert_eq!(relayed.end, StreamEnd::Cut, "{body}");
        assert_eq!(Some(outcome.unwrap_err()), relayed.fault, "{body}");
        assert_eq!(matches!(relayed.fault, Some(StreamFault::UpstreamError(_))), reported, "{body}");
        assert!(bytes.starts_with(&relayed.passed), "{body}");
    }
}
