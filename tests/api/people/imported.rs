//! Accounts with a password's hash from elsewhere: they sign in with their password, have a hash of ours afterwards, and nothing
//! tells from outside whose hash is of which kind.

#![expect(clippy::disallowed_methods, reason = "how long it takes from outside is what is asked here")]

use std::time::{Duration, Instant};

use diesel::{Connection, RunQueryDsl, SqliteConnection};
use farthing_support::{Scene, TestGateway};
use serde_json::{Value, json};

use super::person::{PASSWORD, Person, account};
use crate::{BINARY, scene};

/// [`PASSWORD`]'s, made with Python's hashlib.
const HASH: &str = "$pbkdf2-sha256$i=10000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$ENyzSfRCn3573MCjbU2cJJcB+EJnhk/PxZGd+sOC4I0";

fn import(scene: &Scene, name: &str, hash: &str) -> Value {
    scene.gateway.create("/api/users", &json!({"name": name, "role": "admin", "password_hash": hash}))
}

#[derive(diesel::QueryableByName)]
struct Kept {
    #[diesel(sql_type = diesel::sql_types::Text)]
    password: String,
}

/// What the database has for them.
fn kept(scene: &Scene, name: &str) -> String {
    let path = scene.gateway.data_dir().join("farthing.db");
    let mut connection = SqliteConnection::establish(&path.to_string_lossy()).expect("the database is there");
    let query = diesel::sql_query("SELECT password FROM users WHERE name = ?").bind::<diesel::sql_types::Text, _>(name);
    query.get_result::<Kept>(&mut connection).expect("the account has a hash").password
}

fn attempt(scene: &Scene, name: &str, password: &str) -> u16 {
    scene.gateway.anonymous().post("/api/session", &json!({"username": name, "password": password})).status
}

#[test]
fn a_hash_from_elsewhere_lets_its_owner_in_and_is_replaced_by_one_of_ours() {
    let mut scene = scene();
    let made = import(&scene, "mia", HASH);
    assert_eq!(made["has_password"], json!(true));
    assert!(!made.to_string().contains("pbkdf2"), "{made}");
    assert_eq!(kept(&scene, "mia"), HASH);
    assert_eq!(attempt(&scene, "mia", "seven plain words, kept in a rov"), 401);
    assert_eq!(kept(&scene, "mia"), HASH, "a wrong one replaces nothing");
    let mia = Person::sign_in(&scene, "mia");
    let ours = kept(&scene, "mia");
    assert!(ours.starts_with("$argon2id$"), "{ours}");
    assert_eq!(mia.get("/api/session").status, 200, "the session goes on");
    assert_eq!(attempt(&scene, "mia", PASSWORD), 200);
    assert_eq!(kept(&scene, "mia"), ours, "once");
    scene.gateway.settled();
    assert!(scene.gateway.stop().success());
    scene.gateway.restart();
    assert_eq!((attempt(&scene, "mia", PASSWORD), attempt(&scene, "mia", "a guess at it")), (200, 401));
    let events = scene.gateway.list("/api/audit?action=user.*");
    let rehashed: Vec<_> = events.iter().filter(|event| event["action"] == "user.rehash").collect();
    assert!(rehashed.len() == 1 && rehashed[0]["actor"] == "user:mia", "{events:?}");
    assert!(!json!(events).to_string().contains("pbkdf2-sha256"), "{events:?}");
    assert!(!scene.gateway.logs().contains("ENyzSfRC"));
}

#[test]
fn a_hash_that_is_not_exactly_of_that_form_makes_no_account() {
    let scene = scene();
    let operator = scene.gateway.operator();
    for hash in [
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        &HASH.replace("10000", "9999"),
        &HASH.replace("10000", "4000000000"),
        &HASH.replace("l=32", "l=20"),
        "",
    ] {
        let body = json!({"name": "eve", "role": "viewer", "password_hash": hash});
        let refused = operator.post("/api/users", &body);
        assert_eq!(refused.status, 400, "{hash}: {}", refused.text());
        assert_eq!(refused.json()["error"]["details"]["field"], json!("password_hash"), "{}", refused.text());
    }
    let both = json!({"name": "eve", "role": "viewer", "password_hash": HASH, "password": PASSWORD});
    assert_eq!(operator.post("/api/users", &both).status, 400);
    account(&scene, "ann", &json!({"role": "admin"}));
    let ann = Person::sign_in(&scene, "ann");
    let owner = ann.post("/api/users", &json!({"name": "eve", "role": "owner", "password_hash": HASH}));
    assert_eq!(owner.status, 403, "{}", owner.text());
    assert!(scene.gateway.list("/api/users").iter().all(|user| user["name"] != "eve"));
}

#[test]
fn the_command_line_takes_one_beside_a_server_and_without_one() {
    let mut scene = scene();
    scene.gateway.set("FARTHING_URL", &format!("http://{}", scene.gateway.address()));
    let file = scene.gateway.data_dir().join("hash").display().to_string();
    std::fs::write(&file, format!("{HASH}\n")).unwrap();
    let create = |scene: &Scene, name: &str, flags: &[&str]| {
        scene.gateway.command(&[&["user", "create", name, "--role", "viewer"], flags].concat()).status.code()
    };
    assert_eq!(create(&scene, "zoe", &["--password-hash-file", &file]), Some(0));
    assert_eq!(create(&scene, "yan", &["--password-hash-file", &file, "--password-file", &file]), Some(2));
    assert_eq!(create(&scene, "yan", &[]), Some(2));
    scene.gateway.settled();
    assert!(scene.gateway.stop().success());
    assert_eq!(create(&scene, "yan", &["--password-hash-file", &file]), Some(0));
    std::fs::write(&file, HASH.replace("10000", "1")).unwrap();
    assert_eq!(create(&scene, "eve", &["--password-hash-file", &file]), Some(1));
    scene.gateway.restart();
    assert_eq!((attempt(&scene, "zoe", PASSWORD), attempt(&scene, "yan", PASSWORD)), (200, 200));
}

#[test]
fn time_does_not_tell_whose_hash_is_from_elsewhere() {
    let gateway = TestGateway::builder(BINARY).set("FARTHING__SERVER__BEHIND_PROXY", "true");
    let scene = Scene::around(gateway.set("FARTHING__SERVER__TRUSTED_PROXIES", "127.0.0.0/8").start());
    account(&scene, "ours", &json!({"role": "viewer"}));
    import(&scene, "dear", &HASH.replace("10000", "400000"));
    import(&scene, "cheap", HASH);
    let names = ["ours", "dear", "cheap", "nobody-here"];
    let mut times = names.map(|_| Vec::new());
    for network in 0..30 {
        let client = scene.gateway.anonymous().with("x-forwarded-for", &format!("10.9.{network}.7"));
        for (name, times) in names.iter().zip(&mut times) {
            let began = Instant::now();
            let answer = client.post("/api/session", &json!({"username": name, "password": "a guess at a password"}));
            times.push(began.elapsed());
            assert_eq!(answer.status, 401);
        }
    }
    let medians = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    println!("medians of {names:?}: {medians:?}");
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    // A sign-in that did only what its own hash takes would be done in a fraction of the time.
    assert!(most.abs_diff(*least) <= Duration::from_millis(5).max(*most / 4), "{medians:?}");
}
