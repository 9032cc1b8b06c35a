//! `openai_chat` to and from the canonical form: recorded answers read as recorded, whole and cut; what is written is
//! read back as it was; what real clients send is understood.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use farthing::dialect::canonical::{Conversation, Event, Feature, PartKind, Role};
use farthing::dialect::openai_chat::{ChatDecoder, ChatEncoder, ChatStream, reply, request};
use farthing::dialect::passage::{Decode, Encode, Translation};
use farthing::dialect::{
    ChatRequest, Passage, Reading, RequestFault, Rewrite, StreamEnd, StreamFault, UpstreamWords, UsageOption,
};
use serde_json::Value;

use crate::recordings::{self, Recording, decode_every_way, gathered, told};

const WIRE: &str = "openai-chat";
const TO: Rewrite<'_> = Rewrite { model: "theirs", usage: UsageOption::Asked, output_cap: None };

fn parsed(body: Bytes) -> Result<Conversation, RequestFault> {
    ChatRequest::parse(body).unwrap().conversation()
}

fn decoded(name: &str, body: &Bytes) -> (Vec<Event>, Result<StreamEnd, StreamFault>) {
    decode_every_way(name, body, || Box::new(ChatDecoder::new()))
}

/// Events written for a client and read again.
fn again(events: &[Event]) -> (Bytes, Vec<Event>) {
    let (mut encoder, mut out) = (ChatEncoder::new("ours".to_owned(), true), BytesMut::new());
    events.iter().for_each(|event| encoder.event(event.clone(), &mut out));
    encoder.tail(Some(r#"{"cost_usd":"0.1"}"#), &mut out);
    let out = out.freeze();
    let (mut decoder, mut read) = (ChatDecoder::new(), Vec::new());
    decoder.push(&out, &mut read).unwrap();
    assert!(decoder.is_done());
    (out, read)
}

#[test]
fn recorded_answers_are_read_and_written_back() {
    for recording in recordings::recordings(WIRE).iter().filter(|recording| !recording.stream) {
        let name = &recording.name;
        let read = reply::read(&recording.body);
        if recording.is_refusal() {
            assert_eq!(read, None, "{name}");
            continue;
        }
        let read = read.unwrap();
        recording.check(&told(&read));
        let written = reply::write(&read, Some(r#"{"cost_usd":"0.1"}"#));
        // Thinking under another name is written as `reasoning_content`, and read from there with the seal that says
        // so.
        let again = reply::read(&written).unwrap();
        assert_eq!((told(&again), again.choices.len()), (told(&read), read.choices.len()), "{name}");
        assert_eq!(reply::read(&reply::write(&again, None)).unwrap(), again, "{name}");
        let written: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(written["usage"]["farthing"]["cost_usd"], "0.1", "{name}");
        assert_eq!(written["choices"][0]["message"]["role"], "assistant", "{name}");
    }
}

#[test]
fn recorded_streams_are_read_and_written_back() {
    for recording in recordings::recordings(WIRE).iter().filter(|recording| recording.stream) {
        let name = &recording.name;
        let (events, end) = decoded(name, &recording.body);
        recording.check(&gathered(&events));
        check_error(recording, &end);
        assert!(
            matches!(&events[0], Event::Began { id, model, created: Some(_) } if !id.is_empty() && !model.is_empty())
        );
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Began { .. })).count(), 1, "{name}");
        let (bytes, read) = again(&events);
        let (mut before, mut after) = (gathered(&events), gathered(&read));
        assert_eq!(before.usage.take().is_some(), after.usage.take().is_some(), "{name}");
        assert_eq!(before, after, "{name}");
        check_chunks(name, &bytes);
    }
}

fn check_error(recording: &Recording, end: &Result<StreamEnd, StreamFault>) {
    let error = &recording.expected["error"];
    match end {
        Err(StreamFault::UpstreamError(words)) => assert_eq!(words.message, error["message"], "{}", recording.name),
        end => assert!(error.is_null() && *end == Ok(StreamEnd::Complete), "{}: {end:?}", recording.name),
    }
}

/// What stock SDKs rely on: one id, the role first, null usage in every chunk but the last, which has no choice.
fn check_chunks(name: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    let chunks = text.strip_suffix("data: [DONE]\n\n").unwrap().split_terminator("\n\n");
    let chunks: Vec<Value> =
        chunks.map(|chunk| serde_json::from_str(chunk.strip_prefix("data: ").unwrap()).unwrap()).collect();
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant", "{name}");
    for chunk in &chunks {
        assert_eq!((&chunk["id"], &chunk["model"]), (&chunks[0]["id"], &Value::from("ours")), "{name}");
        let is_usage = chunk["choices"] == Value::Array(Vec::new());
        assert_eq!(chunk["usage"].is_null(), !is_usage, "{name}: {chunk}");
        assert!(chunk.as_object().unwrap().contains_key("usage"), "{name}: {chunk}");
    }
}

#[test]
fn translated_and_passed_streams_count_alike() {
    for recording in recordings::recordings(WIRE).iter().filter(|recording| recording.stream) {
        let encoder = ChatEncoder::new(String::new(), false);
        let mut translation = Translation::new(Box::new(ChatDecoder::new()), Box::new(encoder), 0);
        let mut passage = ChatStream::new(false);
        let outcomes = [&mut translation as &mut dyn Passage, &mut passage].map(|stream| {
            let failed = stream.push(recording.body.clone()).is_err();
            stream.rest();
            (failed, stream.finish(), stream.usage(), stream.seen().text_bytes, stream.is_done())
        });
        assert_eq!(outcomes[0], outcomes[1], "{}", recording.name);
        assert_eq!(translation.tail(Some("{}")), "data: [DONE]\n\n", "nobody asked for usage");
    }
}

#[test]
fn own_streams_end_alike_when_translated() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openai_chat");
    let index: Value = serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
    for fixture in index["fixtures"].as_array().unwrap().iter().filter(|fixture| fixture["stream"] == true) {
        let name = fixture["file"].as_str().unwrap();
        let (events, end) = decoded(name, &Bytes::from(std::fs::read(folder.join(name)).unwrap()));
        let end = match end {
            Err(StreamFault::UpstreamError(_)) => "error",
            Err(_) => "garbage",
            Ok(StreamEnd::Complete) => "complete",
            Ok(StreamEnd::Cut) => "cut",
        };
        assert_eq!(end, fixture["end"], "{name}");
        let usage = gathered(&events).usage.unwrap_or(Reading::Absent);
        match usage {
            Reading::Figures(figures) => assert_eq!(serde_json::to_value(figures).unwrap(), fixture["usage"], "{name}"),
            Reading::Insane(_) => assert_eq!(fixture["usage"], "insane", "{name}"),
            Reading::Pictures(_) => panic!("{name}: a conversation is no picture"),
            Reading::Absent => assert!(fixture["usage"].is_null(), "{name}"),
        }
    }
}

#[test]
fn recorded_requests_are_understood_and_written_back() {
    for recording in recordings::recordings(WIRE) {
        let Some(body) = recording.request.clone() else { continue };
        let read = parsed(body);
        if recording.name.starts_with("t-openrouter") {
            let fault = read.unwrap_err();
            let field = if recording.stream { "models" } else { "provider" };
            assert_eq!((fault.code, fault.param.as_deref()), ("unsupported_field", Some(field)));
            continue;
        }
        let read = read.unwrap();
        let written = request::write(&read, &TO, recording.stream).unwrap();
        let again = ChatRequest::parse(written.body).unwrap();
        assert_eq!((again.head.model.as_str(), again.head.stream), ("theirs", recording.stream));
        assert_eq!(again.head.wants_usage, recording.stream);
        assert_eq!(sealed_only(again.conversation().unwrap()), sealed_only(read), "{}", recording.name);
    }
}

/// Thinking without a seal is not sent back.
fn sealed_only(mut conversation: Conversation) -> Conversation {
    for message in &mut conversation.messages {
        message.parts.retain(|part| !matches!(part.kind, PartKind::Reasoning(_)));
    }
    conversation
}

#[test]
fn what_client_libraries_send_is_understood() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/client_requests.json");
    let Ok(text) = std::fs::read(path) else { return };
    let clients: Value = serde_json::from_slice(&text).unwrap();
    let calls = clients["requests"].as_object().unwrap().values().flat_map(|calls| calls.as_array().unwrap());
    let calls: Vec<_> = calls.filter(|call| call["target"].as_str().unwrap().ends_with("/chat/completions")).collect();
    assert!(calls.len() > 20, "{}", calls.len());
    for call in calls {
        let read = parsed(Bytes::from(call["body"].to_string())).unwrap();
        assert_eq!((read.messages[0].role, read.messages.len()), (Role::User, 1));
        assert_eq!(read.tools.len(), call["body"]["tools"].as_array().map_or(0, Vec::len));
        let written = request::write(&read, &TO, false).unwrap();
        assert_eq!(written.ignored, Vec::<Feature>::new());
        assert_eq!(parsed(written.body).unwrap(), read);
    }
}

#[test]
fn errors_in_a_choice_and_garbage_end_the_reading() {
    let first = "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hé\"}}]}\n\n";
    let words = UpstreamWords { message: "no".into(), kind: None, param: None, code: Some("502".into()) };
    for (rest, fault) in [
        (
            "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\",\"error\":{\"message\":\"no\",\"code\":502}}]}\n\n",
            Some(words.clone()),
        ),
        (
            "data: {\"error\":{\"message\":\"no\",\"code\":502},\"choices\":[{\"finish_reason\":\"error\"}]}\n\n",
            Some(words.clone()),
        ),
        ("event: error\ndata: {\"error\":{\"message\":\"no\",\"code\":\"502\"}}\n\n", Some(words.clone())),
        ("{\"error\":{\"message\":\"no\",\"code\":502}}", Some(words)),
        ("<html>\n\n", None),
        ("\0\0\0\n\n", None),
        ("data: {\"choices\":[}\n\n", None),
        ("data: [1]\n\n", None),
    ] {
        let (events, end) = decoded(rest, &Bytes::from(format!("{first}{rest}")));
        assert_eq!(gathered(&events).text, "Hé", "{rest}");
        match (end, fault) {
            (Err(StreamFault::UpstreamError(met)), Some(words)) => assert_eq!(met, words),
            (Err(StreamFault::Garbage(_)), None) => {}
            (end, _) => panic!("{rest}: {end:?}"),
        }
    }
}
