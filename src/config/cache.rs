//! The settings of the response cache: how much it keeps, and for how long.
//! Owns their defaults and bounds. Refuses to say whose answers are kept: a project does, or a request.

use std::time::Duration;

use super::draft::{Draft, Given};
use super::fault::Problem;
use super::setting::Setting;

const MAX_BYTES: Setting = Setting {
    key: "cache.max_bytes",
    default: "67108864 (64 MiB)",
    example: "67108864",
    unit: "bytes",
    note: "Memory for answers that may be given again, of all projects that ask for it. 0: none is kept. See docs/caching.md.",
};
const MAX_ENTRY_BYTES: Setting = Setting {
    key: "cache.max_entry_bytes",
    default: "1048576 (1 MiB)",
    example: "1048576",
    unit: "bytes",
    note: "The largest answer that is kept.",
};
const MAX_AGE: Setting = Setting {
    key: "cache.max_age_seconds",
    default: "86400 (a day)",
    example: "86400",
    unit: "seconds",
    note: "How long an answer may be given again at most, whatever a project or a request asks for.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] = &[&MAX_BYTES, &MAX_ENTRY_BYTES, &MAX_AGE];

/// A month.
const LONGEST: u64 = 31 * 24 * 60 * 60;

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheConfig {
    /// Bytes of all answers together; none to keep nothing.
    pub max_bytes: usize,
    /// Bytes of one.
    pub max_entry_bytes: usize,
    /// How long one may be given again.
    pub max_age: Duration,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { max_bytes: 64 << 20, max_entry_bytes: 1 << 20, max_age: Duration::from_secs(86_400) }
    }
}

impl CacheConfig {
    pub(super) fn take(draft: &mut Draft) -> Self {
        let default = Self::default();
        Self {
            max_bytes: draft.take(&MAX_BYTES, default.max_bytes, |given| bytes(given, 0)),
            max_entry_bytes: draft.take(&MAX_ENTRY_BYTES, default.max_entry_bytes, |given| bytes(given, 1)),
            max_age: draft.take(&MAX_AGE, default.max_age, |given| given.number(1..=LONGEST).map(Duration::from_secs)),
        }
    }
}

fn bytes(given: &Given, least: u64) -> Result<usize, Problem> {
    // 64 GiB, which a machine with that much memory can have.
    given.number(least..=64 << 30).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
}
