//! Scans: what can be said of a chunk without parsing it, so that a plain content delta costs no JSON parse.
//! Owns the search for member names and the measure of streamed text. Refuses to conclude: a scan only says that a
//! parse may be worth it; a name found inside an inner object costs a parse and changes nothing.

use std::sync::LazyLock;

use memchr::memchr2;
use memchr::memmem::Finder;

use super::indexes::Indexes;

/// A quoted member name to look for. A text that contains it does so with escaped quotes, so it is not found there.
struct Name(Finder<'static>);

impl Name {
    fn new(quoted: &'static str) -> Self {
        Self(Finder::new(quoted))
    }

    /// What stands after each such name and its colon, from the value's first byte on.
    fn values<'a>(&'a self, json: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let length = self.0.needle().len();
        self.0.find_iter(json).filter_map(move |at| {
            let after = json.get(at.saturating_add(length)..)?.trim_ascii_start();
            after.strip_prefix(b":").map(<[u8]>::trim_ascii_start)
        })
    }

    fn has_value(&self, json: &[u8]) -> bool {
        self.values(json).any(|value| !value.starts_with(b"null"))
    }
}

struct Names {
    usage: Name,
    error: Name,
    finish_reason: Name,
    index: Name,
    delta: Finder<'static>,
    spoken: [Name; 4],
    reasoning: [Name; 2],
    text: Name,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    usage: Name::new("\"usage\""),
    error: Name::new("\"error\""),
    finish_reason: Name::new("\"finish_reason\""),
    index: Name::new("\"index\""),
    delta: Finder::new("\"delta\""),
    spoken: ["\"content\"", "\"refusal\"", "\"arguments\"", "\"name\""].map(Name::new),
    reasoning: ["\"reasoning_content\"", "\"reasoning\""].map(Name::new),
    text: Name::new("\"text\""),
});

/// Whether a chunk may say more than text for a choice that is known: usage, an error, a finish, a new choice.
pub(super) fn needs_parse(json: &[u8], known: &Indexes) -> bool {
    let names = &*NAMES;
    names.usage.has_value(json)
        || names.error.has_value(json)
        || names.finish_reason.has_value(json)
        || names_new_index(json, known)
}

/// Whether a chunk has an index that is not known. Tool calls have indexes too: those cost a parse at worst.
fn names_new_index(json: &[u8], known: &Indexes) -> bool {
    let mut indexes = NAMES.index.values(json).map(leading_number).peekable();
    if indexes.peek().is_none() {
        return !known.contains(0);
    }
    indexes.any(|index| index.is_none_or(|index| !known.contains(index)))
}

/// The number a value begins with; `None` for anything else.
fn leading_number(value: &[u8]) -> Option<u64> {
    let length = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(value.get(..length)?).ok()?.parse().ok()
}

/// Bytes of text in a chunk: content, refusals, tool calls and reasoning. Reasoning that comes under both
/// of its names counts once.
pub(super) fn text_bytes(json: &[u8]) -> u64 {
    let names = &*NAMES;
    // The older completions have their text beside the index instead of in a delta.
    let Some(deltas) = names.delta.find(json).and_then(|at| json.get(at..)) else { return total(&names.text, json) };
    let spoken: u64 = names.spoken.iter().map(|name| total(name, deltas)).sum();
    let reasoning = names.reasoning.iter().map(|name| total(name, deltas)).max().unwrap_or(0);
    let parts = names.spoken.iter().take(1).any(|content| content.values(deltas).any(|value| value.starts_with(b"[")));
    let listed = if parts { total(&names.text, deltas) } else { 0 };
    spoken.saturating_add(reasoning).saturating_add(listed)
}

fn total(name: &Name, json: &[u8]) -> u64 {
    name.values(json).filter_map(|value| value.strip_prefix(b"\"")).map(string_bytes).sum()
}

/// The length of a string once unescaped; `rest` begins after its opening quote.
fn string_bytes(mut rest: &[u8]) -> u64 {
    let mut length = 0_usize;
    while let Some(at) = memchr2(b'"', b'\\', rest) {
        length = length.saturating_add(at);
        let stop = rest.get(at..).unwrap_or_default();
        if !stop.starts_with(b"\\") {
            break;
        }
        let (bytes, escape) = unescaped(stop);
        length = length.saturating_add(bytes);
        rest = stop.get(escape..).unwrap_or_default();
    }
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// How many bytes an escape stands for, and how many it takes. Half a surrogate pair stands for two of its four.
fn unescaped(escape: &[u8]) -> (usize, usize) {
    let Some(hex) = escape.strip_prefix(b"\\u").and_then(|hex| hex.get(..4)) else { return (1, 2) };
    let unit = std::str::from_utf8(hex).ok().and_then(|hex| u16::from_str_radix(hex, 16).ok());
    match unit {
        Some(0..=0x7f) => (1, 6),
        Some(0x80..=0x7ff | 0xd800..=0xdfff) => (2, 6),
        _ => (3, 6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_deltas_are_not_parsed() {
        let mut known = Indexes::default();
        known.note(0, false);
        for json in [
            r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":null}"#,
            r#"{"choices":[{"delta":{"content":"\"usage\": 1, \"error\":{"}}],"usage" : null,"error":null}"#,
            r#"{"choices":[{"index" : 0,"delta":{"content":"usage"}}]}"#,
        ] {
            assert!(!needs_parse(json.as_bytes(), &known), "{json}");
            assert!(needs_parse(json.as_bytes(), &Indexes::default()), "the first chunk of a choice: {json}");
        }
        for json in [
            r#"{"choices":[],"usage" : {"prompt_tokens":1}}"#,
            "{\"choices\":[],\"usage\"\t:\n{}}",
            r#"{"error":"x"}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason" :"stop"}]}"#,
            r#"{"choices":[{"index": 1,"delta":{}}]}"#,
            r#"{"x_groq":{"usage":{}}}"#,
        ] {
            assert!(needs_parse(json.as_bytes(), &known), "{json}");
        }
    }

    #[test]
    fn text_is_measured_as_the_reader_sees_it() {
        for (json, bytes) in [
            (r#"{"model":"x","choices":[{"delta":{"role":"assistant","content":"abc"}}]}"#, 3),
            (r#"{"choices":[{"delta":{"content":"a\n\"\u00e9\ud83e\udd80é"}}]}"#, 11),
            (r#"{"choices":[{"delta":{"reasoning":"abc","reasoning_content":"abc"}}]}"#, 3),
            (r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":1}"}}]}}]}"#, 8),
            (r#"{"choices":[{"delta":{"content":[{"type":"text","text":"abcd"}]}}]}"#, 4),
            (r#"{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]}"#, 2),
            (r#"{"choices":[{"delta":{"content":null}}]}"#, 0),
            (r#"{"object":"x","content":"no delta"}"#, 0),
            (r#"{"delta":{"content":"cut\"#, 4),
        ] {
            assert_eq!(text_bytes(json.as_bytes()), bytes, "{json}");
        }
    }
}
