//! Faults: why a request or a stream cannot be read.
//! Owns the words every dialect uses for both. Refuses status codes: those are the web floor's.

use super::crowd::{MOST_MEMBERS, MOST_NUMBERS};
use super::sse::Oversized;
use super::words::UpstreamWords;

/// Why a request cannot be read. Always the client's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestFault {
    /// What is wrong and what would be right, for the client.
    pub message: String,
    /// The member at fault, if it is one; a path such as `messages[2].content` where it is deeper.
    pub param: Option<String>,
    /// `invalid_json`, `missing_field`, `invalid_type`, `invalid_value`, `unsupported_field`, `thread_not_found`, `too_deep`
    /// or `too_many_items`.
    pub code: &'static str,
}

impl RequestFault {
    /// The body is no JSON.
    pub fn invalid_json(message: &str) -> Self {
        Self { message: message.to_owned(), param: None, code: "invalid_json" }
    }

    /// A member that must be there is not.
    pub fn missing(name: &str) -> Self {
        Self { message: format!("{name} is required"), param: Some(name.to_owned()), code: "missing_field" }
    }

    /// A member is of the wrong type; `rule` says what it "must be".
    pub fn invalid_type(name: &str, rule: &str) -> Self {
        Self { message: format!("{name} {rule}"), param: Some(name.to_owned()), code: "invalid_type" }
    }

    /// A member's value is not allowed; `rule` says what it "must be".
    pub fn invalid_value(name: &str, rule: &str) -> Self {
        Self { message: format!("{name} {rule}"), param: Some(name.to_owned()), code: "invalid_value" }
    }

    /// The array or object at `place` has too many members.
    pub fn crowded(place: &str) -> Self {
        let name = if place.is_empty() { "the body" } else { place };
        let message = format!(
            "{name} has more than {MOST_MEMBERS} items (or {MOST_NUMBERS} numbers); send fewer, or several requests"
        );
        Self { message, param: (!place.is_empty()).then(|| place.to_owned()), code: "too_many_items" }
    }

    /// A member is understood, and the model's provider has no place for it; `why` says what to do instead.
    pub fn unsupported(name: &str, why: &str) -> Self {
        Self { message: format!("{name}: {why}"), param: Some(name.to_owned()), code: "unsupported_field" }
    }

    /// A member goes on with a thread that no provider of the model holds. Anthropic's own code for it, at which its
    /// client libraries send the whole conversation again.
    pub fn thread_not_found(name: &str) -> Self {
        let message = format!("{name}: no provider of this model holds the conversation; send all of its messages");
        Self { message, param: Some(name.to_owned()), code: "thread_not_found" }
    }
}

/// Why a stream cannot go on. The client gets an error event, never an end marker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamFault {
    /// One event is longer than the bound.
    #[error("the provider sent an event longer than 1 MiB")]
    Oversized,
    /// The provider reported an error inside the stream.
    #[error("the provider failed within the stream: {}", .0.message)]
    UpstreamError(UpstreamWords),
    /// What came is no stream of this dialect.
    #[error("the provider's stream cannot be read: {0}")]
    Garbage(&'static str),
}

impl From<Oversized> for StreamFault {
    fn from(_: Oversized) -> Self {
        Self::Oversized
    }
}
