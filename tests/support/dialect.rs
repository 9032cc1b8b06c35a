//! The wire formats, as a test names them, and what one request wishes of the scripted upstream in its own.
//! Owns paths and the shape of errors. Refuses to word answers: each dialect's room under `reply/` does.

use serde_json::{Value, json};

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Anthropic,
    /// Google's Gemini.
    Gemini,
}

/// What one request wishes.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) dialect: Dialect,
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// Gemini's stream without `alt=sse`: a JSON array that grows.
    pub(crate) array: bool,
    /// Chat's `include_usage`.
    pub(crate) usage: bool,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Chat, Self::Responses, Self::Anthropic, Self::Gemini];

    /// Its name in the management API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "openai_chat",
            Self::Responses => "openai_responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// A provider kind that speaks it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Chat | Self::Responses => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// Where it is spoken, from the server's root; `stream` matters to Gemini alone.
    pub fn path(self, model: &str, stream: bool) -> String {
        match self {
            Self::Chat => "/v1/chat/completions".to_owned(),
            Self::Responses => "/v1/responses".to_owned(),
            Self::Anthropic => "/v1/messages".to_owned(),
            Self::Gemini if stream => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
            Self::Gemini => format!("/v1beta/models/{model}:generateContent"),
        }
    }

    /// The dialect spoken at `path`; chat where it is none of the others'.
    pub fn at(path: &str) -> Self {
        let path = path.split('?').next().unwrap_or(path);
        match path {
            _ if path.ends_with("/responses") => Self::Responses,
            _ if path.ends_with("/messages") || path.contains("/publishers/anthropic/models/") => Self::Anthropic,
            _ if path.contains("/v1beta/models/") || path.contains("/publishers/google/models/") => Self::Gemini,
            _ => Self::Chat,
        }
    }

    /// An error as a provider words it.
    pub fn error(self, status: u16, message: &str) -> Value {
        let client = status < 500;
        match self {
            Self::Chat | Self::Responses => {
                let kind = if client { "invalid_request_error" } else { "server_error" };
                json!({"error": {"message": message, "type": kind, "param": null, "code": null}})
            }
            Self::Anthropic => {
                let kind = match status {
                    429 => "rate_limit_error",
                    _ if client => "invalid_request_error",
                    _ => "overloaded_error",
                };
                json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_up"})
            }
            Self::Gemini => {
                let word = match status {
                    429 => "RESOURCE_EXHAUSTED",
                    _ if client => "INVALID_ARGUMENT",
                    _ => "UNAVAILABLE",
                };
                json!({"error": {"code": status, "message": message, "status": word}})
            }
        }
    }

    /// The message of an error that must have this dialect's shape.
    ///
    /// # Panics
    /// If it has not.
    pub fn error_message(self, body: &Value) -> String {
        let error = &body["error"];
        let shaped = match self {
            Self::Chat | Self::Responses => {
                error["type"].is_string() && error.get("param").is_some() && error.get("code").is_some()
            }
            Self::Anthropic => {
                let kind = error["type"].as_str().unwrap_or_default();
                body["type"] == "error" && (kind.ends_with("_error") || kind == "request_too_large")
            }
            Self::Gemini => {
                let word = error["status"].as_str().unwrap_or_default();
                error["code"].is_u64() && !word.is_empty() && word == word.to_uppercase()
            }
        };
        assert!(shaped, "no error of {}: {body}", self.name());
        let message = error["message"].as_str().filter(|message| !message.is_empty());
        message.unwrap_or_else(|| panic!("no message: {body}")).to_owned()
    }

    /// The field that one of the gateway's errors names; empty if it names none.
    pub fn error_field(self, body: &Value) -> String {
        let error = &body["error"];
        let field = match self {
            Self::Chat | Self::Responses => &error["param"],
            Self::Anthropic => &error["details"]["param"],
            Self::Gemini => &error["details"][1]["fieldViolations"][0]["field"],
        };
        field.as_str().unwrap_or_default().to_owned()
    }
}

impl Wish {
    /// Reads a request.
    pub(crate) fn of(path: &str, body: &Value) -> Self {
        let dialect = Dialect::at(path);
        let gemini = path.rsplit_once("/models/").and_then(|(_, call)| call.split_once(':'));
        let (model, stream) = match gemini.filter(|_| dialect == Dialect::Gemini) {
            Some((model, method)) => (Some(model), method.starts_with("stream")),
            None => (body["model"].as_str(), body["stream"] == true),
        };
        Self {
            dialect,
            model: model.unwrap_or("unnamed").to_owned(),
            stream,
            array: dialect == Dialect::Gemini && stream && !path.contains("alt=sse"),
            usage: body["stream_options"]["include_usage"] == true,
        }
    }

    /// An error inside a stream, perhaps its first event.
    pub(crate) fn error_event(&self, message: &str, first: bool) -> String {
        let error = self.dialect.error(503, message);
        match self.dialect {
            Dialect::Chat => format!("data: {error}\n\n"),
            Dialect::Responses => {
                let event = json!({"type": "error", "code": "server_error", "message": message, "param": null,
                    "sequence_number": 99});
                format!("event: error\ndata: {event}\n\n")
            }
            Dialect::Anthropic => format!("event: error\ndata: {error}\n\n"),
            Dialect::Gemini if self.array => format!("{}{error}]", if first { "[" } else { ",\n" }),
            Dialect::Gemini => format!("data: {error}\n\n"),
        }
    }
}
