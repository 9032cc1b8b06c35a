//! Parts: what a message is made of.
//! Owns one type for every kind of content any dialect carries. Refuses to fetch: a link stays a link.

use super::json::Json;

/// One part of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Where the client asked for the prompt up to here to be cached.
    pub cache: Option<CacheMark>,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq)]
pub enum PartKind {
    /// Text.
    Text(String),
    /// A picture.
    Image {
        /// Where it is.
        source: Source,
        /// How closely to look: OpenAI's `low`, `high`, `auto`.
        detail: Option<String>,
    },
    /// A document, such as a PDF.
    Document {
        /// Where it is.
        source: Source,
        /// Its file name or title.
        name: Option<String>,
    },
    /// Sound.
    Audio {
        /// Where it is.
        source: Source,
    },
    /// The model's thinking, kept for its next turn.
    Reasoning(Reasoning),
    /// The model declined, in these words.
    Refusal(String),
    /// The model asked for a tool.
    ToolCall(ToolCall),
    /// What the tool answered.
    ToolResult(ToolResult),
}

/// Where a picture, document or sound is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Here, in base64.
    Inline {
        /// Its media type, such as `image/png`.
        media_type: String,
        /// The bytes in standard base64.
        base64: String,
    },
    /// Plain text, here.
    Text(String),
    /// At an address.
    Url(String),
    /// Uploaded to the provider before, under this id.
    File(String),
}

/// Thinking, and the provider's seal on it. Providers accept it back only as they gave it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reasoning {
    /// Readable text, or a summary; empty where the provider shows none.
    pub text: String,
    /// Anthropic's or Gemini's signature of it.
    pub signature: Option<String>,
    /// Thinking that only the provider can read: Anthropic's `redacted_thinking`, OpenAI's `encrypted_content`.
    pub sealed: Option<String>,
    /// The provider's id of it.
    pub id: Option<String>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Its id, never cut; made up by the reading dialect where the provider gives none.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Its arguments: the JSON text of an object, though models sometimes write something else.
    pub arguments: String,
    /// Gemini's signature of the thinking that led to it.
    pub signature: Option<String>,
}

/// The answer to a call.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// Which call.
    pub id: String,
    /// The tool's name, where the client or an earlier call says it.
    pub name: Option<String>,
    /// What the tool answered: text, pictures, documents.
    pub parts: Vec<Part>,
    /// Whether the tool failed.
    pub is_error: bool,
}

/// A cache-control marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheMark {
    /// Five minutes, the default.
    Short,
    /// An hour.
    Long,
}

impl CacheMark {
    /// The mark with this `ttl`; five minutes where none is given or nobody knows it.
    pub fn of_ttl(ttl: Option<&str>) -> Self {
        if ttl == Some("1h") { Self::Long } else { Self::Short }
    }

    /// Its `ttl`, where it must be said.
    pub fn ttl(self) -> Option<&'static str> {
        (self == Self::Long).then_some("1h")
    }
}

impl Part {
    /// A part without a cache mark.
    pub fn of(kind: PartKind) -> Self {
        Self { kind, cache: None }
    }

    /// A text without a cache mark.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(PartKind::Text(text.into()))
    }

    /// Whether it says how closely to look at a picture; `auto` leaves that to the provider.
    pub fn has_detail(&self) -> bool {
        match &self.kind {
            PartKind::Image { detail: Some(detail), .. } => detail != "auto",
            PartKind::ToolResult(result) => result.parts.iter().any(Self::has_detail),
            _ => false,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            PartKind::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl ToolCall {
    /// The arguments as an object; an empty one where the model wrote nothing. `None` if they are no object.
    pub fn arguments_object(&self) -> Option<Json> {
        let text = self.arguments.trim();
        Json::object(if text.is_empty() { "{}" } else { text })
    }
}
