//! Versions: an answer says which one it shows, and a change that is about another one is not made.

use std::thread;

use farthing_support::scene::{MODEL, PROJECT, ask, prices};
use farthing_support::{Answer, Client, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;

const WRITERS: usize = 8;

fn tag(answer: &Answer) -> String {
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    answer.header("etag").unwrap_or_else(|| panic!("no etag: {}", answer.text())).to_owned()
}

fn change(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    client.send(method, path, body.to_string().as_bytes()).unwrap()
}

/// What there is of each kind: how it is made, how it is changed, and two changes.
fn kinds(scene: &Scene) -> Vec<(&'static str, Value, &'static str, [Value; 2])> {
    let model = |weight| json!({"name": "m2", "provider": "openai", "weight": weight, "prices": prices()});
    let group = |name| json!({"name": name, "strategy": "ordered", "targets": [{"model": MODEL}]});
    vec![
        (
            "/api/providers",
            json!({"name": "p2", "kind": "openai", "base_url": scene.upstream.base_url(), "api_key": "sk-x-0123456789abcdef",
                   "allow_private_network": true}),
            "PATCH",
            [json!({"enabled": false}), json!({"api_key": "sk-y-0123456789abcdef"})],
        ),
        ("/api/models", model(1), "PUT", [model(2), model(3)]),
        ("/api/groups", group("g2"), "PUT", [group("g3"), group("g4")]),
        ("/api/projects", json!({"name": "j2"}), "PATCH", [json!({"name": "j3"}), json!({"limits": {"rpm": 7}})]),
        (
            "/api/users",
            json!({"name": "u2", "role": "viewer"}),
            "PATCH",
            [json!({"display_name": "u3"}), json!({"role": "auditor"})],
        ),
        (
            "/api/keys",
            json!({"project": PROJECT, "name": "k2"}),
            "PATCH",
            [json!({"name": "k3"}), json!({"max_requests": 7})],
        ),
    ]
}

#[test]
fn a_change_is_made_to_the_version_it_is_about_or_not_at_all() {
    let scene = scene();
    let operator = scene.gateway.operator();
    for (path, body, method, [first, second]) in kinds(&scene) {
        let made = operator.post(path, &body);
        let one = format!("{path}/{}", made.json()["id"].as_str().unwrap());
        let old = tag(&made);
        assert_eq!(tag(&operator.get(&one)), old, "{path}: what was made is what is shown");
        let changed = change(&operator.with("if-match", &old), method, &one, &first);
        let new = tag(&changed);
        assert_ne!(new, old, "{path}");
        let refused = change(&operator.with("if-match", &old), method, &one, &second);
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (412, &json!("precondition_failed")), "{path}");
        assert_eq!(tag(&operator.get(&one)), new, "{path}: a refused change changes nothing");
        let list = format!("\"{}\", {new}", "0".repeat(32));
        assert_ne!(tag(&change(&operator.with("if-match", &list), method, &one, &second)), new, "{path}");
        assert_eq!(change(&operator.with("if-match", "*"), method, &one, &first).status, 200, "{path}");
        assert_eq!(change(&operator, method, &one, &second).status, 200, "{path}: without If-Match as ever");
        if path != "/api/keys" {
            assert_eq!(operator.with("if-match", &old).send("DELETE", &one, b"").unwrap().status, 412, "{path}");
        }
    }
}

#[test]
fn of_many_writers_of_one_version_one_wins() {
    let scene = scene();
    let operator = scene.gateway.operator();
    for (path, body, method, [change_to, _]) in kinds(&scene) {
        let made = operator.post(path, &body);
        let one = format!("{path}/{}", made.json()["id"].as_str().unwrap());
        let writer = operator.with("if-match", &tag(&made));
        let statuses: Vec<u16> = thread::scope(|scope| {
            let writers: Vec<_> =
                (0..WRITERS).map(|_| scope.spawn(|| change(&writer, method, &one, &change_to).status)).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let won = statuses.iter().filter(|status| **status == 200).count();
        let lost = statuses.iter().filter(|status| **status == 412).count();
        assert_eq!((won, lost), (1, WRITERS - 1), "{path}: {statuses:?}");
    }
}

#[test]
fn what_is_spent_changes_no_version() {
    let scene = scene();
    scene.upstream.expect(Reply::chat(Tokens::plain(1_000, 1_000)));
    let operator = scene.gateway.operator();
    let provider = scene.gateway.list("/api/providers").remove(0);
    let provider = format!("/api/providers/{}", provider["id"].as_str().unwrap());
    assert_eq!(change(&operator, "PATCH", &provider, &json!({"credit_usd": "10"})).status, 200);
    let project = scene.gateway.list("/api/projects").into_iter().find(|it| it["name"] == PROJECT).unwrap();
    let paths =
        [provider, format!("/api/projects/{}", project["id"].as_str().unwrap()), format!("/api/keys/{}", scene.key.id)];
    let tags = || paths.iter().map(|path| tag(&operator.get(path))).collect::<Vec<_>>();
    let before = tags();
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
    scene.gateway.requests(PROJECT, 1);
    assert_eq!(tags(), before);
}
