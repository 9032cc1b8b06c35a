//! The fetched price list, from a loopback server that says what the test wants: what it changes, what it may not change
//! alone, and that a list that does not come or is none changes nothing.

use std::os::unix::fs::PermissionsExt;

use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::{PROJECT, ask};
use farthing_support::{Picos, Reply, TestGateway, Tokens, Upstream};
use serde_json::{Value, json};

const MINI: &str = "gpt-4o-mini";

/// A gateway that has fetched once from `lists`, with a provider of its own.
fn start(lists: &Upstream, upstream: &Upstream) -> TestGateway {
    let url = format!("{}/api.json", lists.base_url());
    let gateway = TestGateway::builder(crate::BINARY).set("FARTHING__CATALOGUE__URL", &url).start();
    tried(&gateway);
    gateway.add_provider("openai", upstream);
    gateway
}

/// The status once something came of the first try.
fn tried(gateway: &TestGateway) -> Value {
    until("the list was asked for", PATIENCE, || Some(status(gateway)).filter(|it| !it["tried_at"].is_null())).0
}

fn status(gateway: &TestGateway) -> Value {
    gateway.operator().get("/api/catalogue").json()
}

/// A list of OpenAI's models: names, input and output prices.
fn list(models: &[(&str, &str, &str)]) -> Reply {
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let cost = |(name, input, output): &(&str, &str, &str)| {
        ((*name).to_owned(), json!({"cost": {"input": number(input), "output": number(output)}}))
    };
    let models: serde_json::Map<_, _> = models.iter().map(cost).collect();
    Reply::status(200, &json!({"openai": {"id": "openai", "models": models}}))
}

fn refreshed(gateway: &TestGateway, lists: &Upstream, reply: Reply) -> Value {
    lists.expect(reply);
    let answer = gateway.operator().post("/api/catalogue/refresh", &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn model(gateway: &TestGateway, name: &str, prices: Option<&str>) -> String {
    let prices = prices.map(|rate| json!({"input_cost_per_m": rate, "output_cost_per_m": rate}));
    let made = gateway.create("/api/models", &json!({"name": name, "provider": "openai", "prices": prices}));
    format!("/api/models/{}", made["id"].as_str().unwrap())
}

/// Input price, and who says it.
fn price(gateway: &TestGateway, path: &str) -> Value {
    let model = gateway.operator().get(path).json();
    json!([model["prices"]["input_cost_per_m"], model["price_source"]])
}

#[test]
fn a_fetched_list_changes_what_follows_lists_and_nothing_an_operator_priced() {
    let (lists, upstream) = (Upstream::start(), Upstream::start());
    lists.expect(list(&[("passing", "3", "4")]));
    let gateway = start(&lists, &upstream);
    assert_eq!(lists.only().path, "/v1/api.json");
    let (mini, own, passing) =
        (model(&gateway, MINI, None), model(&gateway, "gpt-4o", Some("9")), model(&gateway, "passing", None));
    assert_eq!(price(&gateway, &mini), json!(["0.15", "bundled"]));
    assert_eq!(price(&gateway, &passing), json!(["3.00", "refreshed"]));

    let second = list(&[(MINI, "0.2", "0.6"), ("gpt-4o", "3", "12"), ("odd", "1e-7", "1"), ("gpt-4.1", "2.5", "10")]);
    let told = refreshed(&gateway, &lists, second);
    assert_eq!(
        json!([told["models"], told["models_left_out"], told["last_error"], told["held_back"]]),
        json!([3, 1, null, []])
    );
    assert_eq!(price(&gateway, &mini), json!(["0.20", "refreshed"]));
    assert_eq!(price(&gateway, &own), json!(["9.00", "own"]), "an operator's word goes before any list's");
    assert_eq!(price(&gateway, &passing), json!(["3.00", "refreshed"]), "a model that vanished keeps its price");
    let versions = gateway.list(&format!("{mini}/prices"));
    let setters: Vec<_> = versions.iter().map(|version| json!([version["state"], version["set_by"]])).collect();
    assert_eq!(setters, [json!(["past", "management"]), json!(["in_force", "catalogue"])]);

    // A new model asks the fetched list first, and takes limits that only the bundled one knows from there.
    let new = gateway.operator().get(&model(&gateway, "gpt-4.1", None)).json();
    assert_eq!((&new["prices"]["input_cost_per_m"], &new["price_source"]), (&json!("2.50"), &json!("refreshed")));
    assert!(new["context_window"].is_u64(), "{new}");
    for path in [&mini, &passing] {
        let before = price(&gateway, path);
        let name = gateway.operator().get(path).json()["name"].clone();
        let body = json!({"name": name, "provider": "openai", "weight": 7}).to_string();
        assert_eq!(gateway.operator().send("PUT", path, body.as_bytes()).unwrap().status, 200);
        assert_eq!(price(&gateway, path), before, "a change of something else leaves the list's price");
    }

    gateway.add_project(PROJECT, Some("25"));
    let key = gateway.add_key(PROJECT, &json!({}));
    upstream.expect(Reply::chat(Tokens::plain(1_000, 100)));
    assert_eq!(gateway.application(&key.secret).post("/v1/chat/completions", &ask(&json!({}))).status, 200);
    let bill = Picos::millionths("0.20", 1_000) + Picos::millionths("0.60", 100);
    assert_eq!(Picos::of(&gateway.requests(PROJECT, 1)[0]["cost_usd"]), Picos::rounded(bill));
}

#[test]
fn a_leap_waits_for_an_operator_who_approves_or_dismisses_it() {
    let (lists, upstream) = (Upstream::start(), Upstream::start());
    lists.expect(list(&[(MINI, "0.15", "0.6")]));
    let mut gateway = start(&lists, &upstream);
    let mini = model(&gateway, MINI, None);

    let told = refreshed(&gateway, &lists, list(&[(MINI, "0.15", "6.1")]));
    assert_eq!(price(&gateway, &mini), json!(["0.15", "refreshed"]));
    let held = &told["held_back"][0];
    let shown = json!([held["model"], held["provider"], held["class"], held["from"], held["to"]]);
    assert_eq!(shown, json!([MINI, "openai", "output", "0.60", "6.10"]));
    let prices = json!([held["prices"]["output_cost_per_m"], held["listed_prices"]["output_cost_per_m"]]);
    assert_eq!(prices, json!(["0.60", "6.10"]));
    let other = gateway.operator().get(&model(&gateway, "gpt-4o-mini-2024-07-18", None)).json();
    assert_eq!(other["prices"]["output_cost_per_m"], "0.60", "a new model does not leap either: {other}");

    let decide = |gateway: &TestGateway, verb: &str, change: &Value| {
        gateway.operator().post(&format!("/api/catalogue/{verb}"), &json!({"changes": [change]}))
    };
    for verb in ["approve", "dismiss"] {
        assert_eq!(decide(&gateway, verb, &json!("chg_0")).status, 404);
        let reader = gateway.create("/api/tokens", &json!({"name": "reader", "scopes": ["settings:read"]}));
        let reader = gateway.anonymous().bearer(reader["token"].as_str().unwrap());
        assert_eq!(reader.get("/api/catalogue").status, 200);
        assert_eq!(reader.post(&format!("/api/catalogue/{verb}"), &json!({"changes": []})).status, 403);
    }
    let approved = decide(&gateway, "approve", &held["id"]);
    assert_eq!(
        (approved.status, approved.json()["held_back"].as_array().unwrap().len()),
        (200, 1),
        "the other model's"
    );
    let now = gateway.operator().get(&mini).json();
    assert_eq!((&now["prices"]["output_cost_per_m"], &now["price_source"]), (&json!("6.10"), &json!("refreshed")));
    assert_eq!(gateway.list(&format!("{mini}/prices"))[1]["set_by"], "management");
    assert_eq!(decide(&gateway, "approve", &held["id"]).status, 404, "what is done is not held back");

    // To nothing is a leap as well. Dismissed, it stays dismissed: by the next fetch, and by the next start.
    let free = || list(&[(MINI, "0", "6.1")]);
    let told = refreshed(&gateway, &lists, free());
    let held: Vec<_> = told["held_back"].as_array().unwrap().iter().map(|change| change["id"].clone()).collect();
    assert_eq!(held.len(), 2, "{told}");
    for change in &held {
        assert_eq!(decide(&gateway, "dismiss", change).status, 200);
    }
    assert_eq!(refreshed(&gateway, &lists, free())["held_back"], json!([]));
    assert!(gateway.stop().success());
    lists.expect(free());
    gateway.restart();
    assert_eq!(tried(&gateway)["held_back"], json!([]));
    assert_eq!(price(&gateway, &mini), json!(["0.15", "refreshed"]));
    let told = refreshed(&gateway, &lists, list(&[(MINI, "1.6", "6.1")]));
    assert_eq!(told["held_back"].as_array().unwrap().len(), 2, "another figure is another change: {told}");
}

#[test]
fn a_list_that_does_not_come_or_is_none_changes_nothing_and_says_why() {
    let (lists, upstream) = (Upstream::start(), Upstream::start());
    lists.expect(Reply::status(500, &json!({})));
    lists.expect(Reply::status(503, &json!({})));
    lists.expect(list(&[(MINI, "0.2", "0.6")]));
    let gateway = start(&lists, &upstream);
    let fetched = until("a later try brings it", PATIENCE, || Some(status(&gateway)).filter(|it| it["models"] == 1)).0;
    assert_eq!((lists.calls(), &fetched["last_error"]), (3, &Value::Null));
    let mini = model(&gateway, MINI, None);

    let huge = format!(r#"{{"openai":{{"models":{{}}}},"x":"{}"}}"#, "x".repeat(16 * 1024 * 1024));
    for (reply, why) in [
        (Reply::raw(200, b"<html>"), "not taken"),
        (Reply::raw(200, b"{}"), "prices no model"),
        (Reply::raw(200, br#"{"openai":{"models":{"gpt-4o-mini":{"cost":{"input":"much"}}}}}"#), "not taken"),
        (Reply::raw(200, huge.as_bytes()), "too large"),
        (Reply::raw(302, b"").header("location", "http://127.0.0.1:1/"), "302"),
        (Reply::status(500, &json!({})), "500"),
    ] {
        let told = refreshed(&gateway, &lists, reply);
        let error = told["last_error"].as_str().unwrap_or_default();
        assert!(error.contains(why), "{why}: {told}");
        assert_eq!((&told["models"], &told["fetched_at"]), (&json!(1), &fetched["fetched_at"]));
        assert_eq!(price(&gateway, &mini), json!(["0.20", "refreshed"]));
    }
    refreshed(&gateway, &lists, Reply::raw(200, b"<html>"));
    refreshed(&gateway, &lists, Reply::raw(200, b"<html>"));
    let warnings = gateway.logs().lines().filter(|line| line.contains("the price list stays as it is")).count();
    // 500 and 503 at the start, six reasons above, and one for the two of the same.
    assert_eq!(warnings, 9);
    assert_eq!(refreshed(&gateway, &lists, list(&[(MINI, "0.3", "0.6")]))["last_error"], Value::Null);
    assert_eq!(price(&gateway, &mini), json!(["0.30", "refreshed"]));
}

#[test]
fn a_start_without_the_network_knows_the_last_good_list() {
    let (lists, upstream) = (Upstream::start(), Upstream::start());
    lists.expect(list(&[("rare", "1", "2")]));
    let mut gateway = start(&lists, &upstream);
    let before = status(&gateway);
    gateway.kill_9();
    drop(lists);
    let file = gateway.data_dir().join("prices.json");
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);

    gateway.restart();
    let now = tried(&gateway);
    assert_eq!((&now["models"], &now["fetched_at"]), (&json!(1), &before["fetched_at"]));
    assert!(now["last_error"].as_str().unwrap().contains("could not be fetched"), "{now}");
    assert_eq!(price(&gateway, &model(&gateway, "rare", None)), json!(["1.00", "refreshed"]));
}

#[test]
fn without_an_address_nothing_is_fetched() {
    let gateway = TestGateway::builder(crate::BINARY).start();
    let told = status(&gateway);
    assert_eq!(json!([told["url"], told["models"], told["tried_at"]]), json!([null, 0, null]));
    let refused = gateway.operator().post("/api/catalogue/refresh", &json!({}));
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (409, &json!("conflict")));
}
