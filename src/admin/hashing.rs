//! Hashing: passwords are hashed a few at a time, away from the request threads. Owns how many at once and how many wait.
//! Refuses more: memory is bounded, and nobody waits behind a crowd of guesses for longer than that many hashes take.

use tokio::sync::Semaphore;

use super::AdminError;

/// Each takes 19 MiB.
const AT_ONCE: usize = 4;
const WAITING: usize = 32;

/// The way to a hash.
pub(super) struct Hashing {
    places: Semaphore,
    queue: Semaphore,
}

impl Hashing {
    pub(super) fn new() -> Self {
        Self { places: Semaphore::new(AT_ONCE), queue: Semaphore::new(AT_ONCE + WAITING) }
    }

    /// Does `work` when its turn comes.
    ///
    /// # Errors
    /// If too many wait already.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AdminError> {
        let _waiting = self.queue.try_acquire().map_err(|_| AdminError::HashingBusy)?;
        let _place = self.places.acquire().await.map_err(|_| AdminError::HashingBusy)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| AdminError::HashingBusy)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[actix_web::test]
    async fn a_crowd_is_hashed_a_few_at_a_time_and_the_rest_is_turned_away() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let hashing = Hashing::new();
        let work = |now: Arc<AtomicUsize>, most: Arc<AtomicUsize>| {
            move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(std::time::Duration::from_millis(2));
                now.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let crowd = (0..500).map(|_| hashing.run(work(Arc::clone(&now), Arc::clone(&most))));
        let outcomes = futures_of(crowd.collect()).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), AT_ONCE + WAITING);
        assert!(most.load(Ordering::SeqCst) <= AT_ONCE);
        assert!(hashing.run(|| ()).await.is_ok(), "the next one finds room again");
    }

    /// All of them, polled in turn on this thread.
    async fn futures_of<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
        let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
        std::future::poll_fn(move |waker| {
            let mut waiting = false;
            for (future, done) in &mut futures {
                if done.is_none() {
                    match future.as_mut().poll(waker) {
                        std::task::Poll::Ready(output) => *done = Some(output),
                        std::task::Poll::Pending => waiting = true,
                    }
                }
            }
            if waiting {
                return std::task::Poll::Pending;
            }
            std::task::Poll::Ready(futures.iter_mut().filter_map(|(_, done)| done.take()).collect())
        })
        .await
    }
}
