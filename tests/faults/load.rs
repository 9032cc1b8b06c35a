//! The load: callers with a key each, one call at a time, every second one streamed, until the gateway is gone.
//! One key per caller makes the books readable: a key has at most one call in flight when the gateway dies. Now and then
//! the first provider fails a call and the second answers it; now and then the budget is spent.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use farthing_support::scene::ask;
use farthing_support::{Client, Key, Reply, Seen, TestGateway, Tokens};
use serde_json::json;

use crate::pause;

const CALLERS: u64 = 24;
/// Every so manieth call fails at the first provider.
const FAILING: u64 = 23;

/// What one caller knows of one call.
#[derive(Debug)]
pub(crate) struct Told {
    /// The caller's key.
    pub(crate) key: String,
    /// What marks the call at the upstream.
    pub(crate) mark: String,
    /// The request's id, if the head of the answer arrived.
    pub(crate) id: Option<String>,
    /// The answer's status; 0 if no head arrived.
    pub(crate) status: u16,
    /// Whether the whole answer arrived.
    pub(crate) whole: bool,
    /// The usage its answer carries.
    pub(crate) tokens: Tokens,
}

pub(crate) struct Load(Vec<JoinHandle<Vec<Told>>>);

impl Load {
    pub(crate) fn start(gateway: &TestGateway, project: &str, epoch: u64) -> Self {
        // All keys first: nobody calls while others are still being let in.
        let keys: Vec<Key> = (0..CALLERS).map(|_| gateway.add_key(project, &json!({}))).collect();
        let caller = |(number, key): (u64, Key)| {
            let client = gateway.application(&key.secret);
            thread::spawn(move || calls(&client, &key.id, &format!("e{epoch}-c{number}"), number))
        };
        Self((0..CALLERS).zip(keys).map(caller).collect())
    }

    /// Waits until every caller has found the gateway gone.
    pub(crate) fn ended(self) -> Vec<Told> {
        self.0.into_iter().flat_map(|caller| caller.join().expect("a caller that never panics")).collect()
    }
}

fn calls(client: &Client, key: &str, mark: &str, caller: u64) -> Vec<Told> {
    let mut all = Vec::new();
    loop {
        let number = u64::try_from(all.len()).expect("a small number");
        let serial = number * CALLERS + caller;
        let mut told = Told {
            key: key.to_owned(),
            mark: format!("{mark}-n{number}"),
            id: None,
            status: 0,
            whole: false,
            tokens: tokens(serial),
        };
        let ended = call(client, serial, &mut told).is_err();
        if told.status == 402 {
            // The budget is spent for now: whoever is refused does not crowd out the others.
            pause(Duration::from_millis(50));
        }
        all.push(told);
        if ended {
            return all;
        }
    }
}

fn call(client: &Client, serial: u64, told: &mut Told) -> io::Result<()> {
    let stream = serial.is_multiple_of(2);
    let body = ask(&json!({"user": told.mark, "seed": serial, "stream": stream}));
    let exchange = client.open("POST", "/v1/chat/completions", body.to_string().as_bytes())?;
    told.id = exchange.header("x-farthing-request-id").map(ToOwned::to_owned);
    told.status = exchange.status;
    let answer = exchange.finish()?;
    assert!(matches!(answer.status, 200 | 402), "{} {}", answer.status, answer.text());
    let text = answer.text();
    // A stream that ends without its marker was ended by the gateway's death, not by its completion.
    told.whole = answer.status == 200 && (!stream || text.contains("data: [DONE]"));
    Ok(())
}

/// The first provider: as the second, but some calls fail there.
pub(crate) fn failing_reply(seen: &Seen) -> Reply {
    if serial(seen) % FAILING == 7 { Reply::error(503, "the provider is overloaded") } else { reply(seen) }
}

/// A provider: a pace that keeps many calls open at any instant, and a usage that tells calls apart.
pub(crate) fn reply(seen: &Seen) -> Reply {
    let serial = serial(seen);
    let delay = Duration::from_millis(10 + serial % 40);
    Reply::chat(tokens(serial)).chunks(4).gap(Duration::from_millis(10)).after(delay)
}

fn serial(seen: &Seen) -> u64 {
    seen.json()["seed"].as_u64().unwrap_or_default()
}

// Never more than what is held for the request: the budget is hard.
fn tokens(serial: u64) -> Tokens {
    Tokens::plain(1 + serial % 7, 10 + serial % 89)
}
