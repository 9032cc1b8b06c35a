//! Counting: how many tokens a request is, for clients that ask without sending it.
//! Owns the reading of its text. The figure is ours, by OpenAI's vocabulary: near for other vendors' models, not theirs; and
//! a long request is four bytes a token, because counting holds up everybody else on this thread.

use bytes::Bytes;
use farthing_actors::keyring::ring::AuthorizedKey;

use super::{Relay, RelayError};
use crate::dialect::canonical::{Conversation, Part, PartKind};
use crate::dialect::{Request, answer};
use crate::tokenizer::{Basis, EXACT_BYTES, Tokenizer};

/// What every message and every tool takes beside its text.
const EACH: u64 = 4;
/// A picture or document that cannot be measured here: what a middling picture takes.
const MEDIUM: u64 = 1_024;

impl Relay {
    /// The answer to a client that asks how many tokens `request` is.
    ///
    /// # Errors
    /// An unknown or forbidden model, or a request that cannot be read.
    pub fn count_tokens(&self, key: &AuthorizedKey, request: &Request) -> Result<Bytes, RelayError> {
        let model = &request.head().model;
        if !key.admits(model) || !self.catalogue.load().knows(&self.patterns, model) {
            return Err(RelayError::UnknownModel(model.chars().take(128).collect()));
        }
        let conversation = request.conversation()?;
        let long = request.head().bytes > EXACT_BYTES;
        let tokens = if long {
            u64::try_from(request.head().bytes / 4).unwrap_or(u64::MAX)
        } else {
            prompt(&conversation).tokens
        };
        Ok(answer::count(request, tokens))
    }
}

/// Tokens, and whether every one of them was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    /// How many.
    pub tokens: u64,
    /// Whether nothing of it is assumed.
    pub exact: bool,
}

impl Tally {
    pub(super) const NONE: Self = Self { tokens: 0, exact: true };

    pub(super) fn plus(self, other: Self) -> Self {
        Self { tokens: self.tokens.saturating_add(other.tokens), exact: self.exact && other.exact }
    }

    /// What is around a text, which is ours to say.
    fn around(tokens: u64) -> Self {
        Self { tokens, exact: true }
    }
}

/// The tokens of what is asked: messages and tools.
pub(super) fn prompt(conversation: &Conversation) -> Tally {
    let messages = conversation.messages.iter().map(|message| Tally::around(EACH).plus(all(&message.parts)));
    let tools = conversation.tools.iter().map(|tool| {
        let schema = tool.schema.as_ref().map_or(Tally::NONE, |schema| text(schema.text()));
        Tally::around(EACH).plus(text(&tool.name)).plus(text(tool.description.as_deref().unwrap_or(""))).plus(schema)
    });
    messages.chain(tools).fold(Tally::NONE, Tally::plus)
}

fn all(parts: &[Part]) -> Tally {
    parts.iter().map(part).fold(Tally::NONE, Tally::plus)
}

fn part(part: &Part) -> Tally {
    match &part.kind {
        PartKind::Text(words) | PartKind::Refusal(words) => text(words),
        PartKind::Reasoning(reasoning) => text(&reasoning.text),
        PartKind::ToolCall(call) => Tally::around(EACH).plus(text(&call.name)).plus(text(&call.arguments)),
        PartKind::ToolResult(result) => Tally::around(EACH).plus(all(&result.parts)),
        PartKind::Image { .. } | PartKind::Document { .. } | PartKind::Audio { .. } => {
            Tally { tokens: MEDIUM, exact: false }
        }
    }
}

/// The tokens of one text.
pub(super) fn text(text: &str) -> Tally {
    let count = Tokenizer.count(text);
    Tally { tokens: count.tokens, exact: count.basis == Basis::Exact }
}
