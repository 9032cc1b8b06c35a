//! Latencies of one run, kept whole, so that a quantile is exact.
//! Owns them in nanoseconds. Refuses averages: they hide what the slowest callers see.

use std::time::Duration;

/// Latencies, in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<u64>);

impl Samples {
    /// Adds one.
    pub(crate) fn record(&mut self, latency: Duration) {
        self.0.push(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds another's.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// How many.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }

    /// The latency that `percent` of them do not exceed; zero if there are none.
    pub(crate) fn percentile(&mut self, percent: usize) -> u64 {
        self.0.sort_unstable();
        let rank = self.0.len().saturating_mul(percent).div_ceil(100).saturating_sub(1);
        self.0.get(rank).copied().unwrap_or(0)
    }
}

/// The middle value; of an even number the mean of the middle two; zero of none.
pub(crate) fn median(values: impl IntoIterator<Item = u64>) -> u64 {
    let mut sorted: Vec<u64> = values.into_iter().collect();
    sorted.sort_unstable();
    let half = sorted.len() / 2;
    let upper = sorted.get(half).copied().unwrap_or(0);
    match sorted.get(half.wrapping_sub(1)) {
        Some(lower) if sorted.len().is_multiple_of(2) => lower.midpoint(upper),
        _ => upper,
    }
}
