//! Waiting to the tenth of a millisecond. tokio's timers step in whole milliseconds, which would hide or double an added
//! latency of half of one; so a thread of its own sleeps here and wakes the task that waits.
//! Owns that thread, which ends with the alarm. Refuses to count anything.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use farthing_actors::domain::Clock;
use tokio::sync::oneshot;

/// How long the thread sleeps when nobody waits.
const IDLE: Duration = Duration::from_secs(60);

/// A clock that can also wake.
pub(crate) struct Alarm {
    clock: Clock,
    orders: Sender<Order>,
}

struct Order {
    at: Duration,
    ring: oneshot::Sender<()>,
}

impl Alarm {
    /// Starts the thread.
    pub(crate) fn start() -> Self {
        let clock = Clock::system();
        let (orders, taken) = channel();
        let thread_clock = clock.clone();
        std::thread::spawn(move || ring_in_time(&taken, &thread_clock));
        Self { clock, orders }
    }

    /// Time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Returns at `at`, or at once if that has passed.
    pub(crate) async fn until(&self, at: Duration) {
        let (ring, rung) = oneshot::channel();
        if at > self.now() && self.orders.send(Order { at, ring }).is_ok() {
            rung.await.ok();
        }
    }
}

fn ring_in_time(orders: &Receiver<Order>, clock: &Clock) {
    let mut waiting: BTreeMap<(Duration, u64), oneshot::Sender<()>> = BTreeMap::new();
    let mut taken = 0_u64;
    loop {
        let next = waiting.first_key_value().map(|((at, _), _)| at.saturating_sub(clock.monotonic()));
        match orders.recv_timeout(next.unwrap_or(IDLE)) {
            Ok(order) => {
                taken = taken.saturating_add(1);
                waiting.insert((order.at, taken), order.ring);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = clock.monotonic();
        while let Some(first) = waiting.first_entry().filter(|first| first.key().0 <= now) {
            first.remove().send(()).ok();
        }
    }
}
