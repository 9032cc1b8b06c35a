//! Scrubbing: text that may quote a secret, before somebody else sees it. Owns what a secret looks like in the middle of a
//! text: a known beginning, or that of a signed token. Refuses to judge short words: `sk-` alone is no secret.

use std::borrow::Cow;

/// What secrets begin with, and JSON web tokens.
const BEGINNINGS: [&str; 8] = ["sk-", "tok-", "api_", "ghp_", "gsk_", "xai-", "AIza", "eyJ"];
/// The least that follows such a beginning in a secret.
const LEAST: usize = 8;
const HIDDEN: &str = "****";

/// The text with `****` in the place of everything that looks like a secret.
pub fn scrub(text: &str) -> Cow<'_, str> {
    if !BEGINNINGS.iter().any(|beginning| text.contains(beginning)) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    for word in text.split_inclusive(|character: char| !belongs(character)) {
        let inside = word.trim_end_matches(|character: char| !belongs(character));
        let beginning = BEGINNINGS.into_iter().find(|beginning| inside.starts_with(beginning));
        match beginning.filter(|beginning| inside.len() >= beginning.len() + LEAST) {
            Some(beginning) => {
                clean.push_str(beginning);
                clean.push_str(HIDDEN);
                clean.push_str(word.strip_prefix(inside).unwrap_or_default());
            }
            None => clean.push_str(word),
        }
    }
    Cow::Owned(clean)
}

/// Whether a secret may have it.
fn belongs(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '~' | '+' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_hidden_and_nothing_else() {
        for (text, clean) in [
            ("key \"sk-proj-0123456789\" refused", "key \"sk-****\" refused"),
            ("Bearer eyJhbGciOi.eyJzdWIi.c2ln, twice", "Bearer eyJ****, twice"),
            ("sk-ft-ab12cd34-0123456789", "sk-****"),
            ("the prefix sk- and a task-oriented word", "the prefix sk- and a task-oriented word"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(scrub(text), clean);
        }
    }
}
