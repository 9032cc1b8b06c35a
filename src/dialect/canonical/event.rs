//! Events: the pieces of a streamed answer.
//! Owns what a stream can say. A decoder gives them in order; an encoder takes them in order.

use super::json::Json;
use super::reply::Stop;
use crate::dialect::usage::Reading;

/// One step of a streamed answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The answer begins. Given once, before any other.
    Began {
        /// The provider's id of the answer; empty where it gives none.
        id: String,
        /// The model, as the provider names it.
        model: String,
        /// When, in seconds since 1970; `None` where the dialect does not say.
        created: Option<u64>,
    },
    /// More of choice `choice`.
    More {
        /// Which answer, if several were asked for; zero otherwise.
        choice: u64,
        /// What is added to it.
        piece: Piece,
    },
    /// Choice `choice` ends.
    Finished {
        /// Which answer.
        choice: u64,
        /// Why.
        stop: Stop,
    },
    /// Usage so far. A later one replaces it.
    Usage(Reading),
    /// The service tier that was given.
    ServiceTier(String),
}

/// What is added to an answer. A piece goes on with the part before it if it is of the same kind (and call), else a new
/// part begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Text.
    Text(String),
    /// Words of a refusal.
    Refusal(String),
    /// Thinking.
    Reasoning(String),
    /// The seal on the thinking so far; ends that part. See [`super::part::Reasoning`].
    Sealed {
        /// Its signature.
        signature: Option<String>,
        /// Thinking that only the provider can read.
        sealed: Option<String>,
        /// The provider's id of it.
        id: Option<String>,
    },
    /// A call begins.
    ToolCall {
        /// Which of the answer's calls, from zero. Calls may be interleaved.
        call: usize,
        /// Its id.
        id: String,
        /// The tool.
        name: String,
        /// Gemini's signature of the thinking that led to it.
        signature: Option<String>,
    },
    /// More of the arguments' JSON text of call `call`.
    Arguments {
        /// Which of the answer's calls.
        call: usize,
        /// What is added.
        text: String,
    },
    /// Probabilities of the tokens just given, in OpenAI chat's form (`{"content":[…]}`).
    LogProbs(Json),
}

impl Event {
    /// Bytes of generated text in it: content, refusals, thinking and arguments.
    pub fn text_bytes(&self) -> u64 {
        let Self::More { piece, .. } = self else { return 0 };
        let text = match piece {
            Piece::Text(text) | Piece::Refusal(text) | Piece::Reasoning(text) | Piece::Arguments { text, .. } => text,
            Piece::ToolCall { name, .. } => name,
            Piece::Sealed { .. } | Piece::LogProbs(_) => return 0,
        };
        u64::try_from(text.len()).unwrap_or(u64::MAX)
    }
}
