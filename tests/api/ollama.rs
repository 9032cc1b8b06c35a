//! Ollama's own form, for a deployment that is declared to speak it: clients of every dialect are served and charged.

use farthing_support::scene::{cost, prices};
use farthing_support::{Picos, Reply, Scene, Seen, Tokens, Upstream};
use serde_json::{Value, json};

use crate::scene;

const TOKENS: Tokens = Tokens { prompt: 21, cached: 0, completion: 9, reasoning: 0 };

fn local(scene: &Scene) -> Upstream {
    let upstream = Upstream::start();
    upstream.answer_with(answer);
    scene.gateway.add_provider_of("local", "ollama", &upstream);
    let model = json!({"name": "qwen", "provider": "local", "upstream_model": "qwen3", "dialects": ["ollama_chat"], "prices": prices()});
    scene.gateway.create("/api/models", &model);
    upstream
}

/// As Ollama answers: an object, or its lines.
fn answer(seen: &Seen) -> Reply {
    let end = json!({"model": "qwen3", "message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "stop",
        "prompt_eval_count": TOKENS.prompt, "eval_count": TOKENS.completion});
    if seen.json()["stream"] == true {
        let line = |text: &str| format!("{}\n", json!({"model": "qwen3", "message": {"content": text}, "done": false}));
        return Reply::raw(200, format!("{}{}{end}\n", line("hel"), line("lo")).as_bytes());
    }
    let mut whole = end;
    whole["message"]["content"] = "hello".into();
    Reply::status(200, &whole)
}

#[test]
fn clients_of_every_dialect_are_served_and_charged() {
    let scene = scene();
    let upstream = local(&scene);
    let user = json!([{"role": "user", "content": "hi"}]);
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    let mut asked = Vec::<(String, Value)>::new();
    for stream in [false, true] {
        asked.push(("/v1/chat/completions".into(), json!({"model": "qwen", "messages": user, "stream": stream})));
        asked.push((
            "/v1/messages".into(),
            json!({"model": "qwen", "messages": user, "max_tokens": 50, "stream": stream}),
        ));
        asked.push(("/v1/responses".into(), json!({"model": "qwen", "input": "hi", "store": false, "stream": stream})));
        let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        asked.push((format!("/v1beta/models/qwen:{method}"), gemini.clone()));
    }
    for (path, body) in &asked {
        let answer = scene.application().post(path, body);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let said = answer.text();
        assert!(said.contains("hello") || (said.contains("hel") && said.contains("lo")), "{path}: {said}");
        let row = scene.recorded(&answer);
        assert_eq!(
            (&row["usage_source"], Picos::of(&row["cost_usd"])),
            (&json!("provider"), cost(TOKENS)),
            "{path}: {row}"
        );
    }
    let seen = upstream.journal();
    assert!(seen.len() == asked.len() && seen.iter().all(|seen| seen.path == "/api/chat"), "beside /v1: {seen:?}");
    assert_eq!((&seen[0].json()["model"], &seen[0].json()["stream"]), (&json!("qwen3"), &json!(false)));
    assert!(seen[0].json()["options"]["num_predict"].is_u64(), "a budget is kept by a cap: {}", seen[0].text());
}

#[test]
fn errors_before_and_inside_a_stream_are_errors() {
    let scene = scene();
    let upstream = local(&scene);
    let body = json!({"model": "qwen", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
    upstream.expect(Reply::raw(200, b"{\"error\":\"model requires more system memory\"}\n"));
    let answer = scene.application().post("/v1/chat/completions", &body);
    assert_eq!(answer.status, 502, "{}", answer.text());
    upstream.expect(Reply::raw(
        200,
        b"{\"model\":\"q\",\"message\":{\"content\":\"one\"},\"done\":false}\n{\"error\":\"gone\"}\n",
    ));
    let answer = scene.application().post("/v1/chat/completions", &body);
    // Both came in one piece, so nothing was on its way to the client yet.
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(scene.recorded(&answer)["status"], "upstream_error");
    // What it cannot be asked is a fault that names the client's field.
    let several = json!({"model": "qwen", "n": 2, "messages": [{"role": "user", "content": "hi"}]});
    let refused = scene.application().post("/v1/chat/completions", &several);
    assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!("n")), "{}", refused.text());
}
