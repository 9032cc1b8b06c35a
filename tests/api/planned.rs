//! Prices that are planned: charged from their moment on and not before, over a restart too, and on record with who set
//! them.

use std::time::Duration;

use farthing_actors::domain::{Clock, Timestamp};
use farthing_support::gateway::openai_error;
use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::{MODEL, PROJECT, ask, prices};
use farthing_support::{Client, Gate, Picos, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

const TOKENS: Tokens = Tokens { prompt: 1_000, cached: 0, completion: 100, reasoning: 0 };

/// The path of the scene's model.
fn path(scene: &Scene) -> String {
    let models = scene.gateway.list("/api/models");
    let model = models.iter().find(|model| model["name"] == MODEL).unwrap();
    format!("/api/models/{}", model["id"].as_str().unwrap())
}

fn later(wait: Duration) -> Timestamp {
    Clock::system().now().plus(wait)
}

/// Flat prices, from `moment` on.
fn flat(rate: &str, moment: Timestamp) -> Value {
    json!({"input_cost_per_m": rate, "output_cost_per_m": rate, "effective_from": moment.to_string()})
}

fn put(client: &Client, path: &str, prices: &Value) -> (u16, Value) {
    let body = json!({"name": MODEL, "provider": "openai", "prices": prices});
    let answer = client.send("PUT", path, body.to_string().as_bytes()).unwrap();
    (answer.status, answer.json())
}

fn planned(scene: &Scene, prices: &Value) -> Value {
    let (status, model) = put(&scene.gateway.operator(), &path(scene), prices);
    assert_eq!(status, 200, "{model}");
    model
}

fn states(scene: &Scene) -> Vec<Value> {
    let versions = scene.gateway.list(&format!("{}/prices", path(scene)));
    versions.iter().map(|version| json!([version["state"], version["prices"]["input_cost_per_m"]])).collect()
}

fn in_force(scene: &Scene) -> Option<()> {
    scene.gateway.operator().get(&path(scene)).json()["upcoming_prices"].is_null().then_some(())
}

#[test]
fn a_planned_price_is_charged_from_its_moment_on_and_not_for_calls_that_began_before() {
    let scene = scene();
    let moment = later(Duration::from_secs(4));
    let model = planned(&scene, &flat("10", moment));
    assert_eq!(model["prices"]["input_cost_per_m"], "0.15", "{model}");
    let upcoming = &model["upcoming_prices"];
    let told = json!([upcoming["effective_from"], upcoming["set_by"], upcoming["prices"]["input_cost_per_m"]]);
    assert_eq!(told, json!([moment.to_string(), "management", "10.00"]));
    assert_eq!(states(&scene), [json!(["in_force", "0.15"]), json!(["upcoming", "10.00"])]);

    let gate = Gate::default();
    scene.upstream.expect(Reply::chat(TOKENS).behind(&gate));
    let early =
        scene.application().start("POST", "/v1/chat/completions", ask(&json!({})).to_string().as_bytes()).unwrap();
    scene.upstream.wait_for("the early call is in flight", PATIENCE, |seen| (!seen.is_empty()).then_some(()));
    until("the planned price is in force", PATIENCE, || in_force(&scene));
    assert!(Clock::system().now() >= moment, "never before its moment");
    scene.upstream.expect(Reply::chat(TOKENS));
    let late = scene.chat(&ask(&json!({})));
    gate.open();
    let early = early.finish().unwrap();

    let charged =
        |answer| (Picos::of(&scene.recorded(answer)["cost_usd"]), scene.recorded(answer)["price"]["version"].clone());
    let versions = scene.gateway.list(&format!("{}/prices", path(&scene)));
    // 1000 × 0.15 + 100 × 0.60, and 1100 × 10, in millionths of a dollar.
    assert_eq!(
        charged(&early),
        (
            Picos::rounded(Picos::millionths("0.15", 1_000) + Picos::millionths("0.60", 100)),
            versions[0]["price_id"].clone()
        )
    );
    assert_eq!(charged(&late), (Picos::rounded(Picos::millionths("10", 1_100)), versions[1]["price_id"].clone()));
    assert_eq!(states(&scene), [json!(["past", "0.15"]), json!(["in_force", "10.00"])]);
    assert_eq!(scene.gateway.operator().get(&path(&scene)).json()["price_source"], "own");
}

#[test]
fn a_restart_keeps_a_plan_and_one_after_its_moment_has_it_in_force_at_once() {
    let mut scene = scene();
    planned(&scene, &flat("9", later(Duration::from_secs(3_600))));
    scene.gateway.kill_9();
    scene.gateway.restart();
    assert_eq!(states(&scene), [json!(["in_force", "0.15"]), json!(["upcoming", "9.00"])]);

    let moment = later(Duration::from_secs(3));
    planned(&scene, &flat("10", moment));
    assert!(scene.gateway.stop().success());
    until("the moment has passed", PATIENCE, || (Clock::system().now() > moment).then_some(()));
    scene.gateway.restart();
    assert_eq!(scene.gateway.operator().get(&path(&scene)).json()["prices"]["input_cost_per_m"], "10.00");
    scene.upstream.expect(Reply::chat(TOKENS));
    let cost = scene.recorded(&scene.chat(&ask(&json!({}))))["cost_usd"].clone();
    assert_eq!(Picos::of(&cost), Picos::rounded(Picos::millionths("10", 1_100)));
    scene.gateway.requests(PROJECT, 1);
}

#[test]
fn the_record_says_who_planned_and_who_gave_up_and_the_past_stays_as_it_is() {
    let scene = scene();
    let token = scene.gateway.create("/api/tokens", &json!({"name": "price-bot", "scopes": ["models:manage"]}));
    let bot = scene.gateway.anonymous().bearer(token["token"].as_str().unwrap());
    let hour = later(Duration::from_secs(3_600));
    let path = path(&scene);
    assert_eq!(put(&bot, &path, &flat("2", hour)).0, 200);
    assert_eq!(put(&bot, &path, &flat("2", hour)).0, 200, "the same again is no other plan");
    planned(&scene, &flat("3", later(Duration::from_secs(7_200))));
    let withdrawn = bot.send("DELETE", &format!("{path}/prices/upcoming"), b"").unwrap();
    assert_eq!((withdrawn.status, &withdrawn.json()["upcoming_prices"]), (200, &Value::Null));
    assert_eq!(bot.send("DELETE", &format!("{path}/prices/upcoming"), b"").unwrap().status, 404);
    // A price from now on leaves a plan as it is; a model that follows the list has none.
    planned(&scene, &flat("4", hour));
    planned(&scene, &prices());
    assert_eq!(scene.gateway.operator().get(&path).json()["upcoming_prices"]["prices"]["input_cost_per_m"], "4.00");
    planned(&scene, &Value::Null);

    let versions = scene.gateway.list(&format!("{path}/prices"));
    let told = |version: &Value| json!([version["state"], version["set_by"], version["withdrawn_by"]]);
    let mut told: Vec<_> = versions.iter().map(told).collect();
    told.sort_by_key(Value::to_string);
    let expected = [
        json!(["in_force", "management", null]),
        json!(["past", "management", null]),
        json!(["withdrawn", "management", "management"]),
        json!(["withdrawn", "management", "price-bot"]),
        json!(["withdrawn", "price-bot", "management"]),
    ];
    assert_eq!(told, expected, "{versions:#?}");

    for wrong in ["2020-01-01T00:00:00Z", "tomorrow", "2030-01-31"] {
        let mut prices = prices();
        prices["effective_from"] = json!(wrong);
        let (status, error) = put(&scene.gateway.operator(), &path, &prices);
        assert_eq!((status, &error["error"]["details"]["field"]), (400, &json!("prices.effective_from")), "{error}");
    }
    let body = json!({"name": "new", "provider": "openai", "prices": flat("5", hour)});
    let new = scene.gateway.create("/api/models", &body);
    assert_eq!((&new["prices"], &new["upcoming_prices"]["prices"]["input_cost_per_m"]), (&Value::Null, &json!("5.00")));
    let key = scene.gateway.add_key(PROJECT, &json!({}));
    let unpriced = scene.gateway.application(&key.secret).post("/v1/chat/completions", &ask(&json!({"model": "new"})));
    assert_eq!(openai_error(&unpriced, 400)["code"], "model_not_priced");
}
