//! What is asked in the table's rows, how the provider answers, and what must come of it.

use farthing_support::{Dialect, Reply, Tokens};
use serde_json::{Value, json};

use super::asked::{Asked, Call};
use super::wire::Form;

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Text,
    Capped,
    OneCall,
    Parallel,
    Results,
    Image,
    Reasoning,
    Schema,
    Uncounted,
    Busy,
    Refused,
    BrokenOff,
    CutOff,
    EndedEarly,
    Garbage,
    ErrorFirst,
    TwoAnswers,
    TopK,
    JsonObject,
    TokenBias,
}

/// What must come of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The answer.
    Served,
    /// The provider's error, before the first byte.
    Failed(u16),
    /// An error after the first byte.
    Broken,
    /// A refusal that names this field: the provider's dialect has no place for it.
    Inexpressible(&'static str),
}

pub(super) const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
pub(super) const THOUGHT: &str = "Let me think.";
pub(super) const WORDS: &str = "the provider's own words";

impl Case {
    pub(super) const ALL: [Self; 20] = [
        Self::Text,
        Self::Capped,
        Self::OneCall,
        Self::Parallel,
        Self::Results,
        Self::Image,
        Self::Reasoning,
        Self::Schema,
        Self::Uncounted,
        Self::Busy,
        Self::Refused,
        Self::BrokenOff,
        Self::CutOff,
        Self::EndedEarly,
        Self::Garbage,
        Self::ErrorFirst,
        Self::TwoAnswers,
        Self::TopK,
        Self::JsonObject,
        Self::TokenBias,
    ];

    /// What the client asks, without what only some dialects can ask ([`Case::wish`]).
    pub(super) fn asked(self) -> Asked {
        let call = |id: &str, city: &str| Call::new(id, "weather", json!({"city": city}));
        match self {
            Self::OneCall | Self::Parallel => Asked::with_tool(),
            Self::Results => Asked {
                calls: vec![call("call_a", "Oslo"), call("call_b", "Bergen")],
                results: vec![("call_a".into(), "12 degrees".into()), ("call_b".into(), "rain".into())],
                ..Asked::with_tool()
            },
            Self::Image => Asked { image: Some(PNG.to_owned()), ..Asked::hello() },
            Self::Reasoning => Asked { thinks: true, ..Asked::hello() },
            Self::Schema => {
                let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": false});
                Asked { schema: Some(schema), ..Asked::hello() }
            }
            _ => Asked::hello(),
        }
    }

    /// Puts into `body` what only some dialects can ask; `None` where the client's cannot.
    pub(super) fn wish(self, client: Dialect, mut body: Value) -> Option<Value> {
        let (object, name, value) = match (self, client) {
            (Self::TwoAnswers, Dialect::Chat) => ("", "n", json!(2)),
            (Self::TwoAnswers, Dialect::Gemini) => ("generationConfig", "candidateCount", json!(2)),
            (Self::TopK, Dialect::Anthropic) => ("", "top_k", json!(40)),
            (Self::TopK, Dialect::Gemini) => ("generationConfig", "topK", json!(40)),
            (Self::JsonObject, Dialect::Chat) => ("", "response_format", json!({"type": "json_object"})),
            (Self::JsonObject, Dialect::Responses) => ("", "text", json!({"format": {"type": "json_object"}})),
            (Self::JsonObject, Dialect::Gemini) => ("generationConfig", "responseMimeType", json!("application/json")),
            (Self::TokenBias, Dialect::Chat) => ("", "logit_bias", json!({"50256": -100})),
            (Self::TwoAnswers | Self::TopK | Self::JsonObject | Self::TokenBias, _) => return None,
            _ => return Some(body),
        };
        let place = if object.is_empty() { &mut body } else { &mut body[object] };
        place[name] = value;
        Some(body)
    }

    /// How the provider answers.
    pub(super) fn reply(self, upstream: Dialect, tokens: Tokens) -> Reply {
        let (answer, error) = (Reply::chat(tokens), |status| Reply::error(status, WORDS));
        match self {
            Self::Capped => answer.capped(),
            Self::Uncounted => answer.uncounted(),
            Self::OneCall => answer.call("call_1", "weather", r#"{"city":"Oslo","days":3}"#),
            Self::Parallel => self
                .calls(upstream)
                .iter()
                .fold(answer, |answer, call| answer.call(&call.id, &call.name, &call.arguments.to_string())),
            Self::Reasoning => answer.thinking(THOUGHT),
            Self::Busy => error(429).header("retry-after", "7"),
            Self::Refused => error(400),
            Self::BrokenOff => answer.error_after(2, WORDS),
            Self::CutOff => answer.cut_after(2),
            Self::ErrorFirst => answer.error_first(WORDS),
            Self::EndedEarly => answer.end_after(2),
            Self::Garbage => Reply::raw(200, b"<html>It works!</html>").header("content-type", "text/html"),
            _ => answer,
        }
    }

    /// The calls in the answer. Gemini's have no ids if there are several.
    pub(super) fn calls(self, upstream: Dialect) -> Vec<Call> {
        let id = |id: &'static str| if upstream == Dialect::Gemini { "" } else { id };
        match self {
            Self::OneCall => vec![Call::new("call_1", "weather", json!({"city": "Oslo", "days": 3}))],
            Self::Parallel => vec![
                Call::new(id("call_1"), "weather", json!({"city": "Oslo"})),
                Call::new(id("call_2"), "weather", json!({"city": "Århus", "days": 2})),
            ],
            _ => Vec::new(),
        }
    }

    /// What must come of it.
    pub(super) fn outcome(self, client: Dialect, upstream: Dialect, form: Form) -> Outcome {
        if let Some(field) = self.inexpressible(client, upstream) {
            return Outcome::Inexpressible(field);
        }
        match self {
            Self::Busy => Outcome::Failed(429),
            Self::Refused => Outcome::Failed(400),
            Self::CutOff if form == Form::Whole => Outcome::Failed(502),
            Self::Garbage | Self::ErrorFirst => Outcome::Failed(502),
            Self::BrokenOff | Self::CutOff | Self::EndedEarly => Outcome::Broken,
            _ => Outcome::Served,
        }
    }

    fn inexpressible(self, client: Dialect, upstream: Dialect) -> Option<&'static str> {
        use Dialect::{Anthropic, Chat, Gemini, Responses};
        match (self, client, upstream) {
            (Self::TwoAnswers, Chat, Responses | Anthropic) => Some("n"),
            (Self::TwoAnswers, Gemini, Responses | Anthropic) => Some("generationConfig.candidateCount"),
            (Self::TopK, Anthropic, Chat | Responses) => Some("top_k"),
            (Self::TopK, Gemini, Chat | Responses) => Some("generationConfig.topK"),
            (Self::JsonObject, Chat, Anthropic) => Some("response_format"),
            (Self::JsonObject, Responses, Anthropic) => Some("text.format"),
            (Self::JsonObject, Gemini, Anthropic) => Some("generationConfig.responseMimeType"),
            (Self::TokenBias, Chat, Responses | Anthropic | Gemini) => Some("logit_bias"),
            _ => None,
        }
    }

    /// Why the answer ended, in the client's word.
    pub(super) fn stop(self, client: Dialect) -> &'static str {
        use Dialect::{Anthropic, Chat, Gemini, Responses};
        match (self, client) {
            (Self::Capped, Chat) => "length",
            (Self::Capped, Responses) => "incomplete max_output_tokens",
            (Self::Capped, Anthropic) => "max_tokens",
            (Self::Capped, Gemini) => "MAX_TOKENS",
            (Self::OneCall | Self::Parallel, Chat) => "tool_calls",
            (Self::OneCall | Self::Parallel, Anthropic) => "tool_use",
            (_, Chat) => "stop",
            (_, Responses) => "completed",
            (_, Anthropic) => "end_turn",
            (_, Gemini) => "STOP",
        }
    }
}
