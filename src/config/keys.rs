//! The settings of virtual keys: how long they live. Owns their defaults and bounds.
//! Refuses to touch keys that are there: they keep the end they were made with.

use super::draft::{Draft, Given};
use super::fault::Problem;
use super::setting::Setting;

const DEFAULT_DAYS: Setting = Setting {
    key: "keys.default_days",
    default: "90",
    example: "90",
    unit: "days",
    note: "How long a key lives whose maker does not say, 1 to keys.max_days. Asked for with null, a key has no end.",
};
const MAX_DAYS: Setting = Setting {
    key: "keys.max_days",
    default: "3650",
    example: "3650",
    unit: "days",
    note: "The most days that a key may be made for, 1 to 3650.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] = &[&DEFAULT_DAYS, &MAX_DAYS];

/// Ten years: a key for longer than that is a key for ever, and should say so.
const LONGEST: u64 = 3_650;

/// How long keys live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeysConfig {
    /// Days of a key whose maker does not say.
    pub default_days: u32,
    /// The most days that may be asked for.
    pub max_days: u32,
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self { default_days: 90, max_days: 3_650 }
    }
}

impl KeysConfig {
    pub(super) fn take(draft: &mut Draft) -> Self {
        let default = Self::default();
        let max_days = draft.take(&MAX_DAYS, default.max_days, |given| days(given, LONGEST));
        let usual = default.default_days.min(max_days);
        let default_days = draft.take(&DEFAULT_DAYS, usual, |given| days(given, max_days.into()));
        Self { default_days, max_days }
    }
}

fn days(given: &Given, most: u64) -> Result<u32, Problem> {
    given.number(1..=most).map(|days| u32::try_from(days).unwrap_or(u32::MAX))
}
