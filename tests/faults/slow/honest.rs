//! Honest callers beside an attack: so many a second, each on a connection of its own. Owns what they saw; fails at the first that
//! was not served. They call with as little as they can, so that it is the gateway whose time is taken.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farthing_support::Scene;
use farthing_support::scene::ask;
use serde_json::json;

use crate::pause;
use crate::raw::tell;

/// Fifty a second.
const GAP: Duration = Duration::from_millis(20);

pub(crate) struct Honest {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Duration>>,
}

/// How long the calls took, in order.
pub(crate) struct Seen(Vec<Duration>);

impl Honest {
    pub(crate) fn start(scene: &Scene) -> Self {
        let (is_over, address) = (Arc::new(AtomicBool::new(false)), scene.gateway.address());
        let (told, body) = (Arc::clone(&is_over), ask(&json!({})).to_string());
        let (key, length) = (&scene.key.secret, body.len());
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        Self { is_over, thread: thread::spawn(move || call(address, request.as_bytes(), &told)) }
    }

    pub(crate) fn stop(self) -> Seen {
        self.is_over.store(true, Ordering::Release);
        let mut took = self.thread.join().expect("others are served");
        took.sort_unstable();
        Seen(took)
    }
}

fn call(address: SocketAddr, request: &[u8], is_over: &AtomicBool) -> Vec<Duration> {
    let mut took = Vec::new();
    while !is_over.load(Ordering::Acquire) {
        let asked = Instant::now();
        let told = tell(address, request);
        took.push(asked.elapsed());
        assert_eq!(told.statuses(), [200], "others are served: {}", told.text);
        pause(GAP.saturating_sub(asked.elapsed()));
    }
    took
}

impl Seen {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    fn at(&self, percent: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0.get((self.0.len() * percent / 100).min(last)).copied().unwrap_or_default()
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (middle, late, last) = (self.at(50), self.at(99), self.at(100));
        write!(
            f,
            "{} honest calls, all answered: p50 {middle:.1?}, p99 {late:.1?}, the slowest {last:.1?}",
            self.count()
        )
    }
}
