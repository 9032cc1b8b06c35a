//! Time: the only door to the system's clocks, so that a test can hold time in its hand.
//! Owns the wall clock (budgets, expiry, records) and the monotonic one (limits, deadlines). Refuses to sleep.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An hour, in milliseconds.
pub const HOUR_MS: i64 = 60 * 60 * 1_000;
/// A day in UTC, in milliseconds: Unix time has no leap seconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// An hour.
pub const HOUR: Duration = Duration::from_hours(1);
/// A day in UTC.
pub const DAY: Duration = Duration::from_hours(24);

/// A moment in wall time: Unix milliseconds. Text form: RFC 3339 in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment this much later.
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// The moment this much earlier.
    pub fn before(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// The first moment of its day in UTC.
    pub fn midnight(self) -> Self {
        Self(self.0.div_euclid(DAY_MS).saturating_mul(DAY_MS))
    }

    /// Milliseconds since `earlier`; zero if the clock went backwards.
    pub fn millis_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that names no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a moment as in RFC 3339, such as 2027-01-31T00:00:00Z")]
pub struct UnknownMoment;

impl FromStr for Timestamp {
    type Err = UnknownMoment;

    fn from_str(text: &str) -> Result<Self, UnknownMoment> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| UnknownMoment)?;
        Ok(Self(moment.as_millisecond()))
    }
}

/// Where time comes from: the system, or a test's hand.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System(std::time::Instant),
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clocks.
    #[expect(clippy::disallowed_methods, reason = "this file is the one door to the clocks")]
    pub fn system() -> Self {
        Self(Source::System(std::time::Instant::now()))
    }

    /// A clock that stands still at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// The wall time.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System(_) => Timestamp(jiff::Timestamp::now().as_millisecond()),
            Source::Manual(millis) => Timestamp(millis.load(Ordering::Relaxed)),
        }
    }

    /// Time that never goes backwards, since an arbitrary start.
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Source::System(start) => start.elapsed(),
            Source::Manual(millis) => Duration::from_millis(u64::try_from(millis.load(Ordering::Relaxed)).unwrap_or(0)),
        }
    }

    /// Moves a manual clock forward; the system's clocks cannot be moved.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(millis) = &self.0 {
            let step = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            millis.fetch_add(step, Ordering::Relaxed);
        }
    }
}
