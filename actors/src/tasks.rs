//! Tracked tasks: work that outlives the request that began it, and that a stop waits for.
//! Owns the only spawn of the gateway. Refuses untracked work.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// A counter of running tasks; clones share it.
#[derive(Clone, Default)]
pub struct Tasks(Arc<Shared>);

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    idle: Notify,
}

struct Running(Arc<Shared>);

impl Tasks {
    /// Runs `work` on the current thread until it ends, whoever asked for it.
    #[expect(clippy::disallowed_methods, reason = "this file is the one door to spawning")]
    pub fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        let running = Running::enter(&self.0);
        // Boxed: the work is large, and spawning moves what it is given several times.
        let work = Box::pin(work);
        actix::spawn(async move {
            work.await;
            drop(running);
        });
    }

    /// Runs `work` that only the end of its thread ends: servers and listeners, which no stop waits for.
    #[expect(clippy::disallowed_methods, reason = "this file is the one door to spawning")]
    pub fn keep_running(&self, work: impl Future<Output = ()> + 'static) {
        actix::spawn(work);
    }

    /// How many tasks run now.
    pub fn running(&self) -> usize {
        self.0.running.load(Ordering::Acquire)
    }

    /// Waits until none runs.
    pub async fn idle(&self) {
        loop {
            let notified = self.0.idle.notified();
            if self.running() == 0 {
                return;
            }
            notified.await;
        }
    }
}

impl Running {
    fn enter(shared: &Arc<Shared>) -> Self {
        shared.running.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(shared))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
