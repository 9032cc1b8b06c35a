//! A meter for each address: how much of an allowance it has used up (GCRA), in memory whose size never changes.
//! Owns the arithmetic and the places. Refuses locks, and to know what is metered.
//!
//! Each place is one word: 24 bits of the address's keyed hash, and 40 bits of the instant in microseconds at which all is
//! given back, compared in a circle (12.7 days round). An address has four places to be in. Where all are taken, the one
//! that owes least goes, so that whoever comes from very many addresses makes room for himself first.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// 65,536 addresses, half a mebibyte.
const SETS: usize = 16_384;
const WAYS: usize = 4;
const CLOCK_BITS: u32 = 40;
const CLOCK_MASK: u64 = (1 << CLOCK_BITS) - 1;

/// An allowance, and what each address has used of it.
pub(super) struct Meter {
    places: Box<[[AtomicU64; WAYS]]>,
    /// After how long one is given back, in microseconds.
    interval: u64,
    /// What may be owed before one more is taken, in microseconds.
    patience: u64,
}

/// What is at a place.
#[derive(Clone, Copy)]
struct Found<'a> {
    place: &'a AtomicU64,
    seen: u64,
    /// What is owed there, in microseconds; of somebody else, if it is not this address's.
    owed: u64,
    is_own: bool,
}

impl Meter {
    /// `count` at once, given back evenly over `period`. `None` if the count is 0, which is no limit.
    pub(super) fn new(count: u32, period: Duration) -> Option<Self> {
        let interval = micros(period).checked_div(u64::from(count))?.max(1);
        let places = (0..SETS).map(|_| std::array::from_fn(|_| AtomicU64::new(0))).collect();
        Some(Self { places, interval, patience: interval.saturating_mul(u64::from(count).saturating_sub(1)) })
    }

    /// How long the address whose hash this is must wait until one more may be taken; `None` if it may be taken now.
    pub(super) fn wait(&self, hash: u64, now: Duration) -> Option<Duration> {
        let found = self.find(hash, micros(now))?;
        self.excess(found.owed).filter(|_| found.is_own)
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long to wait, if nothing is left; then nothing is taken.
    pub(super) fn take(&self, hash: u64, now: Duration) -> Result<(), Duration> {
        let now = micros(now);
        while let Some(found) = self.find(hash, now) {
            let owed = if found.is_own { found.owed } else { 0 };
            if let Some(wait) = self.excess(owed) {
                return Err(wait);
            }
            let until = now.wrapping_add(owed).wrapping_add(self.interval) & CLOCK_MASK;
            let word = (tag(hash) << CLOCK_BITS) | until;
            let swapped = found.place.compare_exchange_weak(found.seen, word, Ordering::Relaxed, Ordering::Relaxed);
            if swapped.is_ok() {
                break;
            }
        }
        Ok(())
    }

    fn excess(&self, owed: u64) -> Option<Duration> {
        owed.checked_sub(self.patience).filter(|excess| *excess > 0).map(Duration::from_micros)
    }

    /// The address's own place, or the one to take.
    fn find(&self, hash: u64, now: u64) -> Option<Found<'_>> {
        let set = usize::try_from(hash & CLOCK_MASK).unwrap_or(0).checked_rem(self.places.len())?;
        let look = |place| self.look(place, hash, now);
        self.places.get(set)?.iter().map(look).min_by_key(|found| (!found.is_own, found.owed))
    }

    fn look<'a>(&self, place: &'a AtomicU64, hash: u64, now: u64) -> Found<'a> {
        let seen = place.load(Ordering::Relaxed);
        let ahead = (seen & CLOCK_MASK).wrapping_sub(now) & CLOCK_MASK;
        // What is further ahead than anybody can owe lies behind.
        let owed = if ahead > self.patience.saturating_add(self.interval) { 0 } else { ahead };
        Found { place, seen, owed, is_own: seen >> CLOCK_BITS == tag(hash) }
    }
}

/// Never 0, which marks an empty place.
fn tag(hash: u64) -> u64 {
    (hash >> CLOCK_BITS).max(1)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: u64 = 0xdead_beef_0123_4567;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn so_many_at_once_and_then_as_they_are_given_back() {
        let meter = Meter::new(20, Duration::from_secs(60)).unwrap();
        let taken = |millis| (0..100).filter(|_| meter.take(HASH, at(millis)).is_ok()).count();
        assert_eq!((taken(5_000), taken(7_999), taken(8_000), taken(8_001)), (20, 0, 1, 0));
        assert_eq!(meter.wait(HASH, at(9_500)), Some(at(1_500)));
        assert_eq!(meter.take(HASH, at(9_500)), Err(at(1_500)), "what is refused costs nothing");
        assert_eq!(meter.wait(HASH, at(11_000)), None, "who waits as told may");
        assert_eq!(meter.wait(HASH ^ (1 << 63), at(9_500)), None, "others have their own");
        assert_eq!(taken(1_000_000), 20, "all is given back, and no more");
    }

    #[test]
    fn a_clock_that_goes_round_neither_forgives_nor_accuses() {
        let round = 1_u64 << CLOCK_BITS;
        for now in [round - 1, round, round - 30_000_000, round + 5, 7 * round - 1].map(Duration::from_micros) {
            let meter = Meter::new(2, Duration::from_secs(60)).unwrap();
            let taken = |now| (0..9).filter(|_| meter.take(HASH, now).is_ok()).count();
            assert_eq!(
                (taken(now), taken(now + Duration::from_secs(30)), taken(now + Duration::from_secs(300))),
                (2, 1, 2)
            );
        }
    }

    #[test]
    fn many_addresses_make_room_for_themselves_before_they_make_it_for_who_owes_most() {
        let meter = Meter::new(20, Duration::from_secs(60)).unwrap();
        while meter.take(HASH, at(1)).is_ok() {}
        // All of the same set, so that they can only push each other out.
        (2..1_000_u64).for_each(|other| meter.take((HASH & CLOCK_MASK) | (other << CLOCK_BITS), at(2)).unwrap());
        assert!(meter.wait(HASH, at(3)).is_some());
    }

    #[test]
    fn no_limit_is_no_meter() {
        assert!(Meter::new(0, Duration::from_secs(1)).is_none());
    }

    #[test]
    fn what_several_threads_take_together_is_exact() {
        let meter = Meter::new(1_000, Duration::from_secs(60)).unwrap();
        let taken: usize = std::thread::scope(|scope| {
            let take = || (0..1_000).filter(|_| meter.take(HASH, at(1)).is_ok()).count();
            let all: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 1_000);
    }
}
