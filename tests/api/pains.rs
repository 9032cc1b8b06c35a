//! Ways in which gateways lose money, each tried here once: a route that forgets the budget, a long prompt at the
//! price of a short one, and a client that leaves and pays for what was never made.

use std::thread;

use farthing::web::routes::line::{Line, Needs};
use farthing::web::routes::table;
use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::{PROJECT, ask};
use farthing_support::{Dialect, Gate, Picos, Reply, Tokens};
use serde_json::{Value, json};

use crate::scene;

/// Every route that is sent to a provider, and a body for it. `{}` stands for the model.
const PAID: [(&str, &str); 15] = [
    ("/v1/chat/completions", r#"{"model":"{}","messages":[{"role":"user","content":"hi"}]}"#),
    ("/v1/completions", r#"{"model":"{}","prompt":"hi"}"#),
    ("/v1/embeddings", r#"{"model":"{}","input":"hi"}"#),
    ("/v1/moderations", r#"{"model":"{}","input":"hi"}"#),
    ("/v1/images/generations", r#"{"model":"{}","prompt":"a heron"}"#),
    ("/v1/audio/speech", r#"{"model":"{}","input":"hi","voice":"alloy"}"#),
    ("/v1/audio/transcriptions", ""),
    ("/v1/rerank", r#"{"model":"{}","query":"hi","documents":["a","b"]}"#),
    ("/v1/responses", r#"{"model":"{}","input":"hi"}"#),
    ("/v1/messages", r#"{"model":"{}","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#),
    ("/v1beta/models/{}:generateContent", r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#),
    ("/v1beta/models/{}:streamGenerateContent", r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#),
    ("/v1beta/models/{}:embedContent", r#"{"content":{"parts":[{"text":"hi"}]}}"#),
    (
        "/v1beta/models/{}:batchEmbedContents",
        r#"{"requests":[{"model":"models/{}","content":{"parts":[{"text":"hi"}]}}]}"#,
    ),
    ("/v1/models/{}:generateContent", r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#),
];
/// What is posted to on the data plane: the paths above without Gemini's verbs, and counting tokens.
const POSTED: usize = 13;

const FORM: &str = "--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n--xYz\r\n\
                    Content-Disposition: form-data; name=\"model\"\r\n\r\n{}\r\n--xYz--\r\n";

#[test]
fn every_route_that_costs_is_refused_without_money() {
    let posted = |line: &Line| line.needs == Needs::Key && line.method == "POST";
    assert_eq!(table().iter().filter(|line| posted(line)).count(), POSTED, "a route was added: put it into PAID");
    let scene = scene();
    scene.gateway.add_provider_of("any", "openai_compatible", &scene.upstream);
    // A fee, because not everything has tokens.
    scene.gateway.add_model(
        "paid",
        "any",
        &json!({"input_cost_per_m": "1", "output_cost_per_m": "1", "request_fee_usd": "0.01"}),
    );
    scene.gateway.add_project("poor", Some("0.009"));
    let key = scene.gateway.add_key("poor", &json!({}));
    let poor = scene.gateway.application(&key.secret);
    let uploading = poor.with("content-type", "multipart/form-data; boundary=xYz");
    for (path, body) in PAID {
        let path = path.replace("{}", "paid");
        let answer = match body {
            "" => uploading.post_bytes(&path, FORM.replace("{}", "paid").as_bytes()),
            body => poor.post_bytes(&path, body.replace("{}", "paid").as_bytes()),
        };
        assert_eq!(answer.status, 402, "{path}: {}", answer.text());
    }
    assert_eq!(scene.upstream.calls(), 0, "what cannot be paid was sent");
}

#[test]
fn a_long_prompt_is_held_and_paid_at_its_tier() {
    let (scene, gate) = (scene(), Gate::default());
    let tier = json!([{"above_input_tokens": 1_000, "input_cost_per_m": "10", "output_cost_per_m": "0"}]);
    let prices = json!({"input_cost_per_m": "1", "output_cost_per_m": "0", "context_tiers": tier});
    scene.gateway.add_model("tiered", "openai", &prices);
    scene.upstream.always(Reply::chat(Tokens::plain(2_000, 1)).behind(&gate));
    let words = "word ".repeat(2_000);
    let body = ask(&json!({"model": "tiered", "max_tokens": 1, "messages": [{"role": "user", "content": words}]}));
    let client = scene.application();
    let call = thread::spawn(move || client.post("/v1/chat/completions", &body).status);
    let held = || Picos::of(&scene.gateway.list("/api/projects")[0]["budget"]["held_usd"]);
    let (held, _) = until("it is held", PATIENCE, || Some(held()).filter(|held| *held > Picos(0)));
    // At the base rate it would be a tenth of this.
    assert!(held >= Picos::parse("0.02"), "{held:?} held for 2,000 tokens at $10 a million");
    gate.open();
    assert_eq!(call.join().expect("an answer"), 200);
    let row = &scene.gateway.requests(PROJECT, 1)[0];
    assert_eq!(Picos::of(&row["cost_usd"]), Picos::parse("0.02"), "{row}");
}

#[test]
fn who_leaves_pays_for_what_was_made_and_no_more() {
    let scene = scene();
    for (count, dialect) in Dialect::ALL.into_iter().enumerate() {
        let gate = Gate::default();
        scene.gateway.add_model_of(dialect, dialect.name(), "m", &scene.upstream);
        scene.upstream.expect(Reply::chat(Tokens::plain(50, 1_000)).chunks(1_000).wait_after(3, &gate));
        let body = long_answer(dialect).to_string();
        let path = dialect.path(dialect.name(), true);
        let mut exchange = scene.application().open("POST", &path, body.as_bytes()).unwrap();
        exchange.read_until("word2 ").unwrap();
        exchange.hang_up();
        scene.gateway.settled();
        let row = &scene.gateway.requests(PROJECT, count + 1)[0];
        let tokens = |class: &str| row["usage"][class].as_u64().unwrap_or(u64::MAX);
        let sent = scene.upstream.journal().last().expect("the call").events;
        // A word of the mock's is two tokens, by its length or counted.
        let most = 3 * u64::try_from(sent).unwrap();
        assert!((1..=most).contains(&tokens("output")), "{dialect:?}: {sent} events were sent: {row}");
        assert!((1..=60).contains(&tokens("input")), "{dialect:?}: a short prompt: {row}");
        gate.open();
    }
}

/// A stream of up to 16,000 tokens is asked for.
fn long_answer(dialect: Dialect) -> Value {
    let (name, said) = (dialect.name(), json!([{"role": "user", "content": "hi"}]));
    match dialect {
        Dialect::Chat => json!({"model": name, "messages": said, "max_tokens": 16_000, "stream": true}),
        Dialect::Responses => json!({"model": name, "input": "hi", "max_output_tokens": 16_000, "stream": true}),
        Dialect::Anthropic => json!({"model": name, "messages": said, "max_tokens": 16_000, "stream": true}),
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            "generationConfig": {"maxOutputTokens": 16_000}}),
    }
}
