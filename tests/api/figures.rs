//! What providers say a call took, in every dialect, whole and streamed: impossible figures never credit, figures that grow
//! count once, and the tier that served is the tier that is charged.

use std::thread;

use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::{PROJECT, ask, prices};
use farthing_support::{Answer, Dialect, Gate, Picos, Reply, Scene};
use serde_json::{Value, json};

use crate::scene;

/// What a provider might say of its input and its output, and must not be believed.
const IMPOSSIBLE: [(&str, &str); 4] = [("-5000000", "-1"), ("1000000000000", "1"), ("1.5", "1"), ("\"many\"", "1")];

/// An answer in `dialect` with these figures, as its provider would word it. A stream says them twice where it can.
fn reply(dialect: Dialect, stream: bool, (input, output): (&str, &str)) -> Reply {
    let body = match (dialect, stream) {
        (Dialect::Chat, false) => format!(
            r#"{{"id":"c","object":"chat.completion","model":"m","choices":[{{"index":0,"finish_reason":"stop",
            "message":{{"role":"assistant","content":"hello there"}}}}],"usage":{}}}"#,
            chat_usage(input, output)
        ),
        (Dialect::Chat, true) => events(&[
            r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"hello there"}}]}"#,
            &format!(
                r#"{{"id":"c","object":"chat.completion.chunk","model":"m","choices":[],"usage":{}}}"#,
                chat_usage(input, output)
            ),
            "[DONE]",
        ]),
        (Dialect::Responses, false) => response("completed", input, output),
        (Dialect::Responses, true) => events(&[
            &format!(r#"{{"type":"response.created","sequence_number":0,"response":{}}}"#, response("in_progress", "1", "1")),
            r#"{"type":"response.output_text.delta","sequence_number":1,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"hello there","logprobs":[]}"#,
            &format!(r#"{{"type":"response.completed","sequence_number":2,"response":{}}}"#, response("completed", input, output)),
        ]),
        (Dialect::Anthropic, false) => format!(
            r#"{{"id":"msg_1","type":"message","role":"assistant","model":"m","stop_reason":"end_turn","stop_sequence":null,
            "content":[{{"type":"text","text":"hello there"}}],"usage":{{"input_tokens":{input},"output_tokens":{output}}}}}"#
        ),
        (Dialect::Anthropic, true) => events(&[
            &format!(
                r#"{{"type":"message_start","message":{{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],
                "stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":{input},"output_tokens":1}}}}}}"#
            )
            .replace('\n', ""),
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hello there"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            &format!(
                r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{{"output_tokens":{output}}}}}"#
            ),
            r#"{"type":"message_stop"}"#,
        ]),
        (Dialect::Gemini, false) => candidate(input, output),
        (Dialect::Gemini, true) => events(&[&candidate(input, "1"), &candidate(input, output)]),
    };
    let kind = if stream { "text/event-stream" } else { "application/json" };
    Reply::raw(200, body.as_bytes()).header("content-type", kind)
}

/// Events of these payloads, each named where its payload names itself.
fn events(payloads: &[&str]) -> String {
    let event = |payload: &&str| {
        let name =
            serde_json::from_str::<Value>(payload).ok().and_then(|event| event["type"].as_str().map(str::to_owned));
        let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
        format!("{name}data: {payload}\n\n")
    };
    payloads.iter().map(event).collect()
}

fn chat_usage(input: &str, output: &str) -> String {
    format!(r#"{{"prompt_tokens":{input},"completion_tokens":{output},"total_tokens":1}}"#)
}

fn response(status: &str, input: &str, output: &str) -> String {
    let usage = format!(r#"{{"input_tokens":{input},"output_tokens":{output},"total_tokens":1}}"#);
    let said = r#"[{"type":"output_text","text":"hello there","annotations":[]}]"#;
    let message =
        format!(r#"{{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":{said}}}"#);
    format!(
        r#"{{"id":"resp_1","object":"response","created_at":1,"status":"{status}","model":"m","output":[{message}],"usage":{usage}}}"#
    )
}

fn candidate(input: &str, output: &str) -> String {
    let said = r#"{"parts":[{"text":"hello there"}],"role":"model"}"#;
    let usage = format!(r#"{{"promptTokenCount":{input},"candidatesTokenCount":{output},"totalTokenCount":1}}"#);
    format!(r#"{{"candidates":[{{"content":{said},"finishReason":"STOP","index":0}}],"usageMetadata":{usage}}}"#)
}

fn call(scene: &Scene, dialect: Dialect, stream: bool) -> Answer {
    let name = dialect.name();
    let mut body = match dialect {
        Dialect::Chat => json!({"model": name, "messages": [{"role": "user", "content": "hi"}]}),
        Dialect::Responses => json!({"model": name, "input": "hi"}),
        Dialect::Anthropic => json!({"model": name, "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]}),
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
    };
    if stream && dialect != Dialect::Gemini {
        body["stream"] = true.into();
    }
    scene.application().post(&dialect.path(name, stream), &body)
}

fn spent(scene: &Scene) -> Picos {
    Picos::of(&scene.gateway.list("/api/projects")[0]["budget"]["spent_usd"])
}

#[test]
fn impossible_figures_never_credit() {
    let scene = scene();
    let (mut before, mut count) = (Picos(0), 0);
    for dialect in Dialect::ALL {
        scene.gateway.add_model_of(dialect, dialect.name(), "m", &scene.upstream);
        for (stream, figures) in
            [false, true].into_iter().flat_map(|stream| IMPOSSIBLE.map(|figures| (stream, figures)))
        {
            scene.upstream.expect(reply(dialect, stream, figures));
            let answer = call(&scene, dialect, stream);
            let case = format!("{dialect:?}, stream {stream}, {figures:?}");
            assert_eq!(answer.status, 200, "{case}: {}", answer.text());
            let row = scene.recorded(&answer);
            let cost = Picos::of(&row["cost_usd"]);
            assert!(row["usage_source"] != "provider", "{case}: {row}");
            assert!(cost > Picos(0) && cost < Picos::parse("0.01"), "{case}: {row}");
            count += 1;
            scene.gateway.requests(PROJECT, count);
            let now = spent(&scene);
            assert!(now > before, "{case}: what was spent went from {before:?} to {now:?}");
            before = now;
        }
    }
}

/// Streams that say their usage more than once, growing: the last figure of each class counts, and none is added up.
#[test]
fn what_is_said_again_is_charged_once() {
    let scene = scene();
    for dialect in Dialect::ALL {
        scene.gateway.add_model_of(dialect, dialect.name(), "m", &scene.upstream);
        scene.upstream.expect(reply(dialect, true, ("30", "5")));
        let row = scene.recorded(&call(&scene, dialect, true));
        let told = (&row["usage"]["input"], &row["usage"]["output"], &row["usage_source"]);
        assert_eq!(told, (&json!(30), &json!(5), &json!("provider")), "{dialect:?}: {row}");
    }
}

#[test]
fn the_tier_that_served_is_charged_and_not_the_one_asked_for() {
    let scene = scene();
    let mut tiered = prices();
    tiered["service_tiers"] = json!({"priority": "2", "flex": "0.5"});
    scene.gateway.add_model("tiered", "openai", &tiered);
    let said = json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}});
    let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100});
    // 1,000 x 0.15 + 100 x 0.60 = 210 millionths of a dollar; half of it; twice it.
    for (asked, served, dollars) in
        [("priority", "default", "0.00021"), ("auto", "priority", "0.00042"), ("priority", "flex", "0.000105")]
    {
        let body = json!({"id": "c", "object": "chat.completion", "model": "m", "choices": [said], "usage": usage,
            "service_tier": served});
        scene.upstream.expect(Reply::status(200, &body));
        let answer = scene.chat(&ask(&json!({"model": "tiered", "service_tier": asked})));
        let row = scene.recorded(&answer);
        assert_eq!(Picos::of(&row["cost_usd"]), Picos::parse(dollars), "{asked} asked, {served} served: {row}");
    }
}

/// Anthropic's fast mode is asked for beside the tier, and answered beside it: held and charged at its factor, and never held unasked.
#[test]
fn fast_mode_is_held_and_charged_at_its_factor() {
    let scene = scene();
    scene.gateway.add_provider_of("anthropic", "anthropic", &scene.upstream);
    let mut tiered = prices();
    tiered["service_tiers"] = json!({"fast": "6"});
    scene.gateway.add_model("opus", "anthropic", &tiered);
    let held = |speed: &str| {
        let gate = Gate::default();
        let usage = json!({"input_tokens": 1_000, "output_tokens": 100, "service_tier": "standard", "speed": speed});
        let said = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "hello"}], "usage": usage});
        scene.upstream.expect(Reply::status(200, &said).behind(&gate));
        let body = json!({"model": "opus", "max_tokens": 100, "speed": speed, "messages": [{"role": "user", "content": "hi"}]});
        let client = scene.application();
        let call = thread::spawn(move || client.post("/v1/messages", &body));
        let held = || Picos::of(&scene.gateway.list("/api/projects")[0]["budget"]["held_usd"]);
        let (held, _) = until("it is held", PATIENCE, || Some(held()).filter(|held| *held > Picos(0)));
        gate.open();
        let row = scene.recorded(&call.join().expect("an answer"));
        scene.gateway.settled();
        (held, Picos::of(&row["cost_usd"]))
    };
    let (standard, fast) = (held("standard"), held("fast"));
    // 1,000 x 0.15 + 100 x 0.60 = 210 millionths of a dollar; six times that.
    assert_eq!((standard.1, fast.1), (Picos::parse("0.00021"), Picos::parse("0.00126")));
    // Its body is a few letters shorter.
    assert!(fast.0 > Picos(standard.0.0 * 5), "{standard:?}, {fast:?}");
}

#[test]
fn a_count_keeps_the_tier_that_served() {
    let scene = scene();
    let mut tiered = prices();
    tiered["service_tiers"] = json!({"priority": "2"});
    scene.gateway.add_model("tiered", "openai", &tiered);
    let costs = ["default", "priority"].map(|served| {
        let said = json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}});
        let body =
            json!({"id": "c", "object": "chat.completion", "model": "m", "choices": [said], "service_tier": served});
        scene.upstream.expect(Reply::status(200, &body));
        let row = scene.recorded(&scene.chat(&ask(&json!({"model": "tiered", "service_tier": served}))));
        assert_eq!(row["usage_source"], "counted", "{row}");
        Picos::of(&row["cost_usd"])
    });
    assert_eq!(costs[1], Picos(costs[0].0 * 2), "{costs:?}");
}

/// xAI counts reasoning beside the completion, and cached tokens within the prompt, in streams as well.
#[test]
fn a_stream_of_xai_has_its_reasoning_and_its_cached_tokens() {
    let scene = scene();
    scene.gateway.add_provider_of("xai", "xai", &scene.upstream);
    scene.gateway.add_model("grok", "xai", &prices());
    let usage = r#"{"prompt_tokens":12,"completion_tokens":1,"total_tokens":241,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":228}}"#;
    let chunk = |choices: &str, usage: &str| {
        format!(r#"{{"id":"c","object":"chat.completion.chunk","model":"m","choices":{choices},"usage":{usage}}}"#)
    };
    let said = r#"[{"index":0,"delta":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]"#;
    let body = events(&[&chunk(said, usage), &chunk("[]", usage), "[DONE]"]);
    scene.upstream.expect(Reply::raw(200, body.as_bytes()).header("content-type", "text/event-stream"));
    let answer = scene.chat(&ask(&json!({"model": "grok", "stream": true})));
    let row = scene.recorded(&answer);
    let classes = ["input", "cache_read", "output", "reasoning"].map(|class| row["usage"][class].as_u64());
    assert_eq!(classes, [10, 2, 1, 228].map(Some), "{row}");
    // 10 x 0.15 + 2 x 0.075 + 229 x 0.60 = 1.5 + 0.15 + 137.4 = 139.05 millionths of a dollar.
    assert_eq!(Picos::of(&row["cost_usd"]), Picos::parse("0.00013905"), "{row}");
}
