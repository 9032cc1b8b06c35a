//! Escapes: a body in which every letter is written as a letter. JSON lets any of them be written `\u0061`, and whoever looks for a
//! word among bytes would miss it. Owns the undoing of such escapes. Refuses to undo those that JSON needs.

use std::borrow::Cow;

use memchr::{memchr, memmem};

/// The same JSON, with no escape in it that could have been left out; `body` itself where there is none.
pub(super) fn unescaped(body: &[u8]) -> Cow<'_, [u8]> {
    if !may_hide(body) {
        return Cow::Borrowed(body);
    }
    let (mut plain, mut rest) = (Vec::with_capacity(body.len()), body);
    while let Some((before, escape)) = memchr(b'\\', rest).and_then(|at| rest.split_at_checked(at)) {
        plain.extend_from_slice(before);
        rest = match escape {
            [_, b'/', after @ ..] => {
                plain.push(b'/');
                after
            }
            [_, b'u', b'0', b'0', high, low, after @ ..] if let Some(letter) = letter(*high, *low) => {
                plain.push(letter);
                after
            }
            _ => {
                let (kept, after) = escape.split_at_checked(2).unwrap_or((escape, b""));
                plain.extend_from_slice(kept);
                after
            }
        };
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

/// Whether there may be such an escape: a cheap look, which an escaped backslash passes, too.
fn may_hide(body: &[u8]) -> bool {
    let is_ascii = |at: usize| matches!(body.get(at.saturating_add(4)), Some(b'2'..=b'7'));
    memmem::find_iter(body, br"\u00").any(is_ascii) || memmem::find(body, br"\/").is_some()
}

/// What two hexadecimal digits stand for, if it is visible and needs no escape.
fn letter(high: u8, low: u8) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let letter = digit(high)?.checked_mul(16)?.checked_add(digit(low)?)?;
    (letter.is_ascii_graphic() && letter != b'"' && letter != b'\\').then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_escape_has_none_and_all_else_is_kept() {
        for (body, plain) in [
            (r#"{"\u0074y\u0070e":"web\u005Fsearch"}"#, r#"{"type":"web_search"}"#),
            (r#""application\/pdf""#, r#""application/pdf""#),
            (
                r#""a \"quote\" \u0022 \u005c \n \u000a \u00e9 \u2028 \\u0061 \\\u0061""#,
                r#""a \"quote\" \u0022 \u005c \n \u000a \u00e9 \u2028 \\u0061 \\a""#,
            ),
            (r#""cut \u0061 \u00"#, r#""cut a \u00"#),
            (r"\/\", r"/\"),
        ] {
            assert_eq!(String::from_utf8_lossy(&unescaped(body.as_bytes())), plain);
        }
        for body in ["", "{}", r#""\u00e9 \n""#] {
            assert!(matches!(unescaped(body.as_bytes()), Cow::Borrowed(_)), "{body}");
        }
    }
}
