//! Told to stop under load: calls that end in time lose nothing, those that do not are cut in their dialect's own words
//! and settled, newcomers are refused and not dropped, and the process ends with 0 when it said it would.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farthing_support::poll::until;
use farthing_support::scene::{PROJECT, ask, cost};
use farthing_support::{Answer, Client, Dialect, Exchange, Gate, Picos, Reply, Scene, Seen, TestGateway, Tokens};
use serde_json::{Value, json};

use crate::BINARY;
use crate::speech::{model, question};

const CALLERS: usize = 24;
const PATIENCE: Duration = Duration::from_secs(60);
/// What a stop may take beyond the grace, and as much again for a busy machine.
const BEYOND: Duration = Duration::from_secs(10);
const TOKENS: Tokens = Tokens { prompt: 9, cached: 0, completion: 4, reasoning: 0 };
const HELD: &str = "held";

/// One gateway under load, and what its callers go by.
#[derive(Default)]
struct Course {
    /// Refusals so far.
    refused: AtomicUsize,
    /// Set just before the last call in flight may end: from then on the door may be gone.
    ending: AtomicBool,
    /// Whether calls are not waited for.
    cuts: bool,
}

#[derive(Debug)]
enum Outcome {
    /// Whole, by this id.
    Whole(String),
    /// A stream that was ended by an error that says why.
    Cut,
    /// 503, and when to come back.
    Refused,
    /// No connection, or none that said anything, at the very end.
    Gone,
}

fn slow(seen: &Seen) -> Reply {
    let gap = Duration::from_millis(10 + u64::try_from(seen.serial % 7).unwrap_or(0) * 30);
    Reply::chat(TOKENS).chunks(5).gap(gap).after(gap * 2)
}

fn call(client: &Client, serial: usize, course: &Course) -> Outcome {
    let ending = course.ending.load(Ordering::Acquire);
    let streams = serial.is_multiple_of(2);
    let answer =
        match client.send("POST", "/v1/chat/completions", ask(&json!({"stream": streams})).to_string().as_bytes()) {
            Ok(answer) => answer,
            Err(error) => {
                // Nothing of an answer may be lost, and before the end no request either.
                assert!(ending, "a call that began before the last one ended was dropped: {error}");
                return Outcome::Gone;
            }
        };
    let text = answer.text();
    if answer.status == 503 {
        assert!(answer.header("retry-after").is_some() && text.contains("server_shutdown"), "{text}");
        assert_eq!(answer.header("connection"), Some("close"), "whoever comes again comes by another connection");
        course.refused.fetch_add(1, Ordering::Release);
        return Outcome::Refused;
    }
    assert_eq!(answer.status, 200, "{text}");
    if !streams || text.ends_with("data: [DONE]\n\n") {
        return Outcome::Whole(id(&answer));
    }
    assert!(course.cuts && text.contains("server_shutdown"), "a stream that could end in time did not: {text}");
    Outcome::Cut
}

fn id(answer: &Answer) -> String {
    answer.header("x-farthing-request-id").expect("every answer names its request").to_owned()
}

fn calls(client: &Client, number: usize, course: &Course) -> Vec<Outcome> {
    let mut all = Vec::new();
    loop {
        let outcome = call(client, number + all.len(), course);
        let (gone, refused) = (matches!(outcome, Outcome::Gone), matches!(outcome, Outcome::Refused));
        all.push(outcome);
        if gone {
            return all;
        }
        if refused {
            crate::pause(Duration::from_millis(5));
        }
    }
}

fn load(scene: &Scene, course: &Arc<Course>) -> Vec<JoinHandle<Vec<Outcome>>> {
    let caller = |number: usize| {
        let (client, course) = (scene.application(), Arc::clone(course));
        thread::spawn(move || calls(&client, number, &course))
    };
    (0..CALLERS).map(caller).collect()
}

/// Waits until `/ready` says that no work is welcome; how long that took.
fn not_ready(anonymous: &Client) -> Duration {
    until("/ready answers 503", PATIENCE, || (anonymous.get("/ready").status == 503).then_some(())).1
}

fn end_of(gateway: &mut TestGateway) -> Duration {
    let (status, took) = gateway.ended(PATIENCE);
    assert!(status.success(), "it ended with {status}:\n{}", gateway.logs());
    let verify = gateway.command(&["ledger", "verify"]);
    assert!(verify.status.success(), "the books of a stopped gateway: {verify:?}");
    took
}

#[test]
fn a_stop_under_load_loses_no_call() {
    let (mut scene, course, gate) = (Scene::start(BINARY), Arc::new(Course::default()), Gate::default());
    let held = gate.clone();
    scene.upstream.answer_with(move |seen| {
        let stays = seen.json()["user"] == HELD;
        if stays { Reply::chat(TOKENS).wait_after(1, &held) } else { slow(seen) }
    });
    let body = ask(&json!({"stream": true, "user": HELD})).to_string();
    let mut long = scene.application().open("POST", "/v1/chat/completions", body.as_bytes()).expect("an answer");
    let first = long.next_event().expect("a stream");
    // A connection that is kept, and has nothing under way, holds nobody up.
    let _idle = std::net::TcpStream::connect(scene.gateway.address()).expect("the gateway listens");
    let callers = load(&scene, &course);
    scene.upstream.wait_for("the load", PATIENCE, |journal| (journal.len() > 4 * CALLERS).then_some(()));

    scene.gateway.terminate();
    let noticed = not_ready(&scene.gateway.anonymous());
    let all = || (course.refused.load(Ordering::Acquire) > 10 * CALLERS).then_some(());
    until("every caller is refused while one call is still in flight", PATIENCE, all);
    course.ending.store(true, Ordering::Release);
    gate.open();
    let rest = long.finish().expect("a call in flight is waited for").text();
    assert!(first.is_some() && rest.ends_with("data: [DONE]\n\n"), "{rest}");
    let took = end_of(&mut scene.gateway);

    let told: Vec<Outcome> = callers.into_iter().flat_map(|caller| caller.join().expect("no call is lost")).collect();
    let whole: Vec<&String> =
        told.iter().filter_map(|it| if let Outcome::Whole(id) = it { Some(id) } else { None }).collect();
    let refused = course.refused.load(Ordering::Acquire);
    println!(
        "{} calls whole, {refused} refused, /ready said so after {noticed:?}, the end came after {took:?}",
        whole.len()
    );
    let seen = scene.upstream.calls();
    assert_eq!(seen, whole.len() + 1, "every call the provider saw was answered");
    assert!(scene.upstream.journal().iter().all(|seen| seen.finished && seen.left_at.is_none()));
    scene.gateway.restart();
    let rows = scene.gateway.requests(PROJECT, seen);
    assert!(rows.iter().all(|row| row["status"] == "ok" && Picos::of(&row["cost_usd"]) == cost(TOKENS)), "{rows:?}");
}

/// One call that will not end by itself.
struct Stuck {
    dialect: Dialect,
    call: Call,
}

enum Call {
    Streamed(Exchange),
    Whole(JoinHandle<io::Result<Answer>>),
}

impl Stuck {
    fn begin(scene: &Scene, dialect: Dialect, streams: bool) -> Self {
        let name = format!("{}-{HELD}", dialect.name());
        let (path, body) = (dialect.path(&name, streams), question(dialect, &name, streams).to_string());
        let client = scene.application();
        if !streams {
            let call = Call::Whole(thread::spawn(move || client.send("POST", &path, body.as_bytes())));
            return Self { dialect, call };
        }
        let mut stream = client.open("POST", &path, body.as_bytes()).expect("a head");
        stream.read_until("word1 ").expect("what was said before the wait");
        Self { dialect, call: Call::Streamed(stream) }
    }

    /// What its caller was told in the end: one error, in its dialect.
    fn check(self) {
        let dialect = self.dialect;
        match self.call {
            Call::Streamed(stream) => is_ended_by_one_error(dialect, &stream.finish().expect("a proper end").text()),
            Call::Whole(whole) => {
                let answer = whole.join().expect("a caller").expect("a call that is cut is answered");
                let text = answer.text();
                assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{text}");
                assert!(dialect.error_message(&answer.json()).contains("stopping"), "{text}");
            }
        }
    }
}

fn is_ended_by_one_error(dialect: Dialect, text: &str) {
    assert!(!text.contains("[DONE]") && !text.contains("message_stop") && !text.contains("completed"), "{text}");
    let events: Vec<Value> = text.lines().filter_map(|line| line.strip_prefix("data: ")).map(parsed).collect();
    let errors: Vec<&Value> = events.iter().filter(|event| is_error(event)).collect();
    assert_eq!(errors.len(), 1, "one error event of {}: {text}", dialect.name());
    assert!(errors[0].to_string().contains("stopping"), "{text}");
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn is_error(event: &Value) -> bool {
    event["error"].is_object() || event["type"] == "error" || event["type"] == "response.failed"
}

/// Stops a gateway whose calls will not end, with this grace, and once more where it is not to be waited for.
fn cut(grace: &str, twice: bool) {
    let builder = TestGateway::builder(BINARY).set("FARTHING__SERVER__SHUTDOWN_GRACE_SECONDS", grace);
    let mut scene = Scene::around(builder.start());
    // What is not streamed has only its head to wait for.
    let stuck = |streams| if streams { Reply::chat(TOKENS).wait_after(2, &Gate::default()) } else { Reply::silence() };
    scene.upstream.answer_with(move |seen| {
        let streams = seen.json()["stream"] == true || seen.path.contains(":stream");
        if model(seen).ends_with(HELD) { stuck(streams) } else { slow(seen) }
    });
    for dialect in Dialect::ALL {
        let name = format!("{}-{HELD}", dialect.name());
        scene.gateway.add_model_of(dialect, &name, &name, &scene.upstream);
    }
    let course = Arc::new(Course { ending: AtomicBool::new(true), cuts: twice, ..Course::default() });
    let callers = load(&scene, &course);
    let streams: Vec<Stuck> = Dialect::ALL.into_iter().map(|it| Stuck::begin(&scene, it, true)).collect();
    let whole: Vec<Stuck> = Dialect::ALL.into_iter().map(|it| Stuck::begin(&scene, it, false)).collect();
    let arrived = |journal: &[Seen]| journal.iter().filter(|seen| model(seen).ends_with(HELD)).count() == 8;
    scene.upstream.wait_for("all that will not end", PATIENCE, |journal| arrived(journal).then_some(()));
    scene.upstream.wait_for("the load", PATIENCE, |journal| (journal.len() > 3 * CALLERS).then_some(()));

    let begin = Instant::now();
    scene.gateway.terminate();
    not_ready(&scene.gateway.anonymous());
    if twice {
        scene.gateway.terminate();
    }
    end_of(&mut scene.gateway);
    let (took, grace) = (begin.elapsed(), Duration::from_secs(grace.parse().expect("seconds")));
    println!("ended {took:?} after the signal, with a grace of {grace:?}, told twice: {twice}");
    let limit = if twice { BEYOND } else { grace + BEYOND };
    assert!(took < limit && (twice || took >= grace), "{took:?}");
    streams.into_iter().chain(whole).for_each(Stuck::check);
    let told: Vec<Outcome> = callers.into_iter().flat_map(|caller| caller.join().expect("no call is lost")).collect();

    scene.gateway.restart();
    let rows = scene.gateway.requests(PROJECT, scene.upstream.calls());
    let of = |status: &str| rows.iter().filter(|row| row["status"] == status).count();
    let ok = told.iter().filter(|outcome| matches!(outcome, Outcome::Whole(_))).count();
    let interrupted: Vec<&Value> = rows.iter().filter(|row| row["status"] == "interrupted").collect();
    assert!(of("ok") >= ok && ok > 0 && of("ok") + interrupted.len() == rows.len(), "{rows:?}");
    let stuck = |row: &&&Value| row["model"].as_str().is_some_and(|model| model.ends_with(HELD));
    assert_eq!(interrupted.iter().filter(stuck).count(), 8, "{interrupted:?}");
    for row in interrupted {
        let (usage, output) = (&row["usage"], row["usage"]["output"].as_u64().unwrap_or(0));
        assert_eq!(row["usage_detail"], "estimated:stopped", "{row}");
        assert!(usage["input"].as_u64() > Some(0) && (row["http_status"] != 200 || output > 0), "{row}");
        assert!(Picos::of(&row["cost_usd"]) > Picos(0), "what was seen is charged: {row}");
    }
}

#[test]
fn what_outlasts_the_grace_is_cut_in_its_own_words_and_settled() {
    cut("2", false);
}

#[test]
fn a_second_signal_cuts_at_once() {
    cut("60", true);
}

#[test]
fn whoever_comes_before_the_balancer_has_noticed_is_served() {
    let builder = TestGateway::builder(BINARY).set("FARTHING__SERVER__SHUTDOWN_NOTICE_SECONDS", "3");
    let mut scene = Scene::around(builder.start());
    scene.upstream.always(Reply::chat(TOKENS));
    let begin = Instant::now();
    scene.gateway.terminate();
    not_ready(&scene.gateway.anonymous());
    let answer = scene.chat(&ask(&json!({})));
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{}", answer.text());
    end_of(&mut scene.gateway);
    assert!(begin.elapsed() >= Duration::from_secs(3), "{:?}", begin.elapsed());
    scene.gateway.restart();
    scene.gateway.requests(PROJECT, 1);
    // A second signal does not wait for that either.
    let begin = Instant::now();
    scene.gateway.terminate();
    not_ready(&scene.gateway.anonymous());
    scene.gateway.terminate();
    end_of(&mut scene.gateway);
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
}
