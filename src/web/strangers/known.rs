//! Credentials that were good a moment ago, by a keyed hash of each, in memory whose size never changes.
//! Owns the places. Refuses to vouch: whoever is known here is still checked, only not turned away before.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

const PLACES: usize = 8_192;

/// A credential, and where it was presented: what is good at one door is wrong at another, and stays good at its own.
pub(super) type Credential<'a> = (Door, &'a str);

/// Where credentials are presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// Where applications call.
    Application,
    /// Where operators manage and sign in.
    Operator,
}

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
    pub(super) fn remember(&self, credential: Credential<'_>) {
        let (place, mark) = self.place(credential);
        // Written only when it changes: the place is read by every worker.
        if let Some(place) = place.filter(|place| place.load(Ordering::Relaxed) != mark) {
            place.store(mark, Ordering::Relaxed);
        }
    }

    /// Forgets a credential that is not good any more.
    pub(super) fn forget(&self, credential: Credential<'_>) {
        let (place, mark) = self.place(credential);
        if let Some(place) = place {
            // Whoever else is there stays.
            place.compare_exchange(mark, 0, Ordering::Relaxed, Ordering::Relaxed).ok();
        }
    }

    pub(super) fn has(&self, credential: Credential<'_>) -> bool {
        let (place, mark) = self.place(credential);
        place.is_some_and(|place| place.load(Ordering::Relaxed) == mark)
    }

    fn place(&self, credential: Credential<'_>) -> (Option<&AtomicU64>, u64) {
        let mark = self.hasher.hash_one(credential).max(1);
        let at = usize::try_from(mark).unwrap_or(0).checked_rem(self.places.len());
        (at.and_then(|at| self.places.get(at)), mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn key(text: &str) -> Credential<'_> {
        (Door::Application, text)
    }

    #[test]
    fn what_was_good_is_known_until_it_is_forgotten() {
        let known = Known::new();
        assert!(!known.has(key("a")));
        known.remember(key("a"));
        assert!(known.has(key("a")) && !known.has(key("b")));
        known.forget((Door::Operator, "a"));
        assert!(known.has(key("a")), "it was wrong at another door");
        known.forget(key("a"));
        assert!(!known.has(key("a")));
    }

    #[test]
    fn however_many_are_good_the_last_ones_are_known() {
        let known = Known::new();
        (0..100_000).for_each(|count| known.remember(key(&count.to_string())));
        let kept = (0..100_000).filter(|count| known.has(key(&count.to_string()))).count();
        assert!(known.has(key("99999")) && kept <= PLACES, "{kept}");
    }
}
