//! A whole answer.
//! Owns what every dialect says in one: choices, why each ended, usage.

use super::json::Json;
use super::part::Part;
use crate::dialect::usage::Reading;

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The provider's id of it; empty where it gives none.
    pub id: String,
    /// The model, as the provider names it.
    pub model: String,
    /// When it was made, in seconds since 1970; `None` where the dialect does not say.
    pub created: Option<u64>,
    /// One, unless more were asked for.
    pub choices: Vec<Choice>,
    /// What it consumed.
    pub usage: Reading,
    /// The service tier that was given.
    pub service_tier: Option<String>,
}

/// One answer of several.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What it says, in order.
    pub parts: Vec<Part>,
    /// Why it ended.
    pub stop: Stop,
    /// Probabilities of its tokens, in OpenAI chat's form (`{"content":[…]}`).
    pub log_probs: Option<Json>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It was complete.
    End,
    /// The cap was reached.
    Length,
    /// One of the client's stop texts came; which, where the provider says.
    StopText(Option<String>),
    /// It waits for tools.
    ToolCalls,
    /// The model declined.
    Refusal,
    /// The provider's filter cut it.
    Filtered,
    /// A pause in a long turn: send the conversation back to go on (Anthropic's `pause_turn`).
    Pause,
    /// Something else, in the provider's word.
    Other(String),
}
