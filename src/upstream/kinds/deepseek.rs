//! DeepSeek.

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};

/// `api.deepseek.com`.
pub static PROFILE: Profile = Profile {
    base_url: Some("https://api.deepseek.com/v1"),
    authentication: Authentication::Bearer,
    dialects: &[Dialect::OpenaiChat],
    output_cap_field: "max_tokens",
    endpoints: &[],
    stores: false,
    stream_usage: StreamUsage::Ask,
    bills_abandoned: false,
    check: Check::Models("/models"),
    quirks: &[
        Quirk {
            what: "it keeps stream_options, deepseek-chat included, and reports usage when asked",
            checked: "2026-08",
            source: "DeepSeek API documentation, create chat completion",
        },
        Quirk {
            what: "cached tokens come as prompt_cache_hit_tokens beside the prompt's total",
            checked: "2026-08",
            source: "DeepSeek API documentation, context caching",
        },
        Quirk {
            what: "it sends blank lines and comments while a call is queued",
            checked: "2026-08",
            source: "DeepSeek API documentation, rate limit",
        },
    ],
};
