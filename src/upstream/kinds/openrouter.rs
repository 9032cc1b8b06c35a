//! OpenRouter, which passes calls on to many.

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};
use crate::dialect::Endpoint;

/// `openrouter.ai`.
pub static PROFILE: Profile = Profile {
    base_url: Some("https://openrouter.ai/api/v1"),
    authentication: Authentication::Bearer,
    dialects: &[Dialect::OpenaiChat],
    output_cap_field: "max_tokens",
    endpoints: &[Endpoint::Completions, Endpoint::Embeddings],
    stores: false,
    stream_usage: StreamUsage::Ask,
    bills_abandoned: false,
    check: Check::Key("/key"),
    quirks: &[
        Quirk {
            what: "it sends comments while it waits, and failures as a chunk whose finish_reason is error",
            checked: "2026-08",
            source: "OpenRouter documentation, streaming",
        },
        Quirk {
            what: "anybody may read its list of models, so the key is tried by asking for the key itself",
            checked: "2026-11",
            source: "OpenRouter API reference, get current API key",
        },
        Quirk {
            what: "cache writes come as cache_write_tokens",
            checked: "2026-08",
            source: "recorded from openrouter.ai",
        },
    ],
};
