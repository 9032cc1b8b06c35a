//! Ids of calls for a provider.
//! Owns the place of ids that are longer than OpenAI allows; other dialects give such. One is written by its number
//! among the long ones, the same in the call and in its result, and the same again next turn, since a conversation only
//! grows. Nothing that comes back names an id of an earlier turn, so nothing has to be undone. Refuses to cut.

use std::borrow::Cow;

use crate::dialect::canonical::{Message, Part, PartKind};

/// The longest id OpenAI takes, in characters.
const LONGEST: usize = 40;

/// The long ids of a conversation, in order.
pub(super) struct Ids<'a>(Vec<&'a str>);

impl<'a> Ids<'a> {
    /// Those of the calls in `messages`.
    pub(super) fn of(messages: &'a [Message]) -> Self {
        let parts = messages.iter().flat_map(|message| &message.parts);
        Self(parts.filter_map(call).filter(|id| id.chars().count() > LONGEST).collect())
    }

    /// How `id` is written.
    pub(super) fn written(&self, id: &'a str) -> Cow<'a, str> {
        match self.0.iter().position(|long| *long == id) {
            Some(number) => Cow::Owned(format!("call_long_{number}")),
            None => Cow::Borrowed(id),
        }
    }
}

fn call(part: &Part) -> Option<&str> {
    match &part.kind {
        PartKind::ToolCall(call) => Some(&call.id),
        _ => None,
    }
}
