//! Budgets: a limit on spend, the window it covers, and the zone that window's calendar follows.
//! Owns the definition only; balances belong to the ledger.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::money::Money;
use super::shadow::Mode;
use super::threshold::Thresholds;
use super::window::{Window, WindowKind, Zone};

/// A limit on spend per window. Wire shape: `{"limit_usd":"25.00","window":"month","time_zone":"UTC",
/// "warn_percent":[80,95,100],"mode":"enforce"}`; all but the limit may be absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The most that may be spent in one window.
    pub limit_usd: Money,
    /// How long a window lasts.
    #[serde(default)]
    pub window: WindowKind,
    /// Whose midnight ends a day.
    #[serde(default = "Zone::utc")]
    pub time_zone: Zone,
    /// Of which parts of the limit operators are told when they are spent.
    #[serde(default)]
    pub warn_percent: Thresholds,
    /// Whether a call that it cannot cover is refused.
    #[serde(default, skip_serializing_if = "Mode::is_enforced")]
    pub mode: Mode,
}

impl Budget {
    /// Whether a call that it cannot cover is refused.
    pub fn is_enforced(&self) -> bool {
        self.mode.is_enforced()
    }

    /// The window that contains `now`.
    pub fn window_at(&self, now: Timestamp) -> Window {
        Window::containing(now, self.window, &self.time_zone)
    }
}
