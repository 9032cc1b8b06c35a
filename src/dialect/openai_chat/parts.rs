//! Pieces put together into parts. Owns which piece goes on with which part; refuses to reorder.

use crate::dialect::canonical::{Part, PartKind, Piece, Reasoning, ToolCall};

/// The parts that `pieces` add up to. Probabilities are no part.
pub(super) fn gather(pieces: impl IntoIterator<Item = Piece>) -> Vec<Part> {
    let mut parts = Vec::new();
    for piece in pieces {
        add(&mut parts, piece);
    }
    parts
}

fn add(parts: &mut Vec<Part>, piece: Piece) {
    let last = parts.last_mut().map(|part| &mut part.kind);
    match (piece, last) {
        (Piece::Text(more), Some(PartKind::Text(text))) | (Piece::Refusal(more), Some(PartKind::Refusal(text))) => {
            text.push_str(&more)
        }
        (Piece::Reasoning(more), Some(PartKind::Reasoning(thought))) if is_open(thought) => {
            thought.text.push_str(&more)
        }
        (Piece::Sealed { signature, sealed, id }, Some(PartKind::Reasoning(thought))) if is_open(thought) => {
            (thought.signature, thought.sealed, thought.id) = (signature, sealed, id);
        }
        (Piece::Arguments { call, text }, _) => argue(parts, call, &text),
        (piece, _) => parts.extend(begun(piece).map(Part::of)),
    }
}

fn is_open(thought: &Reasoning) -> bool {
    thought.signature.is_none() && thought.sealed.is_none()
}

fn argue(parts: &mut [Part], call: usize, more: &str) {
    let calls = parts.iter_mut().filter_map(|part| match &mut part.kind {
        PartKind::ToolCall(call) => Some(call),
        _ => None,
    });
    if let Some(call) = calls.into_iter().nth(call) {
        call.arguments.push_str(more);
    }
}

/// The part a piece begins.
fn begun(piece: Piece) -> Option<PartKind> {
    Some(match piece {
        Piece::Text(text) => PartKind::Text(text),
        Piece::Refusal(text) => PartKind::Refusal(text),
        Piece::Reasoning(text) => PartKind::Reasoning(Reasoning { text, ..Reasoning::default() }),
        Piece::Sealed { signature, sealed, id } => {
            PartKind::Reasoning(Reasoning { text: String::new(), signature, sealed, id })
        }
        Piece::ToolCall { id, name, signature, .. } => {
            PartKind::ToolCall(ToolCall { id, name, arguments: String::new(), signature })
        }
        Piece::Arguments { .. } | Piece::LogProbs(_) => return None,
    })
}
