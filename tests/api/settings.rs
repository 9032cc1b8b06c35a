//! Settings that no other test sets: each changes what the gateway does. The list of all, with the test of each, is in
//! `tests/tidy/settings.rs`.

use std::fs;
use std::path::PathBuf;

use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::{PROJECT, ask};
use farthing_support::{Answer, Builder, Reply, Scene, TestGateway, Tokens};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::BINARY;
use crate::people::person::{Person, account};

fn gateway(settings: &[(&str, &str)]) -> Builder {
    settings.iter().fold(TestGateway::builder(BINARY), |builder, (name, value)| builder.set(name, value))
}

/// A folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("farthing-{name}-{}", std::process::id()));
    fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn what_is_kept_is_kept_where_the_settings_say() {
    let folder = folder("places");
    let (data, books, trail) = (folder.join("data"), folder.join("books.db"), folder.join("new/folder/trail.jsonl"));
    let gateway = gateway(&[
        ("FARTHING__DATABASE__URL", &format!("sqlite://{}", books.display())),
        ("FARTHING__AUDIT__LOG_FILE", trail.to_str().unwrap()),
        ("FARTHING__AUDIT__MASK_IP", "true"),
    ]);
    // Which sets FARTHING__DATA_DIR.
    let gateway = gateway.data_dir(&data).start();
    gateway.add_project("somewhere", None);
    let made = until("the trail's file has it", PATIENCE, || {
        let text = fs::read_to_string(&trail).ok()?;
        text.lines().find(|line| line.contains("project.create")).map(ToOwned::to_owned)
    });
    let event: Value = serde_json::from_str(&made.0).unwrap();
    assert_eq!(event["client_ip"], "127.0.0.0", "of the address the network alone: {event}");
    assert!(data.join("address").exists() && books.exists());
    assert!(!data.join("farthing.db").exists() && !data.join("audit.log").exists());
    drop(gateway);
    fs::remove_dir_all(folder).ok();
}

#[test]
fn a_trail_that_is_switched_off_is_none() {
    let gateway = gateway(&[("FARTHING__AUDIT__ENABLED", "false")]).start();
    gateway.add_project("unseen", None);
    assert_eq!(gateway.list("/api/audit?action=project.create"), Vec::<Value>::new());
    assert!(!gateway.data_dir().join("audit.log").exists());
}

#[test]
fn keys_end_and_bodies_are_refused_where_the_settings_say() {
    let scene = Scene::around(
        gateway(&[
            ("FARTHING__KEYS__DEFAULT_DAYS", "7"),
            ("FARTHING__KEYS__MAX_DAYS", "30"),
            ("FARTHING__SERVER__MAX_BODY_BYTES", "65536"),
        ])
        .start(),
    );
    let made = scene.gateway.create("/api/keys", &json!({"project": PROJECT, "name": "week"}));
    let ends: Timestamp = made["expires_at"].as_str().unwrap().parse().unwrap();
    let left = ends.duration_since(Timestamp::now());
    let day = SignedDuration::from_hours(24);
    assert!(left > day * 6 && left <= day * 7, "{made}");
    let longer = json!({"project": PROJECT, "name": "month", "expires_in_days": 31});
    assert_eq!(scene.gateway.operator().post("/api/keys", &longer).status, 400);
    assert_eq!(
        scene
            .gateway
            .operator()
            .post("/api/keys", &json!({"project": PROJECT, "name": "m", "expires_in_days": 30}))
            .status,
        201
    );
    let large = ask(&json!({"user": "u".repeat(70_000)}));
    assert_eq!(scene.chat(&large).status, 413);
}

#[test]
fn a_person_has_as_many_sessions_as_is_set_and_what_binds_them_is() {
    let scene =
        Scene::around(gateway(&[("FARTHING__SESSION__PER_USER", "1"), ("FARTHING__SESSION__BINDING", "off")]).start());
    account(&scene, "mia", &json!({"role": "admin"}));
    let first = Person::sign_in(&scene, "mia");
    assert_eq!(first.get("/api/session").status, 200);
    let second = Person::sign_in(&scene, "mia");
    assert_eq!((first.get("/api/session").status, second.get("/api/session").status), (401, 200));
    // By default another browser would end it.
    let elsewhere = scene.gateway.anonymous().with("user-agent", "curl").with("cookie", &second.cookie);
    assert_eq!(elsewhere.get("/api/session").status, 200);
    assert_eq!(second.get("/api/session").status, 200);
}

/// A scene whose project has its answers given again.
fn cached(settings: &[(&str, &str)]) -> Scene {
    let scene = Scene::around(gateway(settings).start());
    scene.upstream.always(Reply::chat(Tokens::plain(12, 10)));
    let project = scene.gateway.list("/api/projects").remove(0);
    let path = format!("/api/projects/{}", project["id"].as_str().unwrap());
    let change = json!({"response_cache": {"ttl_seconds": 3_600}}).to_string();
    assert_eq!(scene.gateway.operator().send("PATCH", &path, change.as_bytes()).unwrap().status, 200);
    scene
}

fn state(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("x-farthing-cache").unwrap()
}

#[test]
fn answers_are_kept_up_to_the_size_and_the_age_that_are_set() {
    // An answer has some hundreds of bytes.
    let scene = cached(&[("FARTHING__CACHE__MAX_ENTRY_BYTES", "100")]);
    let states = [0; 2].map(|_| state(&scene.chat(&ask(&json!({})))).to_owned());
    assert!(!states.contains(&"hit".to_owned()) && scene.upstream.calls() == 2, "{states:?}");

    let scene = cached(&[("FARTHING__CACHE__MAX_AGE_SECONDS", "1")]);
    assert_eq!(state(&scene.chat(&ask(&json!({})))), "miss");
    // By default it would be given for as long as the project says, an hour.
    until("it is too old", PATIENCE, || (state(&scene.chat(&ask(&json!({})))) == "miss").then_some(()));
}

#[test]
fn circuits_go_by_the_figures_that_are_set() {
    let breaker = |scene: &Scene| scene.gateway.list("/api/providers").remove(0)["breaker"].clone();
    let begins = |scene: &Scene, with: &str| breaker(scene)["cause"].as_str().unwrap_or_default().starts_with(with);
    let quick = Scene::around(
        gateway(&[
            ("FARTHING__BREAKER__FAILURES", "1"),
            ("FARTHING__BREAKER__OPEN_SECONDS", "1"),
            ("FARTHING__BREAKER__TRIALS", "1"),
        ])
        .start(),
    );
    quick.upstream.always(Reply::error(500, "out of order"));
    assert_ne!(quick.chat(&ask(&json!({}))).status, 200);
    assert!(begins(&quick, "1 failures in a row"), "{}", breaker(&quick));
    quick.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    until("a trial is let through", PATIENCE, || (quick.chat(&ask(&json!({}))).status == 200).then_some(()));
    until("one is enough", PATIENCE, || (breaker(&quick)["state"] == "closed").then_some(()));

    let patient =
        gateway(&[("FARTHING__BREAKER__FAILURES", "100"), ("FARTHING__BREAKER__WINDOW_SECONDS", "600")]).start();
    let patient = Scene::around(patient);
    patient.upstream.always(Reply::error(500, "out of order"));
    (0..20).for_each(|_| drop(patient.chat(&ask(&json!({})))));
    assert!(begins(&patient, "20 of 20 calls failed within 600 s"), "{}", breaker(&patient));
}

#[test]
fn it_listens_works_and_logs_as_is_set() {
    let settings = |workers| {
        [
            ("FARTHING__SERVER__LISTEN", "127.0.0.3:0"),
            ("FARTHING__SERVER__WORKERS", workers),
            ("FARTHING__LOGGING__LEVEL", "error"),
        ]
    };
    let (few, many) = (gateway(&settings("1")).start(), gateway(&settings("41")).start());
    assert_eq!(few.address().ip().to_string(), "127.0.0.3");
    // Each worker is a thread; others come and go, but not that many.
    let threads = |gateway: &TestGateway| gateway.memory("Threads") / 1_024;
    assert!(threads(&many) >= threads(&few) + 30, "{} and {}", threads(&few), threads(&many));
    assert_eq!(few.anonymous().get("/no-such-page").status, 404);
    assert!(!few.logs().contains("\"info\"") && !few.logs().contains("\"INFO\""), "{}", few.logs());
    let usual = TestGateway::builder(BINARY).start();
    assert!(usual.logs().to_lowercase().contains("\"info\""), "{}", usual.logs());
}
