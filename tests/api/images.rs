//! Pictures: passed on as they are, paid by the picture or by their tokens, and never made twice.

use farthing_support::gateway::openai_error;
use farthing_support::money::Picos;
use farthing_support::{Reply, Scene};
use serde_json::{Value, json};

use crate::scene;

const PATH: &str = "/v1/images/generations";

/// A scene whose models `painter` and, at the same provider, `etcher` are paid by the picture and by tokens.
fn studio() -> Scene {
    let scene = scene();
    let by_picture = json!({"input_cost_per_m": "0", "output_cost_per_m": "0", "image_fee_usd": "0.04"});
    let by_token = json!({"input_cost_per_m": "5", "output_cost_per_m": "0", "image_input_cost_per_m": "10",
        "image_output_cost_per_m": "40"});
    scene.gateway.add_model("painter", "openai", &by_picture);
    scene.gateway.add_model("etcher", "openai", &by_token);
    scene
}

fn made(count: usize) -> Value {
    json!({"created": 1, "data": vec![json!({"b64_json": "AAAA"}); count]})
}

#[test]
fn pictures_are_paid_by_the_picture() {
    let scene = studio();
    let asked = "{ \"prompt\":\"a cat\",\"n\":3,\"odd\":1e2, \"model\":\"painter\"}";
    scene.upstream.expect(Reply::status(200, &made(2)));
    let answer = scene.application().post_bytes(PATH, asked.as_bytes());
    assert_eq!((answer.status, answer.json()["data"].as_array().unwrap().len()), (200, 2), "{}", answer.text());
    assert_eq!(answer.header("x-farthing-cost"), Some("0.08"));
    let seen = scene.upstream.journal().pop().unwrap();
    assert_eq!((seen.path.as_str(), seen.text().as_str()), (PATH, asked));
    let row = scene.recorded(&answer);
    assert_eq!((&row["usage"]["images"], &row["usage_source"]), (&json!(2), &json!("counted")), "{row}");
    assert_eq!(Picos::of(&row["cost_usd"]), Picos::of(&json!("0.08")));
    assert_eq!(Picos::of(&row["held_usd"]), Picos::of(&json!("0.12")));
}

#[test]
fn pictures_are_paid_by_their_tokens_where_those_are_reported_or_else_priced() {
    let scene = studio();
    let body = json!({"model": "etcher", "prompt": "a cat"});
    let mut reply = made(1);
    reply["usage"] = json!({"input_tokens": 50, "output_tokens": 1_000, "total_tokens": 1_050,
        "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}});
    scene.upstream.expect(Reply::status(200, &reply));
    let row = scene.recorded(&scene.application().post(PATH, &body));
    let cost = Picos::millionths("5", 10) + Picos::millionths("10", 40) + Picos::millionths("40", 1_000);
    assert_eq!(
        (Picos::of(&row["cost_usd"]), &row["usage_source"]),
        (Picos::rounded(cost), &json!("provider")),
        "{row}"
    );
    assert_eq!((&row["usage"]["image_input"], &row["usage"]["image_output"]), (&json!(40), &json!(1_000)), "{row}");

    scene.upstream.expect(Reply::status(200, &made(1)));
    let row = scene.recorded(&scene.application().post(PATH, &body));
    assert_eq!((&row["usage_detail"], &row["usage"]["images"]), (&json!("estimated:missing"), &json!(1)), "{row}");
    assert!(row["usage"]["image_output"].as_u64().unwrap() > 0, "unknown is never free: {row}");
}

#[test]
fn a_budget_that_cannot_pay_for_all_pictures_refuses_before_any_is_made() {
    let scene = studio();
    let poor = json!({"budget": {"limit_usd": "0.10", "window": "total", "time_zone": "UTC"}});
    let key = scene.gateway.add_key(farthing_support::scene::PROJECT, &poor);
    let application = scene.gateway.application(&key.secret);
    let ask = |n: u64| json!({"model": "painter", "prompt": "a cat", "n": n});
    let error = openai_error(&application.post(PATH, &ask(3)), 402);
    assert_eq!(error["code"], "insufficient_quota", "{error}");
    assert!(scene.upstream.journal().is_empty());
    scene.upstream.expect(Reply::status(200, &made(2)));
    assert_eq!(application.post(PATH, &ask(2)).status, 200);
}

#[test]
fn pictures_are_not_made_twice() {
    let scene = studio();
    scene.gateway.add_provider("second", &scene.upstream);
    scene.gateway.add_model("painter", "second", &json!({"input_cost_per_m": "0", "output_cost_per_m": "0"}));
    let body = json!({"model": "painter", "prompt": "a cat"});
    scene.upstream.expect(Reply::status(500, &json!({"error": {"message": "oops"}})));
    let answer = scene.application().post(PATH, &body);
    assert!(answer.status >= 500, "{}", answer.text());
    assert_eq!(scene.upstream.journal().len(), 1, "it may have been made");
    // Who refuses has made nothing.
    scene.upstream.expect(Reply::status(429, &json!({"error": {"message": "slow down"}})));
    scene.upstream.expect(Reply::status(200, &made(1)));
    let answer = scene.application().post(PATH, &body);
    assert_eq!((answer.status, answer.header("x-farthing-attempts")), (200, Some("2")), "{}", answer.text());
}

#[test]
fn what_cannot_be_asked_is_named_and_what_a_provider_lacks_is_refused() {
    let scene = studio();
    for (body, param) in [
        (json!({"model": "painter"}), "prompt"),
        (json!({"prompt": "a cat"}), "model"),
        (json!({"model": "painter", "prompt": "a cat", "n": 0}), "n"),
        (json!({"model": "painter", "prompt": "a cat", "stream": true}), "stream"),
    ] {
        assert_eq!(openai_error(&scene.application().post(PATH, &body), 400)["param"], param);
    }
    scene.gateway.add_provider_of("groq", "groq", &scene.upstream);
    scene.gateway.add_model("llama", "groq", &farthing_support::scene::prices());
    let error = openai_error(&scene.application().post(PATH, &json!({"model": "llama", "prompt": "a cat"})), 400);
    assert_eq!((&error["code"], &error["param"]), (&json!("unsupported_field"), &json!("model")), "{error}");
    assert!(scene.upstream.journal().is_empty());
}
