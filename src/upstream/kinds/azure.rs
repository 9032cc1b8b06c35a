//! OpenAI's models at Microsoft Azure, in the API without versions (`…/openai/v1`).

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};
use crate::dialect::Endpoint;

/// An Azure resource; only its operator knows the address.
pub static PROFILE: Profile = Profile {
    base_url: None,
    authentication: Authentication::Header("api-key"),
    dialects: &[Dialect::OpenaiChat, Dialect::OpenaiResponses],
    output_cap_field: "max_completion_tokens",
    endpoints: &[
        Endpoint::Completions,
        Endpoint::Embeddings,
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
            what: "the key travels in the header api-key",
            checked: "2026-08",
            source: "Azure OpenAI documentation, v1 API",
        },
        Quirk {
            what: "a first chunk without choices carries the content filter's results",
            checked: "2026-08",
            source: "recorded from Azure OpenAI",
        },
        Quirk {
            what: "sound is at /audio below the same base as the rest, without a deployment in the path",
            checked: "2026-11",
            source: "Azure OpenAI reference, v1 preview, audio",
        },
    ],
};
