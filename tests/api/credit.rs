//! What was paid to a provider in advance: counted from the moment it was set, and told of once when it is low.

use farthing_support::poll::{PATIENCE, until};
use farthing_support::{Picos, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::budgets::exact;
use crate::scene;

fn patch(scene: &Scene, change: &Value) -> (u16, Value) {
    let providers = scene.gateway.list("/api/providers");
    let path = format!("/api/providers/{}", providers[0]["id"].as_str().unwrap());
    let answer = scene.gateway.operator().send("PATCH", &path, change.to_string().as_bytes()).unwrap();
    (answer.status, answer.json()["credit"].clone())
}

fn figures(credit: &Value) -> (Picos, Picos, bool) {
    (Picos::of(&credit["spent_usd"]), Picos::of(&credit["remaining_usd"]), credit["low"].as_bool().unwrap())
}

#[test]
fn credit_counts_from_when_it_was_set_and_its_low_mark_is_told_once() {
    const TOLD: &str = "a provider's credit is low";
    let mut scene = scene();
    let body = exact(&scene);
    scene.upstream.always(Reply::chat(Tokens::plain(1, 10)));
    let call = |scene: &Scene| assert_eq!(scene.chat(&body).status, 200);
    let told = |scene: &Scene| scene.gateway.logs().matches(TOLD).count();
    let shown = |scene: &Scene| scene.gateway.list("/api/providers")[0]["credit"].clone();
    assert_eq!(shown(&scene), Value::Null);
    call(&scene);
    for wrong in [json!({"low_credit_usd": "1"}), json!({"credit_usd": "-1"})] {
        assert_eq!(patch(&scene, &wrong).0, 400, "{wrong}");
    }

    let (_, credit) = patch(&scene, &json!({"credit_usd": "0.03", "low_credit_usd": 0.02}));
    assert_eq!(figures(&credit), (Picos(0), Picos::parse("0.03"), false), "what was before does not count");
    call(&scene);
    scene.gateway.settled();
    assert_eq!(figures(&shown(&scene)), (Picos::parse("0.01"), Picos::parse("0.02"), false), "not below the mark yet");
    call(&scene);
    scene.gateway.settled();
    assert_eq!(figures(&shown(&scene)), (Picos::parse("0.02"), Picos::parse("0.01"), true));
    until("the low mark is told", PATIENCE, || (told(&scene) == 1).then_some(()));

    (0..2).for_each(|_| call(&scene));
    scene.gateway.settled();
    let (_, credit) = patch(&scene, &json!({"enabled": true}));
    assert_eq!((Picos::of(&credit["spent_usd"]), &credit["remaining_usd"]), (Picos::parse("0.04"), &json!("-0.01")));
    scene.gateway.kill_9();
    scene.gateway.restart();
    // Set again, it is told of again: the first look after the restart had passed in silence before.
    assert_eq!(patch(&scene, &json!({"credit_usd": "0.01"})).0, 200);
    until("the low mark is told again", PATIENCE, || (told(&scene) > 1).then_some(()));
    assert_eq!(told(&scene), 2, "once for each credit");
    assert_eq!(patch(&scene, &json!({"credit_usd": null})), (200, Value::Null));
}
