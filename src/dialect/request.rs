//! A request in whichever dialect it came in, and how it goes to a provider of any.
//! Owns the choice of the dialect's own code. Knows no more of a dialect than its name, and the marks of thinking that was sealed for it.

use std::borrow::Cow;

use bytes::Bytes;
use farthing_actors::domain::Dialect;
use memchr::memmem;

use super::anthropic::{self, MessagesRequest};
use super::beyond::Beyond;
use super::canonical::{Conversation, Feature, Ignored, Lack, Part, PartKind, Unsupported, Written};
use super::fault::RequestFault;
use super::gemini::{self, EmbedRequest, Framing, GeminiRequest};
use super::head::{Head, Rewrite};
use super::ollama_chat;
use super::openai_chat::{self, ChatRequest};
use super::openai_responses::{self, ResponsesRequest};
use super::plain::{Endpoint, PlainRequest};
use super::sameness;

/// A valid request and its body.
pub enum Request {
    /// Of `POST /v1/chat/completions`.
    Chat(ChatRequest),
    /// Of `POST /v1/completions`, chat's older form.
    Completion(ChatRequest),
    /// Of a call that is no conversation.
    Plain(PlainRequest),
    /// Of Gemini's `embedContent` and `batchEmbedContents`.
    Embed(EmbedRequest),
    /// Of `POST /v1/responses`.
    Responses(ResponsesRequest),
    /// Of `POST /v1/messages`.
    Messages(MessagesRequest),
    /// Of `POST /v1beta/models/{model}:generateContent` and its streaming sisters, which differ in framing.
    Gemini(GeminiRequest, Framing),
}

impl Request {
    /// The client's dialect.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Chat(_) | Self::Completion(_) | Self::Plain(_) => Dialect::OpenaiChat,
            Self::Responses(_) => Dialect::OpenaiResponses,
            Self::Messages(_) => Dialect::Anthropic,
            Self::Gemini(..) | Self::Embed(_) => Dialect::Gemini,
        }
    }

    /// What is called.
    pub fn endpoint(&self) -> Endpoint {
        match self {
            Self::Completion(_) => Endpoint::Completions,
            Self::Plain(request) => request.endpoint,
            Self::Embed(request) if request.batch => Endpoint::BatchEmbeddings,
            Self::Embed(_) => Endpoint::Embeddings,
            _ => Endpoint::Conversation,
        }
    }

    /// What it is, without its words.
    pub fn head(&self) -> &Head {
        match self {
            Self::Chat(request) | Self::Completion(request) => &request.head,
            Self::Plain(request) => &request.head,
            Self::Embed(request) => &request.head,
            Self::Responses(request) => &request.head,
            Self::Messages(request) => &request.head,
            Self::Gemini(request, _) => &request.head,
        }
    }

    /// Whether the answer is a JSON array that grows, instead of events.
    pub fn wants_array(&self) -> bool {
        matches!(self, Self::Gemini(request, Framing::Array) if request.head.stream)
    }

    /// The member that needs what a provider has stored for the client; only the provider that stored it can serve it.
    pub fn stored_state(&self) -> Option<&'static str> {
        match self {
            Self::Responses(request) => request.stored_state(),
            Self::Messages(request) => request.stored_state(),
            _ => None,
        }
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        match self {
            Self::Chat(request) | Self::Completion(request) => request.body(),
            Self::Plain(request) => request.body(),
            Self::Embed(request) => request.body(),
            Self::Responses(request) => request.body(),
            Self::Messages(request) => request.body(),
            Self::Gemini(request, _) => request.body(),
        }
    }

    /// The same for every body that says the same, in whatever order, space and escapes it is written; of an upload, for the
    /// same bytes.
    pub fn sameness(&self) -> [u8; 32] {
        let is_upload = matches!(self, Self::Plain(request) if request.is_upload());
        if is_upload { sameness::of_bytes(self.body()) } else { sameness::of_json(self.body()) }
    }

    /// The content type of the body.
    pub fn content_type(&self) -> &str {
        if let Self::Plain(request) = self { request.content_type() } else { "application/json" }
    }

    /// Whether the answer is a JSON object; else it is whatever the provider's content type says.
    pub fn wants_object(&self) -> bool {
        if let Self::Plain(request) = self { request.wants_object() } else { true }
    }

    /// What it refers to beyond its words. State stored at the provider is unseen, too.
    pub fn beyond(&self) -> Beyond {
        let mut beyond = match self {
            Self::Completion(_) | Self::Embed(_) => Beyond::default(),
            Self::Plain(request) => request.beyond(),
            Self::Chat(_) | Self::Responses(_) | Self::Messages(_) => Beyond::typed(self.body()),
            Self::Gemini(..) => Beyond::gemini(self.body()),
        };
        beyond.unseen |= self.stored_state().is_some();
        beyond
    }

    /// The fault where no provider has stored what `field` needs.
    pub fn not_stored(&self, field: &str) -> RequestFault {
        match self {
            Self::Messages(_) => RequestFault::thread_not_found(field),
            _ => {
                let why = "needs what a provider stores, and no provider of this model does; send the whole conversation \
                           (store: false)";
                RequestFault::unsupported(field, why)
            }
        }
    }

    /// Whether it brings back thinking that a provider of another dialect sealed: only a translation gives that back as it
    /// was, and a provider of the client's own dialect would refuse it.
    fn returns_foreign_thinking(&self) -> bool {
        let (body, marks): (_, &[&[u8]]) = match self {
            Self::Chat(_) | Self::Completion(_) | Self::Plain(_) | Self::Embed(_) => return false,
            Self::Responses(request) => (request.body(), &[br#""signature:"#, br#""tool_call_signature:"#]),
            Self::Messages(request) => (request.body(), &[br#""farthing."#]),
            // `farthing:` in base64.
            Self::Gemini(request, _) => (request.body(), &[br#""ZmFydGhpbmc6"#]),
        };
        marks.iter().any(|mark| memmem::find(body, mark).is_some())
    }

    /// The body for a provider of the client's dialect: the client's, byte for byte, except what `rewrite` asks.
    pub fn for_upstream(&self, rewrite: &Rewrite<'_>) -> Bytes {
        match self {
            Self::Chat(request) | Self::Completion(request) => request.for_upstream(rewrite),
            Self::Plain(request) => request.for_upstream(rewrite),
            Self::Embed(request) => request.for_upstream(rewrite.model),
            Self::Responses(request) => request.for_upstream(rewrite),
            Self::Messages(request) => request.for_upstream(rewrite),
            Self::Gemini(request, _) => request.for_upstream(rewrite),
        }
    }

    /// The body for a provider that speaks `spoken`, and the client's fields that were passed over in it. Between equals it
    /// is the client's, byte for byte, except what `rewrite` asks; unless it brings back thinking that another dialect's provider
    /// sealed, which only a translation restores.
    ///
    /// # Errors
    /// What that dialect has no place for, by the client's name for it.
    pub fn word(&self, spoken: Dialect, rewrite: &Rewrite<'_>) -> Result<(Bytes, Vec<Ignored>), RequestFault> {
        if spoken == self.dialect() && !self.returns_foreign_thinking() {
            return Ok((self.for_upstream(rewrite), Vec::new()));
        }
        if let (Self::Embed(request), Dialect::OpenaiChat) = (self, spoken) {
            return request.for_openai(rewrite.model);
        }
        let conversation = self.conversation()?;
        let written = write(&conversation, spoken, rewrite, self.head().stream);
        let written =
            written.map_err(|missing| RequestFault::unsupported(self.field(missing.feature), &missing.why))?;
        Ok((written.body, self.passed_over(&conversation, &written.ignored)))
    }

    /// What was passed over, in the client's own words, each once.
    fn passed_over(&self, conversation: &Conversation, features: &[Feature]) -> Vec<Ignored> {
        let mut fields: Vec<_> = features.iter().map(|feature| self.field(*feature).to_owned()).collect();
        fields.extend(conversation.hints.iter().cloned());
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// The whole request, in no dialect's words.
    ///
    /// # Errors
    /// What cannot be read, or means something only in this dialect.
    pub fn conversation(&self) -> Result<Conversation, RequestFault> {
        let conversation = match self {
            Self::Chat(request) => request.conversation(),
            Self::Completion(_) | Self::Plain(_) | Self::Embed(_) => {
                Err(RequestFault::unsupported("model", "no provider of this model has this call; use another model"))
            }
            Self::Responses(request) => request.conversation(),
            Self::Messages(request) => request.conversation(),
            Self::Gemini(request, _) => request.conversation(),
        }?;
        match conversation.lack() {
            None => Ok(conversation),
            Some(Lack { in_tools, rule }) => {
                let member = if in_tools { "tools" } else { self.field(Feature::EmptyPrompt) };
                Err(RequestFault::invalid_value(member, rule))
            }
        }
    }

    /// What the client calls `feature`.
    fn field(&self, feature: Feature) -> &'static str {
        match self {
            Self::Chat(_) | Self::Completion(_) | Self::Plain(_) => openai_chat::request::field(feature),
            Self::Responses(_) => openai_responses::request::field(feature),
            Self::Messages(_) => anthropic::request::field(feature),
            Self::Gemini(..) | Self::Embed(_) => gemini::request::field(feature),
        }
    }
}

/// The body for a provider that speaks `dialect`.
///
/// # Errors
/// What that dialect has no place for.
pub fn write(
    conversation: &Conversation,
    dialect: Dialect,
    to: &Rewrite<'_>,
    stream: bool,
) -> Result<Written, Unsupported> {
    let conversation = &*with_own_thinking(conversation, dialect);
    match dialect {
        Dialect::OpenaiChat => openai_chat::request::write(conversation, to, stream),
        Dialect::OpenaiResponses => openai_responses::request::write(conversation, to, stream),
        Dialect::Anthropic => anthropic::request::write(conversation, to, stream),
        Dialect::Gemini => gemini::request::write(conversation, to, stream),
        Dialect::OllamaChat => ollama_chat::request::write(conversation, to, stream),
    }
}

/// Thinking that only a provider of the chat dialect takes back is left out for the others.
fn with_own_thinking(conversation: &Conversation, dialect: Dialect) -> Cow<'_, Conversation> {
    let foreign = |part: &Part| match &part.kind {
        PartKind::Reasoning(reasoning) if dialect != Dialect::OpenaiChat => {
            reasoning.signature.iter().chain(&reasoning.sealed).any(|seal| openai_chat::is_seal(seal))
        }
        _ => false,
    };
    if !conversation.messages.iter().flat_map(|message| &message.parts).any(foreign) {
        return Cow::Borrowed(conversation);
    }
    let mut own = conversation.clone();
    own.messages.iter_mut().for_each(|message| message.parts.retain(|part| !foreign(part)));
    Cow::Owned(own)
}
