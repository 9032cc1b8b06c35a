//! Counting: how many tokens a request is, for clients that ask without sending it.
//! Owns the reading of its text. The figure is ours, by OpenAI's vocabulary: near for other vendors' models, not theirs; and
//! a long request is four bytes a token, because counting holds up everybody else on this thread.

use bytes::Bytes;
use farthing_actors::keyring::ring::AuthorizedKey;

use super::{Relay, RelayError};
use crate::dialect::canonical::{Conversation, Part, PartKind};
use crate::dialect::{Request, answer};
use crate::tokenizer::{EXACT_BYTES, Tokenizer};

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
        if self.catalogue.load().candidates(model).is_empty() || !key.admits(model) {
            return Err(RelayError::UnknownModel(model.chars().take(128).collect()));
        }
        let conversation = request.conversation()?;
        let long = request.head().bytes > EXACT_BYTES;
        let tokens =
            if long { u64::try_from(request.head().bytes / 4).unwrap_or(u64::MAX) } else { tokens(&conversation) };
        Ok(answer::count(request, tokens))
    }
}

fn tokens(conversation: &Conversation) -> u64 {
    let messages = conversation.messages.iter().map(|message| EACH.saturating_add(all(&message.parts)));
    let tools = conversation.tools.iter().map(|tool| {
        let schema = tool.schema.as_ref().map_or(0, |schema| text(schema.text()));
        EACH.saturating_add(text(&tool.name)).saturating_add(text(tool.description.as_deref().unwrap_or(""))) + schema
    });
    messages.chain(tools).fold(0, u64::saturating_add)
}

fn all(parts: &[Part]) -> u64 {
    parts.iter().map(part).fold(0, u64::saturating_add)
}

fn part(part: &Part) -> u64 {
    match &part.kind {
        PartKind::Text(words) | PartKind::Refusal(words) => text(words),
        PartKind::Reasoning(reasoning) => text(&reasoning.text),
        PartKind::ToolCall(call) => EACH.saturating_add(text(&call.name)).saturating_add(text(&call.arguments)),
        PartKind::ToolResult(result) => EACH.saturating_add(all(&result.parts)),
        PartKind::Image { .. } | PartKind::Document { .. } | PartKind::Audio { .. } => MEDIUM,
    }
}

fn text(text: &str) -> u64 {
    Tokenizer.count(text).tokens
}
