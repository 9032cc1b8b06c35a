//! Why an answer ended: `finish_reason`. Owns both directions; refuses to guess at words it does not know.

use crate::dialect::canonical::Stop;

/// What a reason says. Some servers say `stop` though the answer calls tools.
pub(super) fn read(reason: &str, calls: bool) -> Stop {
    match reason {
        "stop" if calls => Stop::ToolCalls,
        "stop" => Stop::End,
        "length" | "model_length" => Stop::Length,
        "tool_calls" | "function_call" => Stop::ToolCalls,
        "content_filter" => Stop::Filtered,
        other => Stop::Other(other.to_owned()),
    }
}

/// The reason a client is told. A refusal in words ends with `stop`, as OpenAI's own do, and SDKs show the words; one
/// without words is told as `content_filter`, so that an empty answer is not taken for a complete one. A pause and what
/// has no word here are told as `stop`.
pub(super) fn word(stop: &Stop, refused_in_words: bool) -> &'static str {
    match stop {
        Stop::Length => "length",
        Stop::ToolCalls => "tool_calls",
        Stop::Filtered => "content_filter",
        Stop::Refusal if !refused_in_words => "content_filter",
        Stop::End | Stop::StopText(_) | Stop::Refusal | Stop::Pause | Stop::Other(_) => "stop",
    }
}
