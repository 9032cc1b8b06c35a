//! Each event when it arrives: what the provider has said is the client's, though more is to come, in every dialect.

use farthing_support::{Dialect, Exchange, Gate, Reply, Scene, Tokens};
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
