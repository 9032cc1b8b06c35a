//! Deployments of one model that speak different dialects: fallback crosses from one to the other, before the first byte.

use farthing_support::scene::prices;
use farthing_support::{Dialect, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

/// A model with two deployments, the first at a provider of `first`, the second at one of `second`.
fn two(scene: &Scene, model: &str, [first, second]: [Dialect; 2]) {
    for (priority, dialect) in [first, second].into_iter().enumerate() {
        let provider = format!("{}-{model}", dialect.name());
        scene.gateway.add_provider_of(&provider, dialect.kind(), &scene.upstream);
        let body = json!({
            "name": model, "provider": provider, "upstream_model": dialect.name(), "dialects": [dialect.name()],
            "priority": priority, "max_output_tokens": 4_096, "prices": prices(),
        });
        scene.gateway.create("/api/models", &body);
    }
}

fn chat(model: &str, extra: &Value) -> Value {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

#[test]
fn a_provider_that_fails_is_followed_by_one_of_another_dialect() {
    let scene = scene();
    for (n, (first, second)) in Dialect::ALL.into_iter().zip(Dialect::ALL.into_iter().rev()).enumerate() {
        let model = format!("m{n}");
        two(&scene, &model, [first, second]);
        for stream in [false, true] {
            scene.upstream.expect(Reply::error(500, "out of order"));
            scene.upstream.expect(Reply::chat(Tokens::plain(7, 5)));
            let before = scene.upstream.calls();
            let answer = scene.chat(&chat(&model, &json!({"stream": stream})));
            assert_eq!((answer.status, answer.header("x-farthing-attempts")), (200, Some("2")), "{}", answer.text());
            let asked: Vec<_> =
                scene.upstream.journal_from(before).iter().map(|seen| Dialect::at(&seen.path)).collect();
            assert_eq!(asked, [first, second]);
            assert!(answer.text().contains("word0"), "{}", answer.text());
            let row = scene.recorded(&answer);
            assert_eq!((&row["status"], &row["attempts"]), (&json!("ok"), &json!(2)), "{row}");
            assert_eq!(row["upstream_model"], second.name(), "{row}");
            assert_eq!((&row["usage"]["input"], &row["usage"]["output"]), (&json!(7), &json!(5)), "{row}");
        }
    }
}

#[test]
fn what_one_provider_has_no_place_for_another_may_have() {
    let scene = scene();
    two(&scene, "both", [Dialect::Anthropic, Dialect::Chat]);
    for _ in 0..5 {
        scene.upstream.expect(Reply::chat(Tokens::plain(7, 5)));
        let answer = scene.chat(&chat("both", &json!({"n": 2})));
        assert_eq!(
            (answer.status, answer.header("x-farthing-provider")),
            (200, Some("openai_chat-both")),
            "{}",
            answer.text()
        );
    }
    // None of that speaks against the first.
    scene.upstream.expect(Reply::chat(Tokens::plain(7, 5)));
    let answer = scene.chat(&chat("both", &json!({})));
    assert_eq!(answer.header("x-farthing-provider"), Some("anthropic-both"), "{}", answer.text());
    // A failure after it is not the field's, and nothing was sent to the first.
    scene.upstream.expect(Reply::error(500, "out of order"));
    let answer = scene.chat(&chat("both", &json!({"n": 2})));
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(Dialect::at(&scene.upstream.journal().pop().unwrap().path), Dialect::Chat);
}

#[test]
fn hints_that_a_provider_has_no_place_for_are_passed_over_and_named() {
    let scene = scene();
    let hints = json!({"seed": 7, "metadata": {"a": "b"}, "user": "u", "prompt_cache_key": "k", "verbosity": "low"});
    for (upstream, ignored) in [
        (Dialect::Chat, None),
        (Dialect::Responses, Some("seed")),
        (Dialect::Anthropic, Some("metadata, prompt_cache_key, seed, verbosity")),
        (Dialect::Gemini, Some("metadata, prompt_cache_key, user, verbosity")),
    ] {
        scene.gateway.add_model_of(upstream, upstream.name(), "m", &scene.upstream);
        for stream in [false, true] {
            scene.upstream.expect(Reply::chat(Tokens::plain(7, 5)));
            let mut body = chat(upstream.name(), &hints);
            body["stream"] = stream.into();
            let answer = scene.chat(&body);
            assert_eq!(
                (answer.status, answer.header("x-farthing-ignored")),
                (200, ignored),
                "{upstream:?}: {}",
                answer.text()
            );
            let sent = scene.upstream.journal().pop().unwrap().json();
            // Anthropic's own metadata has the user in it.
            for field in ignored.unwrap_or_default().split(", ").filter(|field| *field != "metadata") {
                assert!(sent.get(field).is_none(), "{upstream:?}: {sent}");
            }
            assert_eq!(sent["metadata"]["a"] == "b", !ignored.unwrap_or_default().contains("metadata"), "{sent}");
        }
    }
}

const GEMINI_TWO: &str = concat!(
    r#"data: {"candidates":[{"content":{"parts":[{"text":"a0 "}],"role":"model"},"index":0}]}"#,
    "\n\n",
    r#"data: {"candidates":[{"content":{"parts":[{"text":"b0 "}],"role":"model"},"index":1},{"content":{"parts":[{"text":"a1"}],"role":"model"},"finishReason":"STOP","index":0}]}"#,
    "\n\n",
    r#"data: {"candidates":[{"content":{"parts":[{"text":"b1"}],"role":"model"},"finishReason":"MAX_TOKENS","index":1}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":8,"totalTokenCount":11}}"#,
    "\n\n",
);

const CHAT_TWO: &str = concat!(
    r#"data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"a0 "}}]}"#,
    "\n\n",
    r#"data: {"id":"c","model":"m","choices":[{"index":1,"delta":{"content":"b0 "}},{"index":0,"delta":{"content":"a1"},"finish_reason":"stop"}]}"#,
    "\n\n",
    r#"data: {"id":"c","model":"m","choices":[{"index":1,"delta":{"content":"b1"},"finish_reason":"length"}]}"#,
    "\n\n",
    r#"data: {"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":8,"total_tokens":11}}"#,
    "\n\ndata: [DONE]\n\n",
);

#[test]
fn two_answers_stay_apart_on_the_way_from_one_dialect_to_another() {
    let scene = scene();
    let mut contents = json!({"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"candidateCount": 2}});
    contents["generationConfig"]["maxOutputTokens"] = json!(9);
    for (client, upstream, stream, body) in [
        (Dialect::Chat, Dialect::Gemini, GEMINI_TWO, chat("gemini", &json!({"n": 2, "stream": true}))),
        (Dialect::Gemini, Dialect::Chat, CHAT_TWO, contents),
    ] {
        scene.gateway.add_model_of(upstream, upstream.name(), "m", &scene.upstream);
        scene.upstream.expect(Reply::raw(200, stream.as_bytes()).header("content-type", "text/event-stream"));
        let answer = scene.application().post(&client.path(upstream.name(), true), &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let (mut texts, mut stops) = ([String::new(), String::new()], [Value::Null, Value::Null]);
        let text = answer.text();
        for event in
            text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).filter(|json| *json != "[DONE]")
        {
            let event: Value = serde_json::from_str(event).unwrap();
            for choice in event["choices"].as_array().or(event["candidates"].as_array()).unwrap() {
                let index = usize::try_from(choice["index"].as_u64().unwrap()).unwrap();
                let said = choice["delta"]["content"].as_str().or(choice["content"]["parts"][0]["text"].as_str());
                texts[index] += said.unwrap_or_default();
                for stop in
                    [&choice["finish_reason"], &choice["finishReason"]].into_iter().filter(|stop| stop.is_string())
                {
                    assert!(stops[index].is_null(), "one end for each: {text}");
                    stops[index] = stop.clone();
                }
            }
        }
        let ends = if client == Dialect::Chat { ["stop", "length"] } else { ["STOP", "MAX_TOKENS"] };
        assert_eq!((texts, stops), (["a0 a1", "b0 b1"].map(String::from), ends.map(Value::from)), "{text}");
        let row = scene.recorded(&answer);
        assert_eq!((&row["usage"]["input"], &row["usage"]["output"]), (&json!(3), &json!(8)), "{row}");
    }
}
