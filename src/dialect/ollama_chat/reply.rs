//! A whole answer of Ollama's. Owns finding its usage and reading it.

use super::message::Told;
use crate::dialect::canonical::{Choice, Part, PartKind, Piece, Reasoning, Reply, ToolCall};
use crate::dialect::usage::Reading;

/// Whether the body is one JSON object and no error, so that it can be an answer at all.
pub fn is_answer(body: &[u8]) -> bool {
    Told::read(&String::from_utf8_lossy(body), 0).is_some_and(|told| told.error.is_none())
}

/// The usage of an answer.
pub fn usage(body: &[u8]) -> Reading {
    Told::read(&String::from_utf8_lossy(body), 0).map_or(Reading::Absent, |told| told.usage)
}

/// The answer; `None` if it is none.
pub fn read(body: &[u8]) -> Option<Reply> {
    let told = Told::read(&String::from_utf8_lossy(body), 0)?;
    let stop = told.stop(told.calls() > 0);
    let mut parts = Vec::new();
    for piece in told.pieces {
        match (piece, parts.last_mut()) {
            (Piece::Reasoning(text), _) => {
                parts.push(Part::of(PartKind::Reasoning(Reasoning { text, ..Reasoning::default() })));
            }
            (Piece::Text(text), _) => parts.push(Part::text(text)),
            (Piece::ToolCall { id, name, signature, .. }, _) => {
                let call = ToolCall { id, name, arguments: String::new(), signature };
                parts.push(Part::of(PartKind::ToolCall(call)));
            }
            (Piece::Arguments { text, .. }, Some(Part { kind: PartKind::ToolCall(call), .. })) => call.arguments = text,
            _ => {}
        }
    }
    let choices = vec![Choice { parts, stop, log_probs: None }];
    Some(Reply { id: String::new(), model: told.model, created: None, choices, usage: told.usage, service_tier: None })
}
