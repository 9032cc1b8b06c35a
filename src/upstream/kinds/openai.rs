//! OpenAI itself.

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};
use crate::dialect::Endpoint;

/// `api.openai.com`.
pub static PROFILE: Profile = Profile {
    base_url: Some("https://api.openai.com/v1"),
    authentication: Authentication::Bearer,
    dialects: &[Dialect::OpenaiChat, Dialect::OpenaiResponses],
    output_cap_field: "max_completion_tokens",
    endpoints: &[
        Endpoint::Completions,
        Endpoint::Embeddings,
        Endpoint::Moderations,
        Endpoint::Images,
        Endpoint::Transcriptions,
        Endpoint::Speech,
    ],
    stores: true,
    stream_usage: StreamUsage::Ask,
    bills_abandoned: false,
    check: Check::Models("/models"),
    quirks: &[
        Quirk {
            what: "reasoning models refuse max_tokens; max_completion_tokens is accepted by every model",
            checked: "2026-08",
            source: "openai/openai-openapi, CreateChatCompletionRequest",
        },
        Quirk {
            what: "the responses it stores are found again by previous_response_id, here and nowhere else",
            checked: "2026-08",
            source: "openai/openai-openapi, CreateResponse",
        },
    ],
};
