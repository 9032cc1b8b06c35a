//! Each event when it arrives: what the provider has said is the client's, though more is to come, in every dialect.

use farthing_support::poll::PATIENCE;
use farthing_support::scene::{PROJECT, cost};
use farthing_support::{Dialect, Exchange, Gate, Picos, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

#[test]
fn a_first_word_is_forwarded_while_the_provider_holds_the_second_back() {
    let scene = scene();
    for upstream in Dialect::ALL {
        scene.gateway.add_model_of(upstream, upstream.name(), "m", &scene.upstream);
        for client in Dialect::ALL {
            let path = client.path(upstream.name(), true);
            one(&scene, (client, upstream), &path);
            if client == Dialect::Gemini {
                one(&scene, (client, upstream), &path.replace("?alt=sse", ""));
            }
        }
    }
}

fn one(scene: &Scene, (client, upstream): (Dialect, Dialect), path: &str) {
    let gate = Gate::default();
    scene.upstream.expect(Reply::chat(Tokens::plain(5, 5)).wait_after(1, &gate));
    let before = scene.upstream.calls();
    let body = small(client, upstream.name()).to_string();
    let mut exchange: Exchange = scene.application().open("POST", path, body.as_bytes()).unwrap();
    assert_eq!(exchange.status, 200, "{client:?} {upstream:?}");
    // The provider says no more until we have read this.
    exchange.read_until("word0 ").unwrap();
    assert!(!scene.upstream.journal_from(before)[0].finished, "{client:?} {upstream:?}");
    gate.open();
    let rest = exchange.finish().unwrap().text();
    let [one, two] = ["word1", "word2"].map(|word| rest.find(word));
    assert!(one.is_some() && one < two, "{client:?} {upstream:?}: {rest}");
}

/// A small streamed request.
fn small(client: Dialect, model: &str) -> Value {
    match client {
        Dialect::Chat => json!({"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": true}),
        Dialect::Responses => json!({"model": model, "input": "hi", "stream": true}),
        Dialect::Anthropic => {
            json!({"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, "stream": true})
        }
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
    }
}

#[test]
fn a_client_that_leaves_a_translated_stream_is_settled_once_and_the_provider_told() {
    let scene = scene();
    let clients = [Dialect::Gemini, Dialect::Chat, Dialect::Responses, Dialect::Anthropic];
    for (upstream, client) in Dialect::ALL.into_iter().zip(clients) {
        scene.gateway.add_model_of(upstream, upstream.name(), "m", &scene.upstream);
        let (gate, before) = (Gate::default(), scene.upstream.calls());
        scene.upstream.expect(Reply::chat(Tokens::plain(50, 500)).wait_after(1, &gate));
        let body = small(client, upstream.name()).to_string();
        let path = client.path(upstream.name(), true);
        let mut exchange = scene.application().open("POST", &path, body.as_bytes()).unwrap();
        let id = exchange.header("x-farthing-request-id").unwrap().to_owned();
        exchange.read_until("word0 ").unwrap();
        exchange.hang_up();
        scene.upstream.wait_for("the caller leave", PATIENCE, |journal| journal[before].left_at);
        scene.gateway.settled();
        let row = scene.gateway.request(&id);
        assert_eq!((&row["status"], &row["dialect"]), (&json!("client_gone"), &json!(client.name())), "{row}");
        assert!(Picos::of(&row["cost_usd"]) > Picos(0), "what was produced is charged: {row}");
    }
    scene.gateway.requests(PROJECT, clients.len());
}

#[test]
fn usage_is_withheld_from_a_chat_client_that_did_not_ask_whoever_answers() {
    let scene = scene();
    for upstream in Dialect::ALL {
        scene.gateway.add_model_of(upstream, upstream.name(), "m", &scene.upstream);
        let tokens = Tokens { prompt: 100, cached: 40, completion: 30, reasoning: 4 };
        scene.upstream.expect(Reply::chat(tokens));
        let path = Dialect::Chat.path(upstream.name(), true);
        let answer = scene.application().post(&path, &small(Dialect::Chat, upstream.name()));
        let text = answer.text();
        assert!(text.ends_with("data: [DONE]\n\n") && !text.contains("\"choices\":[]"), "{upstream:?}: {text}");
        assert!(!text.contains("prompt_tokens") && !text.contains("cost_usd"), "{upstream:?}: {text}");
        let row = scene.recorded(&answer);
        assert_eq!((Picos::of(&row["cost_usd"]), &row["usage_source"]), (cost(tokens), &json!("provider")), "{row}");
    }
}
