//! A whole answer that was not streamed.
//! Owns finding its usage, and, between dialects, reading and writing it. Refuses to change one that stays in its
//! dialect: it reaches the client as it came.

mod read;
mod write;

use crate::dialect::members;
use crate::dialect::usage::Reading;

pub use read::read;
pub use write::write;

/// The usage of an answer. What is not a JSON object says nothing; broken UTF-8 in the text does not matter.
pub fn usage(body: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(body);
    let Ok(object) = members::read(&text, &["usage", "x_groq"]) else { return Reading::Absent };
    let [usage, x_groq] = object.values;
    Reading::of(usage, x_groq)
}

/// Whether the body is one JSON object and no error, so that it can be an answer at all.
pub fn is_answer(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let object = members::read(&text, &["error"]).map(members::Members::present);
    matches!(object, Ok([None]))
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
