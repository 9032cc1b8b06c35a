//! Mistral.

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};
use crate::dialect::Endpoint;

/// `api.mistral.ai`.
pub static PROFILE: Profile = Profile {
    base_url: Some("https://api.mistral.ai/v1"),
    authentication: Authentication::Bearer,
    dialects: &[Dialect::OpenaiChat],
    output_cap_field: "max_tokens",
    endpoints: &[Endpoint::Embeddings, Endpoint::Moderations, Endpoint::Transcriptions],
    stores: false,
    stream_usage: StreamUsage::Unasked,
    bills_abandoned: true,
    check: Check::Models("/models"),
    quirks: &[
        Quirk {
            what: "it refuses members it does not know, stream_options among them, and reports usage unasked",
            checked: "2026-08",
            source: "Mistral API reference, chat completions",
        },
        Quirk {
            what: "content can be a list of texts and thinking",
            checked: "2026-08",
            source: "recorded from api.mistral.ai",
        },
        Quirk {
            what: "transcriptions report seconds as prompt_audio_seconds, beside prompt_tokens and completion_tokens",
            checked: "2026-11",
            source: "Mistral API reference, audio transcriptions",
        },
        Quirk {
            what: "an answer that nobody waits for any more is billed all the same",
            checked: "2026-08",
            source: "OpenRouter documentation, cancelling a stream",
        },
    ],
};
