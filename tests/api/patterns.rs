//! Patterns: where models go that nobody has set up, and what that costs.

use std::fs;

use farthing_support::gateway::openai_error;
use farthing_support::poll::{PATIENCE, until};
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

/// Writes the file of settings, has the gateway read it again, and waits until it has said so.
fn reread(gateway: &TestGateway, settings: &str, said: &str) {
    fs::write(gateway.home().join("farthing.toml"), settings).unwrap();
    let times = || gateway.logs().matches(said).count();
    let before = times();
    gateway.hang_up();
    until(said, PATIENCE, || (times() > before).then_some(()));
}

#[test]
fn a_hangup_ends_nothing_and_takes_the_patterns_of_the_file_or_none_of_it() {
    const TAKEN: &str = "the settings were read again";
    let gateway = TestGateway::builder(BINARY).start();
    let upstream = Upstream::start();
    upstream.always(Reply::chat(Tokens::plain(1_000, 100)));
    gateway.add_provider("openai", &upstream);
    gateway.add_project("free", None);
    let key = gateway.add_key("free", &json!({})).secret;
    let shown = || gateway.operator().get("/api/routes").json()["data"].clone();
    openai_error(&call(&gateway, &key, "gpt-5"), 404);

    reread(&gateway, "[routing]\nmodel_routing = { \"gpt-*\" = \"openai\" }\n", TAKEN);
    assert_eq!(row(&gateway, &call(&gateway, &key, "gpt-5"))["route"][0], "prefix gpt-* → openai");
    assert_eq!((&shown()[0]["pattern"], &shown()[0]["managed_by"]), (&json!("gpt-*"), &json!("config")));

    // Every fault is said, and what was sound beside it is not taken.
    let faulty = "[routing]\nmodel_routing = { \"o-*\" = \"openai\" }\n[server]\nworkers = 0\nwrokers = 1\n";
    reread(&gateway, faulty, "none was read again");
    until("both faults are logged", PATIENCE, || {
        let log = gateway.logs();
        (log.contains("server.workers") && log.contains("server.wrokers")).then_some(())
    });
    assert_eq!(row(&gateway, &call(&gateway, &key, "gpt-5"))["route"][0], "prefix gpt-* → openai");

    let other = "[routing]\nmodel_routing = { \"o-*\" = \"openai\" }\n[server]\nworkers = 3\n";
    reread(&gateway, other, "only the next start reads");
    openai_error(&call(&gateway, &key, "gpt-5"), 404);
    assert_eq!(row(&gateway, &call(&gateway, &key, "o-3"))["route"][0], "prefix o-* → openai");
    let settings = gateway.operator().get("/api/system/settings").json()["data"].clone();
    let value = |key: &str| settings.as_array().unwrap().iter().find(|it| it["key"] == key).unwrap()["value"].clone();
    assert_eq!(
        (value("server.workers"), value("routing.model_routing").to_string().contains("o-*")),
        (json!(null), true)
    );
}

#[test]
fn models_that_are_passed_through_have_a_circuit_that_is_seen() {
    let gateway = TestGateway::builder(BINARY).set(ROUTING, "pt-*=provider:openai").start();
    let upstream = Upstream::start();
    upstream.always(Reply::error(500, "out of order"));
    gateway.add_provider("openai", &upstream);
    gateway.add_project("free", None);
    let key = gateway.add_key("free", &json!({})).secret;
    let statuses = ["pt-1", "pt-2", "pt-3", "pt-4"].map(|model| call(&gateway, &key, model).status);
    assert_eq!(statuses, [502, 502, 502, 503]);
    let breaker = &gateway.list("/api/providers")[0]["breaker"];
    let circuit = (&breaker["state"], &breaker["circuits"][0]["model"], &breaker["circuits"][0]["state"]);
    assert_eq!(circuit, (&json!("open"), &json!("passed through"), &json!("open")), "{breaker}");
    let metric = "farthing_breaker_state{provider=\"openai\",model=\"passed through\"} 3";
    assert!(gateway.anonymous().get("/metrics").text().contains(metric));
}
