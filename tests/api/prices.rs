//! Where a price comes from: an operator's own before the catalogue's, and none where neither knows.

use farthing_support::{Key, Reply, Scene, Tokens, Upstream};
use serde_json::{Value, json};

use crate::scene;

fn model(scene: &Scene, provider: &str, name: &str, extra: &Value) -> Value {
    let mut body = json!({"name": name, "provider": provider});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    scene.gateway.create("/api/models", &body)
}

#[test]
fn a_known_model_has_the_catalogues_price_and_limits_until_an_operator_says_otherwise() {
    let scene = scene();
    let upstream = Upstream::start();
    scene.gateway.add_provider("known", &upstream);
    let listed = model(&scene, "known", "gpt-4o-mini-2024-07-18", &json!({}));
    assert_eq!(listed["price_source"], "bundled", "{listed}");
    assert_eq!(listed["prices"]["input_cost_per_m"], "0.15");
    assert_eq!(listed["prices"]["cache_read_cost_per_m"], "0.075");
    assert_eq!((&listed["context_window"], &listed["max_output_tokens"]), (&json!(128_000), &json!(16_384)));

    let own = json!({"prices": {"input_cost_per_m": "9", "output_cost_per_m": "9"}, "max_output_tokens": 7});
    let own = model(&scene, "known", "gpt-4o-mini", &own);
    assert_eq!((&own["price_source"], &own["max_output_tokens"]), (&json!("own"), &json!(7)));

    let unknown = model(&scene, "known", "gpt-4o-2024-05-13", &json!({}));
    assert_eq!((&unknown["price_source"], &unknown["prices"]), (&Value::Null, &Value::Null));

    // What GET gave is what PUT takes, and an operator's figure makes a version of its own.
    let path = format!("/api/models/{}", listed["id"].as_str().unwrap());
    let body = json!({"name": listed["name"], "provider": "known",
        "prices": {"input_cost_per_m": "0.15", "output_cost_per_m": "0.61"}});
    let changed = scene.gateway.operator().send("PUT", &path, body.to_string().as_bytes()).unwrap().json();
    assert_eq!(changed["price_source"], "own", "{changed}");
    assert_ne!(changed["price_id"], listed["price_id"]);
    let versions = scene.gateway.list(&format!("{path}/prices"));
    let ids: Vec<_> = versions.iter().map(|version| &version["price_id"]).collect();
    assert_eq!(ids, [&listed["price_id"], &changed["price_id"]], "{versions:?}");
    assert_eq!(versions[1]["prices"]["output_cost_per_m"], "0.61");

    // Whoever gives the list's own figures means them: the version stays, and no list may change it any more.
    let send = |body: &Value| scene.gateway.operator().send("PUT", &path, body.to_string().as_bytes()).unwrap().json();
    let mut body = json!({"name": listed["name"], "provider": "known"});
    let followed = send(&body);
    assert_eq!((&followed["price_source"], &followed["prices"]), (&json!("bundled"), &listed["prices"]));
    body["prices"] = followed["prices"].clone();
    let pinned = send(&body);
    assert_eq!((&pinned["price_source"], &pinned["price_id"]), (&json!("own"), &followed["price_id"]), "{pinned}");
    let shown = scene.gateway.operator().get(&path).json();
    assert_eq!(shown["price_source"], "own", "{shown}");
}

#[test]
fn a_budgeted_key_is_charged_the_catalogues_price_and_refused_where_there_is_none() {
    let scene = scene();
    let upstream = Upstream::start();
    scene.gateway.add_provider("known", &upstream);
    model(&scene, "known", "gpt-4o-mini-2024-07-18", &json!({}));
    model(&scene, "known", "gpt-4o-2024-05-13", &json!({}));
    scene.gateway.add_project("priced", Some("1"));
    let key: Key = scene.gateway.add_key("priced", &json!({}));
    let application = scene.gateway.application(&key.secret);
    let ask = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Hi"}]});

    upstream.expect(Reply::chat(Tokens::plain(1_000, 100)));
    let answer = application.post("/v1/chat/completions", &ask("gpt-4o-mini-2024-07-18"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    // 1000 × 0.15 + 100 × 0.60 = 150 + 60 millionths of a dollar
    assert_eq!(scene.gateway.requests("priced", 1)[0]["cost_usd"], "0.00021");

    let refused = application.post("/v1/chat/completions", &ask("gpt-4o-2024-05-13"));
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!("model_not_priced")));
}
