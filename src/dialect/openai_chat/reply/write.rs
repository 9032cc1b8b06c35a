//! A whole answer, written for a client.
//! Owns the shape stock SDKs read. Refuses to invent: an answer without figures has no usage. Pictures in an answer
//! have no place in chat and are left out.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use crate::dialect::canonical::{self, Json, Part, PartKind, Reasoning, Reply};
use crate::dialect::openai_chat::shape::{Call, Content, Message};
use crate::dialect::openai_chat::usage::Object;
use crate::dialect::openai_chat::{finish, thoughts};

#[derive(Serialize)]
struct Completion<'a> {
    id: Cow<'a, str>,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: usize,
    message: Message<'a>,
    logprobs: Option<&'a Json>,
    finish_reason: &'static str,
}

/// The body for a client, with `farthing` (one line of JSON) as a member of its usage.
pub fn write(reply: &Reply, farthing: Option<&str>) -> Bytes {
    let id = match reply.id.as_str() {
        "" => Cow::Owned(format!("chatcmpl-{}", Uuid::now_v7().simple())),
        id => Cow::Borrowed(id),
    };
    let completion = Completion {
        id,
        object: "chat.completion",
        created: reply.created.unwrap_or(0),
        model: &reply.model,
        choices: reply.choices.iter().enumerate().map(|(index, choice)| choice_of(index, choice)).collect(),
        usage: Object::of(reply.usage, farthing),
        service_tier: reply.service_tier.as_deref(),
    };
    serde_json::to_vec(&completion).map(Bytes::from).unwrap_or_default()
}

fn choice_of(index: usize, choice: &canonical::Choice) -> Choice<'_> {
    let message = message(&choice.parts);
    let finish_reason = finish::word(&choice.stop, message.refusal.is_some());
    Choice { index, message, logprobs: choice.log_probs.as_ref(), finish_reason }
}

/// Content is null where the answer refuses or calls tools without a word, as OpenAI's is.
fn message(parts: &[Part]) -> Message<'_> {
    let thoughts: Vec<&Reasoning> = parts.iter().filter_map(thought).collect();
    let text: String = parts.iter().filter_map(Part::as_text).collect();
    let refusal: String = parts.iter().filter_map(refused).collect();
    let thinking: String = thoughts.iter().map(|thought| thought.text.as_str()).collect();
    let tool_calls: Vec<Call<'_>> = parts.iter().filter_map(call).collect();
    let wordless = text.is_empty() && !(refusal.is_empty() && tool_calls.is_empty());
    let some = |text: String| (!text.is_empty()).then_some(Cow::Owned(text));
    Message {
        role: Some("assistant"),
        content: Some(if wordless { Content::Null } else { Content::Text(text.into()) }),
        refusal: some(refusal),
        reasoning_content: some(thinking),
        reasoning_details: thoughts::told(&thoughts, 0),
        tool_calls,
        ..Message::default()
    }
}

fn thought(part: &Part) -> Option<&Reasoning> {
    match &part.kind {
        PartKind::Reasoning(thought) => Some(thought),
        _ => None,
    }
}

fn refused(part: &Part) -> Option<&str> {
    match &part.kind {
        PartKind::Refusal(text) => Some(text),
        _ => None,
    }
}

fn call(part: &Part) -> Option<Call<'_>> {
    let PartKind::ToolCall(call) = &part.kind else { return None };
    Some(Call::begun(call.id.as_str(), &call.name, &call.arguments).signed(call.signature.as_deref()))
}

#[cfg(test)]
mod tests;
