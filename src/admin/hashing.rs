//! Hashing: passwords are hashed a few at a time, away from the request threads. Owns how many at once and how many wait; a place
//! is taken until the work is done, whether or not anybody waits for it still. Refuses more: memory is bounded, and nobody waits
//! behind a crowd of guesses for longer than that many hashes take.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::AdminError;
use crate::background;

/// Each takes 19 MiB.
const AT_ONCE: usize = 4;
const WAITING: usize = 32;

/// The way to a hash.
pub(super) struct Hashing {
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

/// A turn in the queue; it is given back with the work, or when it is dropped unused.
pub(super) struct Turn {
    places: Arc<Semaphore>,
    queued: OwnedSemaphorePermit,
}

impl Hashing {
    pub(super) fn new() -> Self {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Self { places, queue: Arc::new(Semaphore::new(AT_ONCE + WAITING)) }
    }

    /// A turn for one piece of work.
    ///
    /// # Errors
    /// If too many wait already.
    pub(super) fn turn(&self) -> Result<Turn, AdminError> {
        let queued = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| AdminError::HashingBusy)?;
        Ok(Turn { places: Arc::clone(&self.places), queued })
    }
}

impl Turn {
    /// Does `work` when there is a place. Whoever asks may go away meanwhile: what has begun is done, in its place.
    ///
    /// # Errors
    /// If the work broke off.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AdminError> {
        let Self { places, queued } = self;
        let place = places.acquire_owned().await.map_err(|_| AdminError::HashingBusy)?;
        let held = (queued, place);
        let work = move || {
            let done = work();
            drop(held);
            done
        };
        background::run(work).await.map_err(|_| AdminError::HashingBusy)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use super::*;

    impl Hashing {
        async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AdminError> {
            self.turn()?.run(work).await
        }
    }

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

    #[actix_web::test]
    async fn whoever_goes_away_leaves_the_place_to_the_work_until_it_is_done() {
        let hashing = Hashing::new();
        let (begun, begins) = mpsc::channel();
        let (gate, held) = mpsc::channel::<()>();
        let mut asked = Box::pin(hashing.run(move || {
            begun.send(()).unwrap();
            held.recv().unwrap();
        }));
        assert!(asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        begins.recv().unwrap();
        drop(asked);
        let free = || (hashing.places.available_permits(), hashing.queue.available_permits());
        assert_eq!(free(), (AT_ONCE - 1, AT_ONCE + WAITING - 1), "the work goes on");
        gate.send(()).unwrap();
        // All places at once are there when the work has given its own back.
        let all = u32::try_from(AT_ONCE).unwrap();
        drop(hashing.places.acquire_many(all).await.unwrap());
        assert_eq!(free(), (AT_ONCE, AT_ONCE + WAITING));
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
