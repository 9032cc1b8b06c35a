//! xAI, the maker of Grok.

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};
use crate::dialect::Endpoint;

/// `api.x.ai`.
pub static PROFILE: Profile = Profile {
    base_url: Some("https://api.x.ai/v1"),
    authentication: Authentication::Bearer,
    dialects: &[Dialect::OpenaiChat, Dialect::OpenaiResponses],
    output_cap_field: "max_completion_tokens",
    endpoints: &[Endpoint::Images],
    stores: false,
    stream_usage: StreamUsage::Ask,
    bills_abandoned: false,
    check: Check::Models("/models"),
    quirks: &[
        Quirk {
            what: "pictures are billed by the picture, and their answer reports no tokens",
            checked: "2026-08",
            source: "xAI documentation, image generations",
        },
        Quirk {
            what: "reasoning tokens stand outside completion_tokens; the total tells",
            checked: "2026-08",
            source: "recorded from api.x.ai",
        },
        Quirk {
            what: "usage comes in the last chunk or the one before it",
            checked: "2026-08",
            source: "recorded from api.x.ai",
        },
    ],
};
