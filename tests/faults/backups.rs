//! Backups from outside: made under load without a call noticing, put back with everything that let somebody in ended, refused
//! when altered or of a newer program, and never asked for by a path.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::ask;
use farthing_support::{Answer, Client, Reply, Scene, TestGateway, Tokens};
use serde_json::{Value, json};

use crate::installation::run;
use crate::{BINARY, pause};

const PATH: &str = "/api/system/backups";
const CALLERS: usize = 4;
const MADE: usize = 3;

fn create(gateway: &TestGateway) -> Value {
    gateway.create(PATH, &json!({}))
}

fn id(backup: &Value) -> String {
    backup["id"].as_str().unwrap_or_else(|| panic!("no id in {backup}")).to_owned()
}

/// The cookie of a browser's session.
fn signed_in(gateway: &TestGateway) -> String {
    let answer = gateway.anonymous().post("/api/session", &json!({"management_token": gateway.management_token()}));
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split_once(';'));
    cookie.unwrap_or_else(|| panic!("no cookie: {}", answer.text())).0.to_owned()
}

fn delete(scene: &Scene, id: &str) -> Answer {
    scene.gateway.operator().send("DELETE", &format!("{PATH}/{id}"), b"").expect("an answer")
}

fn with_key(scene: &Scene, key: &str) -> Client {
    scene.application().with("idempotency-key", key)
}

#[test]
fn a_backup_under_load_is_whole_and_no_call_notices() {
    let scene = Scene::start(BINARY);
    scene.upstream.always(Reply::chat(Tokens::plain(12, 10)));
    let over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (client, over) = (scene.application(), Arc::clone(&over));
            thread::spawn(move || {
                let mut calls = 0;
                while !over.load(Ordering::Acquire) {
                    let answer = client.post("/v1/chat/completions", &ask(&json!({})));
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    calls += 1;
                    pause(Duration::from_millis(20));
                }
                calls
            })
        })
        .collect();
    let made: Vec<_> = (0..MADE).map(|_| create(&scene.gateway)).collect();
    over.store(true, Ordering::Release);
    let calls: usize = callers.into_iter().map(|caller| caller.join().expect("no call failed")).sum();
    let verdict = scene.gateway.settled();
    let last = create(&scene.gateway);
    assert_eq!((&last["entries"], &last["chain_head"]), (&verdict["entries"], &verdict["chain_head"]));
    assert_eq!(last["imbalance_usd"], "0");
    println!("{calls} calls, {MADE} backups meanwhile, of {} to {} lines", made[0]["entries"], last["entries"]);
    for backup in made.iter().chain([&last]) {
        let answer = scene.gateway.operator().post(&format!("{PATH}/{}/verify", id(backup)), &json!({}));
        assert_eq!(answer.json()["ok"], true, "{}", answer.text());
        let verify = scene.gateway.command(&["backup", "verify", &id(backup)]);
        assert!(verify.status.success(), "{verify:?}");
    }
    assert_eq!(scene.gateway.list(PATH).len(), MADE + 1);
    assert_eq!(delete(&scene, &id(&last)).status, 204);
    assert_eq!(scene.gateway.operator().get(&format!("{PATH}/{}", id(&last))).status, 404);
}

#[test]
fn what_is_put_back_is_what_was_copied_and_old_tokens_are_dead() {
    let mut scene = Scene::start(BINARY);
    scene.upstream.always(Reply::chat(Tokens::plain(12, 10)));
    let asked = ask(&json!({}));
    assert_eq!(with_key(&scene, "kept").post("/v1/chat/completions", &asked).status, 200);
    let token = scene.gateway.create("/api/tokens", &json!({"name": "ci", "scopes": ["can_view_settings"]}));
    let bearer = scene.gateway.anonymous().bearer(token["token"].as_str().expect("a token"));
    assert_eq!(bearer.get("/api/projects").status, 200);
    let cookie = signed_in(&scene.gateway);
    assert_eq!(scene.gateway.anonymous().with("cookie", &cookie).get("/api/session").status, 200);
    scene.gateway.settled();
    let backup = create(&scene.gateway);
    scene.gateway.add_project("later", None);
    assert_eq!(scene.chat(&asked).status, 200);
    let restore = |scene: &Scene| scene.gateway.command(&["restore", &id(&backup), "--yes"]);
    let running = restore(&scene);
    assert!(
        running.status.code() == Some(1) && String::from_utf8_lossy(&running.stderr).contains("in use"),
        "{running:?}"
    );
    scene.gateway.settled();
    assert!(scene.gateway.stop().success());
    assert_eq!(scene.gateway.command(&["restore", &id(&backup)]).status.code(), Some(2), "not without a yes");
    let done = restore(&scene);
    assert!(done.status.success(), "{done:?}");

    scene.gateway.restart();
    let verdict = scene.gateway.settled();
    assert_eq!((&verdict["entries"], &verdict["chain_head"]), (&backup["entries"], &backup["chain_head"]));
    assert!(scene.gateway.list("/api/projects").iter().all(|project| project["name"] != "later"));
    let token = token["token"].as_str().expect("a token");
    assert_eq!(scene.gateway.anonymous().bearer(token).get("/api/projects").status, 401);
    assert_eq!(scene.gateway.anonymous().with("cookie", &cookie).get("/api/session").status, 401);
    let calls = scene.upstream.calls();
    assert_eq!(with_key(&scene, "kept").post("/v1/chat/completions", &asked).status, 200);
    assert_eq!(scene.upstream.calls(), calls + 1, "no answer of before, and the keys open");
    let verify = scene.gateway.command(&["audit", "verify"]);
    assert!(verify.status.success(), "{verify:?}");
    let events = scene.gateway.operator().get("/api/audit?action=backup.restore").json();
    assert_eq!(events["data"].as_array().map(Vec::len), Some(1), "{events}");
}

#[test]
fn altered_and_newer_backups_are_refused_and_paths_are_no_ids() {
    let mut scene = Scene::start(BINARY);
    let good = create(&scene.gateway);
    run(&scene.gateway, "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')");
    let newer = create(&scene.gateway);
    run(&scene.gateway, "DELETE FROM __diesel_schema_migrations WHERE version = '29990101000000'");
    let folder = scene.gateway.data_dir().join("backups");
    let database = folder.join(format!("{}.db", id(&good)));
    for path in ["..%2f..%2ffarthing", "../../farthing", "..%2ffarthing.db", "bkp_..%2f..%2flock", "%00", "bkp_"] {
        for answer in [
            scene.gateway.operator().get(&format!("{PATH}/{path}")),
            scene.gateway.operator().post(&format!("{PATH}/{path}/verify"), &json!({})),
            delete(&scene, path),
        ] {
            assert!(matches!(answer.status, 400 | 404 | 405), "{path}: {} {}", answer.status, answer.text());
        }
        assert_eq!(scene.gateway.command(&["restore", path, "--yes"]).status.code(), Some(2), "{path}");
    }
    assert!(database.exists() && scene.gateway.data_dir().join("farthing.db").exists());
    assert!(scene.gateway.stop().success());

    let bytes = fs::read(&database).expect("it is there");
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    for (altered, what) in [(flipped, "a bit"), (bytes[..bytes.len() - 100].to_vec(), "cut short")] {
        fs::write(&database, altered).expect("it can be written");
        let verify = scene.gateway.command(&["backup", "verify", &id(&good)]);
        assert_eq!(verify.status.code(), Some(3), "{what}: {verify:?}");
        let restore = scene.gateway.command(&["restore", &id(&good), "--yes"]);
        let said = String::from_utf8_lossy(&restore.stderr).into_owned();
        assert!(restore.status.code() == Some(1) && said.contains("altered or cut short"), "{what}: {said}");
    }
    let restore = scene.gateway.command(&["restore", &id(&newer), "--yes"]);
    let said = String::from_utf8_lossy(&restore.stderr).into_owned();
    assert!(restore.status.code() == Some(1) && said.contains("29990101000000"), "{said}");
    scene.gateway.restart();
    assert_eq!(scene.gateway.list("/api/projects").len(), 1, "nothing was changed");
}

#[test]
fn backups_come_by_themselves_and_without_a_server() {
    let builder = TestGateway::builder(BINARY).set("FARTHING__BACKUP__EVERY_HOURS", "1");
    let mut gateway = builder.set("FARTHING__BACKUP__KEEP", "2").start();
    let made = || Some(gateway.list(PATH)).filter(|list| !list.is_empty());
    let first = until("the first backup is made", PATIENCE, made).0;
    assert_eq!((first.len(), &first[0]["reason"]), (1, &json!("scheduled")));
    assert!(gateway.stop().success());
    let made = gateway.command(&["--json", "backup", "create"]);
    assert!(made.status.success(), "{made:?}");
    gateway.restart();
    assert_eq!(gateway.list(PATH).len(), 2, "an hour is not over");
    let verify = gateway.command(&["backup", "list"]);
    assert!(String::from_utf8_lossy(&verify.stdout).contains("manual"), "{verify:?}");
}
