//! The master key changes while calls go on, and the process is killed in the middle, again and again: no call fails but for a
//! connection that is refused, the provider always sees its exact key, and in the end everything is under the new key alone.
//! `FARTHING_ROTATIONS` says how often, `FARTHING_SEED` repeats a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwap;
use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::{PROVIDER_KEY, ask};
use farthing_support::{Client, Reply, Scene, TestGateway, Tokens};
use serde_json::{Value, json};

use crate::installation::run;
use crate::seed::Seed;
use crate::{BINARY, pause};

const ROTATIONS: usize = 4;
/// Kills in the middle of each.
const KILLS: usize = 2;
const CALLERS: usize = 4;
/// Between a caller's calls: 200 a second of all callers, where the machine keeps up.
const PACE: Duration = Duration::from_millis(20);
/// Providers besides the one that is called, so that there is something to be in the middle of.
const IDLE: usize = 120;

/// Callers that go on whatever happens to the gateway.
struct Load {
    over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    refused: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<()>>,
}

/// Where the gateway is, which changes with every start.
type Where = Arc<ArcSwap<Client>>;

impl Load {
    fn start(place: &Where) -> Self {
        let load =
            Self { over: Arc::default(), answered: Arc::default(), refused: Arc::default(), callers: Vec::new() };
        let callers = (0..CALLERS).map(|number| {
            let (over, place) = (Arc::clone(&load.over), Arc::clone(place));
            let (answered, refused) = (Arc::clone(&load.answered), Arc::clone(&load.refused));
            thread::spawn(move || {
                let mut serial = 0;
                while !over.load(Ordering::Acquire) {
                    serial += 1;
                    let client = Client::clone(&place.load());
                    call(&client, &format!("c{number}-{serial}"), (&answered, &refused));
                    pause(PACE);
                }
            })
        });
        Self { callers: callers.collect(), ..load }
    }

    fn end(self) -> (usize, usize) {
        self.over.store(true, Ordering::Release);
        self.callers.into_iter().for_each(|caller| caller.join().expect("no call failed"));
        (self.answered.load(Ordering::Acquire), self.refused.load(Ordering::Acquire))
    }
}

/// One call with a key of its own for retries: its answer is kept, sealed.
fn call(client: &Client, mark: &str, (answered, refused): (&AtomicUsize, &AtomicUsize)) {
    let body = ask(&json!({"user": mark})).to_string();
    let client = client.clone().with("idempotency-key", mark);
    match client.send("POST", "/v1/chat/completions", body.as_bytes()) {
        Ok(answer) => {
            assert_eq!(answer.status, 200, "{}", answer.text());
            answered.fetch_add(1, Ordering::AcqRel);
        }
        // The process is gone: refused, or cut in the middle.
        Err(_) => drop(refused.fetch_add(1, Ordering::AcqRel)),
    }
}

fn scene() -> Scene {
    // The key stands in `.env`, where the command may write it anew.
    let mut gateway = TestGateway::builder(BINARY).start();
    assert!(gateway.stop().success());
    gateway.unset("MASTER_ENCRYPTION_KEY");
    std::fs::remove_dir_all(gateway.data_dir()).expect("a first start again");
    let fresh = "MASTER_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=\n";
    std::fs::write(gateway.home().join(".env"), fresh).expect("the folder can be written");
    gateway.restart();
    Scene::around(gateway)
}

fn status(gateway: &TestGateway) -> Value {
    let answer = gateway.operator().get("/api/system/secrets");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Waits until everything is under the present key; its id.
pub(crate) fn done(gateway: &TestGateway) -> String {
    let all = || Some(status(gateway)).filter(|status| status["state"] == "done");
    let status = until("everything is sealed anew", PATIENCE, all).0;
    for rows in ["providers", "answers", "kept_keys"] {
        assert_eq!(status["rows"][rows]["total"], status["rows"][rows]["current"], "{status}");
    }
    status["key_id"].as_str().expect("an id").to_owned()
}

#[test]
fn the_master_key_changes_under_load_and_no_call_fails() {
    let rotations = std::env::var("FARTHING_ROTATIONS").map_or(ROTATIONS, |text| text.parse().expect("a number"));
    let (mut seed, mut scene) = (Seed::from_outside(), scene());
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    for number in 0..IDLE {
        scene.gateway.add_provider(&format!("idle-{number}"), &scene.upstream);
    }
    let place: Where = Arc::new(ArcSwap::from_pointee(scene.application()));
    let load = Load::start(&place);
    let mut ids = vec![done(&scene.gateway)];
    for _ in 0..rotations {
        // What a kill leaves undone the next start, or the next command, does.
        let token = scene.gateway.address();
        let rotate = scene.gateway.background(&["secrets", "rotate", "--url", &format!("http://{token}")]);
        for _ in 0..KILLS {
            pause(Duration::from_micros(seed.below(400_000).try_into().expect("a small number")));
            scene.gateway.kill_9();
            scene.gateway.restart();
            place.store(Arc::new(scene.application()));
        }
        // Killed under it, the command may fail; it has written the settings before it asked the server, or not at all.
        drop(rotate.wait_with_output());
        let url = format!("http://{}", scene.gateway.address());
        let again = scene.gateway.command(&["secrets", "rotate", "--url", &url]);
        assert!(again.status.success(), "{again:?}");
        let id = done(&scene.gateway);
        assert!(!ids.contains(&id), "{id} is new");
        ids.push(id);
    }
    let (answered, refused) = load.end();
    println!(
        "{rotations} rotations, {} kills, {answered} calls answered, {refused} met a process that was gone",
        rotations * KILLS
    );
    check_upstream(&scene, answered);
    alone(&mut scene, ids.last().expect("the first at least"));
}

/// The exact key, always, and no call that nobody counted.
fn check_upstream(scene: &Scene, answered: usize) {
    let journal = scene.upstream.journal();
    let key = format!("Bearer {PROVIDER_KEY}");
    assert!(answered > 0 && journal.len() >= answered);
    let other = journal.iter().find(|seen| seen.header("authorization") != Some(&key));
    assert!(other.is_none(), "{other:?}");
}

/// The new key alone opens everything: keys of providers and applications, kept answers, the trail.
fn alone(scene: &mut Scene, id: &str) {
    let before = scene.application().with("idempotency-key", "kept").post("/v1/chat/completions", &ask(&json!({})));
    assert_eq!(before.status, 200, "{}", before.text());
    assert_eq!(done(&scene.gateway), id);
    assert!(scene.gateway.stop().success());
    let dotenv = scene.gateway.home().join(".env");
    let text = std::fs::read_to_string(&dotenv).expect("it is there");
    let present: Vec<_> = text.lines().filter(|line| !line.starts_with("MASTER_ENCRYPTION_KEY_PREVIOUS")).collect();
    assert!(present.len() < text.lines().count(), "the previous keys are there: {text}");
    std::fs::write(&dotenv, present.join("\n")).expect("it can be written");
    scene.gateway.restart();
    let calls = scene.upstream.calls();
    let again = scene.application().with("idempotency-key", "kept").post("/v1/chat/completions", &ask(&json!({})));
    assert_eq!((again.status, again.text()), (200, before.text()), "a kept answer opens");
    assert_eq!(scene.upstream.calls(), calls);
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200, "a provider's key opens, and so does a virtual one");
    let verify = scene.gateway.command(&["audit", "verify"]);
    assert!(verify.status.success(), "{verify:?}");
}

#[test]
fn a_key_in_use_cannot_be_dropped_and_a_swapped_row_does_not_open() {
    let mut scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let other = scene.gateway.add_provider("other", &scene.upstream);
    scene.gateway.add_model("at-the-other", "other", &farthing_support::scene::prices());
    let dotenv = scene.gateway.home().join(".env");
    let old = std::fs::read_to_string(&dotenv).expect("it is there");
    std::fs::write(&dotenv, "MASTER_ENCRYPTION_KEY=YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU=\n").expect("written");
    let refused = scene.gateway.operator().post("/api/system/secrets/rotate", &json!({}));
    assert!(refused.status == 409 && refused.text().contains("_PREVIOUS lacks"), "{}", refused.text());
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200, "nothing has changed");
    assert!(scene.gateway.stop().success());
    let serve = scene.gateway.command(&["serve"]);
    assert_eq!(serve.status.code(), Some(1), "{serve:?}");
    std::fs::write(&dotenv, old).expect("written");

    // Whoever can write the database cannot give one provider another's key.
    run(
        &scene.gateway,
        &format!(
            "UPDATE providers SET api_key_sealed = (SELECT api_key_sealed FROM providers WHERE name = 'openai') WHERE id = '{}'",
            other["id"].as_str().expect("an id")
        ),
    );
    scene.gateway.restart();
    let calls = scene.upstream.calls();
    let refused = scene.chat(&ask(&json!({"model": "at-the-other"})));
    assert!(refused.status >= 500 && !refused.text().contains(PROVIDER_KEY), "{}", refused.text());
    assert_eq!(scene.upstream.calls(), calls, "nothing was sent");
    assert_eq!(scene.chat(&ask(&json!({}))).status, 200);
}

/// Everything that a server would do at the change waits for its next start, and is done there.
#[test]
fn without_a_server_the_key_changes_from_beginning_to_end() {
    let mut scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let before = done(&scene.gateway);
    assert!(scene.gateway.stop().success());
    let dotenv = scene.gateway.home().join(".env");
    let rotate = || {
        let end = scene.gateway.command(&["secrets", "rotate"]);
        assert!(end.status.success() && String::from_utf8_lossy(&end.stdout).contains("(needed)"), "{end:?}");
        std::fs::read_to_string(&dotenv).expect("it is there")
    };
    let written = rotate();
    assert_eq!(rotate(), written, "the change that is not finished goes on; there is no second one");
    scene.gateway.restart();
    let id = done(&scene.gateway);
    assert_ne!(id, before);
    alone(&mut scene, &id);
}

/// Of two who read the settings, made a key each and wrote it, one would lose the key that everything is sealed under by then.
#[test]
fn of_two_rotations_at_one_moment_no_key_is_lost() {
    let mut scene = scene();
    scene.upstream.always(Reply::chat(Tokens::plain(1, 1)));
    let url = format!("http://{}", scene.gateway.address());
    let mut refused = 0;
    for _ in 0..3 {
        let both = [0, 1].map(|_| scene.gateway.background(&["secrets", "rotate", "--url", &url]));
        let ends = both.map(|command| command.wait_with_output().expect("an end"));
        assert!(ends.iter().any(|end| end.status.success()), "{ends:?}");
        for end in ends.iter().filter(|end| !end.status.success()) {
            let said = String::from_utf8_lossy(&end.stderr);
            assert!(end.status.code() == Some(1) && said.contains("by another command"), "{end:?}");
            refused += 1;
        }
    }
    println!("{refused} of 6 were refused");
    // At the server's own door, several that find the same settings are one.
    let operators = [0; 4].map(|_| scene.gateway.operator());
    let asked = operators.map(|client| thread::spawn(move || client.post("/api/system/secrets/rotate", &json!({}))));
    for answer in asked {
        let answer = answer.join().expect("an answer");
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    let id = done(&scene.gateway);
    alone(&mut scene, &id);
}
