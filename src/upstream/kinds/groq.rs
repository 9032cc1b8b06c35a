//! Groq.

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};
use crate::dialect::Endpoint;

/// `api.groq.com`.
pub static PROFILE: Profile = Profile {
    base_url: Some("https://api.groq.com/openai/v1"),
    authentication: Authentication::Bearer,
    dialects: &[Dialect::OpenaiChat],
    output_cap_field: "max_completion_tokens",
    endpoints: &[Endpoint::Transcriptions, Endpoint::Speech],
    stores: false,
    stream_usage: StreamUsage::Ask,
    bills_abandoned: true,
    check: Check::Models("/models"),
    quirks: &[
        Quirk { what: "usage may stand in x_groq alone", checked: "2026-08", source: "recorded from api.groq.com" },
        Quirk {
            what: "errors come as events of an accepted stream",
            checked: "2026-08",
            source: "recorded from api.groq.com",
        },
        Quirk {
            what: "transcriptions come as json, verbose_json or text, not as srt or vtt",
            checked: "2026-11",
            source: "groq/groq-python, TranscriptionCreateParams",
        },
        Quirk {
            what: "an answer that nobody waits for any more is billed all the same",
            checked: "2026-08",
            source: "OpenRouter documentation, cancelling a stream",
        },
    ],
};
