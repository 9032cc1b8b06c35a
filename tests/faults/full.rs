//! A disk that takes nothing more: new calls are refused at once and never sent, open streams end and are settled to the
//! picodollar, and when the disk takes bytes again the gateway does too, without a restart. Twice: every write fails (a
//! limit on the size of files), and a file system of 64 MiB is full (which only root can mount, or who has sudo).

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farthing_support::poll::until;
use farthing_support::scene::{MODEL, PROJECT, ask, cost, prices};
use farthing_support::{Answer, Client, Exchange, Gate, Key, Picos, Reply, Seen, TestGateway, Tokens, Upstream};
use serde_json::{Value, json};

use crate::{BINARY, pause};

const STREAMS: usize = 8;
const TOKENS: Tokens = Tokens { prompt: 9, cached: 0, completion: 20, reasoning: 0 };
const REFUSED_WITHIN: Duration = Duration::from_secs(1);
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// How long the disk takes nothing: longer than anything that only retries a little lasts.
const OUTAGE: Duration = Duration::from_secs(12);
/// How many calls may fit into what the journal has reserved, at most.
const ROOM: usize = 20_000;

/// Fields drop in order: first the gateway, with its checks.
struct Stand {
    gateway: TestGateway,
    upstream: Upstream,
    key: Key,
    gate: Gate,
}

impl Stand {
    fn new(gateway: TestGateway) -> Self {
        let (upstream, gate) = (Upstream::start(), Gate::default());
        gateway.add_provider("openai", &upstream);
        gateway.add_model(MODEL, "openai", &prices());
        gateway.add_project(PROJECT, Some("25.00"));
        let key = gateway.add_key(PROJECT, &json!({}));
        let waiting = gate.clone();
        upstream.answer_with(move |seen: &Seen| {
            let reply = Reply::chat(TOKENS);
            if seen.json()["stream"] == true { reply.chunks(4).wait_after(2, &waiting) } else { reply }
        });
        Self { gateway, upstream, key, gate }
    }

    fn client(&self) -> Client {
        self.gateway.application(&self.key.secret)
    }

    fn call(&self) -> (Answer, Duration) {
        let begin = Instant::now();
        (self.client().post("/v1/chat/completions", &ask(&json!({}))), begin.elapsed())
    }

    /// Streams that wait in the middle.
    fn streams(&self) -> Vec<Exchange> {
        let body = ask(&json!({"stream": true})).to_string();
        let open = |_| {
            let mut stream = self.client().open("POST", "/v1/chat/completions", body.as_bytes()).expect("a stream");
            assert_eq!(stream.status, 200);
            stream.next_event().expect("its first event");
            stream
        };
        (0..STREAMS).map(open).collect()
    }

    /// New calls are refused, soon, and stay here; probes say why.
    fn refuses(&self) {
        let before = self.upstream.calls();
        for _ in 0..5 {
            let (answer, took) = self.call();
            assert_eq!((answer.status, &answer.json()["error"]["code"]), (503, &json!("ledger_unavailable")));
            assert!(took <= REFUSED_WITHIN, "refused after {took:?}");
        }
        assert_eq!(self.upstream.calls(), before, "a refused call was sent");
        let ready = self.gateway.anonymous().get("/ready");
        let reason = ready.json()["ledger"].as_str().unwrap_or_default().to_owned();
        assert!(ready.status == 503 && reason.starts_with("unavailable: "), "{}", ready.text());
    }

    /// Ends the outage by `mend` once the streams' providers are done; how long the next call had to wait.
    fn mended(&self, streams: Vec<Exchange>, mend: impl FnOnce()) -> Duration {
        self.gate.open();
        let finish = |stream: Exchange| thread::spawn(move || stream.finish().expect("a whole stream").text());
        let ends: Vec<JoinHandle<String>> = streams.into_iter().map(finish).collect();
        pause(OUTAGE);
        mend();
        let back = until("calls are served again", BACK_WITHIN, || (self.call().0.status == 200).then_some(())).1;
        for end in ends {
            assert!(end.join().expect("an end").contains("data: [DONE]"), "an open stream did not come to its end");
        }
        back
    }

    /// Every call that was sent is booked once, at its exact cost. A refusal is no money and may be missing.
    fn reckon(&self) {
        let verdict = self.gateway.settled();
        assert_eq!(verdict["ok"], true, "{verdict}");
        let sent = self.upstream.calls();
        let served = |row: &Value| row["status"] != "refused";
        let rows: Vec<Value> = until("every line is in the database", BACK_WITHIN, || {
            let rows = self.gateway.list(&format!("/api/requests?project={PROJECT}")).into_iter().filter(served);
            Some(rows.collect::<Vec<_>>()).filter(|rows| rows.len() >= sent)
        })
        .0;
        assert_eq!(rows.len(), sent);
        let odd = rows.iter().find(|row| row["status"] != "ok" || Picos::of(&row["cost_usd"]) != cost(TOKENS));
        assert!(odd.is_none(), "{odd:?}");
        assert_eq!(self.gateway.anonymous().get("/ready").status, 200);
    }
}

#[test]
fn where_no_file_can_be_written_calls_are_refused_and_streams_are_settled() {
    let stand = Stand::new(TestGateway::builder(BINARY).start());
    assert_eq!(stand.call().0.status, 200);
    let streams = stand.streams();
    stand.gateway.limit_files(Some(0));
    stand.refuses();
    let back = stand.mended(streams, || stand.gateway.limit_files(None));
    stand.reckon();
    println!("no write for {OUTAGE:?}: refused at once, {STREAMS} streams settled, back {back:?} after the end of it");
}

/// A file system of its own, gone when dropped.
pub(crate) struct Small(PathBuf);

impl Small {
    pub(crate) fn mount() -> Self {
        let path = std::env::temp_dir().join(format!("farthing-small-{}", std::process::id()));
        fs::create_dir_all(&path).expect("the temporary directory can be written");
        let mounted = as_root(&["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs"], &path);
        assert!(mounted, "a file system of 64 MiB cannot be mounted: run this as root, or where sudo asks no password");
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes zeros until nothing more fits.
    pub(crate) fn fill(&self) -> PathBuf {
        let path = self.0.join("filling");
        let mut file = File::create(&path).expect("there is room for a name");
        for size in [1 << 20, 4_096, 1] {
            let piece = vec![0_u8; size];
            while file.write_all(&piece).is_ok() {}
        }
        path
    }
}

/// Runs a command on `path`, by sudo where it is refused; whether it was done.
fn as_root(command: &[&str], path: &Path) -> bool {
    [&[] as &[&str], &["sudo", "-n"]].into_iter().any(|prefix| {
        let words: Vec<_> = prefix.iter().chain(command).collect();
        Command::new(words[0]).args(&words[1..]).arg(path).output().is_ok_and(|output| output.status.success())
    })
}

impl Drop for Small {
    fn drop(&mut self) {
        // What stays mounted is seen, and harms no other test.
        as_root(&["umount", "-l"], &self.0);
        drop(fs::remove_dir(&self.0));
    }
}

#[test]
fn a_full_file_system_closes_admission_before_anything_open_is_lost() {
    let small = Small::mount();
    let stand = Stand::new(TestGateway::builder(BINARY).data_dir(&small.0).start());
    let streams = stand.streams();
    let filling = small.fill();
    let (served, refused) = until_refused(&stand);
    assert!(refused <= REFUSED_WITHIN, "refused after {refused:?}");
    stand.refuses();
    let back = stand.mended(streams, || fs::remove_file(&filling).expect("it can be deleted"));
    stand.reckon();
    let left = size_of(&small.0) >> 20;
    println!(
        "full: {served} calls more, then refused; {STREAMS} streams settled; back after {back:?}; {left} MiB in use"
    );
}

/// Calls by several callers until the journal's reserve is used up; how many were served, and the slowest refusal.
fn until_refused(stand: &Stand) -> (usize, Duration) {
    let caller = |_| {
        let client = stand.client();
        thread::spawn(move || {
            for served in 0..ROOM {
                let begin = Instant::now();
                let answer = client.post("/v1/chat/completions", &ask(&json!({})));
                if answer.status != 200 {
                    assert_eq!(answer.status, 503, "{}", answer.text());
                    return (served, begin.elapsed());
                }
            }
            panic!("a full disk takes every call");
        })
    };
    let callers: Vec<_> = (0..8).map(caller).collect();
    let ends = callers.into_iter().map(|caller| caller.join().expect("an end"));
    ends.fold((0, Duration::ZERO), |(count, slowest), (served, took)| (count + served, slowest.max(took)))
}

fn size_of(directory: &Path) -> u64 {
    let mut size = 0;
    for item in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = item.path();
        size += if path.is_dir() { size_of(&path) } else { item.metadata().map_or(0, |found| found.len()) };
    }
    size
}
