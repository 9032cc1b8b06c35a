//! A great many mutated requests of clients, and as many mutated replies of providers, over real sockets: no panic, no
//! answer 500, no end of serving, bounded memory, and every call that was sent has one line. `FARTHING_MUTATIONS` says
//! how many of each, `FARTHING_SEED` repeats a run.

mod asked;
mod client;
mod managed;
#[path = "../dialect/fuzz/mutate.rs"]
mod mutate;
mod peer;
#[path = "../dialect/fuzz/random.rs"]
mod random;
mod replied;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use farthing_support::scene::{PROVIDER_KEY, prices};
use farthing_support::{Dialect, Key, TestGateway};
use serde_json::{Value, json};

use self::client::{Heard, Line};
use self::peer::{Asked, Given, Peer};
use self::random::Random;
use crate::BINARY;
use crate::seed::Seed;
use crate::speech::question;

/// Of each kind, where nobody says otherwise.
const MUTATIONS: u64 = 10_000;
const WORKERS: u64 = 12;
/// The whole process, whatever it is sent.
const MEMORY: u64 = 512 * 1024 * 1024;
const PROJECT: &str = "mutants";
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest page of the list of requests.
const PAGE: usize = 100;

/// A provider of every dialect and an application.
struct Stand {
    gateway: TestGateway,
    peer: Peer,
    key: Key,
}

/// What all workers saw.
#[derive(Default)]
struct Tally {
    statuses: BTreeMap<u16, u64>,
    /// Requests answered 200, and not for nothing: each must be in the books.
    answered: Vec<String>,
}

impl Stand {
    fn start(answering: impl Fn(&Asked) -> Given + Send + Sync + 'static) -> Self {
        let gateway = TestGateway::builder(BINARY).set("FARTHING__LOGGING__LEVEL", "error").start();
        let peer = Peer::start(answering);
        for dialect in Dialect::ALL {
            let name = dialect.name();
            let path = if matches!(dialect, Dialect::Chat | Dialect::Responses) { "/v1" } else { "" };
            let provider = gateway.create(
                "/api/providers",
                &json!({
                    "name": name, "kind": dialect.kind(), "base_url": format!("http://{}{path}", peer.address),
                    "api_key": PROVIDER_KEY, "allow_private_network": true,
                }),
            );
            gateway.create(
                "/api/models",
                &json!({
                    "name": name, "provider": name, "upstream_model": name, "dialects": [name],
                    "max_output_tokens": 16_384, "context_window": 128_000, "prices": prices(),
                }),
            );
            // However sick it seems, it is to be called.
            let path = format!("/api/providers/{}/breaker", provider["id"].as_str().expect("an id"));
            let forced = gateway.operator().send("PUT", &path, br#"{"state": "closed"}"#).expect("an answer");
            assert_eq!(forced.status, 200, "{}", forced.text());
        }
        gateway.add_project(PROJECT, Some("1000000"));
        let key = gateway.add_key(PROJECT, &json!({}));
        Self { gateway, peer, key }
    }

    /// Has `one` done so often as is wanted, by several workers with a connection each.
    fn run(&self, first: u64, one: impl Fn(&mut Line, &mut Random, &str) -> Heard + Sync) -> Tally {
        let mutations = std::env::var("FARTHING_MUTATIONS")
            .map_or(MUTATIONS, |text| text.parse().expect("FARTHING_MUTATIONS is a number"));
        let (begin, next, address) = (Instant::now(), AtomicU64::new(0), self.gateway.address());
        let work = || {
            let (mut line, mut tally) = (Line::to(address), Tally::default());
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= mutations {
                    return tally;
                }
                let heard = one(&mut line, &mut Random::new(first.wrapping_add(number)), &self.key.secret);
                heard.check(number);
                tally.note(heard);
            }
        };
        let tally = thread::scope(|scope| {
            let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
            workers.into_iter().fold(Tally::default(), |sum, worker| sum.and(worker.join().expect("no case fails")))
        });
        let (took, statuses) = (begin.elapsed(), &tally.statuses);
        println!("{mutations} mutations in {took:?}, {} sent on; answers: {statuses:?}", self.peer.calls());
        tally
    }

    /// The gateway serves as before, is as small as promised, and has one line for whatever was sent.
    fn check(&self, tally: &Tally) {
        let (peak, now) = (self.gateway.memory("VmHWM"), self.gateway.memory("VmRSS"));
        println!("memory at most {} MiB, now {} MiB", peak >> 20, now >> 20);
        assert!(peak <= MEMORY, "{peak} bytes");
        assert_eq!(tally.statuses.get(&500), None, "a defect");
        self.gateway.settled();
        let (mut known, mut certain, mut possible) = (HashSet::new(), 0, 0);
        self.each_row(|row| {
            let attempts = row["attempts"].as_u64().expect("a number");
            possible += attempts;
            // A client that leaves may take its call back before it was sent. A mutated change may have made a group of what is not
            // served by this peer, and a mutated call may have hit its name.
            let is_direct = Dialect::ALL.iter().any(|dialect| row["model"] == dialect.name());
            certain += if is_direct && row["status"] != "client_gone" { attempts } else { 0 };
            assert!(known.insert(row["id"].as_str().expect("an id").to_owned()), "booked twice: {row}");
        });
        let calls = self.peer.calls();
        println!("{} lines, {certain} to {possible} calls booked, {calls} seen by providers", known.len());
        assert!(calls <= possible, "more was sent than is booked");
        assert!(self.peer.drops() || certain <= calls, "more is booked than was sent");
        let lost = tally.answered.iter().find(|id| !known.contains(*id));
        assert!(lost.is_none(), "{lost:?} was answered and is not in the books");
    }

    fn each_row(&self, mut row: impl FnMut(&Value)) {
        let mut cursor = String::new();
        loop {
            let answer = self.gateway.operator().get(&format!("/api/requests?project={PROJECT}&limit={PAGE}{cursor}"));
            assert_eq!(answer.status, 200, "{}", answer.text());
            let page = answer.json();
            page["data"].as_array().expect("a list").iter().for_each(&mut row);
            let Some(next) = page["next_cursor"].as_str() else { return };
            cursor = format!("&cursor={next}");
        }
    }
}

impl Tally {
    fn note(&mut self, heard: Heard) {
        *self.statuses.entry(heard.status).or_default() += 1;
        if let (200, false, Some(id)) = (heard.status, heard.free, heard.id) {
            self.answered.push(id);
        }
    }

    fn and(mut self, other: Self) -> Self {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.answered.extend(other.answered);
        self
    }
}

/// A call that nobody mutated is answered as ever.
fn serves_on(stand: &Stand) {
    for dialect in Dialect::ALL {
        let path = dialect.path(dialect.name(), false);
        let body = question(dialect, dialect.name(), false);
        let answer = stand.gateway.application(&stand.key.secret).post(&path, &body);
        assert_eq!(answer.status, 200, "{}: {}", dialect.name(), answer.text());
    }
}

#[test]
fn mutated_requests_are_answered_or_refused() {
    let stand = Stand::start(peer::honest);
    let (corpus, management) = (asked::Corpus::new(), managed::Management::of(&stand.gateway));
    let tally = stand.run(Seed::from_outside().number(), |line, random, key| {
        if random.once_in(8) { management.one(line, random) } else { asked::one(line, random, key, &corpus) }
    });
    serves_on(&stand);
    stand.check(&tally);
    assert!(stand.peer.calls() > 0 && tally.statuses.contains_key(&400), "nothing got through, or nothing was refused");
}

#[test]
fn mutated_replies_reach_nobody_as_a_defect() {
    let seed = Seed::from_outside().number();
    let honest = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (well, replies) = (Arc::clone(&honest), replied::Replies::new(seed));
    let stand =
        Stand::start(move |asked| if well.load(Ordering::Acquire) { peer::honest(asked) } else { replies.to(asked) });
    let tally = stand.run(seed, replied::ask);
    honest.store(true, Ordering::Release);
    serves_on(&stand);
    stand.check(&tally);
    let answers: u64 = tally.statuses.values().sum();
    assert!(stand.peer.calls() * 100 >= answers * 95, "too few calls were sent on");
}
