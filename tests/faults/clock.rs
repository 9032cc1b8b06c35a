//! The wall clock of the whole process jumps: an hour, a day, over the nights on which summer time begins and ends, over
//! the end of a month, and back, also over a kill. Each window of a budget is paid exactly once, whatever order its time
//! comes in. Owns the clock: libfaketime, which `./test` installs.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use farthing_support::poll::{PATIENCE, until};
use farthing_support::scene::ask;
use farthing_support::{Builder, Client, Gate, Reply, TestGateway, Tokens, Upstream};
use serde_json::json;

use crate::BINARY;
use crate::sockets::upgraded;

/// What each window pays for.
const CALLS: usize = 3;

/// A budget: the project's name, the window, the zone.
const BUDGETS: [(&str, &str, &str); 4] = [
    ("utc-days", "day", "UTC"),
    ("berlin-days", "day", "Europe/Berlin"),
    ("utc-months", "month", "UTC"),
    ("berlin-months", "month", "Europe/Berlin"),
];

/// Where the clock is set to, in seconds since 1970 UTC, and which budgets have a window then that was not paid before.
const JUMPS: [(&str, u64, [bool; 4]); 12] = [
    ("28 March 22:30 UTC, 23:30 in Berlin", 1_774_737_000, [true, true, true, true]),
    ("an hour later: tomorrow in Berlin", 1_774_740_600, [false, true, false, false]),
    ("an hour back", 1_774_737_000, [false, false, false, false]),
    ("a day later, after a day of 23 hours in Berlin", 1_774_823_400, [true, true, false, false]),
    ("a day back", 1_774_737_000, [false, false, false, false]),
    ("31 March 21:30 UTC, 23:30 in Berlin", 1_774_992_600, [true, true, false, false]),
    ("an hour later: April in Berlin", 1_774_996_200, [false, true, false, true]),
    ("1 April 00:30 UTC", 1_775_003_400, [true, false, true, false]),
    ("a day back, over the end of the month", 1_774_917_000, [false, false, false, false]),
    ("24 October 22:30 UTC, the 25th in Berlin", 1_792_881_000, [true, true, true, true]),
    ("a day later, still the 25th in Berlin, which has 25 hours", 1_792_967_400, [true, false, false, false]),
    ("an hour later", 1_792_971_000, [false, true, false, false]),
];

/// The clock of a process, set by the file that libfaketime reads at each look.
struct Clock(PathBuf);

impl Clock {
    fn set(&self, seconds: u64) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
        let offset = i128::from(seconds) - i128::from(now);
        // Never seen half-written.
        let next = self.0.with_extension("next");
        fs::write(&next, format!("{offset:+}\n")).expect("the offset can be written");
        fs::rename(next, &self.0).expect("the offset can be put in place");
    }
}

/// Debian puts it in a folder named by the architecture.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("/usr/lib can be read").flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists()).expect("libfaketime is needed: apt-get install faketime")
}

fn gateway(offset: &Path) -> Builder {
    TestGateway::builder(BINARY)
        .set("LD_PRELOAD", &library().display().to_string())
        .set("FAKETIME_TIMESTAMP_FILE", &offset.display().to_string())
        .set("FAKETIME_NO_CACHE", "1")
        // Timers go on: only the clock on the wall is wrong.
        .set("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

/// One caller for each budget of [`CALLS`] cents.
fn callers(gateway: &TestGateway) -> Vec<Client> {
    let caller = |(project, window, zone)| {
        let budget = json!({"limit_usd": format!("0.0{CALLS}"), "window": window, "time_zone": zone});
        gateway.create("/api/projects", &json!({"name": project, "budget": budget, "allowed_models": ["*"]}));
        gateway.application(&gateway.add_key(project, &json!({})).secret)
    };
    BUDGETS.map(caller).into()
}

/// Calls of a cent each until one is refused; how many were served.
fn served(client: &Client) -> usize {
    let body = ask(&json!({"model": "exact", "max_tokens": 10}));
    for served in 0..=CALLS {
        let answer = client.post("/v1/chat/completions", &body);
        if answer.status == 402 {
            return served;
        }
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    panic!("a window paid for more than {CALLS} calls");
}

/// A file beside the test's other temporary files, and the gateway that reads it.
fn scene(upstream: &Upstream) -> (Clock, TestGateway) {
    let clock = Clock(std::env::temp_dir().join(format!("farthing-clock-{}", std::process::id())));
    clock.set(JUMPS[0].1);
    let gateway = gateway(&clock.0).start();
    gateway.add_provider("openai", upstream);
    let prices = json!({"input_cost_per_m": "0", "output_cost_per_m": "1000"});
    gateway.add_model("exact", "openai", &prices);
    (clock, gateway)
}

#[test]
fn no_window_is_paid_twice_or_skipped_however_the_clock_jumps() {
    let upstream = Upstream::start();
    let (clock, mut gateway) = scene(&upstream);
    upstream.always(Reply::chat(Tokens::plain(0, 10)));
    let clients = callers(&gateway);
    for (moment, seconds, paid) in JUMPS {
        clock.set(seconds);
        let found: Vec<_> = clients.iter().map(served).collect();
        let expected: Vec<_> = paid.iter().map(|paid| if *paid { CALLS } else { 0 }).collect();
        println!("{moment}: served {found:?}");
        assert_eq!(found, expected, "{moment}: {BUDGETS:?}");
    }
    let total = JUMPS.iter().flat_map(|(_, _, paid)| paid).filter(|paid| **paid).count() * CALLS;
    assert_eq!(upstream.calls(), total);

    // The successor of a process that was killed has a clock of an hour before.
    gateway.kill_9();
    clock.set(JUMPS[JUMPS.len() - 2].1);
    gateway.restart();
    let clients = BUDGETS.map(|(project, ..)| gateway.application(&gateway.add_key(project, &json!({})).secret));
    assert_eq!(clients.each_ref().map(served), [0; 4], "a restart must not open a window again");
    fs::remove_file(&clock.0).ok();
}

#[test]
fn listening_keeps_no_session() {
    let upstream = Upstream::start();
    let (clock, gateway) = scene(&upstream);
    let body = json!({"username": "management", "password": gateway.management_token()});
    let answer = gateway.anonymous().post("/api/session", &body);
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned();
    let origin = format!("http://{}", gateway.address());
    let mut socket = upgraded(gateway.address(), &format!("Cookie: {cookie}\r\nOrigin: {origin}\r\n"));
    clock.set(JUMPS[0].1 + 31 * 60);
    // The next sign of life is asked for within 25 s.
    socket.set_read_timeout(Some(PATIENCE.saturating_mul(3))).expect("a timeout can be set");
    let mut heard = Vec::new();
    while !heard.windows(2).any(|pair| pair == 4401_u16.to_be_bytes()) {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("it says why it closes");
        heard.extend_from_slice(&byte);
    }
    assert_eq!(gateway.anonymous().with("cookie", &cookie).get("/api/session").status, 401);
    drop(gateway);
    fs::remove_file(&clock.0).ok();
}

#[test]
fn a_stream_outlives_a_jump_of_months_and_back_and_is_settled_as_reported() {
    let upstream = Upstream::start();
    let (clock, gateway) = scene(&upstream);
    gateway.add_project("open", Some("1"));
    let client = gateway.application(&gateway.add_key("open", &json!({})).secret);
    let gate = Gate::default();
    upstream.always(Reply::chat(Tokens::plain(0, 10)).behind(&gate));
    let body = ask(&json!({"model": "exact", "max_tokens": 10, "stream": true}));
    let call = std::thread::spawn(move || client.post("/v1/chat/completions", &body));
    let holds = || (gateway.verdict()["open_holds"] == 1).then_some(());
    until("the call is open", PATIENCE, holds);
    clock.set(JUMPS[9].1);
    // The reaper looks every five seconds.
    crate::pause(Duration::from_secs(6));
    assert_eq!(gateway.verdict()["open_holds"], 1, "the hold expired by the clock on the wall");
    clock.set(JUMPS[0].1);
    gate.open();
    let answer = call.join().expect("an answer");
    assert!(answer.text().ends_with("data: [DONE]\n\n"), "{}", answer.text());
    let row = gateway.request(answer.header("x-farthing-request-id").expect("every answer names its request"));
    assert_eq!(
        (&row["status"], &row["usage_source"], &row["cost_usd"]),
        (&json!("ok"), &json!("provider"), &json!("0.01"))
    );
    fs::remove_file(&clock.0).ok();
}

const MINUTE: u64 = 60;

/// A browser: its cookie, which is another one after a renewal.
struct Browser(Client, String);

impl Browser {
    fn sign_in(gateway: &TestGateway) -> Self {
        let body = json!({"management_token": gateway.management_token()});
        let answer = gateway.anonymous().post("/api/session", &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut browser = Self(gateway.anonymous(), String::new());
        browser.keep(answer.header("set-cookie"));
        browser
    }

    fn keep(&mut self, set: Option<&str>) {
        if let Some(cookie) = set.and_then(|set| set.split(';').next()) {
            self.1 = cookie.to_owned();
        }
    }

    /// Whether the session is still there.
    fn is_in(&mut self) -> bool {
        let answer = self.0.with("cookie", &self.1).get("/api/session");
        if answer.status == 200 {
            self.keep(answer.header("set-cookie"));
        }
        answer.status == 200
    }
}

#[test]
fn sessions_end_and_the_trail_is_cut_when_the_settings_say() {
    let clock = Clock(std::env::temp_dir().join(format!("farthing-ends-{}", std::process::id())));
    let begin = JUMPS[0].1;
    clock.set(begin);
    let builder = gateway(&clock.0).set("FARTHING__SESSION__IDLE_MINUTES", "5");
    let builder = builder.set("FARTHING__SESSION__ABSOLUTE_HOURS", "1");
    let mut gateway = builder.set("FARTHING__AUDIT__RETENTION_DAYS", "90").start();

    let mut idle = Browser::sign_in(&gateway);
    clock.set(begin + 4 * MINUTE);
    assert!(idle.is_in(), "used within its five minutes");
    clock.set(begin + 10 * MINUTE);
    assert!(!idle.is_in(), "by default it would have half an hour");

    let begin = begin + 10 * MINUTE;
    let mut busy = Browser::sign_in(&gateway);
    let last = (1..).map(|step| step * 3 * MINUTE).find(|passed| {
        clock.set(begin + passed);
        !busy.is_in()
    });
    // The clock goes on by itself while this runs.
    let last = last.expect("an end") / MINUTE;
    assert!((57..=63).contains(&last), "used all the time it ended after {last} minutes; by default after eight hours");

    gateway.add_project("early", None);
    let early = |gateway: &TestGateway| gateway.list("/api/audit?action=project.create").len();
    assert_eq!(early(&gateway), 1);
    for (days, left) in [(80, 1), (95, 0)] {
        assert!(gateway.stop().success());
        clock.set(begin + days * 24 * 60 * MINUTE);
        gateway.restart();
        // What is old goes soon after a start; by default after a year.
        let gone = || (early(&gateway) == left).then_some(());
        until("the trail is as long as it should be", PATIENCE, gone);
    }
    drop(gateway);
    fs::remove_file(&clock.0).ok();
}
