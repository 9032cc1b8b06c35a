//! A conversation written as a request of this dialect, for a provider.
//! Owns the order Anthropic demands: instructions apart, turns by turns, results first in theirs. Refuses what
//! Anthropic has no place for, by its feature.

use std::borrow::Cow;

use serde::Serialize;

use super::thinking::Room;
use super::{settings, source, tools};
use crate::dialect::anthropic::block::{self, Block, CacheControl};
use crate::dialect::anthropic::{ids, seal};
use crate::dialect::canonical::{
    Conversation, Feature, Message, Part, PartKind, Role, ToolResult, Unsupported, Written,
};
use crate::dialect::head::Rewrite;

/// The cap of a client that gave none, where the deployment has none either: Anthropic demands one.
const CAP: u64 = 4_096;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<tools::Written<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<tools::Choice<'a>>,
    #[serde(flatten)]
    settings: settings::Written<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

/// The request that `conversation` is, with the model and the cap of `to`.
///
/// # Errors
/// The first feature that Anthropic has no place for.
pub fn write(conversation: &Conversation, to: &Rewrite<'_>, stream: bool) -> Result<Written, Unsupported> {
    let mut ignored = Vec::new();
    let settings = &conversation.settings;
    let max_tokens = to.output_cap.map(|cap| cap.tokens).or(settings.output_cap).unwrap_or(CAP);
    let (system, messages) = turns(&conversation.messages, &mut ignored)?;
    let room = Room { model: to.model, cap: max_tokens, goes_on: goes_on_unthinking(&messages) };
    let body = Body {
        model: to.model,
        max_tokens,
        system,
        messages,
        tools: conversation.tools.iter().map(tools::write).collect(),
        tool_choice: tools::write_choice(conversation)?,
        settings: settings::write(settings, room, &mut ignored)?,
        stream,
    };
    let body = serde_json::to_vec(&body).unwrap_or_default().into();
    Ok(Written { body, ignored })
}

/// Instructions, wherever they stood, and the turns of the conversation. Instructions alone are said as a user's: there
/// must be a turn.
fn turns<'a>(
    messages: &'a [Message],
    ignored: &mut Vec<Feature>,
) -> Result<(Vec<Block<'a>>, Vec<Turn<'a>>), Unsupported> {
    if messages.iter().any(|message| message.name.is_some()) {
        ignored.push(Feature::Names);
    }
    if messages.iter().flat_map(|message| &message.parts).any(Part::has_detail) {
        ignored.push(Feature::ImageDetail);
    }
    let (mut system, mut turns) = (Vec::new(), Vec::new());
    for message in messages {
        if message.role.instructs() {
            system.extend(instructions(&message.parts)?);
        } else {
            add(&mut turns, message)?;
        }
    }
    if turns.is_empty() && !system.is_empty() {
        turns.push(Turn { role: "user", content: std::mem::take(&mut system) });
    }
    if turns.is_empty() {
        return Err(Unsupported::new(Feature::EmptyPrompt, "there must be a message that says something"));
    }
    Ok((system, turns))
}

fn instructions(parts: &[Part]) -> Result<Vec<Block<'_>>, Unsupported> {
    let mut blocks = Vec::new();
    for part in parts {
        match &part.kind {
            PartKind::Text(_) => blocks.extend(block(part)?),
            PartKind::Document { .. } => return Err(not_in_instructions(Feature::Documents)),
            PartKind::Audio { .. } => return Err(not_in_instructions(Feature::Audio)),
            _ => return Err(not_in_instructions(Feature::Images)),
        }
    }
    Ok(blocks)
}

fn not_in_instructions(feature: Feature) -> Unsupported {
    Unsupported::new(feature, "instructions are text only; send it in a user's message")
}

/// Adds a message to the turns; to the last one if the speaker is the same, so that the results of parallel calls come
/// in one turn as Anthropic demands, and before anything else in it.
fn add<'a>(turns: &mut Vec<Turn<'a>>, message: &'a Message) -> Result<(), Unsupported> {
    let role = if message.role == Role::Assistant { "assistant" } else { "user" };
    let mut blocks = Vec::new();
    for part in &message.parts {
        blocks.extend(block(part)?);
    }
    if blocks.is_empty() {
        return Ok(());
    }
    match turns.last_mut().filter(|turn| turn.role == role) {
        Some(turn) => turn.content.append(&mut blocks),
        None => turns.push(Turn { role, content: blocks }),
    }
    if let Some(turn) = turns.last_mut() {
        turn.content.sort_by_key(|block| !matches!(block, Block::ToolResult { .. }));
    }
    Ok(())
}

/// Whether the model's last turn has calls and does not begin with thinking.
fn goes_on_unthinking(turns: &[Turn<'_>]) -> bool {
    let last = turns.iter().rfind(|turn| turn.role == "assistant");
    last.is_some_and(|turn| {
        let calls = turn.content.iter().any(|block| matches!(block, Block::ToolUse { .. }));
        let first = turn.content.first();
        calls && !matches!(first, Some(Block::Thinking { .. } | Block::RedactedThinking { .. }))
    })
}

/// A part as a block; none for what Anthropic refuses though it says nothing: blank texts, thinking it did not seal.
fn block(part: &Part) -> Result<Option<Block<'_>>, Unsupported> {
    let cache_control = CacheControl::of(part.cache);
    Ok(Some(match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) => {
            return Ok((!text.trim().is_empty()).then(|| Block::Text { text: text.into(), cache_control }));
        }
        PartKind::Reasoning(reasoning) => return Ok(seal::for_provider(reasoning)),
        PartKind::Image { source, .. } => Block::Image { source: source::of_image(source)?, cache_control },
        PartKind::Document { source, name } => {
            Block::Document { source: source::of_document(source)?, title: name.as_deref(), cache_control }
        }
        PartKind::Audio { .. } => {
            return Err(Unsupported::new(Feature::Audio, "the model hears nothing; send its transcript"));
        }
        PartKind::ToolCall(call) => {
            let (id, input) = (ids::write(&call.id), block::input(call));
            Block::ToolUse { id, name: &call.name, input, cache_control }
        }
        PartKind::ToolResult(answer) => result(answer, cache_control)?,
    }))
}

fn result(answer: &ToolResult, cache_control: Option<CacheControl>) -> Result<Block<'_>, Unsupported> {
    let tool_use_id: Cow<'_, str> = ids::write(&answer.id);
    let mut content = Vec::new();
    for part in &answer.parts {
        content.extend(block(part)?);
    }
    Ok(Block::ToolResult { tool_use_id, content, is_error: answer.is_error, cache_control })
}

#[cfg(test)]
mod tests;
