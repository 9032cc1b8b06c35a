//! Credentials that were good a moment ago, by a keyed hash of each, in memory whose size never changes.
//! Owns the places. Refuses to vouch: whoever is known here is still checked, only not turned away before.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

const PLACES: usize = 8_192;

/// What was good.
pub(super) struct Known {
    hasher: RandomState,
    places: Box<[AtomicU64]>,
}

impl Known {
    pub(super) fn new() -> Self {
        Self { hasher: RandomState::new(), places: (0..PLACES).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Remembers a credential, in the place of another if need be.
    pub(super) fn remember(&self, credential: &str) {
        let (place, mark) = self.place(credential);
        // Written only when it changes: the place is read by every worker.
        if let Some(place) = place.filter(|place| place.load(Ordering::Relaxed) != mark) {
            place.store(mark, Ordering::Relaxed);
        }
    }

    /// Forgets a credential that is not good any more.
    pub(super) fn forget(&self, credential: &str) {
        let (place, mark) = self.place(credential);
        if let Some(place) = place {
            // Whoever else is there stays.
            place.compare_exchange(mark, 0, Ordering::Relaxed, Ordering::Relaxed).ok();
        }
    }

    pub(super) fn has(&self, credential: &str) -> bool {
        let (place, mark) = self.place(credential);
        place.is_some_and(|place| place.load(Ordering::Relaxed) == mark)
    }

    fn place(&self, credential: &str) -> (Option<&AtomicU64>, u64) {
        let mark = self.hasher.hash_one(credential).max(1);
        let at = usize::try_from(mark).unwrap_or(0).checked_rem(self.places.len());
        (at.and_then(|at| self.places.get(at)), mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_good_is_known_until_it_is_forgotten() {
        let known = Known::new();
        assert!(!known.has("a"));
        known.remember("a");
        assert!(known.has("a") && !known.has("b"));
        known.forget("a");
        assert!(!known.has("a"));
    }

    #[test]
    fn however_many_are_good_the_last_ones_are_known() {
        let known = Known::new();
        (0..100_000).for_each(|count| known.remember(&count.to_string()));
        let kept = (0..100_000).filter(|count| known.has(&count.to_string())).count();
        assert!(known.has("99999") && kept <= PLACES, "{kept}");
    }
}
