//! Ollama, in its OpenAI form.

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};
use crate::dialect::Endpoint;

/// A local Ollama; its address needs permission for private networks.
pub static PROFILE: Profile = Profile {
    base_url: Some("http://127.0.0.1:11434/v1"),
    authentication: Authentication::Bearer,
    dialects: &[Dialect::OpenaiChat],
    output_cap_field: "max_tokens",
    endpoints: &[Endpoint::Completions, Endpoint::Embeddings],
    stores: false,
    stream_usage: StreamUsage::Ask,
    bills_abandoned: false,
    check: Check::Models("/models"),
    quirks: &[
        Quirk {
            what: "it needs no key, and ignores one",
            checked: "2026-08",
            source: "ollama documentation, OpenAI compatibility",
        },
        Quirk {
            what: "it knows only max_tokens",
            checked: "2026-08",
            source: "ollama documentation, OpenAI compatibility",
        },
    ],
};
