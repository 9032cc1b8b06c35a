//! The queue of counts: work that would hold up a request thread, done on two threads of its own.
//! Owns the bound: a lane that is full refuses, and what is refused is numbered. Refuses to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tokio::sync::oneshot;

/// Counts that may wait in a lane. Short ones take under a millisecond each, so the last waits for less than 64 ms.
const WAITING: usize = 64;
/// The tokenizer's regular expressions recurse.
const STACK: usize = 8 << 20;

type Count = Box<dyn FnOnce() + Send>;

/// Where counts are handed in; clones share the threads, which end with the last of them.
#[derive(Clone)]
pub struct CountQueue {
    lanes: [SyncSender<Count>; 2],
    refused: Arc<AtomicU64>,
}

/// Which thread does it: nobody who waits for a short count waits for a long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Under a millisecond; somebody waits for it.
    Short,
    /// Longer; nobody waits for it.
    Long,
}

impl CountQueue {
    /// Starts its threads. Where the system has none to give, everything is refused.
    pub fn start() -> Self {
        Self { lanes: [lane("count-short"), lane("count-long")], refused: Arc::default() }
    }

    /// Has `count` done; `None` if the lane is full. The answer never comes if `count` panics.
    pub fn submit<T: Send + 'static>(
        &self,
        lane: Lane,
        count: impl FnOnce() -> T + Send + 'static,
    ) -> Option<oneshot::Receiver<T>> {
        let [short, long] = &self.lanes;
        let lane = if lane == Lane::Short { short } else { long };
        let (answer, counted) = oneshot::channel();
        let count: Count = Box::new(move || drop(answer.send(count())));
        match lane.try_send(count) {
            Ok(()) => Some(counted),
            Err(_) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// How many were refused since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

fn lane(name: &str) -> SyncSender<Count> {
    let (lane, counts) = sync_channel(WAITING);
    let thread = thread::Builder::new().name(name.to_owned()).stack_size(STACK);
    // A thread that cannot be had takes its receiver with it, and the lane refuses.
    drop(thread.spawn(move || work(&counts)));
    lane
}

fn work(counts: &Receiver<Count>) {
    for count in counts {
        // The tokenizer survives its own panics; another would lose one count, not the lane.
        drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(count)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_done_and_a_full_lane_refuses_and_numbers_what_it_refused() {
        let queue = CountQueue::start();
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let (begun, running) = std::sync::mpsc::channel();
        let blocked = queue.submit(Lane::Long, move || {
            begun.send(()).unwrap();
            gate.recv().unwrap();
        });
        running.recv().unwrap();
        let waiting: Vec<_> = (0..WAITING).map(|n| queue.submit(Lane::Long, move || n).unwrap()).collect();
        assert!(queue.submit(Lane::Long, || ()).is_none());
        assert_eq!(queue.refused(), 1);
        let short = queue.submit(Lane::Short, || 7).unwrap();
        assert_eq!(short.blocking_recv().unwrap(), 7, "the other lane goes on");
        open.send(()).unwrap();
        blocked.unwrap().blocking_recv().unwrap();
        let done: Vec<_> = waiting.into_iter().map(|count| count.blocking_recv().unwrap()).collect();
        assert_eq!(done, (0..WAITING).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_loses_one_count() {
        let queue = CountQueue::start();
        let lost = queue.submit(Lane::Short, || panic!("a fault of the library")).unwrap();
        assert!(lost.blocking_recv().is_err());
        assert_eq!(queue.submit(Lane::Short, || 1).unwrap().blocking_recv().unwrap(), 1);
    }
}
