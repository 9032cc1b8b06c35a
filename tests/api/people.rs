//! People from outside: who may make whom, what each role may do, what a viewer sees, and that no answer holds a hash.

mod guessing;
mod imported;
pub(crate) mod person;
mod sessions;
mod tokens;

use farthing_support::scene::{PROJECT, ask};
use farthing_support::{Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::scene;
use person::{PASSWORD, Person, account};

/// One question and one change for each permission, and the roles that have it, from the owner down.
fn routes(scene: &Scene) -> Vec<(&'static str, String, &'static str)> {
    let get = |path: &str| ("GET", path.to_owned());
    let provider = scene.gateway.list("/api/providers")[0]["id"].as_str().unwrap().to_owned();
    let table = [
        (get("/api/providers"), "oaouv"),
        (get("/api/usage/summary"), "oaouv"),
        (get("/api/audit"), "oau"),
        (get("/api/users"), "oau"),
        (("POST", "/api/keys".to_owned()), "oao"),
        (("POST", "/api/projects".to_owned()), "oao"),
        (("PUT", format!("/api/providers/{provider}/breaker")), "oao"),
        (("POST", "/api/providers".to_owned()), "oa"),
        (("POST", "/api/models".to_owned()), "oa"),
        (("POST", "/api/ledger/adjustments".to_owned()), "oa"),
        (("POST", "/api/tokens".to_owned()), "oa"),
        (("POST", "/api/users".to_owned()), "oa"),
    ];
    table.map(|((method, path), who)| (method, path, who)).into()
}

#[test]
fn each_role_may_what_its_permissions_say() {
    let scene = scene();
    for (role, letter, at) in
        [("owner", 'o', 0), ("admin", 'a', 1), ("operator", 'o', 2), ("auditor", 'u', 3), ("viewer", 'v', 4)]
    {
        account(&scene, role, &json!({"role": role}));
        let person = Person::sign_in(&scene, role);
        for (method, path, who) in routes(&scene) {
            // "oao": the second o is the operator.
            let may = match at {
                0 => true,
                2 => who.matches('o').count() == 2,
                _ => who.contains(letter),
            };
            let answer = person.send(method, &path, &json!({"unknown": 1}));
            let expected = if may && method == "GET" {
                200
            } else if may {
                400
            } else {
                403
            };
            assert_eq!(answer.status, expected, "{role} {method} {path}: {}", answer.text());
        }
        let told: Vec<_> = person.session()["permissions"].as_array().unwrap().clone();
        assert_eq!(told.contains(&json!("can_manage_secrets")), role == "owner", "{told:?}");
        assert_eq!(person.get("/api/no-such-path").status, 404);
    }
}

#[test]
fn nobody_touches_whom_they_do_not_stand_above_and_an_owner_remains() {
    let scene = scene();
    let owner_id = account(&scene, "root", &json!({"role": "owner"}));
    account(&scene, "ann", &json!({"role": "admin"}));
    let other_admin = account(&scene, "bob", &json!({"role": "admin"}));
    let viewer = account(&scene, "vic", &json!({"role": "viewer"}));
    let (owner, admin) = (Person::sign_in(&scene, "root"), Person::sign_in(&scene, "ann"));
    for target in [&owner_id, &other_admin] {
        let path = format!("/api/users/{target}");
        assert_eq!(admin.send("PATCH", &path, &json!({"display_name": "x"})).status, 403);
        assert_eq!(admin.send("DELETE", &path, &json!({})).status, 403);
        assert_eq!(admin.post(&format!("{path}/password"), &json!({"password": PASSWORD})).status, 403);
        assert_eq!(admin.send("DELETE", &format!("/api/sessions?user={owner_id}"), &json!({})).status, 403);
    }
    for role in ["owner", "admin"] {
        assert_eq!(admin.post("/api/users", &json!({"name": "eve", "role": role})).status, 403, "{role}");
        assert_eq!(admin.send("PATCH", &format!("/api/users/{viewer}"), &json!({"role": role})).status, 403);
    }
    assert_eq!(admin.send("PATCH", &format!("/api/users/{viewer}"), &json!({"role": "operator"})).status, 200);
    let path = format!("/api/users/{owner_id}");
    for (method, body) in
        [("DELETE", json!({})), ("PATCH", json!({"role": "admin"})), ("PATCH", json!({"disabled": true}))]
    {
        let refused = owner.send(method, &path, &body);
        assert_eq!(refused.status, 409, "the last owner: {}", refused.text());
    }
    account(&scene, "second", &json!({"role": "owner"}));
    assert_eq!(owner.send("PATCH", &path, &json!({"role": "admin"})).status, 200);
    assert_eq!(owner.get("/api/session").status, 401, "whose role changes signs in again");
}

#[test]
fn an_account_is_shown_as_it_was_made_and_never_with_its_hash() {
    let scene = scene();
    let operator = scene.gateway.operator();
    let body =
        json!({"name": "mia", "display_name": "Mia", "role": "viewer", "password": PASSWORD, "projects": [PROJECT]});
    let made = operator.post("/api/users", &body);
    assert_eq!(made.status, 201, "{}", made.text());
    let user = made.json();
    for (field, expected) in [
        ("name", json!("mia")),
        ("display_name", json!("Mia")),
        ("role", json!("viewer")),
        ("projects", json!([PROJECT])),
        ("oidc", Value::Null),
        ("disabled", json!(false)),
        ("locked", json!(false)),
    ] {
        assert_eq!(user[field], expected, "{field}");
    }
    let path = format!("/api/users/{}", user["id"].as_str().unwrap());
    for text in
        [made.text(), operator.get(&path).text(), operator.get("/api/users").text(), operator.get("/api/audit").text()]
    {
        assert!(!text.contains("argon2") && !text.contains(PASSWORD), "{text}");
    }
    assert_eq!(operator.post("/api/users", &body).status, 409);
    for (field, value) in [
        ("password", json!("short")),
        ("password", json!("passwordpassword1")),
        ("password", json!("mia-farthing-2026")),
        ("name", json!("No Spaces")),
        ("role", json!("god")),
        ("projects", json!(["no such project"])),
        ("is_admin", json!(true)),
    ] {
        let mut wrong = body.clone();
        wrong["name"] = json!("other");
        wrong[field] = value;
        let refused = operator.post("/api/users", &wrong);
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.text());
    }
    assert_eq!(operator.send("DELETE", &path, b"").unwrap().status, 204);
    assert_eq!(operator.get(&path).status, 404);
    let actions: Vec<_> =
        scene.gateway.list("/api/audit?action=user.*").iter().map(|event| event["action"].clone()).collect();
    assert!(actions.contains(&json!("user.create")) && actions.contains(&json!("user.delete")), "{actions:?}");
}

#[test]
fn a_viewer_of_one_project_sees_that_one() {
    let scene = scene();
    scene.gateway.create("/api/projects", &json!({"name": "other"}));
    let foreign = scene.gateway.add_key("other", &json!({}));
    scene.upstream.always(Reply::chat(Tokens::plain(10, 20)));
    let own = scene.recorded(&scene.chat(&ask(&json!({}))));
    account(&scene, "vic", &json!({"role": "viewer", "projects": [PROJECT]}));
    let viewer = Person::sign_in(&scene, "vic");
    let names = |path: &str, field: &str| -> Vec<Value> {
        let answer = viewer.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()["data"].as_array().unwrap().iter().map(|row| row[field].clone()).collect()
    };
    assert_eq!(names("/api/projects", "name"), [json!(PROJECT)]);
    assert!(names("/api/keys", "project").iter().all(|name| name == PROJECT));
    assert_eq!(names("/api/requests", "id"), std::slice::from_ref(&own["id"]));
    assert_eq!(viewer.get("/api/usage/summary").json()["requests"], json!(1));
    let foreign_key = scene.gateway.list("/api/keys?project=other").remove(0);
    assert!(foreign_key["prefix"].as_str().is_some_and(|prefix| foreign.secret.starts_with(prefix)));
    for path in [
        format!("/api/keys/{}", foreign_key["id"].as_str().unwrap()),
        "/api/requests?project=other".to_owned(),
        "/api/usage/summary?project=other".to_owned(),
    ] {
        assert_eq!(viewer.get(&path).status, 404, "{path}");
    }
    for path in ["/api/providers", "/api/ledger/entries", "/api/runs", "/api/cache", "/api/shadow"] {
        assert_eq!(viewer.get(path).status, 403, "{path} shows all");
    }
    assert_eq!(viewer.page("/").status, 403);
}

#[test]
fn a_token_is_good_for_what_its_maker_may_still_do() {
    let scene = scene();
    let id = account(&scene, "ann", &json!({"role": "admin"}));
    let admin = Person::sign_in(&scene, "ann");
    let body = json!({"name": "ci", "scopes": ["keys:manage", "can_view_audit"]});
    let token = admin.post("/api/tokens", &body).json()["token"].as_str().unwrap().to_owned();
    let refused = admin.post("/api/tokens", &json!({"name": "ci", "scopes": ["can_manage_secrets"]}));
    assert_eq!(refused.status, 403, "nobody gives what they do not have: {}", refused.text());
    let bearer = scene.gateway.anonymous().bearer(&token);
    assert_eq!(bearer.get("/api/audit").status, 200);
    let path = format!("/api/users/{id}");
    let operator = scene.gateway.operator();
    assert_eq!(operator.send("PATCH", &path, br#"{"role":"operator"}"#).unwrap().status, 200);
    assert_eq!(bearer.get("/api/audit").status, 403);
    assert_eq!(bearer.post("/api/keys", &json!({"unknown": 1})).status, 400);
    assert_eq!(operator.send("PATCH", &path, br#"{"disabled":true}"#).unwrap().status, 200);
    assert_eq!(bearer.post("/api/keys", &json!({})).status, 401);
}

#[test]
fn accounts_are_made_from_the_command_line_beside_a_server_and_without_one() {
    let mut scene = scene();
    let url = format!("http://{}", scene.gateway.address());
    scene.gateway.set("FARTHING_URL", &url);
    let file = |name: &str, text: &str| {
        let path = scene.gateway.data_dir().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (first, second) = (file("first", PASSWORD), file("second", "nine other words, in another row\n"));
    let run = |scene: &Scene, arguments: &[&str]| {
        let output = scene.gateway.command(&[&["user"], arguments].concat());
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        (output.status.code(), text)
    };
    let made = run(&scene, &["create", "zoe", "--role", "owner", "--password-file", &first]);
    assert_eq!(made.0, Some(0), "{}", made.1);
    assert_eq!(Person::sign_in(&scene, "zoe").session()["user"]["role"], json!("owner"));
    let sessions = scene.gateway.command(&["session", "revoke", "--user", "zoe"]);
    assert_eq!(sessions.stdout, b"ended: 1\n");
    assert_eq!(scene.gateway.command(&["session", "revoke", "--user", "zoe"]).status.code(), Some(1));
    scene.gateway.kill_9();
    let made = run(&scene, &["create", "yan", "--role", "viewer", "--password-file", &first]);
    assert_eq!(made.0, Some(0), "{}", made.1);
    assert_eq!(run(&scene, &["passwd", "zoe", "--password-file", &second]).0, Some(0));
    let listed = run(&scene, &["list"]).1;
    assert!(listed.contains("zoe") && listed.contains("yan") && !listed.contains("argon2"), "{listed}");
    for wrong in [
        &["create", "yan", "--role", "viewer", "--password-file", &first][..],
        &["passwd", "nobody", "--password-file", &first],
        &["unlock", "nobody"],
    ] {
        assert_eq!(run(&scene, wrong).0, Some(1), "{wrong:?}");
    }
    scene.gateway.restart();
    let old = scene.gateway.anonymous().post("/api/session", &json!({"username": "zoe", "password": PASSWORD}));
    assert_eq!(old.status, 401);
    let new = json!({"username": "zoe", "password": "nine other words, in another row"});
    assert_eq!(scene.gateway.anonymous().post("/api/session", &new).status, 200);
    assert_eq!(scene.gateway.operator().get("/api/audit/verify").json()["ok"], json!(true));
}
