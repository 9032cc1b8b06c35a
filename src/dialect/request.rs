//! A request in whichever dialect it came in, and how it goes to a provider of any.
//! Owns the choice of the dialect's own code. Refuses to know more of a dialect than its name.

use std::borrow::Cow;

use bytes::Bytes;
use farthing_actors::domain::Dialect;
use memchr::memmem;

use super::anthropic::{self, MessagesRequest};
use super::canonical::{Conversation, Feature, Part, PartKind, Unsupported, Written};
use super::fault::RequestFault;
use super::gemini::{self, Framing, GeminiRequest};
use super::head::{Head, Rewrite};
use super::openai_chat::{self, ChatRequest};
use super::openai_responses::{self, ResponsesRequest};

/// A valid request and its body.
pub enum Request {
    /// Of `POST /v1/chat/completions`.
    Chat(ChatRequest),
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
            Self::Chat(_) => Dialect::OpenaiChat,
            Self::Responses(_) => Dialect::OpenaiResponses,
            Self::Messages(_) => Dialect::Anthropic,
            Self::Gemini(..) => Dialect::Gemini,
        }
    }

    /// What it is, without its words.
    pub fn head(&self) -> &Head {
        match self {
            Self::Chat(request) => &request.head,
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
            Self::Chat(_) | Self::Gemini(..) => None,
        }
    }

    /// The fault where no provider has stored what `field` needs.
    pub fn not_stored(&self, field: &str) -> RequestFault {
        match self {
            Self::Messages(_) => RequestFault::thread_not_found(field),
            Self::Responses(_) | Self::Chat(_) | Self::Gemini(..) => {
                let why = "needs what a provider stores, and no provider of this model does; send the whole conversation (store: false)";
                RequestFault::unsupported(field, why)
            }
        }
    }

    /// Whether it brings back thinking that a provider of another dialect sealed: only a translation gives that back as it
    /// was, and a provider of the client's own dialect would refuse it.
    pub fn returns_foreign_thinking(&self) -> bool {
        let (body, mark): (_, &[u8]) = match self {
            Self::Chat(_) => return false,
            Self::Responses(request) => (request.body(), br#"signature:"#),
            Self::Messages(request) => (request.body(), br#""farthing."#),
            // `farthing:` in base64.
            Self::Gemini(request, _) => (request.body(), br#""ZmFydGhpbmc6"#),
        };
        memmem::find(body, mark).is_some()
    }

    /// The body for a provider of the client's dialect: the client's, byte for byte, except what `rewrite` asks.
    pub fn for_upstream(&self, rewrite: &Rewrite<'_>) -> Bytes {
        match self {
            Self::Chat(request) => request.for_upstream(rewrite),
            Self::Responses(request) => request.for_upstream(rewrite),
            Self::Messages(request) => request.for_upstream(rewrite),
            Self::Gemini(request, _) => request.for_upstream(rewrite),
        }
    }

    /// The whole request, in no dialect's words.
    ///
    /// # Errors
    /// What cannot be read, or means something only in this dialect.
    pub fn conversation(&self) -> Result<Conversation, RequestFault> {
        match self {
            Self::Chat(request) => request.conversation(),
            Self::Responses(request) => request.conversation(),
            Self::Messages(request) => request.conversation(),
            Self::Gemini(request, _) => request.conversation(),
        }
    }

    /// What the client calls `feature`.
    pub fn field(&self, feature: Feature) -> &'static str {
        match self {
            Self::Chat(_) => openai_chat::request::field(feature),
            Self::Responses(_) => openai_responses::request::field(feature),
            Self::Messages(_) => anthropic::request::field(feature),
            Self::Gemini(..) => gemini::request::field(feature),
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
