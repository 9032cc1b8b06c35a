//! OpenAI itself.

use farthing_actors::domain::Dialect;

use super::{Authentication, Profile, Quirk};

/// `api.openai.com`.
pub static PROFILE: Profile = Profile {
    base_url: Some("https://api.openai.com/v1"),
    chat_path: "/chat/completions",
    authentication: Authentication::Bearer,
    dialects: &[Dialect::OpenaiChat],
    output_cap_field: "max_completion_tokens",
    quirks: &[Quirk {
        what: "reasoning models refuse max_tokens; max_completion_tokens is accepted by every model",
        checked: "2026-08",
        source: "openai/openai-openapi, CreateChatCompletionRequest",
    }],
};
