//! One bucket: how much of a rate has been used, counted exactly. Pure.
//! Owns the arithmetic of debt and refill. Refuses floats and rounding: a limit is neither missed nor exceeded by a crumb.
//!
//! Debt is what was taken and is not yet refilled. Debt divided by the rate is the distance to GCRA's theoretical arrival
//! time, so for requests this is GCRA; for tokens it is a token bucket seen from its rim. No debt is the same as no bucket,
//! which is why idle ones may be forgotten.

use std::time::Duration;

/// Debt is counted in parts so small that a rate of *n* per minute refills *n* parts each nanosecond.
const PARTS: u128 = 60_000_000_000;
/// What a refusal says where no wait helps, because the rate is zero.
const NEVER: Duration = Duration::from_secs(3_600);

/// A rate and how much of it may be used at once. In any minute at most `per_minute + burst` is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) per_minute: u64,
    burst: u64,
}

/// What was taken and not yet refilled.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bucket {
    debt: u128,
    at: Duration,
}

impl Pace {
    /// Requests: ten seconds' worth at once, so that a minute cannot be used up in its first second.
    pub(super) fn requests(rpm: u32) -> Self {
        let burst = if rpm == 0 { 0 } else { (rpm / 6).max(1) };
        Self { per_minute: u64::from(rpm), burst: u64::from(burst) }
    }

    /// Tokens: a whole minute's worth at once, since one call may need it.
    pub(super) fn tokens(tpm: u64) -> Self {
        Self { per_minute: tpm, burst: tpm }
    }

    /// What is taken for `cost`: a call larger than the burst waits until nothing else counts, and owes the rest once it
    /// is known.
    pub(super) fn at_most_burst(self, cost: u64) -> u64 {
        cost.min(self.burst)
    }

    fn capacity(self) -> u128 {
        parts(self.burst)
    }

    /// How long `debt` takes to refill, rounded up to the nanosecond.
    fn time_to_refill(self, debt: u128) -> Duration {
        match debt.div_ceil(u128::from(self.per_minute).max(1)) {
            0 => Duration::ZERO,
            _ if self.per_minute == 0 => NEVER,
            nanos => Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)),
        }
    }
}

impl Bucket {
    /// A bucket half used at `at`: what one assumes of a past one cannot know.
    pub(super) fn half_used(pace: Pace, at: Duration) -> Self {
        Self { debt: pace.capacity() / 2, at }
    }

    /// Brings the bucket to `now`. A clock that went backwards refills nothing.
    pub(super) fn refill(&mut self, pace: Pace, now: Duration) {
        let refilled = now.saturating_sub(self.at).as_nanos().saturating_mul(u128::from(pace.per_minute));
        self.debt = self.debt.saturating_sub(refilled);
        self.at = self.at.max(now);
    }

    /// How long until `cost` fits; `None` if it fits now.
    pub(super) fn wait_for(&self, pace: Pace, cost: u64) -> Option<Duration> {
        if pace.per_minute == 0 {
            return Some(NEVER);
        }
        let wanted = self.debt.saturating_add(parts(pace.at_most_burst(cost)));
        let excess = wanted.saturating_sub(pace.capacity());
        (excess > 0).then(|| pace.time_to_refill(excess))
    }

    /// Takes `cost`, which fits.
    pub(super) fn take(&mut self, pace: Pace, cost: u64) {
        self.debt = self.debt.saturating_add(parts(pace.at_most_burst(cost)));
    }

    /// Replaces what was taken for `cost` by what it came to; more than expected may leave debt beyond the burst.
    pub(super) fn correct(&mut self, pace: Pace, cost: u64, actual: u64) {
        let taken = parts(pace.at_most_burst(cost));
        self.debt = self.debt.saturating_add(parts(actual)).saturating_sub(taken);
    }

    /// Forgives debt beyond the burst: where a limit was lowered, nobody waits for hours to get back to it.
    pub(super) fn forgive(&mut self, pace: Pace) {
        self.debt = self.debt.min(pace.capacity());
    }

    /// What may be taken at once, in whole units.
    pub(super) fn remaining(&self, pace: Pace) -> u64 {
        let left = pace.capacity().saturating_sub(self.debt) / PARTS;
        u64::try_from(left).unwrap_or(u64::MAX)
    }

    /// How long until there is no debt.
    pub(super) fn reset(&self, pace: Pace) -> Duration {
        pace.time_to_refill(self.debt)
    }

    /// Whether forgetting the bucket changes nothing.
    pub(super) fn is_unused(&self) -> bool {
        self.debt == 0
    }
}

fn parts(units: u64) -> u128 {
    u128::from(units) * PARTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Offers one request every `gap` for `minutes` and says when each accepted one came.
    fn accepted(pace: Pace, gap: Duration, minutes: u32) -> Vec<Duration> {
        let (mut bucket, mut now, mut times) = (Bucket::default(), Duration::ZERO, Vec::new());
        while now <= MINUTE * minutes {
            bucket.refill(pace, now);
            if bucket.wait_for(pace, 1).is_none() {
                bucket.take(pace, 1);
                times.push(now);
            }
            now += gap;
        }
        times
    }

    #[test]
    fn a_rate_of_zero_admits_nothing() {
        assert_eq!(Bucket::default().wait_for(Pace::requests(0), 1), Some(NEVER));
        assert_eq!(Bucket::default().wait_for(Pace::tokens(0), 0), Some(NEVER));
    }

    #[test]
    fn a_call_beyond_the_burst_waits_for_all_of_it_and_owes_the_rest() {
        let (pace, mut bucket) = (Pace::tokens(1_000), Bucket::default());
        assert_eq!(bucket.wait_for(pace, 3_000), None);
        bucket.take(pace, 3_000);
        assert_eq!(bucket.wait_for(pace, 3_000), Some(MINUTE));
        bucket.correct(pace, 3_000, 3_000);
        assert_eq!((bucket.remaining(pace), bucket.reset(pace)), (0, MINUTE * 3));
    }

    #[test]
    fn time_that_goes_backwards_refills_nothing() {
        let (pace, mut bucket) = (Pace::requests(60), Bucket::default());
        bucket.refill(pace, MINUTE);
        bucket.take(pace, 10);
        bucket.refill(pace, Duration::ZERO);
        bucket.refill(pace, MINUTE);
        assert_eq!(bucket.remaining(pace), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_minute_takes_more_than_rate_and_burst(rpm in 1_u32..600, gap_ms in 20_u64..200) {
            let pace = Pace::requests(rpm);
            let times = accepted(pace, Duration::from_millis(gap_ms), 3);
            let most = usize::try_from(pace.per_minute + pace.burst).unwrap();
            for (first, start) in times.iter().enumerate() {
                let within = times[first..].iter().take_while(|time| **time <= *start + MINUTE).count();
                prop_assert!(within <= most, "{within} of {most} from {start:?}");
            }
        }

        #[test]
        fn constant_excess_gets_nearly_the_whole_rate(rpm in 1_u32..300) {
            let gap = MINUTE / (rpm * 10);
            let times = accepted(Pace::requests(rpm), gap, 3);
            for minute in 0..3 {
                let this_minute = MINUTE * minute..=MINUTE * (minute + 1);
                let within = times.iter().filter(|time| this_minute.contains(time)).count();
                // One more may be due at the very end of the minute.
                prop_assert!((within + 1) * 100 >= usize::try_from(rpm).unwrap() * 98, "{within} of {rpm}");
            }
        }

        #[test]
        fn the_wait_is_true_and_not_longer_than_needed(
            tpm in 1_u64..1_000_000,
            calls in prop::collection::vec(0_u64..2_000_000, 1..20),
        ) {
            let (pace, mut bucket, mut now) = (Pace::tokens(tpm), Bucket::default(), Duration::ZERO);
            for cost in calls {
                if let Some(wait) = bucket.wait_for(pace, cost) {
                    let mut early = bucket;
                    early.refill(pace, now + wait - Duration::from_nanos(1));
                    prop_assert!(early.wait_for(pace, cost).is_some());
                    now += wait;
                    bucket.refill(pace, now);
                }
                prop_assert_eq!(bucket.wait_for(pace, cost), None);
                bucket.take(pace, cost);
            }
        }
    }
}
