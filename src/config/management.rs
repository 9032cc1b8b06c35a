//! The settings of the management API: where it may be called from. Owns their defaults.
//! Refuses names: an address is an address, or a network of them.

use super::draft::Draft;
use super::network::Network;
use super::server::networks;
use super::setting::Setting;

const ALLOWED_ADDRESSES: Setting = Setting {
    key: "management.allowed_addresses",
    default: "anywhere",
    example: "[]",
    unit: "addresses or networks",
    note: "Where operators may be, such as \"10.0.0.0/8\": anybody else gets 403 from everything but what applications and probes call, whatever credential they have. Empty: anywhere.",
};

/// The settings of this section.
pub(super) const SETTINGS: &[&Setting] = &[&ALLOWED_ADDRESSES];

/// Where operators may be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManagementConfig {
    /// Their networks; none is anywhere.
    pub allowed_addresses: Vec<Network>,
}

impl ManagementConfig {
    pub(super) fn take(draft: &mut Draft) -> Self {
        Self { allowed_addresses: draft.take(&ALLOWED_ADDRESSES, Vec::new(), networks) }
    }
}
