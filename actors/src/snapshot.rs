//! Snapshots: state that is read on every request and changed rarely, published whole by its one owner.
//! Owns the split into a writing half and reading halves, and word of each publication. Refuses partial updates and waiting: a reader never asks anybody.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

/// The reading half: cheap to clone, always has a value.
pub struct Snapshot<T>(Arc<Board<T>>);

/// The writing half; its owner is the only one that can publish.
pub struct Publisher<T>(Arc<Board<T>>);

struct Board<T> {
    value: ArcSwap<T>,
    published: watch::Sender<()>,
}

/// Word of publications.
pub struct Publications(watch::Receiver<()>);

impl<T> Snapshot<T> {
    /// The state as last published, without counting references: hold it briefly.
    pub fn load(&self) -> arc_swap::Guard<Arc<T>> {
        self.0.value.load()
    }

    /// The state as last published, to keep.
    pub fn get(&self) -> Arc<T> {
        self.0.value.load_full()
    }

    /// Word of every publication from now on.
    pub fn publications(&self) -> Publications {
        Publications(self.0.published.subscribe())
    }
}

impl Publications {
    /// Waits until something was published since the last time: several publications may be one word.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Publisher<T> {
    /// A publisher whose readers see `first` until something else is published.
    pub fn new(first: T) -> Self {
        Self(Arc::new(Board { value: ArcSwap::from_pointee(first), published: watch::Sender::new(()) }))
    }

    /// Replaces what readers see.
    pub fn publish(&self, value: T) {
        self.0.value.store(Arc::new(value));
        self.0.published.send_replace(());
    }

    /// Another reading half.
    pub fn reader(&self) -> Snapshot<T> {
        Snapshot(Arc::clone(&self.0))
    }
}

/// A restarted owner publishes to the same readers.
impl<T> Clone for Publisher<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
