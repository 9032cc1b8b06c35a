//! The database locked by somebody else: calls go on, pages say how far behind they are, and nothing is lost.
//! `FARTHING_LOCK_SECONDS` says for how long.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use farthing_support::poll::until;
use farthing_support::scene::ask;
use farthing_support::{Client, Reply, Scene, Tokens};
use serde_json::{Value, json};

use crate::BINARY;

const SECONDS: u64 = 8;
const CALLERS: usize = 16;
const PROMISE: Duration = Duration::from_secs(10);

fn page(operator: &Client) -> (Value, Duration) {
    let begin = Instant::now();
    let answer = operator.get("/api/requests?limit=1");
    assert_eq!(answer.status, 200, "{}", answer.text());
    (answer.json()["behind"].clone(), begin.elapsed())
}

/// Calls until `end`; how many there were and how long the slowest took.
fn calls(client: &Client, end: Instant) -> (usize, Duration) {
    let (mut count, mut slowest) = (0, Duration::ZERO);
    while Instant::now() < end {
        let begin = Instant::now();
        let answer = client.post("/v1/chat/completions", &ask(&json!({})));
        assert_eq!(answer.status, 200, "{}", answer.text());
        (count, slowest) = (count + 1, slowest.max(begin.elapsed()));
    }
    (count, slowest)
}

#[test]
fn a_locked_database_delays_pages_and_not_calls() {
    let seconds = std::env::var("FARTHING_LOCK_SECONDS")
        .map_or(SECONDS, |text| text.parse().expect("FARTHING_LOCK_SECONDS is a number"));
    let scene = Scene::start(BINARY);
    scene.upstream.always(Reply::chat(Tokens::plain(12, 10)).after(Duration::from_millis(20)));
    let path = scene.gateway.data_dir().join("farthing.db");
    let mut lock = SqliteConnection::establish(&path.to_string_lossy()).expect("the database is there");
    lock.batch_execute("PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE").expect("the lock is free");
    let end = Instant::now() + Duration::from_secs(seconds);
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let client = scene.application();
            thread::spawn(move || calls(&client, end))
        })
        .collect();

    let operator = scene.gateway.operator();
    let (mut furthest, mut slowest_page) = (0, Duration::ZERO);
    while Instant::now() < end {
        let (behind, took) = page(&operator);
        (furthest, slowest_page) = (furthest.max(behind.as_u64().expect("a number")), slowest_page.max(took));
    }
    let done: Vec<_> = callers.into_iter().map(|caller| caller.join().expect("every call is answered")).collect();
    let count: usize = done.iter().map(|(count, _)| count).sum();
    let slowest = done.iter().map(|(_, slowest)| *slowest).max().expect("there are callers");
    assert!(furthest > 0, "pages say how far behind they are");
    let budget = json!({"name": "late", "budget": {"limit_usd": "1", "window": "total", "time_zone": "UTC"}});
    let refused = operator.post("/api/projects", &budget);
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &json!("ledger_unavailable")));

    lock.batch_execute("ROLLBACK").expect("the lock is given back");
    let caught_up = || (page(&operator).0 == 0).then_some(());
    let took = until("the database has caught up", PROMISE, caught_up).1;
    println!(
        "{seconds} s locked: {count} calls, slowest {slowest:?}; pages up to {furthest} lines behind, slowest \
         {slowest_page:?}; caught up after {took:?}"
    );
    assert!(slowest < Duration::from_secs(5), "calls waited for the database: {slowest:?}");
    assert_eq!(scene.gateway.settled()["requests"], count, "every call has one line");
    assert_eq!(scene.upstream.calls(), count);
}
