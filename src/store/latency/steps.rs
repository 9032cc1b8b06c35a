//! Steps: a count for each of the widening steps that milliseconds are sorted into, 8 for each doubling.
//! Owns their bounds and the percentiles. Refuses fractions: what comes out is off by less than a step, an eighth of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Steps for each doubling, as a power of two; below 16 ms a step is a millisecond.
const BITS: u32 = 3;

/// How many calls were in which step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Steps(BTreeMap<u16, u64>);

impl Steps {
    /// Counts one more.
    pub(in crate::store) fn add(&mut self, ms: u64) {
        let count = self.0.entry(step_of(ms)).or_default();
        *count = count.saturating_add(1);
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (step, more) in &other.0 {
            let count = self.0.entry(*step).or_default();
            *count = count.saturating_add(*more);
        }
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Milliseconds that `percent` of a hundred calls did not exceed; inside of a step, calls are taken to be spread evenly.
    /// `None` if there are none.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let count = u128::from(self.count());
        let rank = count.saturating_mul(u128::from(percent)).div_ceil(100).max(1);
        let mut before = 0;
        for (step, calls) in &self.0 {
            let calls = u128::from(*calls);
            if before + calls >= rank {
                let (low, width) = bounds(*step);
                let within = (u128::from(width) * (2 * (rank - before) - 1)).checked_div(2 * calls)?;
                return Some(low.saturating_add(u64::try_from(within).unwrap_or(0)));
            }
            before += calls;
        }
        None
    }
}

/// The step that so many milliseconds are in.
fn step_of(ms: u64) -> u16 {
    let shift = ms.checked_ilog2().unwrap_or(0).saturating_sub(BITS);
    let step = (u64::from(shift) << BITS) + (ms >> shift);
    u16::try_from(step).unwrap_or(u16::MAX)
}

/// The first millisecond of a step, and how many it has.
fn bounds(step: u16) -> (u64, u64) {
    let (octave, place) = (u32::from(step) >> BITS, u64::from(step) & 7);
    let shift = octave.saturating_sub(1).min(60);
    let low = if octave == 0 { place } else { (place + 8) << shift };
    (low, 1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_time_is_in_a_step_that_is_no_wider_than_an_eighth(ms in prop_oneof![0_u64..5_000, any::<u64>()]) {
            let (low, width) = bounds(step_of(ms));
            prop_assert!(low <= ms && ms - low < width, "{} {} {}", ms, low, width);
            prop_assert!(width == 1 || width <= low / 8);
            prop_assert!(step_of(ms) <= step_of(ms.saturating_add(1)));
        }

        #[test]
        fn percentiles_are_within_a_step_of_the_exact_ones(mut times in proptest::collection::vec(0_u64..90_000, 1..200)) {
            let mut steps = Steps::default();
            times.iter().for_each(|ms| steps.add(*ms));
            times.sort_unstable();
            for percent in [50, 90, 99] {
                let rank = (times.len() * percent).div_ceil(100).max(1);
                let exact = times[rank - 1];
                let told = steps.percentile(u64::try_from(percent).unwrap()).unwrap();
                prop_assert_eq!(step_of(told), step_of(exact), "{} for {}", told, exact);
            }
        }
    }

    #[test]
    fn steps_are_kept_as_json_and_added() {
        let mut steps = Steps::default();
        [3, 3, 100].into_iter().for_each(|ms| steps.add(ms));
        let text = serde_json::to_string(&steps).unwrap();
        assert_eq!(text, r#"{"3":2,"36":1}"#);
        let mut twice: Steps = serde_json::from_str(&text).unwrap();
        twice.merge(&steps);
        assert_eq!((twice.count(), twice.percentile(50), Steps::default().percentile(50)), (6, Some(3), None));
    }
}
