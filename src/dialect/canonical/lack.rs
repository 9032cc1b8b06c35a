//! What a conversation lacks that every dialect demands: names of functions, ids of results, media that are something.
//! Owns the rules all four share, so that a client hears them from us in its own words and not from a provider in
//! another's. Refuses rules of one dialect: those are its own.

use super::{Conversation, Part, PartKind, Source};

/// The first thing that is lacking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lack {
    /// Whether the tools lack it, else the messages.
    pub in_tools: bool,
    /// What they "must" do.
    pub rule: &'static str,
}

const NAMELESS: &str = "must name every function; a name is empty";

impl Conversation {
    /// What no dialect could say of this conversation, if there is such a thing.
    pub fn lack(&self) -> Option<Lack> {
        if self.tools.iter().any(|tool| tool.name.is_empty()) {
            return Some(Lack { in_tools: true, rule: NAMELESS });
        }
        let rule = self.messages.iter().flat_map(|message| &message.parts).find_map(lack_of)?;
        Some(Lack { in_tools: false, rule })
    }
}

fn lack_of(part: &Part) -> Option<&'static str> {
    match &part.kind {
        PartKind::ToolCall(call) if call.name.is_empty() => Some(NAMELESS),
        PartKind::ToolResult(result) if result.id.is_empty() => {
            Some("must say of every result which call it is of; an id is empty")
        }
        PartKind::ToolResult(result) => result.parts.iter().find_map(lack_of),
        PartKind::Image { source, .. } | PartKind::Document { source, .. } | PartKind::Audio { source } => {
            lack_of_source(source)
        }
        _ => None,
    }
}

fn lack_of_source(source: &Source) -> Option<&'static str> {
    let empty = match source {
        Source::Inline { media_type, base64 } => media_type.is_empty() || base64.is_empty(),
        Source::Text(_) => false,
        Source::Url(place) | Source::File(place) => place.is_empty(),
    };
    empty.then_some("must give every picture, document and sound a media type and content, or an address")
}
