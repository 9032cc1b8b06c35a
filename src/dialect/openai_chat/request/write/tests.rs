//! What providers get, and that it is read back as what it was.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::dialect::canonical::{
    CacheMark, LogProbs, Message as Canonical, Part, Reasoning, Role, Source, Tool, ToolCall, ToolChoice, ToolResult,
};
use crate::dialect::head::OutputCap;
use crate::dialect::head::UsageOption;
use crate::dialect::openai_chat::ChatRequest;

const TO: Rewrite<'_> = Rewrite { model: "m", usage: UsageOption::Asked, output_cap: None };

fn said(role: Role, kinds: Vec<PartKind>) -> Canonical {
    Canonical { role, parts: kinds.into_iter().map(Part::of).collect(), name: None }
}

fn of(messages: Vec<Canonical>) -> Conversation {
    Conversation { messages, ..Conversation::default() }
}

fn body(conversation: &Conversation) -> Value {
    serde_json::from_slice(&write(conversation, &TO, false).unwrap().body).unwrap()
}

fn refused(part: PartKind, role: Role) -> Feature {
    write(&of(vec![said(role, vec![part])]), &TO, false).unwrap_err().feature
}

fn inline(media_type: &str) -> Source {
    Source::Inline { media_type: media_type.into(), base64: "AA==".into() }
}

fn call(id: &str) -> PartKind {
    PartKind::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments: "{\"a\": 1e2}".into(), signature: None })
}

fn result(id: &str, kinds: Vec<PartKind>, is_error: bool) -> PartKind {
    let parts = kinds.into_iter().map(Part::of).collect();
    PartKind::ToolResult(ToolResult { id: id.into(), name: Some("f".into()), parts, is_error })
}

fn text(text: &str) -> PartKind {
    PartKind::Text(text.into())
}

/// A conversation with one of everything chat can say.
fn full() -> Conversation {
    let number = |text: &str| serde_json::from_str(text).ok();
    let tool = |name: &str, schema| Tool {
        name: name.into(),
        description: Some("d".into()),
        schema,
        strict: Some(true),
        cache: None,
    };
    let image = PartKind::Image { source: inline("image/png"), detail: Some("low".into()) };
    let document = PartKind::Document { source: inline("application/pdf"), name: Some("a.pdf".into()) };
    let audio = PartKind::Audio { source: inline("audio/mpeg") };
    let link = PartKind::Image { source: Source::Url("https://x".into()), detail: None };
    let kept = STANDARD_KEPT.to_owned();
    let thought = Reasoning { text: "th".into(), signature: Some(kept), sealed: None, id: None };
    Conversation {
        messages: vec![
            said(Role::System, vec![text("s")]),
            said(Role::User, vec![text("look"), image, document, audio, link]),
            said(Role::Assistant, vec![PartKind::Reasoning(thought), text("t"), call("a"), call("b")]),
            said(Role::User, vec![result("a", vec![text("1")], false), result("b", vec![text("")], false)]),
            said(Role::Assistant, vec![PartKind::Refusal("no".into())]),
            Canonical { name: Some("n".into()), ..said(Role::User, vec![text("u")]) },
        ],
        tools: vec![tool("f", Json::object(r#"{"z": 1e2, "a": []}"#)), tool("g", None)],
        tool_choice: Some(ToolChoice::OneOf(vec!["f".into(), "g".into()])),
        parallel_tools: Some(false),
        settings: Settings {
            output_cap: Some(5),
            stop: vec!["x".into()],
            sampling: Sampling {
                temperature: number("0.7"),
                top_p: number("1.0"),
                top_k: None,
                seed: number("3"),
                presence_penalty: number("1"),
                frequency_penalty: number("-1.5"),
                logit_bias: Json::object(r#"{"7": 1}"#),
            },
            format: Format::Schema {
                name: "n".into(),
                description: Some("d".into()),
                schema: Json::object(r#"{"type": "object"}"#).unwrap(),
                strict: Some(false),
            },
            thinking: Thinking { effort: Some(Effort::Max), ..Thinking::default() },
            log_probs: Some(LogProbs { alternatives: Some(2) }),
            choices: Some(2),
            user: Some("u".into()),
            metadata: None,
            service_tier: Some("flex".into()),
            verbosity: Some("low".into()),
            cache_key: Some("k".into()),
        },
        hints: Vec::new(),
    }
}

/// The seal on thinking that came as `reasoning_content`: base64 of `{"type":"reasoning_content"}`.
const STANDARD_KEPT: &str = "eyJ0eXBlIjoicmVhc29uaW5nX2NvbnRlbnQifQ==";

#[test]
fn everything_chat_can_say_comes_back() {
    let written = write(&full(), &TO, true).unwrap();
    assert_eq!(written.ignored, []);
    let read = ChatRequest::parse(written.body).unwrap();
    assert!(read.head.stream && read.head.wants_usage);
    let mut expected = full();
    // A provider is given its thinking without the seal, which is the gateway's own.
    expected.messages[2].parts[0] =
        Part::of(PartKind::Reasoning(Reasoning { text: "th".into(), ..Reasoning::default() }));
    assert_eq!(read.conversation().unwrap(), expected);
}

proptest! {
    #[test]
    fn any_text_comes_back(texts in prop::collection::vec("\\PC{1,20}", 1..6), id in "\\PC{1,40}") {
        let mut messages: Vec<_> = texts.iter().map(|words| said(Role::User, vec![text(words)])).collect();
        let own = PartKind::ToolCall(ToolCall { id: id.clone(), name: "f".into(), arguments: texts[0].trim().to_owned() + "x", signature: None });
        messages.push(said(Role::Assistant, vec![text(&texts[0]), own]));
        messages.push(said(Role::User, vec![result(&id, vec![text(&texts[0])], false)]));
        let conversation = of(messages);
        let written = write(&conversation, &TO, false).unwrap().body;
        prop_assert_eq!(ChatRequest::parse(written).unwrap().conversation().unwrap(), conversation);
    }
}

#[test]
fn it_is_written_so_that_every_server_takes_it() {
    let thought = Reasoning { text: "t".into(), signature: Some("theirs".into()), ..Reasoning::default() };
    let mut conversation = of(vec![
        said(Role::Developer, vec![text("a"), text("b")]),
        said(
            Role::User,
            vec![text("c"), PartKind::Document { source: Source::Text("d".into()), name: Some("e".into()) }],
        ),
        said(Role::Assistant, vec![PartKind::Reasoning(thought), text("f"), text("g")]),
        said(Role::Assistant, vec![call("1")]),
        said(Role::User, vec![result("1", vec![text("h")], true), text("i")]),
    ]);
    conversation.parallel_tools = Some(true);
    conversation.tool_choice = Some(ToolChoice::Auto);
    let written = body(&conversation);
    let call = json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1e2}"}});
    let expected = json!({"model": "m", "messages": [
        {"role": "system", "content": "a\n\nb"},
        {"role": "user", "content": "c\n\ne:\n\nd"},
        {"role": "assistant", "content": "fg"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "Error: h", "tool_call_id": "1"},
        {"role": "user", "content": "i"},
    ]});
    assert_eq!(written, expected);
}

#[test]
fn pictures_in_results_follow_in_a_users_message() {
    let image = PartKind::Image { source: inline("image/png"), detail: None };
    let results = vec![result("1", vec![image], false), result("2", vec![text("r")], false), text("and?")];
    let written = body(&of(vec![said(Role::User, results)]));
    let expected = json!([
        {"role": "tool", "content": "The result is in the next message of the user.", "tool_call_id": "1"},
        {"role": "tool", "content": "r", "tool_call_id": "2"},
        {"role": "user", "content": [
            {"type": "text", "text": "From the result of tool call 1:"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            {"type": "text", "text": "and?"},
        ]},
    ]);
    assert_eq!(written["messages"], expected);
}

#[test]
fn long_ids_are_written_by_number() {
    let (long, other) = ("x".repeat(41), "y".repeat(400));
    let written = body(&of(vec![
        said(Role::Assistant, vec![call(&other), call(&long), call(&"z".repeat(40))]),
        said(Role::User, vec![result(&long, vec![text("r")], false)]),
    ]));
    let calls = written["messages"][0]["tool_calls"].as_array().unwrap();
    let ids: Vec<_> = calls.iter().map(|call| call["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["call_long_0", "call_long_1", &"z".repeat(40)]);
    assert_eq!(written["messages"][1]["tool_call_id"], "call_long_1");
}

#[test]
fn caps_and_budgets_are_said_in_the_providers_way() {
    let mut conversation = full();
    conversation.settings.thinking = Thinking { effort: None, budget: Some(3000), shown: Some(true) };
    let cap = |field| Some(OutputCap { field, tokens: 3 });
    for (output_cap, members) in [
        (None, [json!(5), json!(null)]),
        (cap("max_tokens"), [json!(null), json!(3)]),
        (cap("max_completion_tokens"), [json!(3), json!(null)]),
    ] {
        let written = write(&conversation, &Rewrite { output_cap, usage: UsageOption::AsIs, ..TO }, true).unwrap();
        let written: Value = serde_json::from_slice(&written.body).unwrap();
        assert_eq!([&written["max_completion_tokens"], &written["max_tokens"]], [&members[0], &members[1]]);
        assert_eq!((&written["reasoning_effort"], &written["stream"]), (&json!("medium"), &json!(true)));
        assert!(written["stream_options"].is_null());
    }
}

#[test]
fn hints_without_a_place_are_named() {
    let mut conversation = full();
    conversation.settings.metadata = Json::object("{}");
    conversation.settings.service_tier = Some("standard_only".into());
    conversation.messages[0].parts[0].cache = Some(CacheMark::Short);
    let written = write(&conversation, &TO, false).unwrap();
    assert_eq!(written.ignored, [Feature::Metadata, Feature::ServiceTier, Feature::CacheMarks]);
    let body = String::from_utf8(written.body.to_vec()).unwrap();
    assert!(!body.contains("metadata") && !body.contains("service_tier") && !body.contains("cache_control"));
}

#[test]
fn what_has_no_place_is_refused_by_feature() {
    let image = |source| PartKind::Image { source, detail: None };
    let document = |source| PartKind::Document { source, name: None };
    let url = || Source::Url("https://x".into());
    for (part, role, feature) in [
        (image(Source::File("f".into())), Role::User, Feature::Files),
        (document(url()), Role::User, Feature::Urls),
        (PartKind::Audio { source: url() }, Role::User, Feature::Audio),
        (image(url()), Role::Assistant, Feature::Images),
        (document(inline("application/pdf")), Role::System, Feature::Documents),
        (result("1", vec![document(url())], false), Role::User, Feature::Urls),
    ] {
        assert_eq!(refused(part.clone(), role), feature, "{part:?}");
    }
    let mut conversation = full();
    conversation.settings.sampling.top_k = serde_json::from_str("4").ok();
    assert_eq!(write(&conversation, &TO, false).unwrap_err().feature, Feature::TopK);
}
