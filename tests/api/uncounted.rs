//! Providers that do not say what they consumed: the gateway counts for itself, and says so.

use farthing::tokenizer::Tokenizer;
use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::{PROJECT, cost};
use farthing_support::{Dialect, Picos, Reply, Scene, TestGateway, Tokens, Upstream};
use serde_json::{Value, json};

use crate::{BINARY, scene};

const SYSTEM: &str = "You count, and you never guess.";
const QUESTION: &str = "How many tokens are in this very sentence, не считая этих?";
const WHAT_IT_DOES: &str = "Look a word up.";
const ANSWER: &str = "word0 word1 word2 ";
const THINKING: &str = "I should think about this first.";
/// What a message or tool takes beside its text.
const EACH: u64 = 4;

fn schema() -> Value {
    json!({"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]})
}

fn body(client: Dialect, model: &str, stream: bool) -> Value {
    let function = |schema: &str| json!({"name": "lookup", "description": WHAT_IT_DOES, schema: self::schema()});
    match client {
        Dialect::Chat => json!({
            "model": model, "stream": stream, "tools": [{"type": "function", "function": function("parameters")}],
            "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}],
        }),
        Dialect::Responses => {
            let mut tool = function("parameters");
            tool["type"] = "function".into();
            json!({"model": model, "stream": stream, "tools": [tool], "instructions": SYSTEM, "input": QUESTION})
        }
        Dialect::Anthropic => json!({
            "model": model, "stream": stream, "max_tokens": 99, "tools": [function("input_schema")], "system": SYSTEM,
            "messages": [{"role": "user", "content": QUESTION}],
        }),
        Dialect::Gemini => json!({
            "systemInstruction": {"parts": [{"text": SYSTEM}]}, "contents": [{"role": "user", "parts": [{"text": QUESTION}]}],
            "tools": [{"functionDeclarations": [function("parametersJsonSchema")]}],
        }),
    }
}

fn count(texts: &[&str]) -> u64 {
    texts.iter().map(|text| Tokenizer.count(text).tokens).sum()
}

fn asked(scene: &Scene, [client, upstream]: [Dialect; 2], stream: bool, reply: &Reply) -> Value {
    scene.upstream.expect(reply.clone());
    let model = upstream.name();
    let answer = scene.application().post(&client.path(model, stream), &body(client, model, stream));
    assert_eq!(answer.status, 200, "{client:?} to {upstream:?}: {}", answer.text());
    scene.recorded(&answer)
}

#[test]
fn what_no_provider_reports_is_counted_in_every_dialect() {
    let scene = scene();
    let prompt = 3 * EACH + count(&[SYSTEM, QUESTION, "lookup", WHAT_IT_DOES, &schema().to_string()]);
    for upstream in Dialect::ALL {
        scene.gateway.add_model_of(upstream, upstream.name(), "m", &scene.upstream);
        for client in Dialect::ALL {
            for stream in [false, true] {
                let row = asked(&scene, [client, upstream], stream, &Reply::chat(Tokens::plain(9, 9)).uncounted());
                let told = (&row["usage_source"], &row["usage"]["input"], &row["usage"]["output"]);
                let counted = (&json!("counted"), &json!(prompt), &json!(count(&[ANSWER])));
                assert_eq!(told, counted, "{client:?} to {upstream:?}, stream {stream}: {row}");
                let tokens = Tokens::plain(prompt, count(&[ANSWER]));
                assert_eq!(Picos::of(&row["cost_usd"]), cost(tokens), "{row}");
            }
        }
    }
}

#[test]
fn a_long_answer_is_booked_at_an_estimate_and_corrected_when_it_is_counted() {
    let scene = scene();
    scene.gateway.add_model_of(Dialect::Chat, Dialect::Chat.name(), "m", &scene.upstream);
    let long = QUESTION.repeat(200);
    let tokens = Tokens::plain(EACH + count(&[&long]), count(&[ANSWER]));
    for stream in [false, true] {
        scene.upstream.expect(Reply::chat(Tokens::plain(9, 9)).uncounted());
        let messages = json!([{"role": "user", "content": long}]);
        let answer = scene.chat(&json!({"model": "openai_chat", "stream": stream, "messages": messages}));
        let id = scene.recorded(&answer)["id"].as_str().expect("an id").to_owned();
        let corrected = || Some(scene.gateway.request(&id)).filter(|row| row["usage_source"] == "counted");
        let (row, _) = until("the correction", PATIENCE, corrected);
        let lines: Vec<_> = row["entries"].as_array().expect("lines").iter().map(|line| &line["kind"]).collect();
        assert_eq!(lines, ["call", "correction"], "{row}");
        assert_eq!(Picos::of(&row["cost_usd"]), cost(tokens), "{row}");
        assert_eq!(row["entries"][1]["usage"]["input"], json!(tokens.prompt), "{row}");
    }
}

#[test]
fn thinking_and_calls_are_counted_each_as_what_it_is() {
    let scene = scene();
    scene.gateway.add_model_of(Dialect::Chat, Dialect::Chat.name(), "m", &scene.upstream);
    let reply =
        Reply::chat(Tokens::plain(9, 9)).thinking(THINKING).tool("lookup", r#"{"word":"farthing"}"#).uncounted();
    for stream in [false, true] {
        let row = asked(&scene, [Dialect::Chat; 2], stream, &reply);
        let told = (&row["usage_source"], &row["usage"]["output"], &row["usage"]["reasoning"]);
        let call = count(&[r#"lookup{"word":"farthing"}"#]);
        assert_eq!(told, (&json!("counted"), &json!(call), &json!(count(&[THINKING]))), "stream {stream}: {row}");
    }
}

#[test]
fn a_provider_that_stops_reporting_is_counted_from_its_second_such_stream_on() {
    // What a deployment does is remembered by each worker for itself.
    let gateway = TestGateway::builder(BINARY).set("FARTHING__SERVER__WORKERS", "1").start();
    let upstream = Upstream::start();
    gateway.add_project(PROJECT, None);
    let key = gateway.add_key(PROJECT, &json!({}));
    let scene = Scene { gateway, upstream, key };
    scene.gateway.add_model_of(Dialect::Chat, Dialect::Chat.name(), "m", &scene.upstream);
    let reported = Reply::chat(Tokens::plain(7, 5));
    let silent = reported.clone().uncounted();
    let replies = [&silent, &reported, &silent, &silent, &reported];
    let sources = replies.map(|reply| asked(&scene, [Dialect::Chat; 2], true, reply)["usage_source"].clone());
    assert_eq!(sources, ["counted", "provider", "estimated", "counted", "provider"]);
}

#[test]
fn figures_that_cannot_be_are_counted_like_none() {
    let scene = scene();
    scene.gateway.add_model_of(Dialect::Chat, Dialect::Chat.name(), "m", &scene.upstream);
    for absurd in [json!(-5), json!(99_000_000)] {
        let message = json!({"role": "assistant", "content": ANSWER});
        let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": absurd}});
        let row = asked(&scene, [Dialect::Chat; 2], false, &Reply::raw(200, body.to_string().as_bytes()));
        let told = (&row["usage_source"], &row["usage"]["output"]);
        assert_eq!(told, (&json!("counted"), &json!(count(&[ANSWER]))), "{absurd}: {row}");
    }
}

#[test]
fn an_explicit_zero_is_the_providers_word() {
    let scene = scene();
    for upstream in Dialect::ALL {
        scene.gateway.add_model_of(upstream, upstream.name(), "m", &scene.upstream);
        for stream in [false, true] {
            let row = asked(&scene, [upstream; 2], stream, &Reply::chat(Tokens::plain(0, 0)));
            let told = (&row["usage_source"], &row["usage"]["input"], &row["usage"]["output"], &row["cost_usd"]);
            assert_eq!(told, (&json!("provider"), &json!(0), &json!(0), &json!("0")), "{upstream:?}: {row}");
        }
    }
}

#[test]
fn what_broke_off_or_cannot_be_measured_stays_estimated() {
    let scene = scene();
    scene.gateway.add_model_of(Dialect::Chat, Dialect::Chat.name(), "m", &scene.upstream);
    let row = asked(&scene, [Dialect::Chat; 2], true, &Reply::chat(Tokens::plain(9, 9)).uncounted().cut_after(2));
    assert_eq!((&row["usage_detail"], &row["status"]), (&json!("estimated:upstream_cut"), &json!("upstream_cut")));
    let picture = json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}});
    scene.upstream.expect(Reply::chat(Tokens::plain(9, 9)).uncounted());
    let answer = scene.chat(&json!({"model": "openai_chat", "messages": [{"role": "user", "content": [picture]}]}));
    assert_eq!(scene.recorded(&answer)["usage_detail"], "estimated:missing");
}
