//! Tracked tasks: work that outlives the request that began it, and that a stop waits for.
//! Owns the only spawn of the gateway, and the word that a stop has begun. Refuses untracked work.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, watch};

/// A counter of running tasks; clones share it.
#[derive(Clone, Default)]
pub struct Tasks(Arc<Shared>);

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    idle: Notify,
    stage: watch::Sender<Stage>,
}

/// How far a stop has come; never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stage {
    /// Nobody stops.
    #[default]
    Open,
    /// What runs may end in its own time; nothing new is begun.
    Closing,
    /// What still runs ends now, with its books in order.
    Cutting,
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

    /// Tells everybody how far the stop has come.
    pub fn enter(&self, stage: Stage) {
        self.0.stage.send_replace(stage);
    }

    /// Whether the stop has come as far as `stage`.
    pub fn has_reached(&self, stage: Stage) -> bool {
        *self.0.stage.borrow() >= stage
    }

    /// Waits until the stop has come as far as `stage`.
    pub async fn reached(&self, stage: Stage) {
        // Fails only without a sender, and that is here.
        self.0.stage.subscribe().wait_for(|now| *now >= stage).await.ok();
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
