//! Uses: where each key is used from and with which program, counted beside the call.
//! Owns a table of words that workers add to and a task empties, of a size that never changes: a call that is like one before
//! costs a hash and a relaxed addition. Refuses exactness: two workers that meet at one place may lose a count.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::HttpRequest;
use actix_web::http::header::USER_AGENT;
use arc_swap::ArcSwap;
use farthing_actors::domain::{KeyId, Timestamp};
use farthing_actors::keyring::habits::Use;
use tokio::sync::{mpsc, watch};

const PLACES: usize = 16_384;
/// How many places one use may be at.
const WAYS: usize = 4;
/// New uses that wait to be heard of; more are not counted.
const WAITING: usize = 4_096;
const LONGEST_AGENT: usize = 256;
const UNKNOWN: &str = "unknown";

/// What workers see.
pub struct Uses {
    hasher: RandomState,
    places: Box<[Place]>,
    news: mpsc::Sender<News>,
    last: ArcSwap<HashMap<KeyId, Timestamp>>,
    done: watch::Sender<bool>,
}

#[derive(Default)]
struct Place {
    mark: AtomicU64,
    calls: AtomicU64,
}

/// A use that has just taken a place.
struct News {
    mark: u64,
    key: KeyId,
    network: Arc<str>,
    agent: Arc<str>,
    /// Whose place it was, and the calls that were not heard of yet.
    before: (u64, u64),
}

/// What empties the table.
pub struct Listener {
    news: mpsc::Receiver<News>,
    known: HashMap<u64, (KeyId, Arc<str>, Arc<str>)>,
}

impl Uses {
    /// An empty table, and what empties it; keys were last used at `last`.
    pub fn new(last: HashMap<KeyId, Timestamp>) -> (Self, Listener) {
        let (news, heard) = mpsc::channel(WAITING);
        let places = (0..PLACES).map(|_| Place::default()).collect();
        let (last, done) = (ArcSwap::from_pointee(last), watch::Sender::new(false));
        let uses = Self { hasher: RandomState::new(), places, news, last, done };
        (uses, Listener { news: heard, known: HashMap::new() })
    }

    /// When the key was last used, a few seconds late; `None` if it never was.
    pub fn last(&self, key: KeyId) -> Option<Timestamp> {
        self.last.load().get(&key).copied()
    }

    /// These keys were used at `now`.
    pub fn were_used(&self, keys: impl Iterator<Item = KeyId>, now: Timestamp) {
        let used: Vec<_> = keys.collect();
        self.last.rcu(|last| {
            let mut last = HashMap::clone(last);
            last.extend(used.iter().map(|key| (*key, now)));
            last
        });
    }

    /// Says that everything is written, after which nothing is listened to.
    pub fn finish(&self) {
        self.done.send_replace(true);
    }

    /// Waits until everything is written.
    pub async fn finished(&self) {
        // Fails only without a sender, and that is here.
        self.done.subscribe().wait_for(|done| *done).await.ok();
    }

    /// Counts one request of `key`, which came from `address`.
    pub fn note(&self, key: KeyId, address: Option<IpAddr>, request: &HttpRequest) {
        let agent = request.headers().get(USER_AGENT).map(|agent| agent.as_bytes()).unwrap_or_default();
        let mark = self.hasher.hash_one((key, address.map(network_bits), agent)).max(1);
        let first = usize::try_from(mark).unwrap_or(0);
        let ways = (0..WAYS).filter_map(|way| self.places.get(first.wrapping_add(way).checked_rem(PLACES)?));
        let mut free = None;
        for place in ways {
            let taken = place.mark.load(Ordering::Relaxed);
            if taken == mark {
                place.calls.fetch_add(1, Ordering::Relaxed);
                return;
            }
            if taken == 0 || free.is_none() {
                free = Some(place);
            }
        }
        if let Some(place) = free {
            let network = address.map_or_else(|| UNKNOWN.to_owned(), network_of);
            let before = (place.mark.swap(mark, Ordering::Relaxed), place.calls.swap(1, Ordering::Relaxed));
            // Unheard, it is not counted until its place is free again.
            self.news.try_send(News { mark, key, network: network.into(), agent: told(agent), before }).ok();
        }
    }
}

impl Listener {
    /// Everything since the last time. A place that nobody used meanwhile is free again.
    pub fn drain(&mut self, uses: &Uses) -> Vec<(KeyId, Use)> {
        let mut counts = HashMap::<u64, u64>::new();
        while let Ok(news) = self.news.try_recv() {
            self.known.insert(news.mark, (news.key, news.network, news.agent));
            if news.before.0 != 0 {
                *counts.entry(news.before.0).or_default() += news.before.1;
            }
        }
        let mut live = HashMap::new();
        for place in &uses.places {
            let mark = place.mark.load(Ordering::Relaxed);
            if mark == 0 {
                continue;
            }
            match place.calls.swap(0, Ordering::Relaxed) {
                0 => drop(place.mark.compare_exchange(mark, 0, Ordering::Relaxed, Ordering::Relaxed)),
                calls => {
                    *counts.entry(mark).or_default() += calls;
                    live.insert(mark, ());
                }
            }
        }
        let heard = counts.into_iter().filter_map(|(mark, calls)| {
            let (key, network, agent) = self.known.get(&mark)?.clone();
            Some((key, Use { network, agent, calls }))
        });
        let heard = heard.collect();
        self.known.retain(|mark, _| live.contains_key(mark));
        heard
    }
}

/// What of an address counts: 24 bits, or 48 of IPv6.
fn network_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits() >> 8),
        IpAddr::V6(address) => address.to_bits() >> 80,
    }
}

fn network_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let kept = std::net::Ipv6Addr::from_bits(address.to_bits() >> 80 << 80);
            format!("{kept}/48")
        }
    }
}

/// A program's word for itself, as it may be kept: short, and without anything that moves a cursor.
fn told(agent: &[u8]) -> Arc<str> {
    let text = String::from_utf8_lossy(agent);
    let safe = text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).take(LONGEST_AGENT);
    let safe: String = safe.collect();
    if safe.is_empty() { UNKNOWN.into() } else { safe.into() }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn note(uses: &Uses, key: u128, address: &str, agent: &'static str) {
        let request = TestRequest::default().insert_header((USER_AGENT, agent)).to_http_request();
        uses.note(KeyId::from_u128(key), Some(address.parse().unwrap()), &request);
    }

    fn drained(uses: &Uses, listener: &mut Listener) -> Vec<(u128, String, String, u64)> {
        let each =
            |(key, used): (KeyId, Use)| (key.as_u128(), used.network.to_string(), used.agent.to_string(), used.calls);
        let mut all: Vec<_> = listener.drain(uses).into_iter().map(each).collect();
        all.sort();
        all
    }

    #[test]
    fn calls_are_counted_by_key_network_and_program() {
        let (uses, mut listener) = Uses::new(HashMap::new());
        for address in ["203.0.113.7", "203.0.113.9", "2001:db8:1:2::3"] {
            note(&uses, 1, address, "curl");
        }
        note(&uses, 2, "203.0.113.7", "");
        let text = |text: &str| text.to_owned();
        assert_eq!(
            drained(&uses, &mut listener),
            [
                (1, text("2001:db8:1::/48"), text("curl"), 1),
                (1, text("203.0.113.0/24"), text("curl"), 2),
                (2, text("203.0.113.0/24"), text("unknown"), 1),
            ]
        );
        assert_eq!(drained(&uses, &mut listener), []);
        note(&uses, 1, "203.0.113.8", "curl");
        assert_eq!(drained(&uses, &mut listener).len(), 1, "a place that was freed is taken again");
        assert_eq!(&*told(b"a\x1b[31m\nb"), "a\u{fffd}[31m\u{fffd}b");
    }

    #[test]
    fn however_many_uses_there_are_memory_is_bounded_and_most_are_counted() {
        let (uses, mut listener) = Uses::new(HashMap::new());
        let mut counted = 0;
        for round in 0..20_u128 {
            (0..1_000).for_each(|key| note(&uses, round * 1_000 + key, "203.0.113.7", "x"));
            counted += drained(&uses, &mut listener).iter().map(|(.., calls)| calls).sum::<u64>();
            assert!(listener.known.len() <= PLACES);
        }
        assert_eq!(counted, 20_000);
    }
}
