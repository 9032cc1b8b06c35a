//! Outcomes: what calls to one deployment came to lately, within a minute unless set otherwise. Pure.
//! Owns the rule that one key alone speaks for itself only. While others call too, two of its failures count; beyond them it has
//! its share in a row of failures that all make together, and as many of its failures count as all others have.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::figures::Figures;
use crate::domain::KeyId;

/// The window is made of slots, so that its size does not grow with traffic; one of a minute covers 55 to 60 seconds.
const SLOT_SECONDS: u64 = 5;
/// Keys a slot tells apart. With more of them failing, those that are told apart open the circuit.
const KEYS_PER_SLOT: usize = 32;
/// What one key's failures count for at most, while others call too and do not fail.
const FAILURES_PER_KEY: u64 = 2;
/// Fewer outcomes than this say nothing about a share.
const ENOUGH: u64 = 20;

/// A key, as far as telling two apart goes; never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct KeyMark(pub(super) u64);

/// Successes that were counted without being told one by one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beats {
    pub(super) successes: u64,
    /// The last of the keys they are of.
    pub(super) key: KeyMark,
    pub(super) several_keys: bool,
}

/// The window of one deployment.
#[derive(Debug)]
pub(super) struct Outcomes {
    /// How many slots it has.
    length: u64,
    /// How long a row of failures is that opens the circuit.
    longest: u64,
    slots: VecDeque<Slot>,
    /// Failures since the last success. Before there are many keys in it, the circuit has opened.
    row: Vec<(KeyMark, u64)>,
    /// Those of them that were among the first of their keys in the window.
    first: u64,
}

/// What it all amounts to, after one more failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    /// Failures in a row that count.
    pub(super) in_a_row: u64,
    /// Failures within the window that count.
    pub(super) failures: u64,
    /// Those and all successes.
    pub(super) outcomes: u64,
}

#[derive(Debug)]
struct Slot {
    number: u64,
    successes: u64,
    several_keys: bool,
    /// Who called, and how many of each one's calls failed.
    keys: Vec<(KeyMark, u64)>,
}

impl KeyMark {
    pub(super) fn of(key: KeyId) -> Self {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Self(hasher.finish() | 1)
    }
}

impl Tally {
    /// Whether at least half of enough outcomes are failures.
    pub(super) fn is_bad(self) -> bool {
        self.outcomes >= ENOUGH && self.failures.saturating_mul(2) >= self.outcomes
    }
}

impl Outcomes {
    /// None yet.
    pub(super) fn none(figures: &Figures) -> Self {
        let (length, longest) = (figures.window.as_secs().div_ceil(SLOT_SECONDS), u64::from(figures.in_a_row));
        Self { length, longest, slots: VecDeque::new(), row: Vec::new(), first: 0 }
    }

    /// Notes successes at `now`.
    pub(super) fn succeeded(&mut self, beats: Beats, now: Duration) {
        self.row.clear();
        self.first = 0;
        if let Some(slot) = self.slot(now) {
            slot.successes = slot.successes.saturating_add(beats.successes);
            slot.several_keys |= beats.several_keys;
            // A beat that was drained before its key was written is of no key.
            if beats.key != KeyMark(0) {
                slot.add(beats.key, 0);
            }
        }
    }

    /// Notes a failure at `now`.
    pub(super) fn failed(&mut self, key: KeyMark, now: Duration) -> Tally {
        if let Some(slot) = self.slot(now) {
            slot.add(key, 1);
        }
        count(&mut self.row, key, 1, usize::MAX);
        self.tally(key)
    }

    fn tally(&mut self, key: KeyMark) -> Tally {
        let mut by_key: HashMap<KeyMark, u64> = HashMap::new();
        for (key, failures) in self.slots.iter().flat_map(|slot| &slot.keys) {
            *by_key.entry(*key).or_default() += failures;
        }
        let several_keys = by_key.len() > 1 || self.slots.iter().any(|slot| slot.several_keys);
        let most = if several_keys { FAILURES_PER_KEY } else { u64::MAX };
        self.first += u64::from(by_key.get(&key).is_none_or(|failures| *failures <= most));
        let callers = u64::try_from(by_key.len()).unwrap_or(u64::MAX).max(1 + u64::from(several_keys));
        let share = self.longest.div_ceil(callers.min(self.longest).max(1));
        let together = self.row.iter().map(|(_, failures)| *failures.min(&share)).sum();
        let in_a_row = self.first.max(together);
        let all = by_key.values().sum::<u64>();
        let worst = by_key.values().copied().max().unwrap_or(0);
        let others = all.saturating_sub(worst);
        let failures = others.saturating_add(worst.min(others.max(most)));
        let successes = self.slots.iter().map(|slot| slot.successes).sum::<u64>();
        Tally { in_a_row, failures, outcomes: failures.saturating_add(successes) }
    }

    /// The slot of `now`, after those that left the window are gone. There always is one.
    fn slot(&mut self, now: Duration) -> Option<&mut Slot> {
        let number = now.as_secs() / SLOT_SECONDS;
        let length = self.length;
        self.slots.retain(|slot| slot.number + length > number);
        if self.slots.back().is_none_or(|slot| slot.number < number) {
            self.slots.push_back(Slot { number, successes: 0, several_keys: false, keys: Vec::new() });
        }
        self.slots.back_mut()
    }
}

impl Slot {
    fn add(&mut self, key: KeyMark, failures: u64) {
        self.several_keys |= !count(&mut self.keys, key, failures, KEYS_PER_SLOT);
    }
}

/// Adds to what `counts` say of `key`. Whether there was room among `most` keys.
fn count(counts: &mut Vec<(KeyMark, u64)>, key: KeyMark, more: u64, most: usize) -> bool {
    if let Some((_, count)) = counts.iter_mut().find(|(known, _)| *known == key) {
        *count = count.saturating_add(more);
    } else if counts.len() < most {
        counts.push((key, more));
    } else {
        return false;
    }
    true
}
