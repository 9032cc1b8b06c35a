//! Snapshots: state that is read on every request and changed rarely, published whole by its one owner.
//! Owns the split into a writing half and reading halves. Refuses partial updates and waiting: a reader never asks anybody.

use std::sync::Arc;

use arc_swap::ArcSwap;

/// The reading half: cheap to clone, always has a value.
pub struct Snapshot<T>(Arc<ArcSwap<T>>);

/// The writing half; its owner is the only one that can publish.
pub struct Publisher<T>(Arc<ArcSwap<T>>);

impl<T> Snapshot<T> {
    /// The state as last published, without counting references: hold it briefly.
    pub fn load(&self) -> arc_swap::Guard<Arc<T>> {
        self.0.load()
    }

    /// The state as last published, to keep.
    pub fn get(&self) -> Arc<T> {
        self.0.load_full()
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
        Self(Arc::new(ArcSwap::from_pointee(first)))
    }

    /// Replaces what readers see.
    pub fn publish(&self, value: T) {
        self.0.store(Arc::new(value));
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
