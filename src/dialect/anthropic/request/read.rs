//! A request read in full: its messages, and with them tools and settings.
//! Owns what each block of a message means. Refuses blocks of tools that Anthropic runs itself, by their path: another
//! provider cannot go on with them.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::settings::{self, RawSettings};
use super::{mark, source, tools};
use crate::dialect::anthropic::block::{RawBlock, Spoken};
use crate::dialect::anthropic::ids;
use crate::dialect::canonical::{
    CacheMark, Conversation, Ignored, Message, Part, PartKind, Role, ToolChoice, ToolResult,
};
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::node::Node;

/// Hints that no other dialect has a place for, by path.
#[derive(Debug, Default)]
pub(super) struct Hints(Vec<Ignored>);

impl Hints {
    pub(super) fn note_if(&mut self, given: bool, path: impl FnOnce() -> String) {
        if given {
            self.0.push(path());
        }
    }
}

/// The members that are read, or refused by name, here, in the head or among the settings.
const KNOWN: [&str; 28] = [
    "model",
    "messages",
    "system",
    "max_tokens",
    "stream",
    "tools",
    "tool_choice",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "thinking",
    "output_config",
    "output_format",
    "metadata",
    "service_tier",
    "inference_geo",
    "container",
    "mcp_servers",
    "context_management",
    "cache_control",
    "speed",
    "diagnostics",
    "thread",
    "fallbacks",
    "user_profile_id",
    "workspace_id",
    "billing_policy",
];

/// The members that are no settings.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawBody<'a> {
    #[serde(borrow)]
    system: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_choice: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawMessage<'a> {
    role: String,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

/// The conversation a body holds.
pub(super) fn conversation(body: &[u8], output_cap: Option<u64>) -> Result<Conversation, RequestFault> {
    let unreadable =
        |fault: serde_json::Error| RequestFault::invalid_json(&format!("the body cannot be read: {fault}"));
    fields::refuse_unknown(std::str::from_utf8(body).unwrap_or_default(), |name| KNOWN.contains(&name))?;
    let raw: RawBody<'_> = serde_json::from_slice(body).map_err(unreadable)?;
    let raw_settings: RawSettings<'_> = serde_json::from_slice(body).map_err(unreadable)?;
    let mut reader = Reader::default();
    let mut messages = Vec::new();
    if let Some(system) = raw.system {
        messages.extend(reader.system(&Node::at("system", system))?);
    }
    if let Some(list) = raw.messages {
        for place in Node::at("messages", list).list()? {
            messages.push(reader.message(&place)?);
        }
    }
    let hints = &mut reader.hints;
    let settings = settings::read(&raw_settings, output_cap, hints)?;
    let listed = raw.tools.map(|list| tools::read(&Node::at("tools", list), hints)).transpose()?;
    let choice = raw.tool_choice.map(|choice| tools::read_choice(&Node::at("tool_choice", choice)));
    let (tool_choice, parallel_tools): (Option<ToolChoice>, Option<bool>) = choice.transpose()?.unwrap_or_default();
    let tools = listed.unwrap_or_default();
    Ok(Conversation { messages, tools, tool_choice, parallel_tools, settings, hints: reader.hints.0 })
}

/// What is known while messages are read.
#[derive(Default)]
struct Reader {
    hints: Hints,
    /// The tool each call was of, for its result.
    called: HashMap<String, String>,
}

impl Reader {
    fn system(&mut self, place: &Node<'_>) -> Result<Option<Message>, RequestFault> {
        let parts = self.content(place)?;
        Ok((!parts.is_empty()).then_some(Message { role: Role::System, parts, name: None }))
    }

    fn message(&mut self, place: &Node<'_>) -> Result<Message, RequestFault> {
        let message: RawMessage<'_> = place.read()?;
        let role = match message.role.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return Err(RequestFault::invalid_value(&place.below("role"), "must be user or assistant")),
        };
        let content = message.content.ok_or_else(|| RequestFault::missing(&place.below("content")))?;
        let parts = self.content(&place.member("content", content))?;
        Ok(Message { role, parts, name: None })
    }

    /// A text, or blocks.
    fn content(&mut self, place: &Node<'_>) -> Result<Vec<Part>, RequestFault> {
        if place.is_string() {
            return Ok(vec![Part::text(place.read::<String>()?)]);
        }
        let mut spoken = Spoken::default();
        for block in place.list()? {
            self.block(&block, &mut spoken)?;
        }
        Ok(spoken.parts)
    }

    fn block(&mut self, place: &Node<'_>, spoken: &mut Spoken) -> Result<(), RequestFault> {
        let block: RawBlock<'_> = place.read()?;
        let cache = mark::read(place, block.cache_control)?;
        let kind = match block.kind.as_str() {
            "image" => PartKind::Image { source: source::read(&source_of(place, &block)?)?, detail: None },
            "document" => document(place, block)?,
            "tool_result" => PartKind::ToolResult(self.result(place, &block)?),
            _ => return self.spoken(place, block, cache, spoken),
        };
        spoken.parts.push(Part { kind, cache });
        Ok(())
    }

    fn spoken(
        &mut self,
        place: &Node<'_>,
        block: RawBlock<'_>,
        cache: Option<CacheMark>,
        spoken: &mut Spoken,
    ) -> Result<(), RequestFault> {
        if block.kind == "tool_use" && block.id.as_ref().is_none_or(String::is_empty) {
            return Err(RequestFault::missing(&place.below("id")));
        }
        if block.kind == "text" && block.text.is_none() {
            return Err(RequestFault::missing(&place.below("text")));
        }
        self.hints.note_if(block.citations.is_some(), || place.below("citations"));
        let kind = block.kind.clone();
        if !spoken.take(block, cache) {
            return Err(place.unsupported(&format!("the provider of this model has no blocks of type {kind:?}")));
        }
        if let Some(PartKind::ToolCall(call)) = spoken.parts.last().map(|part| &part.kind) {
            self.called.insert(call.id.clone(), call.name.clone());
        }
        Ok(())
    }

    fn result(&mut self, place: &Node<'_>, block: &RawBlock<'_>) -> Result<ToolResult, RequestFault> {
        let id = block.tool_use_id.clone().ok_or_else(|| RequestFault::missing(&place.below("tool_use_id")))?;
        let id = ids::read(id);
        let parts = match block.content {
            Some(content) => self.content(&place.member("content", content))?,
            None => Vec::new(),
        };
        let name = self.called.get(&id).cloned();
        Ok(ToolResult { id, name, parts, is_error: block.is_error.unwrap_or(false) })
    }
}

fn source_of<'a>(place: &Node<'a>, block: &RawBlock<'a>) -> Result<Node<'a>, RequestFault> {
    let source = block.source.ok_or_else(|| RequestFault::missing(&place.below("source")))?;
    Ok(place.member("source", source))
}

fn document(place: &Node<'_>, block: RawBlock<'_>) -> Result<PartKind, RequestFault> {
    let source = source::read(&source_of(place, &block)?)?;
    if block.context.is_some_and(|context| !context.is_empty()) {
        let why = "the provider of this model has no place for it; say it in a text block";
        return Err(RequestFault::unsupported(&place.below("context"), why));
    }
    let citations = block.citations.map(|citations| place.member("citations", citations).read::<Citations>());
    if citations.transpose()?.is_some_and(|citations| citations.enabled) {
        let why = "the provider of this model cites no documents; leave it out";
        return Err(RequestFault::unsupported(&place.below("citations"), why));
    }
    Ok(PartKind::Document { source, name: block.title })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Citations {
    enabled: bool,
}

#[cfg(test)]
mod tests;
