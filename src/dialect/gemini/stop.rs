//! Why an answer ended, in Gemini's words and in the canonical ones. Owns the table; refuses nothing: unknown reasons
//! are carried as they are.

use crate::dialect::canonical::Stop;

/// What a finish reason means. Gemini says `STOP` whether or not it waits for tools; `calls` says which.
pub(super) fn read(reason: &str, calls: bool) -> Stop {
    match reason {
        "STOP" if calls => Stop::ToolCalls,
        "STOP" => Stop::End,
        "MAX_TOKENS" => Stop::Length,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Stop::Filtered,
        other => Stop::Other(other.to_owned()),
    }
}

/// The finish reason for it.
pub(super) fn write(stop: &Stop) -> &str {
    match stop {
        Stop::End | Stop::StopText(_) | Stop::ToolCalls => "STOP",
        Stop::Length => "MAX_TOKENS",
        Stop::Refusal | Stop::Filtered => "SAFETY",
        Stop::Other(word) if is_word(word) => word,
        Stop::Pause | Stop::Other(_) => "OTHER",
    }
}

/// Whether it can be one of Gemini's own words, which are all capitals.
fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_word_comes_back() {
        let other = Stop::Other("MALFORMED_FUNCTION_CALL".to_owned());
        for stop in [Stop::End, Stop::Length, Stop::Filtered, other] {
            assert_eq!(read(write(&stop), false), stop);
        }
        assert_eq!(read(write(&Stop::ToolCalls), true), Stop::ToolCalls);
        assert_eq!((write(&Stop::Refusal), write(&Stop::Other("eos".into()))), ("SAFETY", "OTHER"));
    }
}
