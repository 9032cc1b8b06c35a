//! Thinking that a provider sealed comes back to it with the next turn, as it gave it, through clients of every dialect.

use farthing_support::reply::SEAL;
use farthing_support::{Dialect, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

const THOUGHT: &str = "Oslo first.";
const RESULT: &str = "12 degrees";

#[test]
fn sealed_thinking_comes_back_with_the_results_of_tools() {
    let scene = scene();
    for upstream in Dialect::ALL {
        scene.gateway.add_model_of(upstream, upstream.name(), "m", &scene.upstream);
        for client in Dialect::ALL {
            let first = request(client, upstream.name(), Vec::new());
            let turns = turns(client, &answered(&scene, (client, upstream), &first));
            answered(&scene, (client, upstream), &request(client, upstream.name(), turns));
            let returned = scene.upstream.journal().pop().unwrap().json();
            check(upstream, &returned, client);
        }
    }
}

fn answered(scene: &Scene, (client, upstream): (Dialect, Dialect), body: &Value) -> Value {
    scene.upstream.expect(Reply::chat(Tokens::plain(9, 9)).thinking(THOUGHT).call(
        "call_1",
        "weather",
        r#"{"city":"Oslo"}"#,
    ));
    let answer = scene.application().post(&client.path(upstream.name(), false), body);
    assert_eq!(answer.status, 200, "{client:?} {upstream:?}: {}", answer.text());
    answer.json()
}

/// What a client adds to the conversation: the answer, untouched, and the result of its call.
fn turns(client: Dialect, answer: &Value) -> Vec<Value> {
    match client {
        Dialect::Chat => {
            let result = json!({"role": "tool", "tool_call_id": "call_1", "content": RESULT});
            vec![answer["choices"][0]["message"].clone(), result]
        }
        Dialect::Responses => {
            let mut items = answer["output"].as_array().unwrap().clone();
            items.push(json!({"type": "function_call_output", "call_id": "call_1", "output": RESULT}));
            items
        }
        Dialect::Anthropic => {
            let result = json!([{"type": "tool_result", "tool_use_id": "call_1", "content": RESULT}]);
            vec![json!({"role": "assistant", "content": answer["content"]}), json!({"role": "user", "content": result})]
        }
        Dialect::Gemini => {
            let result =
                json!({"functionResponse": {"id": "call_1", "name": "weather", "response": {"output": RESULT}}});
            vec![answer["candidates"][0]["content"].clone(), json!({"role": "user", "parts": [result]})]
        }
    }
}

fn request(client: Dialect, model: &str, turns: Vec<Value>) -> Value {
    let with = |question: Value| -> Vec<Value> { [question].into_iter().chain(turns.clone()).collect() };
    let (said, schema) = (json!({"role": "user", "content": "Weather?"}), json!({"type": "object"}));
    match client {
        Dialect::Chat => {
            let tool = json!({"type": "function", "function": {"name": "weather", "parameters": schema}});
            json!({"model": model, "messages": with(said), "tools": [tool], "reasoning_effort": "high", "max_tokens": 4_096})
        }
        Dialect::Responses => {
            let tool = json!({"type": "function", "name": "weather", "parameters": schema});
            json!({"model": model, "input": with(said), "tools": [tool], "store": false, "reasoning": {"effort": "high", "summary": "auto"},
                "include": ["reasoning.encrypted_content"]})
        }
        Dialect::Anthropic => {
            let thinking = json!({"type": "enabled", "budget_tokens": 2_048});
            json!({"model": model, "messages": with(said), "tools": [{"name": "weather", "input_schema": schema}], "thinking": thinking,
                "max_tokens": 4_096})
        }
        Dialect::Gemini => {
            let said = json!({"role": "user", "parts": [{"text": "Weather?"}]});
            json!({"contents": with(said), "tools": [{"functionDeclarations": [{"name": "weather"}]}],
                "generationConfig": {"thinkingConfig": {"includeThoughts": true}}})
        }
    }
}

/// The thinking stands in front of the call it led to, with the provider's own seal.
fn check(upstream: Dialect, body: &Value, client: Dialect) {
    let turn = |list: &str, role: &str| {
        body[list].as_array().unwrap().iter().find(|turn| turn["role"] == role).cloned().unwrap()
    };
    let what = format!("{client:?} to {upstream:?}: {body}");
    match upstream {
        Dialect::Chat => {
            let message = turn("messages", "assistant");
            assert_eq!(message["reasoning_content"], THOUGHT, "{what}");
            assert_eq!(message["tool_calls"][0]["id"], "call_1", "{what}");
        }
        Dialect::Responses => {
            let items = body["input"].as_array().unwrap();
            let at = items.iter().position(|item| item["type"] == "reasoning").unwrap_or_else(|| panic!("{what}"));
            assert_eq!(items[at]["encrypted_content"], SEAL, "{what}");
            assert_eq!(items[at]["summary"][0]["text"], THOUGHT, "{what}");
            assert_eq!(
                (&items[at + 1]["type"], &items[at + 1]["call_id"]),
                (&json!("function_call"), &json!("call_1")),
                "{what}"
            );
        }
        Dialect::Anthropic => {
            let content = &turn("messages", "assistant")["content"];
            assert_eq!(content[0], json!({"type": "thinking", "thinking": THOUGHT, "signature": SEAL}), "{what}");
            assert_eq!((&content[1]["type"], &content[1]["id"]), (&json!("tool_use"), &json!("call_1")), "{what}");
        }
        Dialect::Gemini => {
            let parts = turn("contents", "model")["parts"].as_array().unwrap().clone();
            let call = parts.iter().find(|part| part["functionCall"].is_object()).unwrap_or_else(|| panic!("{what}"));
            assert_eq!(
                (&call["thoughtSignature"], &call["functionCall"]["id"]),
                (&json!(SEAL), &json!("call_1")),
                "{what}"
            );
        }
    }
}
