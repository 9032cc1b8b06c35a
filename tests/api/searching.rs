//! `/api/requests` with conditions: each narrows, all together, page by page, and what makes no sense is refused.

use farthing_support::scene::{MODEL, PROJECT, ask, prices};
use farthing_support::{Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

fn busy() -> Scene {
    let scene = scene();
    scene.gateway.add_model("other", "openai", &prices());
    scene.gateway.add_project("poor", Some("0.000000001"));
    let poor = scene.gateway.add_key("poor", &json!({}));
    scene.upstream.always(Reply::chat(Tokens::plain(7, 9)));
    let call = |secret: &str, model: &str, run: &str, status: u16| {
        let application = scene.gateway.application(secret).with("x-farthing-run", run);
        assert_eq!(application.post("/v1/chat/completions", &ask(&json!({"model": model}))).status, status);
    };
    call(&scene.key.secret, MODEL, "nightly", 200);
    call(&scene.key.secret, "other", "nightly", 200);
    call(&scene.key.secret, MODEL, "hourly", 200);
    call(&poor.secret, MODEL, "nightly", 402);
    scene.gateway.settled();
    scene
}

fn found(scene: &Scene, query: &str) -> Vec<Value> {
    let answer = scene.gateway.operator().get(&format!("/api/requests?{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let page = answer.json();
    assert_eq!((&page["searched_to"], &page["next_cursor"]), (&Value::Null, &Value::Null), "{query}: {page}");
    page["data"].as_array().unwrap().clone()
}

#[test]
fn every_condition_narrows_and_all_hold_together() {
    let scene = busy();
    let all = found(&scene, "");
    let id = all[2]["id"].as_str().unwrap();
    let key = &scene.key.id;
    for (query, expected) in [
        ("run=nightly".to_owned(), 3),
        (format!("run=nightly&key={key}"), 2),
        (format!("run=nightly&key={key}&model=other"), 1),
        ("model=other".to_owned(), 1),
        ("provider=openai".to_owned(), 3),
        ("status=refused".to_owned(), 1),
        ("status=ok&project=poor".to_owned(), 0),
        (format!("project={PROJECT}&key={key}&status=ok"), 3),
        ("from=2020-01-01&to=2020-01-02".to_owned(), 0),
        ("from=2020-01-01".to_owned(), 4),
        ("to=2020-01-01&time_zone=Europe/Berlin".to_owned(), 0),
        (format!("search={id}"), 1),
        (format!("search={}", id.split_at(9).0), 4),
        ("search=req_".to_owned(), 4),
        (format!("search={id}&project=poor"), 0),
    ] {
        assert_eq!(found(&scene, &query).len(), expected, "{query}");
    }
    assert_eq!(found(&scene, &format!("search={id}"))[0], all[2]);
    // Of all that is narrowed, page by page.
    let first = scene.gateway.operator().get("/api/requests?run=nightly&limit=2").json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = found(&scene, &format!("run=nightly&limit=2&cursor={cursor}"));
    assert_eq!((first["data"].as_array().unwrap().len(), rest.len()), (2, 1));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let scene = scene();
    for (query, word) in [
        ("status=well", "well"),
        ("search=x", "search"),
        ("search=req_%25", "search"),
        ("from=2026-01-02&to=2026-01-01", "from must be before to"),
        ("from=soon", "from must be a date"),
        ("time_zone=Mars", "Mars"),
        ("colour=red", "colour"),
    ] {
        let answer = scene.gateway.operator().get(&format!("/api/requests?{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains(word), "{query}: {}", answer.text());
    }
    assert_eq!(scene.gateway.operator().get("/api/requests?provider=nobody").status, 404);
}
