//! Closed: the latest closings and adjustments, so that a repeated one finds its first result, and what an estimate may
//! be corrected to. Owns how many are remembered. Refuses to remember for ever: the database does.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Remembered by key; the oldest is forgotten first.
#[derive(Debug)]
pub(super) struct Latest<K, V> {
    by_key: HashMap<K, V>,
    order: VecDeque<K>,
    most: usize,
}

impl<K: Copy + Eq + Hash, V> Latest<K, V> {
    /// Remembers at most `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { by_key: HashMap::new(), order: VecDeque::new(), most }
    }

    pub(super) fn remember(&mut self, key: K, value: V) {
        if self.by_key.insert(key, value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_key.remove(&oldest);
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.by_key.get(key)
    }
}
