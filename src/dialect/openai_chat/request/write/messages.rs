//! Messages for a provider.
//! Owns how one canonical message becomes chat messages: results of tools are messages of their own, before the rest of
//! the user's message that held them. A result's pictures and documents follow in a user's message that names the call,
//! since chat's results are text; a failure is told in the text. Refuses to send thinking to a provider that did not
//! think it.
//!
//! An answer with calls and no text has the content `""`: OpenAI takes it as well as null, and DeepSeek only it.

use std::borrow::Cow;

use super::content::{self, medium};
use super::ids::Ids;
use crate::dialect::canonical::{Message as Canonical, Part, PartKind, Role, ToolResult, Unsupported};
use crate::dialect::openai_chat::shape::{Call, Content, Message};
use crate::dialect::openai_chat::thoughts;

/// All messages in order.
pub(super) fn write(messages: &[Canonical]) -> Result<Vec<Message<'_>>, Unsupported> {
    let ids = Ids::of(messages);
    let mut written = Vec::with_capacity(messages.len());
    for message in messages {
        match message.role {
            Role::System | Role::Developer => written.push(instruction(message)?),
            Role::User => asked(message, &ids, &mut written)?,
            Role::Assistant => written.push(answer(message, &ids)?),
        }
    }
    Ok(written)
}

/// Instructions have the role every server knows; OpenAI takes `system` for `developer`.
fn instruction(message: &Canonical) -> Result<Message<'_>, Unsupported> {
    let parts: Vec<&Part> = message.parts.iter().collect();
    let content = Some(content::text_only(&parts, "\n\n")?);
    Ok(Message { role: Some("system"), name: message.name.as_deref(), content, ..Message::default() })
}

fn asked<'a>(message: &'a Canonical, ids: &Ids<'a>, written: &mut Vec<Message<'a>>) -> Result<(), Unsupported> {
    let (mut rest, mut shown) = (Vec::new(), Vec::new());
    for part in &message.parts {
        match &part.kind {
            PartKind::ToolResult(result) => {
                written.push(answered(result, ids));
                shown.extend(media(result, ids)?);
            }
            _ => rest.push(part),
        }
    }
    if rest.is_empty() && shown.is_empty() && !message.parts.is_empty() {
        return Ok(());
    }
    let content = if shown.is_empty() {
        content::of(&rest)?
    } else {
        let entries: Result<Vec<_>, _> = rest.into_iter().map(content::entry).collect();
        shown.extend(entries?);
        Content::Parts(shown)
    };
    written.push(Message {
        role: Some("user"),
        name: message.name.as_deref(),
        content: Some(content),
        ..Message::default()
    });
    Ok(())
}

/// The text of a result.
fn answered<'a>(result: &'a ToolResult, ids: &Ids<'a>) -> Message<'a> {
    let texts: Vec<Cow<'_, str>> = result.parts.iter().filter_map(content::text).collect();
    let has_media = result.parts.iter().any(|part| medium(part).is_some());
    let mut text = content::joined(&texts, "\n\n");
    if texts.is_empty() && has_media {
        text = Cow::Borrowed("The result is in the next message of the user.");
    }
    if result.is_error {
        text = Cow::Owned(format!("Error: {text}"));
    }
    let content = Some(Content::Text(text));
    Message { role: Some("tool"), content, tool_call_id: Some(ids.written(&result.id)), ..Message::default() }
}

/// What of a result is not text, after a note that names the call; nothing if all is text.
fn media<'a>(result: &'a ToolResult, ids: &Ids<'a>) -> Result<Vec<serde_json::Value>, Unsupported> {
    let media: Vec<&Part> = result.parts.iter().filter(|part| medium(part).is_some()).collect();
    if media.is_empty() {
        return Ok(Vec::new());
    }
    let note = Part::text(format!("From the result of tool call {}:", ids.written(&result.id)));
    std::iter::once(&note).chain(media).map(content::entry).collect()
}

/// An earlier answer. What it said was streamed without gaps, so its texts are joined without.
fn answer<'a>(message: &'a Canonical, ids: &Ids<'a>) -> Result<Message<'a>, Unsupported> {
    let said: Vec<&Part> = message.parts.iter().filter(|part| is_said(part)).collect();
    let refusals: String = message.parts.iter().filter_map(refusal).collect();
    let returned = thoughts::returned(message.parts.iter().filter_map(|part| match &part.kind {
        PartKind::Reasoning(thought) => Some(thought),
        _ => None,
    }));
    Ok(Message {
        role: Some("assistant"),
        name: message.name.as_deref(),
        content: Some(content::text_only(&said, "")?),
        refusal: (!refusals.is_empty()).then_some(Cow::Owned(refusals)),
        reasoning_content: returned.content.map(Cow::Owned),
        reasoning_details: returned.details,
        tool_calls: message.parts.iter().filter_map(|part| call(part, ids)).collect(),
        tool_call_id: None,
    })
}

fn is_said(part: &Part) -> bool {
    !matches!(part.kind, PartKind::Reasoning(_) | PartKind::Refusal(_) | PartKind::ToolCall(_))
}

fn refusal(part: &Part) -> Option<&str> {
    match &part.kind {
        PartKind::Refusal(text) => Some(text),
        _ => None,
    }
}

/// Gemini's signature of a call is left out: other servers refuse the member it has a place in.
fn call<'a>(part: &'a Part, ids: &Ids<'a>) -> Option<Call<'a>> {
    match &part.kind {
        PartKind::ToolCall(call) => {
            let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
            Some(Call::begun(ids.written(&call.id), &call.name, arguments))
        }
        _ => None,
    }
}
