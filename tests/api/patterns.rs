//! Patterns: where models go that nobody has set up, and what that costs.

use farthing_support::gateway::openai_error;
use farthing_support::scene::{MODEL, PROJECT, ask, prices};
use farthing_support::{Answer, Picos, Reply, TestGateway, Tokens, Upstream};
use serde_json::{Value, json};

use crate::BINARY;

const ROUTING: &str = "FARTHING__ROUTING__MODEL_ROUTING";

fn call(gateway: &TestGateway, secret: &str, model: &str) -> Answer {
    gateway.application(secret).post("/v1/chat/completions", &ask(&json!({"model": model})))
}

fn row(gateway: &TestGateway, answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    gateway.request(answer.header("x-farthing-request-id").unwrap())
}

#[test]
fn a_pattern_sends_unknown_models_to_a_model_or_straight_to_a_provider() {
    let gateway = TestGateway::builder(BINARY)
        .set(ROUTING, "gpt-*=openai, gpt-5-old=gpt-mine, nobody-*=nowhere, *x=provider:openai")
        .start();
    let upstream = Upstream::start();
    upstream.always(Reply::chat(Tokens::plain(1_000, 100)));
    gateway.add_provider("openai", &upstream);
    gateway.add_model("gpt-mine", "openai", &prices());
    gateway.add_project(PROJECT, Some("25.00"));
    gateway.add_project("free", None);
    let budgeted = gateway.add_key(PROJECT, &json!({})).secret;
    let unlimited = gateway.add_key("free", &json!({})).secret;

    // A model that is set up goes where it was set up.
    assert_eq!(row(&gateway, &call(&gateway, &budgeted, "gpt-mine"))["route"], json!(["explicit gpt-mine"]));
    let renamed = row(&gateway, &call(&gateway, &budgeted, "gpt-5-old"));
    assert_eq!((&renamed["model"], &renamed["upstream_model"]), (&json!("gpt-5-old"), &json!("gpt-mine")));
    assert_eq!(renamed["route"], json!(["exact gpt-5-old → gpt-mine"]));

    // Passed through: the price list knows this one, so that a budget can be kept.
    let passed = row(&gateway, &call(&gateway, &budgeted, MODEL));
    assert_eq!(passed["route"], json!(["prefix gpt-* → openai", format!("passed through: {MODEL} at openai")]));
    assert_eq!((&passed["unpriced"], Picos::of(&passed["cost_usd"])), (&json!(false), Picos(210_000_000)), "{passed}");
    assert_eq!(upstream.journal().last().unwrap().json()["model"], MODEL);

    // An unknown price is never zero.
    assert_eq!(openai_error(&call(&gateway, &budgeted, "gpt-unheard"), 400)["code"], "model_not_priced");
    let unpriced = row(&gateway, &call(&gateway, &unlimited, "gpt-unheard"));
    assert_eq!((&unpriced["unpriced"], &unpriced["provider"]), (&json!(true), &json!("openai")), "{unpriced}");
    assert_eq!(row(&gateway, &call(&gateway, &unlimited, "some-x"))["route"][0], "glob *x → openai");

    for model in ["nobody-1", "llama"] {
        openai_error(&call(&gateway, &budgeted, model), 404);
    }
    assert!(gateway.logs().contains("routing.model_routing leads to nothing that is there"));
}
