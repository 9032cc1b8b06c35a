//! Anthropic's models at Amazon Bedrock.

use farthing_actors::domain::Dialect;

use super::{Authentication, Check, Profile, Quirk, StreamUsage};

/// A region's `bedrock-runtime` host; only the operator knows which. The key is `ACCESS_KEY_ID:SECRET_ACCESS_KEY`, with
/// `:SESSION_TOKEN` behind it where there is one, or a Bedrock API key.
pub static PROFILE: Profile = Profile {
    base_url: None,
    authentication: Authentication::Amazon,
    dialects: &[Dialect::Anthropic],
    output_cap_field: "max_tokens",
    endpoints: &[],
    stores: false,
    stream_usage: StreamUsage::Unasked,
    bills_abandoned: true,
    check: Check::Refusal,
    quirks: &[
        Quirk {
            what: "the model and the wish to stream stand in the path, the version and betas in the body",
            checked: "2026-11",
            source: "Amazon Bedrock user guide, Anthropic Claude Messages API",
        },
        Quirk {
            what: "a stream comes as binary messages with checksums, each with one event in base64",
            checked: "2026-11",
            source: "Amazon event stream encoding; Bedrock API reference, InvokeModelWithResponseStream",
        },
        Quirk {
            what: "errors inside a stream are exceptions named in a header",
            checked: "2026-11",
            source: "Bedrock API reference, ResponseStream",
        },
        Quirk {
            what: "an answer that nobody waits for any more is billed all the same",
            checked: "2026-08",
            source: "OpenRouter documentation, cancelling a stream",
        },
    ],
};
