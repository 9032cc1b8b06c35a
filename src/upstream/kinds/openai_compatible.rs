//! Any server that speaks OpenAI's chat dialect: vLLM, llama.cpp, LM Studio and their like.

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};
use crate::dialect::Endpoint;

/// A server only its operator knows the address of.
pub static PROFILE: Profile = Profile {
    base_url: None,
    authentication: Authentication::Bearer,
    dialects: &[Dialect::OpenaiChat],
    output_cap_field: "max_tokens",
    endpoints: &[
        Endpoint::Completions,
        Endpoint::Embeddings,
        Endpoint::Moderations,
        Endpoint::Rerank,
        Endpoint::Images,
        Endpoint::Transcriptions,
        Endpoint::Speech,
    ],
    stores: false,
    stream_usage: StreamUsage::Ask,
    bills_abandoned: false,
    check: Check::Models("/models"),
    quirks: &[
        Quirk {
            what: "many servers know only max_tokens",
            checked: "2026-08",
            source: "llama.cpp server README; vLLM OpenAI-compatible server documentation",
        },
        Quirk {
            what: "some ignore include_usage, so a stream without any usage is normal and is counted here",
            checked: "2026-08",
            source: "recorded from llama-cpp-python",
        },
    ],
};
