//! Limits: how fast and how wide a key or a project may call.
//! Owns the definition only; the counting belongs to the limiters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shadow::Mode;

/// Traffic limits of a key or a project; an absent one does not limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests per minute.
    pub rpm: Option<u32>,
    /// Tokens per minute.
    pub tpm: Option<u64>,
    /// Calls in flight at once.
    pub concurrency: Option<u32>,
    /// Whether a call that does not fit is refused.
    #[serde(skip_serializing_if = "Mode::is_enforced")]
    pub mode: Mode,
}

impl Limits {
    /// Whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        *self == Self { mode: self.mode, ..Self::default() }
    }
}
