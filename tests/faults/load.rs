//! The load: callers with a key each, one call at a time, every second one streamed, until the gateway is gone.
//! One key per caller makes the books readable: a key has at most one call in flight when the gateway dies.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use farthing_support::scene::ask;
use farthing_support::{Client, Reply, Seen, TestGateway, Tokens};
use serde_json::json;

const CALLERS: u64 = 10;

/// What one caller knows of one call.
#[derive(Debug)]
pub(crate) struct Told {
    /// The caller's key.
    pub(crate) key: String,
    /// What marks the call at the upstream.
    pub(crate) mark: String,
    /// The request's id, if the head of the answer arrived.
    pub(crate) id: Option<String>,
    /// Whether the whole answer arrived.
    pub(crate) whole: bool,
    /// The usage its answer carries.
    pub(crate) tokens: Tokens,
}

pub(crate) struct Load(Vec<JoinHandle<Vec<Told>>>);

impl Load {
    pub(crate) fn start(gateway: &TestGateway, project: &str, epoch: u64) -> Self {
        let caller = |number| {
            let key = gateway.add_key(project, &json!({}));
            let client = gateway.application(&key.secret);
            thread::spawn(move || calls(&client, &key.id, &format!("e{epoch}-c{number}"), number))
        };
        Self((0..CALLERS).map(caller).collect())
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
            whole: false,
            tokens: tokens(serial),
        };
        let ended = call(client, serial, &mut told).is_err();
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
    let answer = exchange.finish()?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    // A stream that ends without its marker was ended by the gateway's death, not by its completion.
    told.whole = !stream || text.contains("data: [DONE]");
    Ok(())
}

/// The upstream's side: a pace that makes about a hundred calls a second, and a usage that tells calls apart.
pub(crate) fn reply(seen: &Seen) -> Reply {
    let serial = seen.json()["seed"].as_u64().unwrap_or_default();
    let delay = Duration::from_millis(20 + serial % 60);
    Reply::chat(tokens(serial)).chunks(4).gap(Duration::from_millis(10)).after(delay)
}

fn tokens(serial: u64) -> Tokens {
    Tokens::plain(1_000 + serial % 997, 10 + serial % 89)
}
