//! The settings of alerts: where they are posted, and from when on estimated usage is one.
//! Owns their defaults. Refuses to judge whose address it may be: the upstream guard does, when the gateway starts.

use super::catalogue::web_address;
use super::draft::Draft;
use super::setting::Setting;

const WEBHOOK_URL: Setting = Setting {
    key: "alerts.webhook_url",
    default: "none",
    example: "\"\"",
    unit: "",
    note: "Where alerts are posted as JSON, signed with ALERTS_WEBHOOK_SECRET, which it needs. See docs/alerts.md.",
};
const ESTIMATED_PERCENT: Setting = Setting {
    key: "alerts.estimated_percent",
    default: "1",
    example: "1",
    unit: "percent",
    note: "An alert is told of a provider of whose calls of the last day more than that had to be estimated, 1 to 100.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] = &[&WEBHOOK_URL, &ESTIMATED_PERCENT];

/// What is told, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertsConfig {
    /// Where alerts are posted; `None` for nowhere but the log, the feed and the audit trail.
    pub webhook_url: Option<String>,
    /// The part of a provider's calls that may be estimated.
    pub estimated_percent: u64,
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self { webhook_url: None, estimated_percent: 1 }
    }
}

impl AlertsConfig {
    pub(super) fn take(draft: &mut Draft) -> Self {
        let default = Self::default();
        Self {
            webhook_url: draft.take(&WEBHOOK_URL, default.webhook_url, web_address),
            estimated_percent: draft.take(&ESTIMATED_PERCENT, default.estimated_percent, |given| given.number(1..=100)),
        }
    }
}
