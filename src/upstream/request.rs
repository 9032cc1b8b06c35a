//! A request as it goes to a provider: which dialect, where below the base URL, which headers.
//! Owns the paths of the dialects. Refuses to know who is called: addresses and keys are the client's.

use bytes::Bytes;
use farthing_actors::domain::Dialect;

use crate::dialect::Endpoint;

/// The version of Anthropic's API that is named where the client named none.
pub(super) const ANTHROPIC_VERSION: &str = "2023-06-01";

/// What goes to a provider.
pub struct UpstreamRequest<'a> {
    /// The body, already in the provider's dialect.
    pub body: Bytes,
    /// The content type of the body; of an upload, with the boundary.
    pub content_type: &'a str,
    /// What is called there.
    pub endpoint: Endpoint,
    /// The dialect of a conversation.
    pub dialect: Dialect,
    /// The model as the provider names it; Gemini has it in the path.
    pub model: &'a str,
    /// What kind of answer is wanted.
    pub delivery: Delivery,
    /// Headers of the client that mean something to a provider of its own dialect: names in lower case, and values.
    pub headers: &'a [(&'static str, String)],
}

/// How an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// At once.
    Whole,
    /// As server-sent events.
    Events,
    /// As a JSON array that grows: Gemini's streams where the client did not ask for events.
    Array,
}

impl Delivery {
    /// Whether the answer is streamed.
    pub fn is_stream(self) -> bool {
        self != Self::Whole
    }
}

impl UpstreamRequest<'_> {
    /// Where it goes, below the provider's base URL.
    pub(super) fn path(&self) -> String {
        match self.endpoint {
            Endpoint::Conversation => self.conversation_path(),
            Endpoint::Completions => "/completions".to_owned(),
            Endpoint::Embeddings if self.dialect == Dialect::Gemini => gemini(self.model, "embedContent"),
            Endpoint::BatchEmbeddings if self.dialect == Dialect::Gemini => gemini(self.model, "batchEmbedContents"),
            Endpoint::Embeddings | Endpoint::BatchEmbeddings => "/embeddings".to_owned(),
            Endpoint::Moderations => "/moderations".to_owned(),
            Endpoint::Rerank => "/rerank".to_owned(),
            Endpoint::Images => "/images/generations".to_owned(),
            Endpoint::Speech => "/audio/speech".to_owned(),
            Endpoint::Transcriptions => "/audio/transcriptions".to_owned(),
        }
    }

    fn conversation_path(&self) -> String {
        match (self.dialect, self.delivery) {
            (Dialect::OpenaiChat, _) => "/chat/completions".to_owned(),
            (Dialect::OpenaiResponses, _) => "/responses".to_owned(),
            (Dialect::Anthropic, _) => "/v1/messages".to_owned(),
            (Dialect::OllamaChat, _) => "/api/chat".to_owned(),
            (Dialect::Gemini, Delivery::Whole) => gemini(self.model, "generateContent"),
            (Dialect::Gemini, Delivery::Events) => gemini(self.model, "streamGenerateContent?alt=sse"),
            (Dialect::Gemini, Delivery::Array) => gemini(self.model, "streamGenerateContent"),
        }
    }

    /// Where Amazon Bedrock has the same, which carries conversations by the model's name.
    pub(super) fn bedrock_path(&self) -> String {
        let method = if self.delivery.is_stream() { "invoke-with-response-stream" } else { "invoke" };
        format!("/model/{}/{method}", encoded(self.model, b""))
    }

    /// The headers beside the key's.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let given = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let named = self.headers.iter().any(|(name, _)| *name == "anthropic-version");
        let version =
            (self.dialect == Dialect::Anthropic && !named).then_some(("anthropic-version", ANTHROPIC_VERSION));
        given.chain(version)
    }
}

fn gemini(model: &str, method: &str) -> String {
    format!("/v1beta/models/{}:{method}", encoded(model, b"/@"))
}

/// A model's name is an operator's word; what would change the path is encoded, but for what is `plain` in this one.
pub(super) fn encoded(model: &str, plain: &[u8]) -> String {
    let dotted = model.split('/').any(|part| part.chars().all(|c| c == '.'));
    let mut text = String::with_capacity(model.len());
    for byte in model.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(byte.into()),
            // `..` would be another place.
            other if plain.contains(&other) && !dotted => text.push(other.into()),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(dialect: Dialect, model: &str, delivery: Delivery) -> UpstreamRequest<'_> {
        UpstreamRequest {
            body: Bytes::new(),
            content_type: "application/json",
            endpoint: Endpoint::Conversation,
            dialect,
            model,
            delivery,
            headers: &[],
        }
    }

    #[test]
    fn every_dialect_has_its_path() {
        for (dialect, delivery, path) in [
            (Dialect::OpenaiChat, Delivery::Events, "/chat/completions"),
            (Dialect::OpenaiResponses, Delivery::Whole, "/responses"),
            (Dialect::Anthropic, Delivery::Whole, "/v1/messages"),
            (Dialect::OllamaChat, Delivery::Events, "/api/chat"),
            (Dialect::Gemini, Delivery::Whole, "/v1beta/models/m%3F1:generateContent"),
            (Dialect::Gemini, Delivery::Events, "/v1beta/models/m%3F1:streamGenerateContent?alt=sse"),
            (Dialect::Gemini, Delivery::Array, "/v1beta/models/m%3F1:streamGenerateContent"),
        ] {
            assert_eq!(request(dialect, "m?1", delivery).path(), path);
        }
    }

    #[test]
    fn anthropic_is_always_told_a_version() {
        let mut asked = request(Dialect::Anthropic, "m", Delivery::Whole);
        assert_eq!(asked.headers().collect::<Vec<_>>(), [("anthropic-version", ANTHROPIC_VERSION)]);
        let named = [("anthropic-version", "2026-10-21".to_owned())];
        asked.headers = &named;
        assert_eq!(asked.headers().collect::<Vec<_>>(), [("anthropic-version", "2026-10-21")]);
    }
}
