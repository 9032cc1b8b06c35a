//! Why an answer ended: Anthropic's `stop_reason` and `stop_sequence`, both directions.

use std::borrow::Cow;

use crate::dialect::canonical::Stop;

/// What a `stop_reason` means; `sequence` is the stop text that came, if one did.
pub(super) fn read(reason: &str, sequence: Option<String>) -> Stop {
    match reason {
        "end_turn" => Stop::End,
        // A full context window ends an answer like a reached cap does: the text is not whole.
        "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "stop_sequence" => Stop::StopText(sequence),
        "tool_use" => Stop::ToolCalls,
        "refusal" => Stop::Refusal,
        "pause_turn" => Stop::Pause,
        other => Stop::Other(other.to_owned()),
    }
}

/// The `stop_reason` and the `stop_sequence`.
pub(super) fn write(stop: &Stop) -> (Cow<'static, str>, Option<&str>) {
    let reason = match stop {
        Stop::End => "end_turn",
        Stop::Length => "max_tokens",
        Stop::StopText(text) => return ("stop_sequence".into(), text.as_deref()),
        Stop::ToolCalls => "tool_use",
        Stop::Refusal | Stop::Filtered => "refusal",
        Stop::Pause => "pause_turn",
        Stop::Other(word) => return (word.clone().into(), None),
    };
    (reason.into(), None)
}
