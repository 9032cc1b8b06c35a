//! A whole answer that was not streamed.
//! Owns finding its usage, and, between dialects, reading and writing it. Refuses to change one that stays in its
//! dialect: it reaches the client as it came.

mod read;
mod write;

use std::borrow::Cow;

use crate::dialect::members::{self, Member};
use crate::dialect::usage::{Reading, tier};

pub use read::read;
pub use write::write;

/// The usage of an answer. What is not a JSON object says nothing; broken UTF-8 in the text does not matter.
pub fn usage(body: &[u8]) -> Reading {
    looked_at(body, |[usage, x_groq, _, served]| Reading::of(usage, x_groq).served(tier(served)))
        .unwrap_or(Reading::Absent)
}

/// The usage of a body that is an answer; `None` where it is none. One look for both: every whole answer is asked both.
pub fn inspect(body: &[u8]) -> Option<Reading> {
    looked_at(body, |[usage, x_groq, error, served]| {
        error.is_none_or(|error| error.is_null()).then(|| Reading::of(usage, x_groq).served(tier(served)))
    })?
}

fn looked_at<T>(body: &[u8], look: impl FnOnce([Option<Member<'_>>; 4]) -> T) -> Option<T> {
    // Checking is much faster than replacing what is broken, which hardly ever is.
    let text = std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
    let object = members::read(&text, &["usage", "x_groq", "error", "service_tier"]).ok()?;
    Some(look(object.values))
}

/// Whether the body is one JSON object and no error, so that it can be an answer at all.
pub fn is_answer(body: &[u8]) -> bool {
    inspect(body).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_answers() {
        for (body, answers) in
            [(&b"{}"[..], true), (b" {\"a\":\"\xff\"}\n", true), (b"[]", false), (b"<html>", false), (b"{} {}", false)]
        {
            assert_eq!(is_answer(body), answers);
        }
    }

    #[test]
    fn usage_is_found_or_absent() {
        let body = b"{\"choices\":[{\"text\":\"\xff\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}";
        assert!(matches!(usage(body), Reading::Figures(figures) if figures.total() == 3));
        for body in [&b""[..], b"<html>", b"[1]", b"{\"usage\":{\"prompt_tokens\":1"] {
            assert_eq!(usage(body), Reading::Absent);
        }
    }
}
