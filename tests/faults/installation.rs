//! The master key at the start: a wrong one is refused by name before anything is opened, and a database from before keys were
//! kept goes on with its virtual keys and its audit trail.

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use farthing_support::scene::{PROJECT, ask};
use farthing_support::{Reply, Scene, TestGateway, Tokens};
use serde_json::json;

use crate::BINARY;
use crate::rotation::done;

/// What a version without the step had.
const BEFORE: &str = "DROP TABLE kept_keys; DROP TABLE installation;
    DELETE FROM __diesel_schema_migrations WHERE version = '20261126000630';";

/// 32 bytes each.
const FIRST: &str = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=";
const SECOND: &str = "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU=";

const WORDS: &str = "six plain words of a passphrase here";
const SALT: &str = "000102030405060708090a0b0c0d0e0f";

/// Statements, as somebody with a database shell runs them.
pub(crate) fn run(gateway: &TestGateway, sql: &str) {
    let path = gateway.data_dir().join("farthing.db");
    let mut connection = SqliteConnection::establish(&path.to_string_lossy()).expect("the database is there");
    connection.batch_execute(sql).expect("the statements are sound");
}

fn calls(scene: &Scene, secret: &str) -> u16 {
    scene.gateway.application(secret).post("/v1/chat/completions", &ask(&json!({}))).status
}

#[test]
fn a_wrong_master_key_stops_the_start_and_both_are_named() {
    let mut scene = Scene::around(TestGateway::builder(BINARY).set("MASTER_ENCRYPTION_KEY", FIRST).start());
    assert!(scene.gateway.stop().success());
    scene.gateway.set("MASTER_ENCRYPTION_KEY", SECOND);
    let refused = scene.gateway.command(&["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    let ids: Vec<_> = said.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() == 8).collect();
    assert!(ids.len() == 2 && ids.first() != ids.last(), "two ids: {said}");
    assert!(said.contains("MASTER_ENCRYPTION_KEY:") && said.contains("MASTER_ENCRYPTION_KEY_PREVIOUS"), "{said}");
    assert!(!said.contains(FIRST) && !said.contains(SECOND), "{said}");
    let verify = scene.gateway.command(&["audit", "verify"]);
    assert_eq!(verify.status.code(), Some(1), "no verdict under a wrong key: {verify:?}");

    scene.gateway.set("MASTER_ENCRYPTION_KEY_PREVIOUS", FIRST);
    scene.gateway.restart();
    scene.upstream.expect(Reply::chat(Tokens::plain(1, 1)));
    assert_eq!(calls(&scene, &scene.key.secret), 200, "the former key opens what it sealed");
}

/// What a start that is refused says, with this setting.
fn refused(scene: &mut Scene, name: &str, value: &str) -> String {
    scene.gateway.set(name, value);
    let refused = scene.gateway.command(&["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(!said.contains(value), "{said}");
    said
}

#[test]
fn a_passphrase_and_its_salt_are_a_master_key_and_another_salt_is_another_key() {
    let builder = TestGateway::builder(BINARY).set("MASTER_ENCRYPTION_KEY", WORDS);
    let mut scene = Scene::around(builder.set("PERSISTENT_ENCRYPTION_SALT", SALT).start());
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let of_words = done(&scene.gateway);
    for kill in [false, true] {
        assert_eq!(calls(&scene, &scene.key.secret), 200);
        scene.gateway.settled();
        if kill {
            scene.gateway.kill_9()
        } else {
            assert!(scene.gateway.stop().success())
        }
        scene.gateway.restart();
        assert_eq!(done(&scene.gateway), of_words);
    }
    scene.gateway.settled();
    assert!(scene.gateway.stop().success());
    let said = refused(&mut scene, "PERSISTENT_ENCRYPTION_SALT", &SALT.replace("0f", "1f"));
    assert!(said.contains("MASTER_ENCRYPTION_KEY") && said.contains(&of_words), "{said}");
    let said = refused(&mut scene, "PERSISTENT_ENCRYPTION_SALT", "00010203");
    assert!(said.contains("PERSISTENT_ENCRYPTION_SALT: it is 4 bytes long"), "{said}");
    scene.gateway.set("PERSISTENT_ENCRYPTION_SALT", SALT);
    let said = refused(&mut scene, "MASTER_ENCRYPTION_KEY", "correct horse battery staple");
    let common = "MASTER_ENCRYPTION_KEY: it is a passphrase of words that everybody tries first";
    assert!(said.contains(common), "{said}");
    let check = scene.gateway.command(&["check"]);
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(check.status.code() == Some(3) && said.contains(common), "check says it, too: {check:?}");

    // From the passphrase to a key, and back to one.
    scene.gateway.set("MASTER_ENCRYPTION_KEY", FIRST);
    scene.gateway.set("MASTER_ENCRYPTION_KEY_PREVIOUS", WORDS);
    scene.gateway.restart();
    assert_ne!(done(&scene.gateway), of_words);
    assert!(scene.gateway.stop().success());
    scene.gateway.set("MASTER_ENCRYPTION_KEY", WORDS);
    scene.gateway.set("MASTER_ENCRYPTION_KEY_PREVIOUS", FIRST);
    scene.gateway.restart();
    assert_eq!(done(&scene.gateway), of_words);
    assert!(scene.gateway.stop().success());
    scene.gateway.unset("MASTER_ENCRYPTION_KEY_PREVIOUS");
    scene.gateway.restart();
    assert_eq!(calls(&scene, &scene.key.secret), 200, "everything is under the passphrase alone");
}

/// The command makes a key where a passphrase was, and it goes on as the previous one.
#[test]
fn rotate_goes_from_a_passphrase_to_a_key() {
    let mut gateway = TestGateway::builder(BINARY).start();
    assert!(gateway.stop().success());
    gateway.unset("MASTER_ENCRYPTION_KEY");
    std::fs::remove_dir_all(gateway.data_dir()).expect("a first start again");
    let dotenv = gateway.home().join(".env");
    let text = format!("MASTER_ENCRYPTION_KEY='{WORDS}'\nPERSISTENT_ENCRYPTION_SALT={SALT}\n");
    std::fs::write(&dotenv, text).expect("the folder can be written");
    gateway.restart();
    let scene = Scene::around(gateway);
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let before = done(&scene.gateway);
    let url = format!("http://{}", scene.gateway.address());
    let rotate = scene.gateway.command(&["secrets", "rotate", "--url", &url]);
    assert!(rotate.status.success(), "{rotate:?}");
    assert_ne!(done(&scene.gateway), before);
    let text = std::fs::read_to_string(&dotenv).expect("it is there");
    assert!(text.contains(&format!("MASTER_ENCRYPTION_KEY_PREVIOUS='{WORDS}'\n")), "{text}");
    assert_eq!(calls(&scene, &scene.key.secret), 200);
}

#[test]
fn a_database_from_before_keeps_its_virtual_keys_and_its_trail() {
    let mut scene = Scene::start(BINARY);
    // A start that finds virtual keys and a trail, and no kept keys, takes what the master key gives, as every start once did.
    assert!(scene.gateway.stop().success());
    run(&scene.gateway, BEFORE);
    scene.gateway.restart();
    assert!(scene.gateway.stop().success());
    // The trail begins anew under that key, and so does a virtual key; then the database is as it was before the step.
    run(&scene.gateway, "DELETE FROM audit_events; DELETE FROM audit_state;");
    scene.gateway.restart();
    let old = scene.gateway.add_key(PROJECT, &json!({}));
    assert!(scene.gateway.stop().success());
    run(&scene.gateway, BEFORE);

    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    for start in ["the first with the step", "the next"] {
        scene.gateway.restart();
        assert_eq!(calls(&scene, &old.secret), 200, "{start}");
        let verify = scene.gateway.command(&["audit", "verify"]);
        assert!(verify.status.success(), "{start}: {verify:?}");
        scene.gateway.settled();
        assert!(scene.gateway.stop().success());
    }
    run(&scene.gateway, "DELETE FROM kept_keys WHERE name = 'audit/v1'");
    let refused = scene.gateway.command(&["serve"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(1) && said.contains("audit/v1 is missing"), "{said}");
}
