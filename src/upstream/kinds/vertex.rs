//! Gemini's and Anthropic's models at Google Vertex AI.
//! Owns what it is and which of the two dialects a model there speaks; where things are there is in `site`, who calls in
//! `account`.

mod account;
mod site;

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};
pub use account::{Account, AccountError};
pub use site::{Site, SiteError};

/// A location's `aiplatform` host, or the one for all. The key is the JSON of a service account, or its base64.
pub static PROFILE: Profile = Profile {
    base_url: Some("https://aiplatform.googleapis.com"),
    authentication: Authentication::Google,
    dialects: &[Dialect::Gemini, Dialect::Anthropic],
    output_cap_field: "maxOutputTokens",
    endpoints: &[],
    stores: false,
    stream_usage: StreamUsage::Unasked,
    bills_abandoned: true,
    check: Check::Refusal,
    quirks: &[
        Quirk {
            what: "project, location, publisher and model stand in the path, and so does whether the answer is streamed",
            checked: "2026-11",
            source: "Vertex AI REST reference, projects.locations.publishers.models",
        },
        Quirk {
            what: "the token that is sent is had for an assertion signed with the account's key, and lives an hour",
            checked: "2026-11",
            source: "Google identity documentation, OAuth 2.0 for server to server applications; RFC 7523",
        },
        Quirk {
            what: "of Anthropic's models the version stands in the body and the model does not; betas stay a header",
            checked: "2026-11",
            source: "Anthropic API documentation, Claude on Vertex AI; anthropics/anthropic-sdk-python, lib/vertex",
        },
        Quirk {
            what: "function calls and results with an id are refused, so their ids are taken out on the way there",
            checked: "2026-11",
            source: "vercel/ai issues 15664 and 15891; langchain-ai/langchainjs issue 10266",
        },
        Quirk {
            what: "usageMetadata of all but the last piece of a stream may hold no figures",
            checked: "2026-11",
            source: "ag2ai/ag2 pull request 2719",
        },
        Quirk {
            what: "an answer that nobody waits for any more is billed all the same",
            checked: "2026-08",
            source: "OpenRouter documentation, cancelling a stream",
        },
    ],
};

/// What the model of this name speaks there.
pub(super) fn dialects(model: &str) -> &'static [Dialect] {
    if model.starts_with("claude-") { &[Dialect::Anthropic] } else { &[Dialect::Gemini] }
}

#[cfg(test)]
mod tests;
