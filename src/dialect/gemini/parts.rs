//! Parts of messages and answers, between the wire and the canonical form.
//! Owns text, thinking, its seals and calls, which requests and answers have alike; both directions. Refuses results of
//! tools, which stand in requests only.
//!
//! A seal on a text becomes thinking without words right after it, and goes back onto the text.

use super::seal::{Seal, UNSIGNED};
use super::wire::{self, FunctionCall};
use super::{Side, calls, media};
use crate::dialect::canonical::{Feature, Json, Part, PartKind, Reasoning, ToolCall, Unsupported};

/// Adds a text or a thought and its seal. Pieces of one thought, which streaming cuts apart, become one again.
pub(super) fn add_text(parts: &mut Vec<Part>, text: String, thought: bool, seal: Seal) {
    if thought {
        return add_thought(parts, text, seal);
    }
    if !text.is_empty() {
        parts.push(Part::text(text));
    }
    if !seal.is_empty() {
        parts.push(sealed(String::new(), seal));
    }
}

fn add_thought(parts: &mut Vec<Part>, text: String, seal: Seal) {
    let open = parts.last_mut().and_then(|last| match &mut last.kind {
        PartKind::Reasoning(before) if seal_of(before).is_empty() => Some(before),
        _ => None,
    });
    match open {
        Some(before) => {
            before.text.push_str(&text);
            (before.signature, before.sealed, before.id) = (seal.signature, seal.sealed, seal.id);
        }
        None if text.is_empty() && seal.is_empty() => {}
        None => parts.push(sealed(text, seal)),
    }
}

fn sealed(text: String, seal: Seal) -> Part {
    let Seal { signature, sealed, id } = seal;
    Part::of(PartKind::Reasoning(Reasoning { text, signature, sealed, id }))
}

fn seal_of(reasoning: &Reasoning) -> Seal {
    let Reasoning { signature, sealed, id, .. } = reasoning.clone();
    Seal { signature, sealed, id }
}

/// The call, with the id `or_id` makes where it has none.
pub(super) fn read_call(call: FunctionCall, seal: Seal, or_id: impl FnOnce() -> String) -> ToolCall {
    ToolCall {
        id: calls::given(call.id).unwrap_or_else(or_id),
        name: call.name,
        arguments: call.args.map_or_else(|| "{}".to_owned(), |args| args.text().to_owned()),
        signature: seal.signature,
    }
}

/// The call for the wire. What a model wrote that is no object goes as an object's only member.
pub(super) fn write_call(call: &ToolCall, side: Side) -> wire::Part {
    #[derive(serde::Serialize)]
    struct Odd<'a> {
        arguments: &'a str,
    }
    let args = call.arguments_object().unwrap_or_else(|| Json::of(&Odd { arguments: &call.arguments }));
    // A client must send an id back, so it is told even those made up here.
    let id = if side == Side::Client { Some(call.id.clone()) } else { calls::told(&call.id) };
    wire::Part {
        function_call: Some(FunctionCall {
            id: id.filter(|id| !id.is_empty()),
            name: call.name.clone(),
            args: Some(args),
        }),
        thought_signature: Seal::signature(call.signature.as_ref()).write(side),
        ..wire::Part::default()
    }
}

/// The parts of one message or answer for the wire.
///
/// # Errors
/// What this dialect has no place for, and results of tools.
pub(super) fn write(parts: &[Part], side: Side) -> Result<Vec<wire::Part>, Unsupported> {
    let mut written = Vec::with_capacity(parts.len());
    for part in parts {
        match &part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) if text.is_empty() => {}
            PartKind::Text(text) | PartKind::Refusal(text) => written.push(wire::Part::text(text)),
            PartKind::Reasoning(reasoning) => write_thought(reasoning, side, &mut written),
            PartKind::ToolCall(call) => written.push(write_call(call, side)),
            PartKind::Image { source, .. } => written.push(media::write(source, Feature::Images)?),
            PartKind::Document { source, .. } => written.push(media::write(source, Feature::Documents)?),
            PartKind::Audio { source } => written.push(media::write(source, Feature::Audio)?),
            PartKind::ToolResult(_) => {
                let why = "a tool's result must stand in a user's message";
                return Err(Unsupported::new(Feature::ToolResultMedia, why));
            }
        }
    }
    if side == Side::Provider {
        excuse_first_call(&mut written);
    }
    Ok(written)
}

fn write_thought(reasoning: &Reasoning, side: Side, written: &mut Vec<wire::Part>) {
    let signature = seal_of(reasoning).write(side);
    if reasoning.text.is_empty() {
        let Some(signature) = signature else { return };
        let signed = written
            .last_mut()
            .filter(|last| last.thought.is_none() && last.thought_signature.is_none() && last.text.is_some());
        match signed {
            Some(text) => text.thought_signature = Some(signature),
            None => written.push(wire::Part { thought_signature: Some(signature), ..wire::Part::text("") }),
        }
        return;
    }
    let thought = wire::Part { thought: Some(true), thought_signature: signature, ..wire::Part::text(&reasoning.text) };
    written.push(thought);
}

/// Gemini 3 refuses a turn whose first call has no signature, as calls of other models have none.
fn excuse_first_call(written: &mut [wire::Part]) {
    let first = written.iter_mut().find(|part| part.function_call.is_some());
    if let Some(call) = first.filter(|call| call.thought_signature.is_none()) {
        call.thought_signature = Some(UNSIGNED.to_owned());
    }
}
