//! Errors in words: ours, on the way to a client, and a provider's, as it really comes.
//! Owns both before any dialect shapes them. Refuses to decide which of a provider's words a client may see; the relay
//! does.

use super::members::{self, Member};

/// The longest message kept of a provider's error, in bytes.
const MAX_MESSAGE: usize = 2048;
/// The longest type or code kept, in bytes.
const MAX_NAME: usize = 128;

/// An error for a client, in no dialect's shape yet. Each dialect's `error` writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorBody<'a> {
    /// The status it travels with, or would have.
    pub status: u16,
    /// What happened and what would help.
    pub message: &'a str,
    /// OpenAI's `type`; the other dialects derive theirs from the status.
    pub kind: &'a str,
    /// The member of the request at fault.
    pub param: Option<&'a str>,
    /// A stable code.
    pub code: Option<&'a str>,
}

/// What a provider said went wrong, bounded and without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamWords {
    /// Its message, at most 2 KiB; its whole error as JSON where it has no message.
    pub message: String,
    /// Its `type`, or Google's `status`.
    pub kind: Option<String>,
    /// The member of the request at fault.
    pub param: Option<String>,
    /// Its code; numbers as text.
    pub code: Option<String>,
}

impl UpstreamWords {
    /// Reads an error body: an `error` that is an object or a string, the same inside a list (Google), or the members
    /// of an error at the top (Mistral, FastAPI). `None` if the body is no such thing.
    pub fn read(body: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        let listed = text.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
        let [error, message, detail] =
            members::read(listed.unwrap_or(text), &["error", "message", "detail"]).ok()?.present();
        match error {
            Some(error) => Some(Self::of(error)),
            None => message
                .filter(Member::is_string)
                .or(detail)
                .map(|words| Self { message: words_of(words), ..Self::of_object(text) }),
        }
    }

    /// Reads the value of a member `error`.
    pub(super) fn of(error: Member<'_>) -> Self {
        if error.is_object() {
            Self::of_object(error.text)
        } else {
            Self { message: words_of(error), kind: None, param: None, code: None }
        }
    }

    fn of_object(text: &str) -> Self {
        let object = members::read(text, &["message", "type", "status", "param", "code", "details"]).ok();
        let [message, kind, status, param, code, details] = object.map_or([None; 6], members::Members::present);
        // Anthropic's codes stand in an object of details; Google's details are a list.
        let detailed = details.and_then(|details| details.members(&["error_code"]));
        let detailed = detailed.and_then(|details| details.present().into_iter().flatten().next());
        let name =
            |member: Member<'_>| member.string().map(|text| clean(&text, MAX_NAME)).filter(|name| !name.is_empty());
        Self {
            message: message.map_or_else(|| clean(text, MAX_MESSAGE), words_of),
            kind: kind.and_then(name).or_else(|| status.and_then(name)),
            param: param.and_then(name),
            code: code
                .or(detailed)
                .and_then(|code| name(code).or_else(|| code.whole().map(|number| number.to_string()))),
        }
    }
}

/// The text of a string, or the JSON of anything else.
fn words_of(member: Member<'_>) -> String {
    clean(&member.string().unwrap_or_else(|| member.text.to_owned()), MAX_MESSAGE)
}

/// `text` without control characters, line ends as spaces, cut at a character's border.
fn clean(text: &str, limit: usize) -> String {
    let mut room = limit;
    let printable = text.chars().map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c }).filter(|c| !c.is_control());
    printable
        .take_while(|c| {
            let fits = c.len_utf8() <= room;
            room = room.saturating_sub(c.len_utf8());
            fits
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(message: &str, kind: Option<&str>, code: Option<&str>) -> Option<UpstreamWords> {
        Some(UpstreamWords {
            message: message.into(),
            kind: kind.map(Into::into),
            param: None,
            code: code.map(Into::into),
        })
    }

    #[test]
    fn theirs_is_read_however_it_comes() {
        for (body, expected) in [
            (r#"{"error":{"message":"m","type":"t","param":null,"code":"c"}}"#, words("m", Some("t"), Some("c"))),
            (
                r#"{"error":{"message":"m","code":404,"status":"NOT_FOUND"}}"#,
                words("m", Some("NOT_FOUND"), Some("404")),
            ),
            (r#"[{"error":{"message":"m","type":null}}]"#, words("m", None, None)),
            (r#"{"error":"plain\u0007 words\nhere"}"#, words("plain words here", None, None)),
            (r#"{"error":{"type":"t"}}"#, words(r#"{"type":"t"}"#, Some("t"), None)),
            (r#"{"object":"error","message":"m","type":"t","code":400}"#, words("m", Some("t"), Some("400"))),
            (
                r#"{"type":"error","error":{"type":"t","message":"m","details":{"error_code":"c"}}}"#,
                words("m", Some("t"), Some("c")),
            ),
            (r#"{"detail":[{"msg":"x"}]}"#, words(r#"[{"msg":"x"}]"#, None, None)),
            (r#"{"error":null}"#, None),
            (r#"{"choices":[]}"#, None),
            (r#"{"message":{"role":"assistant"}}"#, None),
            ("<html>", None),
            ("", None),
        ] {
            assert_eq!(UpstreamWords::read(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let body = format!(r#"{{"error":"a{}"}}"#, "é".repeat(3000));
        let message = UpstreamWords::read(body.as_bytes()).unwrap().message;
        assert_eq!(message.len(), 2047);
        assert!(message.ends_with('é'));
    }
}
