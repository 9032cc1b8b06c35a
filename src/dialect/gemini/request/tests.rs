//! Requests: what is read, what is refused, what the provider gets, and that what is written is read back.

use serde_json::{Value, json};

use super::*;
use crate::dialect::canonical::{
    CacheMark, Effort, Feature, Format, Json, LogProbs, Message, Part, PartKind, Reasoning, Role, Source, Thinking,
    Tool, ToolCall, ToolChoice, ToolResult, Written,
};
use crate::dialect::head::OutputCap;
use crate::dialect::head::UsageOption;

const PLAIN: Rewrite<'_> = Rewrite { model: "gemini-3-pro", usage: UsageOption::AsIs, output_cap: None };

fn parse(body: &str) -> Result<GeminiRequest, RequestFault> {
    GeminiRequest::parse(Bytes::from(body.to_owned()), "m", false)
}

fn read(body: &Value) -> Result<Conversation, RequestFault> {
    parse(&body.to_string()).unwrap().conversation()
}

fn written(conversation: &Conversation) -> Value {
    serde_json::from_slice(&write(conversation, &PLAIN, false).unwrap().body).unwrap()
}

fn said(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts, name: None }
}

fn call(id: &str, signature: Option<&str>) -> Part {
    let (id, name, signature) = (id.into(), "f".into(), signature.map(str::to_owned));
    Part::of(PartKind::ToolCall(ToolCall { id, name, arguments: r#"{"b":1,"a":1e2}"#.into(), signature }))
}

fn result(id: &str, text: &str, is_error: bool) -> Part {
    let (id, name) = (id.into(), Some("f".into()));
    Part::of(PartKind::ToolResult(ToolResult { id, name, parts: vec![Part::text(text)], is_error }))
}

#[test]
fn the_cap_is_changed_in_place() {
    let capped = Rewrite { output_cap: Some(OutputCap { field: "maxOutputTokens", tokens: 50 }), ..PLAIN };
    for (before, after) in [
        ("", r#","generationConfig":{"maxOutputTokens":50}"#),
        (r#","generationConfig":null"#, r#","generationConfig":{"maxOutputTokens":50}"#),
        (r#","generationConfig":{ }"#, r#","generationConfig":{ "maxOutputTokens":50}"#),
        (r#","generation_config":{"top_k" : 1}"#, r#","generation_config":{"top_k" : 1,"maxOutputTokens":50}"#),
        (
            r#","generationConfig":{"maxOutputTokens": 90 ,"a":1}"#,
            r#","generationConfig":{"maxOutputTokens": 50 ,"a":1}"#,
        ),
        (r#","generation_config":{"max_output_tokens":null}"#, r#","generation_config":{"max_output_tokens":50}"#),
    ] {
        let body = |rest: &str| format!(r#"{{"contents":[0]{rest}}}"#);
        let request = parse(&body(before)).unwrap();
        assert_eq!(request.for_upstream(&capped), body(after));
        assert_eq!(request.for_upstream(&PLAIN).as_ptr(), request.body.as_ptr(), "nothing to change is no copy");
    }
    let request = parse(r#"{"contents":[0,1],"generationConfig":{"maxOutputTokens":50,"candidateCount":2}}"#).unwrap();
    assert_eq!(request.for_upstream(&capped).as_ptr(), request.body.as_ptr());
    let head = &request.head;
    assert_eq!((head.messages, head.output_cap, head.choices, head.wants_usage), (2, Some(50), 2, true));
}

#[test]
fn faults_of_the_shape_name_the_member() {
    for (body, code, param) in [
        ("", "invalid_json", None),
        ("[]", "invalid_type", None),
        ("{}", "missing_field", Some("contents")),
        (r#"{"contents":[]}"#, "invalid_value", Some("contents")),
        (r#"{"contents":{}}"#, "invalid_type", Some("contents")),
        (r#"{"contents":[0],"contents":[0]}"#, "invalid_value", Some("contents")),
        (r#"{"contents":[0],"generationConfig":{},"generation_config":{}}"#, "invalid_value", Some("generationConfig")),
        (r#"{"contents":[0],"generationConfig":7}"#, "invalid_type", Some("generationConfig")),
        (
            r#"{"contents":[0],"generationConfig":{"maxOutputTokens":0}}"#,
            "invalid_value",
            Some("generationConfig.maxOutputTokens"),
        ),
        (
            r#"{"contents":[0],"generationConfig":{"candidate_count":9}}"#,
            "invalid_value",
            Some("generationConfig.candidateCount"),
        ),
    ] {
        let fault = parse(body).unwrap_err();
        assert_eq!((fault.code, fault.param.as_deref()), (code, param), "{body}");
    }
}

#[test]
fn what_no_other_dialect_has_is_refused_by_path() {
    let part = |part: Value| json!({"contents": [{"parts": [{"text": "a"}, part]}]});
    let with = |name: &str, value: Value| json!({"contents": [{"parts": [{"text": "a"}]}], name: value});
    for (body, code, param) in [
        (part(json!({"executableCode": {}})), "unsupported_field", "contents[0].parts[1]"),
        (
            part(json!({"inlineData": {"mimeType": "video/mp4", "data": ""}})),
            "unsupported_field",
            "contents[0].parts[1].inlineData",
        ),
        (
            part(json!({"fileData": {"fileUri": "https://youtu.be/x"}})),
            "unsupported_field",
            "contents[0].parts[1].fileData",
        ),
        (part(json!({"text": 7})), "invalid_type", "contents[0].parts[1]"),
        (json!({"contents": [{"role": "assistant"}]}), "invalid_value", "contents[0].role"),
        (json!({"contents": [{"parts": [{"text": ""}]}]}), "invalid_value", "contents"),
        (with("cachedContent", json!("c")), "unsupported_field", "cachedContent"),
        (with("tools", json!([{"googleSearch": {}}])), "unsupported_field", "tools[0].googleSearch"),
        (
            with("tools", json!([{"functionDeclarations": [{}]}])),
            "missing_field",
            "tools[0].functionDeclarations[0].name",
        ),
        (
            with("toolConfig", json!({"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["f"]}})),
            "unsupported_field",
            "toolConfig.functionCallingConfig.allowedFunctionNames",
        ),
        (
            with("toolConfig", json!({"functionCallingConfig": {"mode": "?"}})),
            "invalid_value",
            "toolConfig.functionCallingConfig.mode",
        ),
        (
            with("generationConfig", json!({"responseModalities": ["IMAGE"]})),
            "unsupported_field",
            "generationConfig.responseModalities",
        ),
        (with("generationConfig", json!({"speechConfig": {}})), "unsupported_field", "generationConfig.speechConfig"),
        (
            with("generationConfig", json!({"responseMimeType": "text/x.enum"})),
            "unsupported_field",
            "generationConfig.responseMimeType",
        ),
        (with("generationConfig", json!({"topK": "x"})), "invalid_type", "generationConfig"),
        (with("systemInstruction", json!({"parts": [{"inlineData": {}}]})), "unsupported_field", "systemInstruction"),
    ] {
        let fault = read(&body).unwrap_err();
        assert_eq!((fault.code, fault.param.as_deref()), (code, Some(param)), "{body}");
    }
}

#[test]
fn snake_case_and_capitals_are_read() {
    let body = json!({
        "system_instruction": {"parts": [{"text": "be"}]},
        "contents": [{"parts": [{"inline_data": {"mime_type": "image/png", "data": "AA-_"}}]}],
        "tools": [{"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT"}, "behavior": "BLOCKING"}]}],
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": ["f"]}},
        "generation_config": {"max_output_tokens": 5, "thinking_config": {"thinking_budget": -1, "thinking_level": "low"},
            "response_schema": {"type": "STRING"}, "media_resolution": "LOW"},
        "safety_settings": [{}], "service_tier": "STANDARD", "oddity": null,
    });
    let conversation = read(&body).unwrap();
    assert_eq!(conversation.messages[0], said(Role::System, vec![Part::text("be")]));
    assert_eq!(conversation.tools[0].schema.as_ref().unwrap().text(), r#"{"type":"object"}"#);
    assert_eq!(conversation.tool_choice, Some(ToolChoice::Tool("f".into())));
    let settings = &conversation.settings;
    assert_eq!((settings.output_cap, settings.service_tier.as_deref()), (Some(5), Some("default")));
    assert_eq!(settings.thinking, Thinking { effort: Some(Effort::Low), ..Thinking::default() });
    assert!(matches!(&settings.format, Format::Schema { schema, .. } if schema.text() == r#"{"type":"string"}"#));
    let hints = ["safetySettings", "generationConfig.media_resolution", "tools[0].function_declarations[0].behavior"];
    assert_eq!(conversation.hints, hints);
}

#[test]
fn results_find_their_calls() {
    let call = |id: Value| json!({"functionCall": {"id": id, "name": "f"}});
    let result =
        |id: Value, response: Value| json!({"functionResponse": {"id": id, "name": "f", "response": response}});
    let body = json!({"contents": [
        {"role": "user", "parts": [{"text": "a"}]},
        {"role": "model", "parts": [call(Value::Null), call(json!("x")), call(json!(""))]},
        {"role": "function", "parts": [
            result(Value::Null, json!({"output": "1"})),
            result(json!("x"), json!({"error": "2"})),
            result(Value::Null, json!({"output": "3", "b": 1})),
        ]},
    ]});
    let conversation = read(&body).unwrap();
    let found = conversation.messages[2].parts.iter().map(|part| match &part.kind {
        PartKind::ToolResult(result) => (result.id.as_str(), result.parts[0].as_text().unwrap(), result.is_error),
        other => panic!("{other:?}"),
    });
    let expected =
        [("call_farthing_1_0", "1", false), ("x", "2", true), ("call_farthing_1_2", r#"{"b":1,"output":"3"}"#, false)];
    assert!(found.eq(expected), "{:?}", conversation.messages[2]);
    let back = written(&conversation);
    assert_eq!(back["contents"][2]["parts"][0]["functionResponse"], json!({"name": "f", "response": {"output": "1"}}));
    assert_eq!(back["contents"][2]["parts"][1]["functionResponse"]["id"], "x");
}

#[test]
fn a_turn_kept_in_chunks_is_one_message() {
    let model = |part: Value| json!({"role": "model", "parts": [part]});
    let body = json!({"contents": [
        {"role": "user", "parts": [{"text": "a"}]},
        model(json!({"text": "h", "thought": true})),
        model(json!({"text": "m", "thought": true, "thoughtSignature": "AA=="})),
        model(json!({"text": ""})),
        model(json!({"functionCall": {"name": "f"}})),
        model(json!({"functionCall": {"name": "f"}})),
    ]});
    let conversation = read(&body).unwrap();
    let [_, Message { role: Role::Assistant, parts, .. }] = &conversation.messages[..] else {
        panic!("{:?}", conversation.messages)
    };
    let [Part { kind: PartKind::Reasoning(thought), .. }, one, two] = &parts[..] else { panic!("{parts:?}") };
    assert_eq!((thought.text.as_str(), thought.signature.as_deref()), ("hm", Some("AA==")));
    assert_ne!(one, two, "calls without ids are two calls");
}

/// A conversation with everything this dialect can express.
fn whole() -> Conversation {
    let image = |source| Part::of(PartKind::Image { source, detail: None });
    let document = |source| Part::of(PartKind::Document { source, name: None });
    let inline = |media_type: &str| Source::Inline { media_type: media_type.into(), base64: "AA+/".into() };
    let thought = |text: &str, signature: &str| {
        let signature = Some(signature.to_owned());
        Part::of(PartKind::Reasoning(Reasoning { text: text.into(), signature, ..Reasoning::default() }))
    };
    let messages = vec![
        said(Role::System, vec![Part::text("be"), Part::text("brief")]),
        said(
            Role::User,
            vec![
                Part::text("look"),
                image(inline("image/png")),
                image(Source::Url("https://x/a.jpg".into())),
                document(inline("application/pdf")),
                document(Source::Url("gs://b/a.pdf".into())),
                document(Source::Text("hé".into())),
                Part::of(PartKind::Audio { source: inline("audio/wav") }),
            ],
        ),
        said(
            Role::Assistant,
            vec![
                thought("hm", "AA=="),
                Part::text("ok"),
                thought("", "AQ=="),
                call("c1", Some("Ag==")),
                call("c2", None),
            ],
        ),
        said(Role::User, vec![result("c1", "1", false), result("c2", "no", true), Part::text("go on")]),
        said(Role::Assistant, vec![call("c3", None)]),
        said(Role::User, vec![result("c3", r#"{"deg": 1e1}"#, false)]),
    ];
    let schema = Json::parse(r#"{"type":"object","properties":{}}"#).unwrap();
    let tool = |name: &str, schema| Tool {
        name: name.into(),
        description: Some("d".into()),
        schema,
        strict: None,
        cache: None,
    };
    let mut conversation = Conversation {
        messages,
        tools: vec![tool("f", Some(schema.clone())), tool("g", None)],
        tool_choice: Some(ToolChoice::OneOf(vec!["f".into(), "g".into()])),
        ..Conversation::default()
    };
    let settings = &mut conversation.settings;
    settings.output_cap = Some(9);
    settings.stop = vec!["END".into()];
    settings.sampling.temperature = serde_json::from_str("0.5").ok();
    settings.sampling.top_k = Some(40.into());
    settings.sampling.seed = Some(7.into());
    settings.format = Format::Schema { name: "response".into(), description: None, schema, strict: None };
    settings.thinking = Thinking { effort: Some(Effort::High), budget: None, shown: Some(true) };
    settings.log_probs = Some(LogProbs { alternatives: Some(2) });
    settings.choices = Some(2);
    conversation
}

#[test]
fn what_is_written_is_read_back() {
    let plain = Conversation { messages: vec![said(Role::User, vec![Part::text("a")])], ..Conversation::default() };
    let mut variants = vec![whole(), plain.clone()];
    for choice in [ToolChoice::Auto, ToolChoice::None, ToolChoice::Required, ToolChoice::Tool("f".into())] {
        variants.push(Conversation { tool_choice: Some(choice), ..plain.clone() });
    }
    let mut json = plain.clone();
    json.settings.format = Format::Json;
    json.settings.thinking = Thinking { effort: None, budget: Some(0), shown: None };
    variants.push(json);
    for conversation in variants {
        let Written { body, ignored } = write(&conversation, &PLAIN, true).unwrap();
        let request = GeminiRequest::parse(body.clone(), "m", true).unwrap();
        assert_eq!((request.conversation().unwrap(), ignored), (conversation, vec![]), "{body:?}");
    }
}

#[test]
fn turns_begin_with_the_user_and_alternate() {
    let id = "call_farthing_1".to_owned();
    let nameless = ToolResult { id, name: None, parts: vec![Part::text("[1]")], is_error: false };
    let messages = vec![
        said(Role::Assistant, vec![Part::text(""), Part::text("hi")]),
        said(Role::Assistant, vec![call("call_farthing_1", None)]),
        said(Role::Developer, vec![Part::text("late")]),
        said(Role::User, vec![Part::text("t"), Part::of(PartKind::ToolResult(nameless))]),
        said(Role::User, vec![]),
        said(Role::User, vec![Part::of(PartKind::Refusal("no".into()))]),
    ];
    let body = written(&Conversation { messages, ..Conversation::default() });
    let expected = json!({
        "systemInstruction": {"parts": [{"text": "late"}]},
        "contents": [
            {"parts": [{"text": " "}], "role": "user"},
            {"parts": [
                {"text": "hi"},
                {"functionCall": {"name": "f", "args": {"b": 1, "a": 1e2}},
                    "thoughtSignature": "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="},
            ], "role": "model"},
            {"parts": [
                {"functionResponse": {"name": "f", "response": {"output": "[1]"}}},
                {"text": "t"},
                {"text": "no"},
            ], "role": "user"},
        ],
    });
    assert_eq!(body, expected);
    assert_eq!(written(&Conversation::default())["contents"], json!([{"parts": [{"text": " "}], "role": "user"}]));
}

#[test]
fn thinking_is_said_as_the_model_takes_it() {
    let mut conversation = Conversation::default();
    for (effort, budget, model, expected) in [
        (Some(Effort::Low), None, "gemini-2.5-pro", json!({"thinkingBudget": 2048})),
        (Some(Effort::None), None, "models/gemini-2.5-flash", json!({"thinkingBudget": 0})),
        (Some(Effort::Max), None, "gemini-3-pro", json!({"thinkingLevel": "HIGH"})),
        (Some(Effort::Low), Some(9), "gemini-3-pro", json!({"thinkingLevel": "LOW"})),
        (None, Some(9), "gemini-3-pro", json!({"thinkingBudget": 9})),
    ] {
        conversation.settings.thinking = Thinking { effort, budget, shown: None };
        let body = write(&conversation, &Rewrite { model, ..PLAIN }, false).unwrap().body;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["generationConfig"]["thinkingConfig"], expected, "{model}");
    }
}

#[test]
fn what_has_no_place_is_refused_or_passed_over() {
    let refuse = |conversation: &Conversation| write(conversation, &PLAIN, false).unwrap_err().feature;
    let tools = whole().tools.into_iter().take(1).collect();
    let mut one = Conversation { parallel_tools: Some(false), tools, ..Conversation::default() };
    assert_eq!(refuse(&one), Feature::ParallelTools);
    one.tool_choice = Some(ToolChoice::Required);
    assert!(write(&one, &PLAIN, false).unwrap().ignored.contains(&Feature::ParallelTools));
    let mut biased = Conversation::default();
    biased.settings.sampling.logit_bias = Json::parse(r#"{"1":2}"#);
    assert_eq!(refuse(&biased), Feature::LogitBias);
    let mut greedy = Conversation::default();
    greedy.settings.choices = Some(9);
    assert_eq!(refuse(&greedy), Feature::Choices);
    let file = Part::of(PartKind::Image { source: Source::File("file-1".into()), detail: None });
    let nested = ToolResult { id: "x".into(), name: None, parts: vec![file.clone()], is_error: false };
    for (part, feature) in [(file, Feature::Files), (Part::of(PartKind::ToolResult(nested)), Feature::ToolResultMedia)]
    {
        let messages = vec![said(Role::User, vec![part])];
        assert_eq!(refuse(&Conversation { messages, ..Conversation::default() }), feature);
    }
    let mut hinting = whole();
    (hinting.parallel_tools, hinting.settings.user) = (Some(true), Some("u".into()));
    hinting.messages[1].parts[0].cache = Some(CacheMark::Short);
    hinting.tools[0].strict = Some(true);
    let capped = Rewrite { output_cap: Some(OutputCap { field: "", tokens: 3 }), ..PLAIN };
    let Written { body, ignored } = write(&hinting, &capped, false).unwrap();
    assert_eq!(ignored, [Feature::User, Feature::CacheMarks, Feature::ParallelTools, Feature::StrictTools]);
    assert_eq!(GeminiRequest::parse(body, "m", false).unwrap().head.output_cap, Some(3));
}
