//! Calls that are no conversation: passed on as they are, metered and booked like any other.

use farthing_support::gateway::openai_error;
use farthing_support::money::Picos;
use farthing_support::{Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

const BODY: &str = "{ \"input\":[\"a\",\"b\"] ,\"dimensions\":1e2,\"model\":\"gpt-4o-mini\",\"odd\":null}";

/// Asks `path`, expects the same bytes upstream at the same path, and gives the recorded line.
fn passed(scene: &Scene, path: &str, body: &str, reply: &str) -> Value {
    scene.upstream.expect(Reply::raw(200, reply.as_bytes()).header("content-type", "application/json"));
    let answer = scene.application().post_bytes(path, body.as_bytes());
    assert_eq!((answer.status, answer.text()), (200, reply.to_owned()), "{path}");
    let seen = scene.upstream.journal().pop().unwrap();
    assert_eq!((seen.path.as_str(), seen.text()), (path, body.to_owned()));
    scene.recorded(&answer)
}

fn input(tokens: u64) -> Value {
    json!({"input": tokens, "cache_read": 0, "cache_write": 0, "output": 0, "reasoning": 0})
}

#[test]
fn embeddings_cost_their_input() {
    let scene = scene();
    let reply =
        r#"{"object":"list","data":[{"embedding":[0.1,-2e-3]}],"usage":{"prompt_tokens":40,"total_tokens":40}}"#;
    let row = passed(&scene, "/v1/embeddings", BODY, reply);
    assert_eq!((&row["usage"], &row["usage_source"], &row["status"]), (&input(40), &json!("provider"), &json!("ok")));
    assert_eq!(Picos::of(&row["cost_usd"]), Picos::rounded(Picos::millionths("0.15", 40)));
}

#[test]
fn a_moderation_that_reports_no_usage_is_estimated_and_says_so() {
    let scene = scene();
    let row = passed(&scene, "/v1/moderations", BODY, r#"{"id":"modr-1","results":[{"flagged":false}]}"#);
    assert_eq!((&row["usage_source"], &row["usage"]["output"]), (&json!("estimated"), &json!(0)), "{row}");
    assert!(row["usage"]["input"].as_u64().unwrap() > 0, "{row}");
}

#[test]
fn a_completion_is_held_capped_and_settled_like_a_chat() {
    let scene = scene();
    let asked = "{\"model\":\"gpt-4o-mini\",\"prompt\":\"once\",\"max_tokens\":7}";
    let reply = r#"{"choices":[{"text":" upon","finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#;
    let row = passed(&scene, "/v1/completions", asked, reply);
    assert_eq!((&row["usage"]["input"], &row["usage"]["output"]), (&json!(1), &json!(2)), "{row}");
    scene.upstream.expect(Reply::chat(Tokens::plain(10, 4)));
    let body = json!({"model": "gpt-4o-mini", "prompt": "once", "stream": true});
    let answer = scene.application().post("/v1/completions", &body);
    assert!(answer.text().trim_end().ends_with("data: [DONE]"), "{}", answer.text());
    let told: Value = serde_json::from_slice(&scene.upstream.journal().pop().unwrap().body).unwrap();
    assert_eq!(told["stream_options"], json!({"include_usage": true}));
    assert_eq!(scene.recorded(&answer)["usage"]["output"], 4);
}

#[test]
fn a_call_no_provider_of_the_model_has_is_refused_before_anything_is_sent() {
    let scene = scene();
    let body = json!({"model": "gpt-4o-mini", "query": "q", "documents": ["a"]});
    let error = openai_error(&scene.application().post("/v1/rerank", &body), 400);
    assert_eq!((&error["code"], &error["param"]), (&json!("unsupported_field"), &json!("model")), "{error}");
    for (path, body, param) in [
        ("/v1/embeddings", json!({"model": "gpt-4o-mini"}), "input"),
        ("/v1/completions", json!({"model": "gpt-4o-mini"}), "prompt"),
        ("/v1/moderations", json!({"input": "x"}), "model"),
    ] {
        assert_eq!(openai_error(&scene.application().post(path, &body), 400)["param"], param, "{path}");
    }
}

#[test]
fn geminis_embeddings_go_to_openai_in_its_words_and_to_gemini_as_they_are() {
    let scene = scene();
    let asked = "{ \"content\":{\"parts\":[{\"text\":\"a\"}]},\"taskType\":\"RETRIEVAL_QUERY\",\"odd\":1e2}";
    let vectors = r#"{"data":[{"index":0,"embedding":[0.1,1e-3]}],"usage":{"prompt_tokens":9,"total_tokens":9}}"#;
    scene.upstream.expect(Reply::raw(200, vectors.as_bytes()));
    let answer = scene.application().post_bytes("/v1beta/models/gpt-4o-mini:embedContent", asked.as_bytes());
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"embedding":{"values":[0.1,1e-3]}}"#));
    assert_eq!(answer.header("x-farthing-ignored"), Some("taskType"));
    let seen = scene.upstream.journal().pop().unwrap();
    let told = ("/v1/embeddings", r#"{"model":"gpt-4o-mini","input":["a"]}"#.to_owned());
    assert_eq!((seen.path.as_str(), seen.text()), told);
    assert_eq!(scene.recorded(&answer)["usage"], input(9));

    let base = scene.upstream.base_url().replace("/v1", "");
    let google = json!({"name": "google", "kind": "gemini", "base_url": base, "api_key": "AIza-of-the-test",
        "allow_private_network": true});
    scene.gateway.create("/api/providers", &google);
    scene.gateway.add_model("gemini-embedding", "google", &farthing_support::scene::prices());
    let reply = r#"{"embedding":{"values":[1]}}"#;
    scene.upstream.expect(Reply::raw(200, reply.as_bytes()));
    let answer = scene.application().post_bytes("/v1beta/models/gemini-embedding:embedContent", asked.as_bytes());
    assert_eq!((answer.status, answer.text().as_str()), (200, reply));
    let seen = scene.upstream.journal().pop().unwrap();
    assert_eq!((seen.path.as_str(), seen.text().as_str()), ("/v1beta/models/gemini-embedding:embedContent", asked));
    assert_eq!((seen.header("x-goog-api-key"), seen.header("authorization")), (Some("AIza-of-the-test"), None));
}
