//! What is in doubt: the process died, the client left, or the provider broke off. A retry is served anew and paid once.

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use farthing_support::poll::{PATIENCE, until};

use super::*;

/// Answers the retry: it is served anew, kept, and all that the project has paid is one call.
fn retried(scene: &Scene, request: &Value) {
    scene.upstream.expect(Reply::chat(TOKENS));
    let calls = scene.upstream.calls();
    let client = with_key(scene, "doubt");
    let other = client.post(CHAT, &ask(&json!({"user": "another body"})));
    assert_eq!((other.status, code(&other)), (422, json!("idempotency_key_reused")), "{}", other.text());
    let first = client.post(CHAT, request);
    assert_eq!((first.status, first.header("idempotent-replayed")), (200, None), "{}", first.text());
    assert_again(&first, &client.post(CHAT, request));
    assert_eq!(scene.upstream.calls(), calls + 1);
    assert_eq!(spent(scene), cost(TOKENS), "one call in all");
    let verdict = scene.gateway.settled();
    assert_eq!(verdict["ok"], true, "{verdict}");
}

#[test]
fn killed_before_the_answer_a_retry_is_served_anew_and_paid_once() {
    let mut scene = scene();
    let request = ask(&json!({}));
    scene.upstream.expect(Reply::silence());
    let sent = with_key(&scene, "doubt").start("POST", CHAT, request.to_string().as_bytes()).unwrap();
    scene.upstream.wait_for("the call", SOON, |journal| (!journal.is_empty()).then_some(()));
    scene.gateway.kill_9();
    drop(sent);
    scene.gateway.restart();
    let row = scene.gateway.requests(PROJECT, 1).remove(0);
    assert_eq!(row["status"], "interrupted", "{row}");
    assert!(Picos::of(&row["cost_usd"]) > Picos(0), "{row}");
    retried(&scene, &request);
}

#[test]
fn killed_between_settlement_and_keeping_a_retry_is_served_anew_and_paid_once() {
    let (mut scene, gate) = (scene(), Gate::default());
    let request = ask(&json!({}));
    scene.upstream.expect(Reply::chat(TOKENS).behind(&gate));
    let sent = with_key(&scene, "doubt").start("POST", CHAT, request.to_string().as_bytes()).unwrap();
    scene.upstream.wait_for("the call", SOON, |journal| (!journal.is_empty()).then_some(()));
    // Somebody else writes to the database: the journal settles, the answer cannot be kept.
    let path = scene.gateway.data_dir().join("farthing.db");
    let mut lock = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    lock.batch_execute("PRAGMA busy_timeout = 20000; BEGIN IMMEDIATE").unwrap();
    gate.open();
    until("the call is settled", PATIENCE, || (spent(&scene) == cost(TOKENS)).then_some(()));
    scene.gateway.kill_9();
    drop(lock);
    assert!(sent.finish().is_err(), "the client has no whole answer");
    scene.gateway.restart();
    assert_eq!(scene.gateway.requests(PROJECT, 1)[0]["status"], "ok");
    retried(&scene, &request);
}

#[test]
fn a_client_that_left_is_served_anew_and_pays_once() {
    let (scene, gate) = (scene(), Gate::default());
    let request = ask(&json!({"stream": true}));
    scene.upstream.expect(Reply::chat(Tokens::plain(50, 500)).chunks(10).wait_after(3, &gate));
    let opened = with_key(&scene, "doubt").open("POST", CHAT, request.to_string().as_bytes()).unwrap();
    opened.hang_up();
    scene.upstream.wait_for("the caller leave", SOON, |journal| journal[0].left_at);
    scene.gateway.settled();
    let row = scene.gateway.requests(PROJECT, 1).remove(0);
    assert!(row["status"] == "client_gone" && Picos::of(&row["cost_usd"]) > Picos(0), "{row}");
    // Its task lets go of the key a moment after the settlement.
    scene.upstream.expect(Reply::chat(TOKENS));
    let served = || Some(with_key(&scene, "doubt").post(CHAT, &request)).filter(|answer| answer.status != 409);
    let answer = until("its key is let go", PATIENCE, served).0;
    assert_eq!((answer.status, answer.header("idempotent-replayed")), (200, None), "{}", answer.text());
    assert_eq!((scene.upstream.calls(), spent(&scene)), (2, cost(TOKENS)));
}

#[test]
fn an_answer_that_broke_off_is_served_anew_and_paid_once() {
    let scene = scene();
    let request = ask(&json!({"stream": true}));
    scene.upstream.expect(Reply::chat(Tokens::plain(50, 500)).chunks(10).cut_after(4));
    let broken = with_key(&scene, "doubt").post(CHAT, &request);
    assert!(broken.text().contains("upstream_cut"), "{}", broken.text());
    assert!(spent(&scene) > Picos(0));
    retried(&scene, &request);
}
