//! A stream that really lasts: more than half a minute by the clock on the wall, an event each second. It arrives whole, each event
//! when it was sent, and is settled as the provider reported it. Nothing here waits but for the stream, so it runs beside others.

use std::time::{Duration, Instant};

use farthing_support::scene::{ask, cost};
use farthing_support::{Picos, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::BINARY;

/// Two more than the seconds after which a gateway of before cut every stream.
const CHUNKS: usize = 33;
const LASTS: Duration = Duration::from_secs(32);
const TOKENS: Tokens = Tokens { prompt: 9, cached: 0, completion: 33, reasoning: 0 };

/// The text that an event carries, if it carries any.
fn text_of(event: &str) -> Option<String> {
    let chunk: Value = serde_json::from_str(event.strip_prefix("data: ")?.trim()).ok()?;
    chunk["choices"][0]["delta"]["content"].as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

#[test]
fn a_stream_of_more_than_thirty_seconds_arrives_whole_and_is_settled() {
    let scene = Scene::start(BINARY);
    let reply = Reply::chat(TOKENS).chunks(CHUNKS).gap(Duration::from_secs(1));
    scene.upstream.expect(reply);
    let body = ask(&json!({"stream": true})).to_string();
    let begin = Instant::now();
    let mut stream = scene.application().open("POST", "/v1/chat/completions", body.as_bytes()).expect("a stream");
    let id = stream.header("x-farthing-request-id").expect("a name").to_owned();
    let (mut texts, mut ends, mut when) = (Vec::new(), 0, Vec::new());
    while let Some(event) = stream.next_event().expect("it is not cut") {
        ends += usize::from(event.trim() == "data: [DONE]");
        if let Some(text) = text_of(&event) {
            texts.push(text);
            when.push(begin.elapsed());
        }
    }
    let took = begin.elapsed();
    assert_eq!((texts.len(), ends), (CHUNKS, 1), "{texts:?}");
    assert!(took >= LASTS, "it lasted {took:?} only");
    // What comes first is there long before the rest: nobody waited for the end to pass it on.
    assert!(when[0] + LASTS / 2 < when[CHUNKS - 1], "{when:?}");
    let line = scene.gateway.request(&id);
    assert_eq!((&line["status"], &line["usage"]["output"]), (&json!("ok"), &json!(TOKENS.completion)), "{line}");
    assert_eq!(Picos::of(&line["cost_usd"]), cost(TOKENS));
    assert!(line["latency_ms"].as_u64().is_some_and(|ms| u128::from(ms) >= LASTS.as_millis()), "{line}");
    println!("{CHUNKS} events over {took:?}");
}
