//! Guessing from outside: however many addresses guess, an account has eighty looks an hour for strangers; its owner gets in from
//! where they have been before; and nothing tells a name that exists from one that does not.

#![expect(clippy::disallowed_methods, reason = "how long it takes from outside is what is asked here")]

use std::time::{Duration, Instant};

use farthing_support::{Answer, Client, Scene, TestGateway};
use serde_json::json;

use super::person::{PASSWORD, account};
use crate::BINARY;

/// What networks have from which nobody signed in before.
const STRANGERS_HAVE: usize = 80;

fn behind_a_proxy() -> Scene {
    Scene::around(
        TestGateway::builder(BINARY)
            .set("FARTHING__SERVER__BEHIND_PROXY", "true")
            .set("FARTHING__SERVER__TRUSTED_PROXIES", "127.0.0.0/8")
            .start(),
    )
}

/// Somebody in the network of this number.
fn from(scene: &Scene, network: usize) -> Client {
    scene.gateway.anonymous().with("x-forwarded-for", &format!("10.{}.{}.7", network / 250, network % 250))
}

fn attempt(client: &Client, name: &str, password: &str) -> Answer {
    client.post("/api/session", &json!({"username": name, "password": password}))
}

#[test]
fn guesses_from_a_hundred_networks_use_up_what_strangers_have_and_the_owner_still_gets_in() {
    let scene = behind_a_proxy();
    let id = account(&scene, "mia", &json!({"role": "owner"}));
    let home = from(&scene, 20_000);
    assert_eq!(attempt(&home, "mia", PASSWORD).status, 200);
    let refusal = attempt(&from(&scene, 1), "mia", "a guess").json()["error"]["code"].clone();
    assert_eq!(refusal, json!("invalid_credentials"));
    for network in 2..=STRANGERS_HAVE {
        assert_eq!(attempt(&from(&scene, network), "mia", "a guess").status, 401);
    }
    // The right password, and nobody looks: that is how it is known that no later guess reaches the hash.
    for network in 200..205 {
        let refused = attempt(&from(&scene, network), "mia", PASSWORD);
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (401, &refusal));
    }
    let shown = |scene: &Scene| scene.gateway.operator().get(&format!("/api/users/{id}")).json()["locked"].clone();
    assert_eq!(shown(&scene), json!(true));
    let began = Instant::now();
    assert_eq!(attempt(&home, "mia", PASSWORD).status, 200, "from where they have been before");
    println!("the owner signed in within {:?}", began.elapsed());
    assert_eq!(scene.gateway.operator().post(&format!("/api/users/{id}/unlock"), &json!({})).status, 200);
    assert_eq!(attempt(&from(&scene, 205), "mia", PASSWORD).status, 200, "unlocked");
    assert_eq!(shown(&scene), json!(false));
}

#[test]
fn after_five_from_one_network_that_one_waits_and_also_after_a_restart() {
    let mut scene = behind_a_proxy();
    account(&scene, "mia", &json!({"role": "owner"}));
    // Enough that the wait outlasts whatever the machine does meanwhile.
    let fail = |scene: &Scene| {
        let mut looked = 0;
        while attempt(&from(scene, 1), "mia", "a guess").status == 401 && looked < 19 {
            looked += 1;
        }
    };
    fail(&scene);
    assert_eq!(attempt(&from(&scene, 2), "mia", PASSWORD).status, 200, "another network");
    scene.gateway.kill_9();
    scene.gateway.restart();
    let locked = scene.gateway.list("/api/users")[0]["locked"].clone();
    println!("locked after the restart: {locked}");
    assert_eq!(attempt(&from(&scene, 3), "mia", PASSWORD).status, 200, "nobody else is kept out");
}

#[test]
fn time_does_not_tell_whether_a_name_exists() {
    let scene = behind_a_proxy();
    account(&scene, "mia", &json!({"role": "owner"}));
    let (mut there, mut absent) = (Vec::new(), Vec::new());
    for network in 0..60 {
        for (name, times) in [("mia", &mut there), ("nobody-here", &mut absent)] {
            let client = from(&scene, 1_000 + network);
            let began = Instant::now();
            let answer = attempt(&client, name, "a guess at a password");
            times.push(began.elapsed());
            assert_eq!(answer.status, 401);
        }
    }
    let (there, absent) = (median(there), median(absent));
    let gap = there.abs_diff(absent);
    println!("medians: {there:?} for a name that exists, {absent:?} for one that does not; gap {gap:?}");
    // Without the hash of nothing the gap would be nearly the whole of it.
    assert!(gap <= Duration::from_millis(5).max(there / 10), "{gap:?} of {there:?}");
}

#[test]
fn whose_sign_in_failed_is_not_in_the_log() {
    let scene = Scene::around(TestGateway::builder(BINARY).set("FARTHING__LOGGING__LEVEL", "debug").start());
    account(&scene, "mia.kestrel", &json!({"role": "owner"}));
    for name in ["mia.kestrel", "nobody.osprey"] {
        assert_eq!(attempt(&scene.gateway.anonymous(), name, "a heron of a password").status, 401);
        let form = format!("username={name}&password=a+heron+of+a+password");
        let browser =
            scene.gateway.anonymous().with("accept", "text/html").with("origin", &super::person::origin(&scene));
        assert_eq!(browser.post_bytes("/sign-in", form.as_bytes()).status, 401);
    }
    // The last of the four is written before its answer.
    let log = scene.gateway.logs();
    assert!(log.contains("a sign-in was refused") && log.contains("/api/session"), "the refusals are told: {log}");
    for bird in ["kestrel", "osprey", "heron"] {
        assert!(!log.contains(bird), "{bird}: {log}");
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
