//! The master key at the start: a wrong one is refused by name before anything is opened, and a database from before keys were
//! kept goes on with its virtual keys and its audit trail.

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use farthing_support::scene::{PROJECT, ask};
use farthing_support::{Reply, Scene, TestGateway, Tokens};
use serde_json::json;

use crate::BINARY;

/// What a version without the step had.
const BEFORE: &str = "DROP TABLE kept_keys; DROP TABLE installation;
    DELETE FROM __diesel_schema_migrations WHERE version = '20261126000630';";

/// 32 bytes each.
const FIRST: &str = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=";
const SECOND: &str = "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU=";

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
