//! Anthropic itself.

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};

/// `api.anthropic.com`.
pub static PROFILE: Profile = Profile {
    base_url: Some("https://api.anthropic.com"),
    authentication: Authentication::Header("x-api-key"),
    dialects: &[Dialect::Anthropic],
    output_cap_field: "max_tokens",
    endpoints: &[],
    stores: true,
    stream_usage: StreamUsage::Unasked,
    bills_abandoned: false,
    check: Check::Models("/v1/models?limit=1000"),
    quirks: &[
        Quirk {
            what: "max_tokens is required; one is written where the client's dialect has none",
            checked: "2026-08",
            source: "anthropics/anthropic-sdk-python, MessageCreateParams",
        },
        Quirk {
            what: "usage is cumulative and comes twice, at the start and at the end",
            checked: "2026-08",
            source: "anthropics/anthropic-sdk-python, RawMessageDeltaEvent",
        },
        Quirk {
            what: "the threads it holds are gone on with by previous_message_id, here and nowhere else",
            checked: "2026-11",
            source: "anthropics/anthropic-sdk-python, BetaMessageThreadParam",
        },
        Quirk {
            what: "every call names the API's version in the header anthropic-version",
            checked: "2026-08",
            source: "Anthropic API reference, versions",
        },
    ],
};
