//! Callers who are somebody, and not the right one: a session that is over by the store's word, a token of a key, and a viewer of
//! another project, to whom what there is looks like what there is not.

use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use farthing::web::routes::line::{Line, Needs};
use farthing::web::routes::table;
use farthing_support::scene::{PROJECT, ask};
use farthing_support::{Reply, Scene, Tokens};
use serde_json::{Value, json};

use super::{address, is_page, scene};
use crate::people::person::{BROWSER, Person, account, origin};

/// The lines of the table for operators and people.
pub(super) fn guarded() -> impl Iterator<Item = Line> {
    table().into_iter().filter(|line| !matches!(line.needs, Needs::Nothing | Needs::Key))
}

#[test]
fn a_session_that_is_over_by_the_stores_word_opens_nothing() {
    let mut scene = scene();
    account(&scene, "root", &json!({"role": "owner"}));
    let root = Person::sign_in(&scene, "root");
    assert_eq!(root.get("/api/session").status, 200);
    assert!(scene.gateway.stop().success());
    let database = scene.gateway.data_dir().join("farthing.db");
    let mut connection = SqliteConnection::establish(&database.to_string_lossy()).unwrap();
    // The signed token itself is good for another half hour.
    let over = "UPDATE sessions SET expires_at = seen_at WHERE user_id IS NOT NULL";
    assert_eq!(sql_query(over).execute(&mut connection), Ok(1));
    drop(connection);
    scene.gateway.restart();
    let browser = scene.gateway.anonymous().with("user-agent", BROWSER);
    let person = Person { browser, origin: origin(&scene), ..root };
    for line in guarded() {
        let answer = person.send(line.method.as_str(), &address(&line), &json!({}));
        let expected = if is_page(&line) { 303 } else { 401 };
        assert_eq!(answer.status, expected, "{line:?}: {}", answer.text());
    }
}

#[test]
fn a_token_of_a_key_manages_nothing_and_signs_nobody_in() {
    let scene = scene();
    let made = scene.gateway.create(&format!("/api/keys/{}/tokens", scene.key.id), &json!({}));
    let token = made["token"].as_str().unwrap();
    let by_header = scene.gateway.anonymous().bearer(token);
    let by_cookie = scene.gateway.anonymous().with("cookie", &format!("farthing_session={token}"));
    assert_eq!(by_header.get("/v1/models").status, 200, "it is good where it belongs");
    for line in guarded() {
        for client in [&by_header, &by_cookie] {
            let answer = client.send(line.method.as_str(), &address(&line), b"{}").unwrap();
            let expected = if is_page(&line) { 303 } else { 401 };
            assert_eq!(answer.status, expected, "{line:?}: {}", answer.text());
        }
    }
}

/// The answer without what names the request and the thing.
fn said(scene: &Scene, person: &Person, (path, id): (&str, &str)) -> (u16, String) {
    let answer = person.get(&path.replace("{id}", id));
    let mut error = answer.json()["error"].clone();
    error.as_object_mut().map(|error| error.remove("request_id"));
    assert!(!scene.gateway.logs().contains("panicked"));
    (answer.status, error.to_string().replace(id, "{id}"))
}

#[test]
fn what_belongs_to_another_project_looks_like_what_is_not_there() {
    let scene = scene();
    scene.upstream.expect(Reply::chat(Tokens::plain(3, 4)));
    let call = scene.recorded(&scene.chat(&ask(&json!({}))));
    scene.gateway.create("/api/projects", &json!({"name": "theirs"}));
    account(&scene, "vic", &json!({"role": "viewer", "projects": ["theirs"]}));
    account(&scene, "own", &json!({"role": "viewer", "projects": [PROJECT]}));
    let (stranger, own) = (Person::sign_in(&scene, "vic"), Person::sign_in(&scene, "own"));
    let project = scene.gateway.list("/api/keys")[0]["project_id"].as_str().map(str::to_owned);
    let listed = scene.gateway.list("/api/projects");
    let mine = |project: &&Value| project["name"] == PROJECT;
    let project = project.unwrap_or_else(|| listed.iter().find(mine).unwrap()["id"].as_str().unwrap().to_owned());
    let call = call["id"].as_str().unwrap();
    let absent = "018f3c5a7d2e7b1c9a4e5f60718293a4";
    for (path, id, nobody) in [
        ("/api/projects/{id}", project.as_str(), format!("prj_{absent}")),
        ("/api/keys/{id}", scene.key.id.as_str(), format!("key_{absent}")),
        ("/api/requests/{id}", call, format!("req_{absent}")),
    ] {
        assert_eq!(own.get(&path.replace("{id}", id)).status, 200, "{path}: it is there for whom it is for");
        let (of_others, of_nobody) = (said(&scene, &stranger, (path, id)), said(&scene, &stranger, (path, &nobody)));
        assert_eq!(of_others.0, 404, "{path}: {}", of_others.1);
        assert_eq!(of_others, of_nobody, "{path}");
    }
    let ids = [project.as_str(), &scene.key.id, call];
    for line in guarded().filter(|line| line.path.contains("{id}")) {
        for id in ids {
            let path = line.path.replace("{id}", id).replace("{jti}", absent);
            let status = stranger.send(line.method.as_str(), &path, &json!({})).status;
            assert!(matches!(status, 403 | 404), "{line:?} of {id}: {status}");
        }
    }
}
