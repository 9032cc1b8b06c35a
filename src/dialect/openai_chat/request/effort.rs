//! The words of `reasoning_effort`. Owns both directions; refuses words that are none of them.

use crate::dialect::canonical::Effort;

/// The effort a word names; `max` is what some servers say for OpenAI's `xhigh`.
pub(super) fn read(word: &str) -> Option<Effort> {
    Some(match word {
        "none" => Effort::None,
        "minimal" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" => Effort::High,
        "xhigh" | "max" => Effort::Max,
        _ => return None,
    })
}

/// OpenAI's word for an effort.
pub(super) fn word(effort: Effort) -> &'static str {
    match effort {
        Effort::None => "none",
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Max => "xhigh",
    }
}
