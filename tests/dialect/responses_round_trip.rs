//! `openai_responses` to itself by way of the canonical form: what can be said comes back as it was.

use bytes::{Bytes, BytesMut};
use farthing::dialect::canonical::{
    Choice, Conversation, Effort, Event, Feature, Format, Json, LogProbs, Message, Part, PartKind, Piece, Reasoning,
    Reply, Role, Sampling, Settings, Source, Stop, Thinking, Tool, ToolCall, ToolChoice, ToolResult,
};
use farthing::dialect::openai_responses::{ResponsesDecoder, ResponsesEncoder, ResponsesRequest, reply, request};
use farthing::dialect::passage::{Decode, Encode};
use farthing::dialect::{OutputCap, Reading, Rewrite, StreamEnd, UsageOption};
use farthing_actors::domain::Usage;
use proptest::prelude::*;
use serde_json::Value;

use crate::recordings;

const TO: Rewrite<'_> = Rewrite { model: "gpt", usage: UsageOption::AsIs, output_cap: None };

fn text() -> impl Strategy<Value = String> {
    "[a-z\"\\\\\né🦀]{1,12}"
}

fn part(kind: PartKind) -> Part {
    Part::of(kind)
}

fn media() -> impl Strategy<Value = PartKind> {
    let inline = |media_type: &str| Source::Inline { media_type: media_type.to_owned(), base64: "AAAA".to_owned() };
    let url = || Source::Url("https://a.test/b".to_owned());
    prop_oneof![
        proptest::option::of(Just("low".to_owned())).prop_flat_map(move |detail| proptest::sample::select(vec![
            inline("image/png"),
            url(),
            Source::File("f".into())
        ])
        .prop_map(move |source| PartKind::Image { source, detail: detail.clone() })),
        text().prop_map(move |name| PartKind::Document { source: inline("application/pdf"), name: Some(name) }),
        Just(PartKind::Document { source: url(), name: None }),
        proptest::sample::select(vec![inline("audio/mpeg"), inline("audio/wav")])
            .prop_map(|source| PartKind::Audio { source }),
    ]
}

fn call() -> impl Strategy<Value = ToolCall> {
    (text(), text()).prop_map(|(id, name)| ToolCall { id, name, arguments: r#"{"a": 1e2}"#.into(), signature: None })
}

/// Thinking as a provider of this dialect gives it.
fn sealed() -> impl Strategy<Value = PartKind> {
    let thought = (text(), proptest::option::of("rs_[a-z]{3}"));
    thought
        .prop_map(|(text, id)| PartKind::Reasoning(Reasoning { text, signature: None, sealed: Some("gA=".into()), id }))
}

fn user() -> impl Strategy<Value = Message> {
    let said = prop_oneof![text().prop_map(PartKind::Text), media()].prop_map(part);
    proptest::collection::vec(said, 1..4).prop_map(|parts| Message { role: Role::User, parts, name: None })
}

fn assistant() -> impl Strategy<Value = Message> {
    let kinds = prop_oneof![
        text().prop_map(PartKind::Text),
        text().prop_map(PartKind::Refusal),
        call().prop_map(PartKind::ToolCall),
        sealed()
    ];
    proptest::collection::vec(kinds.prop_map(part), 1..5).prop_map(|parts| Message {
        role: Role::Assistant,
        parts,
        name: None,
    })
}

/// A message of tools' answers; `tool` ids never occur among the calls, so that no name is found.
fn results() -> impl Strategy<Value = Message> {
    let result = ("tool_[0-9]{3}", proptest::collection::vec(text(), 1..3)).prop_map(|(id, texts)| {
        let parts = texts.into_iter().map(Part::text).collect();
        part(PartKind::ToolResult(ToolResult { id, name: None, parts, is_error: false }))
    });
    proptest::collection::vec(result, 1..3).prop_map(|parts| Message { role: Role::User, parts, name: None })
}

fn settings() -> impl Strategy<Value = Settings> {
    let format = prop_oneof![
        Just(Format::Text),
        Just(Format::Json),
        text().prop_map(|name| Format::Schema {
            name,
            description: None,
            schema: Json::parse(r#"{"type": "object"}"#).unwrap(),
            strict: Some(true)
        })
    ];
    let efforts = [Effort::None, Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::Max];
    let thinking = proptest::option::of(proptest::sample::select(efforts.to_vec()));
    let log_probs =
        proptest::option::of(proptest::option::of(0..20_u64).prop_map(|alternatives| LogProbs { alternatives }));
    (format, thinking, log_probs, proptest::option::of(text())).prop_map(|(format, effort, log_probs, word)| Settings {
        output_cap: Some(100),
        sampling: Sampling { temperature: Some(0.5.try_into_number()), ..Sampling::default() },
        format,
        thinking: Thinking { effort, budget: None, shown: word.as_ref().map(|_| true) },
        log_probs,
        user: word.clone(),
        metadata: word.as_ref().map(|_| Json::parse(r#"{"a":"b"}"#).unwrap()),
        service_tier: word.clone(),
        verbosity: word.clone(),
        cache_key: word,
        ..Settings::default()
    })
}

trait IntoNumber {
    fn try_into_number(self) -> serde_json::Number;
}

impl IntoNumber for f64 {
    fn try_into_number(self) -> serde_json::Number {
        serde_json::Number::from_f64(self).unwrap()
    }
}

fn conversation() -> impl Strategy<Value = Conversation> {
    let system = proptest::option::of(text());
    let tool = (text(), proptest::option::of(text()), any::<bool>()).prop_map(|(name, description, strict)| Tool {
        name,
        description,
        schema: Json::parse(r#"{"z": 1, "a": {}}"#),
        strict: Some(strict),
        cache: None,
    });
    let choice = prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Required),
        text().prop_map(ToolChoice::Tool),
        proptest::collection::vec(text(), 1..3).prop_map(ToolChoice::OneOf)
    ];
    let turns = proptest::collection::vec((user(), assistant(), results()), 1..3);
    let tools =
        (proptest::collection::vec(tool, 0..3), proptest::option::of(choice), proptest::option::of(any::<bool>()));
    (system, turns, tools, settings()).prop_map(|(system, turns, (tools, tool_choice, parallel_tools), settings)| {
        let lead = system.map(|text| Message { role: Role::System, parts: vec![Part::text(text)], name: None });
        let developer = Message { role: Role::Developer, parts: vec![Part::text("later")], name: None };
        let turns = turns.into_iter().flat_map(|(user, assistant, results)| [user, assistant, results]);
        let messages = lead.into_iter().chain(turns).chain([developer]).collect();
        Conversation { messages, tools, tool_choice, parallel_tools, settings, hints: Vec::new() }
    })
}

fn reply_parts() -> impl Strategy<Value = Vec<Part>> {
    let signature = || proptest::option::of(Just("Er+/==".to_owned()));
    let thought = (text(), signature(), signature(), "rs_[a-z]{3}").prop_map(|(text, signature, sealed, id)| {
        PartKind::Reasoning(Reasoning { text, signature, sealed, id: Some(id) })
    });
    let signed = (call(), signature()).prop_map(|(call, signature)| PartKind::ToolCall(ToolCall { signature, ..call }));
    let kinds = prop_oneof![text().prop_map(PartKind::Text), thought, signed];
    proptest::collection::vec(kinds.prop_map(part), 0..5)
}

fn usage() -> Reading {
    let (input, cache_read, cache_write_5m) = (3, 2, 4);
    Reading::Figures(Usage {
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h: 0,
        output: 7,
        reasoning: 9,
        ..Usage::default()
    })
}

proptest! {
    #[test]
    fn a_conversation_comes_back(conversation in conversation(), stream in any::<bool>()) {
        let written = request::write(&conversation, &TO, stream).unwrap();
        prop_assert_eq!(&written.ignored, &Vec::new());
        let parsed = ResponsesRequest::parse(written.body).unwrap();
        prop_assert_eq!((parsed.head.model.as_str(), parsed.head.stream), ("gpt", stream));
        prop_assert_eq!(parsed.conversation().unwrap(), conversation);
    }

    #[test]
    fn a_reply_comes_back(parts in reply_parts(), cut in any::<bool>(), logs in any::<bool>()) {
        let calls = parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall(_)));
        let speaks = parts.iter().any(|part| part.as_text().is_some());
        let stop = if cut { Stop::Length } else if calls { Stop::ToolCalls } else { Stop::End };
        let log_probs = (logs && speaks).then(|| Json::parse(r#"{"content":[{"token":"a","logprob":-0.10}]}"#).unwrap());
        let choices = vec![Choice { parts, stop, log_probs }];
        let (id, model) = ("chatcmpl-1".to_owned(), "m".to_owned());
        let reply = Reply { id, model, created: Some(5), choices, usage: usage(), service_tier: Some("default".into()) };
        let written = reply::write(&reply, Some(r#"{"cost_usd":"1"}"#));
        prop_assert_eq!(reply::read(&written), Some(reply));
        let json: Value = serde_json::from_slice(&written).unwrap();
        prop_assert_eq!(&json["usage"]["farthing"]["cost_usd"], "1");
    }

    #[test]
    fn a_stream_comes_back(pieces in proptest::collection::vec(piece(), 0..12), stop in stop()) {
        let events = events(pieces, stop);
        let told = recordings::gathered(&events);
        let bytes = encode(events);
        let (again, end) = decode(&bytes);
        prop_assert_eq!(end, StreamEnd::Complete);
        prop_assert_eq!(&recordings::gathered(&again), &told);
        check_choreography(&bytes);
    }
}

/// A step of a stream; calls are numbered afterwards.
fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        text().prop_map(Piece::Text),
        text().prop_map(Piece::Reasoning),
        Just(Piece::Sealed { signature: Some("S".into()), sealed: None, id: None }),
        (text(), text()).prop_map(|(id, name)| Piece::ToolCall { call: 0, id, name, signature: None }),
        text().prop_map(|text| Piece::Arguments { call: 0, text }),
    ]
}

fn stop() -> impl Strategy<Value = Stop> {
    proptest::sample::select(vec![Stop::End, Stop::Length, Stop::Filtered, Stop::Other("odd".into())])
}

fn events(pieces: Vec<Piece>, stop: Stop) -> Vec<Event> {
    let mut calls = 0;
    let mut events = vec![Event::Began { id: "x".into(), model: "m".into(), created: Some(7) }];
    for mut piece in pieces {
        match &mut piece {
            Piece::ToolCall { call, .. } => {
                *call = calls;
                calls += 1;
            }
            Piece::Arguments { .. } if calls == 0 => continue,
            // Every second goes to the first call, so that calls are interleaved.
            Piece::Arguments { call, .. } => *call = if events.len() % 2 == 0 { 0 } else { calls - 1 },
            _ => {}
        }
        events.push(Event::More { choice: 0, piece });
    }
    let stop = if stop == Stop::End && calls > 0 { Stop::ToolCalls } else { stop };
    events.push(Event::Finished { choice: 0, stop });
    events.push(Event::Usage(usage()));
    events
}

fn encode(events: Vec<Event>) -> Bytes {
    let (mut encoder, mut out) = (ResponsesEncoder::new(), BytesMut::new());
    for event in events {
        encoder.event(event, &mut out);
    }
    assert!(!String::from_utf8_lossy(&out).contains("\"farthing\""), "the end waits for the tail");
    encoder.tail(Some(r#"{"cost_usd":"1"}"#), &mut out);
    out.freeze()
}

fn decode(bytes: &Bytes) -> (Vec<Event>, StreamEnd) {
    let (mut decoder, mut events) = (ResponsesDecoder::new(), Vec::new());
    decoder.push(bytes, &mut events).unwrap();
    let end = decoder.finish(&mut events);
    (events, end)
}

/// What the SDKs' accumulators rely on: names match types, numbers count, deltas add up, every item that begins ends,
/// and the last event repeats the items as they ended.
fn check_choreography(bytes: &[u8]) {
    let steps: Vec<Value> = steps(bytes);
    let mut ended = std::collections::BTreeMap::new();
    let mut open = std::collections::BTreeMap::<(u64, String), String>::new();
    for (number, step) in (0_u64..).zip(&steps) {
        assert_eq!(step["sequence_number"], number);
        let (kind, place) = (step["type"].as_str().unwrap(), step["output_index"].as_u64().unwrap_or(0));
        let part = step["content_index"].to_string();
        match kind.rsplit_once('.').unwrap() {
            ("response.output_item", "done") => drop(ended.insert(place, step["item"].clone())),
            (_, "delta") => open.entry((place, part)).or_default().push_str(step["delta"].as_str().unwrap()),
            ("response.output_text" | "response.reasoning_summary_text", "done") => {
                assert_eq!(open.remove(&(place, part)).unwrap(), step["text"].as_str().unwrap());
            }
            ("response.function_call_arguments", "done") => {
                assert_eq!(open.remove(&(place, part)).unwrap_or_default(), step["arguments"].as_str().unwrap());
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "a text that never ended");
    let last = &steps.last().unwrap()["response"];
    assert_eq!(last["output"], Value::from_iter(ended.into_values()));
    assert_eq!(last["usage"]["farthing"]["cost_usd"], "1");
}

fn steps(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    let step = |event: &str| {
        let (name, data) = event.split_once("\ndata: ").unwrap();
        let step: Value = serde_json::from_str(data).unwrap();
        assert_eq!(name.strip_prefix("event: ").unwrap(), step["type"]);
        step
    };
    text.trim_end().split("\n\n").map(step).collect()
}

#[test]
fn a_refusal_has_words() {
    for (pieces, said) in [
        (vec![], "The model declined to answer."),
        (vec![Piece::Text("a".into())], "The model declined to answer."),
        (vec![Piece::Refusal("no".into())], "no"),
    ] {
        let mut events = events(pieces, Stop::End);
        events[0] = Event::Began { id: String::new(), model: "m".into(), created: None };
        let at = events.len() - 2;
        events[at] = Event::Finished { choice: 0, stop: Stop::Refusal };
        let bytes = encode(events);
        let (again, _) = decode(&bytes);
        let told = recordings::gathered(&again);
        assert_eq!((told.refusal.as_str(), told.stop), (said, Some(Stop::Refusal)));
        let last = steps(&bytes).pop().unwrap();
        assert_eq!(last["response"]["status"], "completed");
        assert!(last["response"]["id"].as_str().unwrap().starts_with("resp_"));
        assert_eq!(last["response"]["created_at"], 0);
    }
}

#[test]
fn what_the_dialect_lacks_is_refused_or_named() {
    let plain = || Conversation {
        messages: vec![Message { role: Role::User, parts: vec![Part::text("a")], name: None }],
        ..Conversation::default()
    };
    let with = |change: fn(&mut Settings)| {
        let mut conversation = plain();
        change(&mut conversation.settings);
        request::write(&conversation, &TO, false)
    };
    for (change, feature) in [
        ((|settings| settings.choices = Some(2)) as fn(&mut Settings), Feature::Choices),
        (|settings| settings.stop = vec!["x".into()], Feature::StopTexts),
        (|settings| settings.sampling.top_k = Some(5.into()), Feature::TopK),
        (|settings| settings.sampling.presence_penalty = Some(1.into()), Feature::PresencePenalty),
        (|settings| settings.sampling.frequency_penalty = Some(1.into()), Feature::FrequencyPenalty),
        (|settings| settings.sampling.logit_bias = Json::parse(r#"{"1":2}"#), Feature::LogitBias),
    ] {
        assert_eq!(with(change).unwrap_err().feature, feature);
        assert!(!request::field(feature).is_empty());
    }
    let harmless = with(|settings| {
        settings.choices = Some(1);
        settings.sampling.presence_penalty = Some(0.into());
        settings.sampling.logit_bias = Json::parse("{}");
        settings.sampling.seed = Some(7.into());
        settings.thinking.budget = Some(8_192);
    });
    let harmless = harmless.unwrap();
    assert_eq!(harmless.ignored, [Feature::Seed]);
    let body: Value = serde_json::from_slice(&harmless.body).unwrap();
    assert_eq!((&body["reasoning"]["effort"], &body["store"]), (&"medium".into(), &false.into()));
    assert_eq!(body["include"], serde_json::json!(["reasoning.encrypted_content"]));
    let capped = Rewrite { output_cap: Some(OutputCap { field: "max_output_tokens", tokens: 5 }), ..TO };
    let capped = request::write(&plain(), &capped, false).unwrap();
    assert_eq!(ResponsesRequest::parse(capped.body).unwrap().head.output_cap, Some(5));
}

#[test]
fn ids_longer_than_openai_takes_stay_pairs() {
    let call = |id: &str| ToolCall { id: id.into(), name: "f".into(), arguments: String::new(), signature: None };
    let answer = |id: &str| ToolResult { id: id.into(), name: None, parts: vec![Part::text("r")], is_error: false };
    let (one, two) = ("x".repeat(65), "y".repeat(65));
    let ids = [one.as_str(), "short", two.as_str()];
    let calls = ids.iter().map(|id| part(PartKind::ToolCall(call(id)))).collect();
    let answers = ids.iter().rev().map(|id| part(PartKind::ToolResult(answer(id)))).collect();
    let message = |role, parts| Message { role, parts, name: None };
    let messages = vec![message(Role::Assistant, calls), message(Role::User, answers)];
    let written = request::write(&Conversation { messages, ..Conversation::default() }, &TO, false).unwrap();
    let body: Value = serde_json::from_slice(&written.body).unwrap();
    let written: Vec<_> =
        body["input"].as_array().unwrap().iter().map(|item| item["call_id"].as_str().unwrap()).collect();
    assert_eq!(written, ["call_long_0", "short", "call_long_1", "call_long_1", "short", "call_long_0"]);
    assert_eq!(body["input"][0]["arguments"], "{}");
}
