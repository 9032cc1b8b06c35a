//! Moonshot, the maker of Kimi.

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};

/// `api.moonshot.ai`.
pub static PROFILE: Profile = Profile {
    base_url: Some("https://api.moonshot.ai/v1"),
    authentication: Authentication::Bearer,
    dialects: &[Dialect::OpenaiChat],
    output_cap_field: "max_tokens",
    endpoints: &[],
    stores: false,
    stream_usage: StreamUsage::Ask,
    bills_abandoned: false,
    check: Check::Models("/models"),
    quirks: &[Quirk {
        what: "cached tokens come as cached_tokens at the top of usage",
        checked: "2026-08",
        source: "Moonshot API documentation, chat completion",
    }],
};
