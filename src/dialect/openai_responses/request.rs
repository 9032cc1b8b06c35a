//! A Responses request: what the gateway must know of it, and the same bytes again for a provider of the same dialect.
//! Owns validation of what is read, the rewrite of the model and the output cap, and the notice of what needs a
//! provider's own storage. Refuses to judge anything else: other members go through untouched.

mod field;

mod read;
mod write;

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

pub use self::field::field;
pub use self::write::write;
use super::{output, pick};
use crate::dialect::canonical::Conversation;
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::head::{Head, Measure, Rewrite, USEFUL_OUTPUT};
use crate::dialect::members::Member;
use crate::dialect::splice::{Splice, json_string};
use crate::dialect::usage;

const MEMBERS: [&str; 9] = [
    "model",
    "input",
    "stream",
    "max_output_tokens",
    "previous_response_id",
    "conversation",
    "prompt",
    "background",
    "service_tier",
];

/// A valid request and its body.
pub struct ResponsesRequest {
    /// What it is, without its words.
    pub head: Head,
    body: Bytes,
    model_at: Range<usize>,
    cap_at: Option<Range<usize>>,
    stored: Option<&'static str>,
}

impl ResponsesRequest {
    /// Reads and validates a body.
    ///
    /// # Errors
    /// The first fault found, in the words of the API.
    pub fn parse(body: Bytes) -> Result<Self, RequestFault> {
        let object = fields::open(&body, &MEMBERS)?;
        let [model, input, stream, cap, previous, conversation, prompt, background, tier] = object.values;
        let background = fields::flag("background", background)?;
        let elsewhere = [("previous_response_id", previous), ("conversation", conversation), ("prompt", prompt)];
        let elsewhere = elsewhere.into_iter().find(|(_, member)| member.is_some_and(|member| !member.is_null()));
        let elsewhere = elsewhere.map(|(name, _)| name);
        let input = input.filter(|input| !input.is_null());
        let model = model.ok_or_else(|| RequestFault::missing("model"))?;
        let head = Head {
            model: fields::model(model)?,
            stream: fields::flag("stream", stream)?,
            wants_usage: true,
            output_cap: fields::whole("max_output_tokens", cap, 1..=u64::MAX)?,
            least_output: USEFUL_OUTPUT,
            choices: 1,
            messages: count_messages(input, elsewhere.is_some())?,
            bytes: body.len(),
            tier: usage::tier(tier),
            measure: Measure::TEXT,
        };
        let stored = elsewhere.or(background.then_some("background")).or_else(|| references(input).then_some("input"));
        Ok(Self { head, model_at: model.span(), cap_at: cap.map(|cap| cap.span()), stored, body: body.clone() })
    }

    /// The member that needs the provider's own storage, which no other provider has. `input` stands for an item that
    /// only refers to a stored one.
    pub fn stored_state(&self) -> Option<&'static str> {
        self.stored
    }

    /// The body as it came.
    pub(in crate::dialect) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body for a provider of the same dialect: the client's, byte for byte, except what `rewrite` asks. Where
    /// nothing differs it is the same bytes, not a copy.
    pub fn for_upstream(&self, rewrite: &Rewrite<'_>) -> Bytes {
        let mut splice = Splice::new(&self.body);
        if rewrite.model != self.head.model {
            splice.replace(self.model_at.clone(), json_string(rewrite.model));
        }
        if let Some(cap) = rewrite.output_cap.filter(|cap| self.head.output_cap != Some(cap.tokens)) {
            match &self.cap_at {
                Some(at) => splice.replace(at.clone(), cap.tokens),
                None => splice.insert(0..self.body.len(), "max_output_tokens", cap.tokens),
            }
        }
        splice.finish()
    }

    /// The request in the canonical form, for a provider of another dialect.
    ///
    /// # Errors
    /// The first member that cannot be read, or that has a meaning other dialects have no place for.
    pub fn conversation(&self) -> Result<Conversation, RequestFault> {
        let mut conversation = read::conversation(&self.body)?;
        conversation.settings.output_cap = self.head.output_cap;
        Ok(conversation)
    }
}

/// Shows sizes, never words: prompts do not belong in logs.
impl fmt::Debug for ResponsesRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("ResponsesRequest");
        shown.field("model", &self.head.model).field("stream", &self.head.stream).field("bytes", &self.body.len());
        shown.finish_non_exhaustive()
    }
}

/// How many messages the input has; it may be missing where what was said is stored at the provider.
fn count_messages(input: Option<Member<'_>>, stored: bool) -> Result<usize, RequestFault> {
    let Some(input) = input else {
        return if stored { Ok(0) } else { Err(RequestFault::missing("input")) };
    };
    if input.is_string() {
        return Ok(1);
    }
    let list = serde_json::from_str::<Vec<serde::de::IgnoredAny>>(input.text)
        .map_err(|_| RequestFault::invalid_type("input", "must be a string or an array of items"))?;
    if list.is_empty() && !stored {
        return Err(RequestFault::invalid_value("input", "must not be empty; send at least one item"));
    }
    Ok(list.len())
}

/// Whether an item of the input only refers to a stored one.
fn references(input: Option<Member<'_>>) -> bool {
    super::elements(input).into_iter().any(is_reference)
}

/// Whether an item only refers to a stored one: it says so, or it is an id and nothing else that would be an item.
/// Thinking whose id was made up here is stored nowhere, and an answer can do without it.
fn is_reference(item: &str) -> bool {
    let [kind, role, id] = pick(item, &["type", "role", "id"]);
    if id.and_then(|id| id.string()).is_some_and(|id| output::is_made_up(&id)) {
        return false;
    }
    match kind {
        Some(kind) => kind.string().as_deref() == Some("item_reference"),
        None => role.is_none() && id.is_some(),
    }
}

#[cfg(test)]
mod tests;
