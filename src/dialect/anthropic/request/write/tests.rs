//! Conversations as requests: there and back, in the order Anthropic demands, and what it has no place for.

use serde_json::{Number, Value, json};

use super::*;
use crate::dialect::anthropic::MessagesRequest;
use crate::dialect::canonical::{
    CacheMark, Effort, Format, Json, Reasoning, Sampling, Settings, Source, Thinking, Tool, ToolCall, ToolChoice,
};
use crate::dialect::head::OutputCap;
use crate::dialect::head::UsageOption;

const TO: Rewrite<'_> = Rewrite { model: "claude-sonnet-4-5", usage: UsageOption::AsIs, output_cap: None };

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts, name: None }
}

fn said(role: Role, text: &str) -> Message {
    message(role, vec![Part::text(text)])
}

fn of(messages: Vec<Message>) -> Conversation {
    Conversation { messages, ..Conversation::default() }
}

fn result(id: &str, parts: Vec<Part>) -> Part {
    Part::of(PartKind::ToolResult(ToolResult { id: id.into(), name: Some("f".into()), parts, is_error: true }))
}

fn call(id: &str, arguments: &str) -> Part {
    let (id, arguments) = (id.to_owned(), arguments.to_owned());
    Part::of(PartKind::ToolCall(ToolCall { id, name: "f".into(), arguments, signature: None }))
}

fn document(source: Source) -> Part {
    Part::of(PartKind::Document { source, name: Some("t".into()) })
}

fn inline(media_type: &str) -> Source {
    Source::Inline { media_type: media_type.into(), base64: "aGk=".into() }
}

fn sent(conversation: &Conversation) -> Value {
    serde_json::from_slice(&write(conversation, &TO, false).unwrap().body).unwrap()
}

/// Everything the dialect can express.
fn everything() -> Conversation {
    let marked = |part: Part, mark| Part { cache: Some(mark), ..part };
    let image = |source| Part::of(PartKind::Image { source, detail: None });
    let reasoning = |text: &str, signature: Option<&str>, sealed: Option<&str>| {
        let [signature, sealed] = [signature, sealed].map(|seal| seal.map(ToOwned::to_owned));
        Part::of(PartKind::Reasoning(Reasoning { text: text.into(), signature, sealed, id: None }))
    };
    let user = vec![
        marked(Part::text("look"), CacheMark::Short),
        image(inline("image/png")),
        image(Source::Url("https://x/y".into())),
        document(inline("application/pdf")),
        document(Source::Text("plain".into())),
        document(Source::File("file_1".into())),
    ];
    let model = vec![
        reasoning("hm", Some("sig"), None),
        reasoning("", None, Some("opaque")),
        Part::text("so"),
        call("call:1|x", r#"{"b":1e2,"a":[]}"#),
        call("toolu_2", "not json"),
        call("", "{}"),
    ];
    let results = vec![
        result("call:1|x", vec![Part::text("a"), image(inline("image/png"))]),
        marked(result("toolu_2", vec![]), CacheMark::Long),
    ];
    let tool = Tool {
        name: "f".into(),
        description: Some("d".into()),
        schema: Json::object(r#"{"type":"object","z":1,"a":1.50}"#),
        strict: Some(true),
        cache: Some(CacheMark::Long),
    };
    Conversation {
        messages: vec![
            message(Role::System, vec![Part::text("be"), marked(Part::text("good"), CacheMark::Long)]),
            message(Role::User, user),
            message(Role::Assistant, model),
            message(Role::User, results),
        ],
        tools: vec![tool],
        tool_choice: Some(ToolChoice::Required),
        parallel_tools: Some(false),
        settings: settings(),
        hints: vec![],
    }
}

fn settings() -> Settings {
    let schema = Json::object(r#"{"type":"object","z":1}"#).unwrap();
    Settings {
        output_cap: Some(9_000),
        stop: vec!["x".into()],
        sampling: Sampling {
            temperature: Number::from_f64(0.5),
            top_p: Number::from_f64(0.25),
            top_k: Some(4.into()),
            ..Sampling::default()
        },
        format: Format::Schema { name: "answer".into(), description: None, schema, strict: Some(true) },
        thinking: Thinking { effort: None, budget: Some(2_000), shown: Some(false) },
        user: Some("u".into()),
        service_tier: Some("default".into()),
        ..Settings::default()
    }
}

#[test]
fn what_is_written_is_read_back() {
    let mut conversation = everything();
    for stream in [false, true] {
        let written = write(&conversation, &TO, stream).unwrap();
        let request = MessagesRequest::parse(written.body).unwrap();
        assert_eq!((request.head.model.as_str(), request.head.stream), (TO.model, stream));
        assert_eq!(request.conversation().unwrap(), conversation);
        assert_eq!(written.ignored, []);
    }
    conversation.settings.thinking = Thinking { effort: Some(Effort::High), budget: None, shown: None };
    for choice in [ToolChoice::Auto, ToolChoice::Tool("f".into())] {
        conversation.tool_choice = Some(choice);
        let written = write(&conversation, &Rewrite { model: "claude-opus-5", ..TO }, false).unwrap();
        assert_eq!(MessagesRequest::parse(written.body).unwrap().conversation().unwrap(), conversation);
    }
}

#[test]
fn the_cap_is_the_deployments_then_the_clients_then_ours() {
    let capped = |cap: Option<u64>| OutputCap { field: "max_tokens", tokens: cap.unwrap_or(0) };
    for (to, own, expected) in [(None, None, 4_096), (None, Some(7), 7), (Some(5), None, 5), (Some(5), Some(7), 5)] {
        let mut conversation = of(vec![said(Role::User, "hi")]);
        conversation.settings.output_cap = own;
        let to = Rewrite { output_cap: to.map(|tokens| capped(Some(tokens))), ..TO };
        let body: Value = serde_json::from_slice(&write(&conversation, &to, false).unwrap().body).unwrap();
        assert_eq!(body["max_tokens"], expected);
    }
}

#[test]
fn turns_are_in_anthropics_order() {
    let body = sent(&of(vec![
        said(Role::System, "a"),
        said(Role::User, " "),
        message(Role::Assistant, vec![call("1", ""), call("2", "{}")]),
        message(Role::User, vec![result("1", vec![])]),
        said(Role::User, "and"),
        message(Role::User, vec![result("2", vec![Part::text("")])]),
        said(Role::Developer, "b"),
    ]));
    let text = |text: &str| json!({"type": "text", "text": text});
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": [], "is_error": true});
    assert_eq!(body["system"], json!([text("a"), text("b")]));
    assert_eq!(body["messages"][0]["content"][0]["input"], json!({}));
    assert_eq!(body["messages"][1], json!({"role": "user", "content": [result("1"), result("2"), text("and")]}));
    let alone = sent(&of(vec![said(Role::System, "a")]));
    assert_eq!(alone["messages"], json!([{"role": "user", "content": [text("a")]}]));
    assert!(alone.get("system").is_none());
}

#[test]
fn tools_are_as_anthropic_takes_them() {
    let mut conversation = of(vec![said(Role::User, "hi")]);
    conversation.tool_choice = Some(ToolChoice::None);
    conversation.parallel_tools = Some(false);
    assert!(sent(&conversation).get("tool_choice").is_none(), "no choice among no tools");
    for (schema, written) in [
        (None, r#"{"properties":{},"type":"object"}"#),
        (Some("{}"), r#"{"type":"object"}"#),
        (Some(r#"{"properties":{"b":{},"a":{}}}"#), r#"{"properties":{"b":{},"a":{}},"type":"object"}"#),
    ] {
        let schema = schema.and_then(Json::object);
        conversation.tools = vec![Tool { name: "f".into(), description: None, schema, strict: None, cache: None }];
        let body = String::from_utf8(write(&conversation, &TO, false).unwrap().body.to_vec()).unwrap();
        assert!(body.contains(&format!(r#""input_schema":{written}"#)), "{body}");
        assert!(body.contains(r#""tool_choice":{"type":"none"}"#), "{body}");
    }
    conversation.tool_choice = Some(ToolChoice::OneOf(vec!["f".into()]));
    assert_eq!(sent(&conversation)["tool_choice"]["name"], "f");
}

#[test]
fn what_has_no_place_is_refused() {
    let asked = |change: fn(&mut Settings)| {
        let mut conversation = of(vec![said(Role::User, "hi")]);
        change(&mut conversation.settings);
        conversation
    };
    let audio = PartKind::Audio { source: inline("audio/wav") };
    let docx = document(inline("application/msword"));
    let mut one_of = everything();
    one_of.tool_choice = Some(ToolChoice::OneOf(vec!["f".into(), "g".into()]));
    for (conversation, feature) in [
        (asked(|settings| settings.format = Format::Json), Feature::JsonObject),
        (asked(|settings| settings.choices = Some(2)), Feature::Choices),
        (
            asked(|settings| settings.log_probs = Some(crate::dialect::canonical::LogProbs { alternatives: None })),
            Feature::LogProbs,
        ),
        (asked(|settings| settings.sampling.temperature = Number::from_f64(1.5)), Feature::Temperature),
        (asked(|settings| settings.sampling.presence_penalty = Some(1.into())), Feature::PresencePenalty),
        (asked(|settings| settings.sampling.frequency_penalty = Some(1.into())), Feature::FrequencyPenalty),
        (asked(|settings| settings.sampling.logit_bias = Json::object(r#"{"1":2}"#)), Feature::LogitBias),
        (of(vec![message(Role::User, vec![Part::of(audio)])]), Feature::Audio),
        (of(vec![message(Role::User, vec![docx.clone()])]), Feature::Documents),
        (of(vec![message(Role::System, vec![docx])]), Feature::Documents),
        (one_of, Feature::ToolChoice),
    ] {
        assert_eq!(write(&conversation, &TO, false).unwrap_err().feature, feature);
    }
    let harmless = asked(|settings| {
        settings.choices = Some(1);
        settings.sampling.presence_penalty = Number::from_f64(0.0);
        settings.sampling.logit_bias = Json::object("{}");
        settings.sampling.temperature = Some(1.into());
    });
    assert!(write(&harmless, &TO, false).is_ok());
}

#[test]
fn hints_without_a_place_are_told() {
    let mut conversation = of(vec![Message { name: Some("ann".into()), ..said(Role::User, "hi") }]);
    let settings = &mut conversation.settings;
    settings.sampling.seed = Some(1.into());
    settings.metadata = Json::object("{}");
    settings.verbosity = Some("low".into());
    settings.cache_key = Some("k".into());
    settings.service_tier = Some("flex".into());
    settings.thinking.effort = Some(Effort::High);
    settings.output_cap = Some(100);
    let ignored = write(&conversation, &TO, false).unwrap().ignored;
    let expected = [
        Feature::Names,
        Feature::Thinking,
        Feature::Seed,
        Feature::Metadata,
        Feature::Verbosity,
        Feature::CacheKey,
        Feature::ServiceTier,
    ];
    assert_eq!(ignored, expected);
}
