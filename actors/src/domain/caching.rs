//! Caching: whether the answers of a project are given again, and for how long.
//! Owns the definition only; answers are kept by the cache.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answers of a project are given again. Wire shape: `{"ttl_seconds":3600}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseCache {
    /// For how long, where the gateway's own bound is not lower.
    pub ttl_seconds: u32,
}

impl ResponseCache {
    /// For how long.
    pub fn lifetime(self) -> Duration {
        Duration::from_secs(u64::from(self.ttl_seconds))
    }
}
