//! Google's Gemini API.

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};
use crate::dialect::Endpoint;

/// `generativelanguage.googleapis.com`.
pub static PROFILE: Profile = Profile {
    base_url: Some("https://generativelanguage.googleapis.com"),
    authentication: Authentication::Header("x-goog-api-key"),
    dialects: &[Dialect::Gemini],
    output_cap_field: "maxOutputTokens",
    endpoints: &[Endpoint::Embeddings],
    stores: false,
    stream_usage: StreamUsage::Unasked,
    bills_abandoned: true,
    check: Check::Models("/v1beta/models?pageSize=1000"),
    quirks: &[
        Quirk {
            what: "the model stands in the path, and so does whether the answer is streamed",
            checked: "2026-08",
            source: "googleapis/python-genai, models.py",
        },
        Quirk {
            what: "thinking is billed as output and stands outside candidatesTokenCount",
            checked: "2026-08",
            source: "googleapis/python-genai types, UsageMetadata",
        },
        Quirk {
            what: "a stream has no end marker; it is over when every candidate has a finishReason",
            checked: "2026-08",
            source: "recorded from generativelanguage.googleapis.com",
        },
        Quirk {
            what: "an answer that nobody waits for any more is billed all the same",
            checked: "2026-08",
            source: "OpenRouter documentation, cancelling a stream",
        },
    ],
};
