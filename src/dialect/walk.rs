//! The walk: one pass over a body before anything in it is read.
//! Owns what is refused wherever it stands: nesting too deep, too many members in one place (`crowd.rs`), and members by
//! which clients of other gateways choose where a request is sent. Refuses to parse: it tells strings from the rest, and names
//! from other strings, and no more.
//!
//! Farthing itself reads none of those members. They are refused because the body goes on to the provider as it came, and a
//! gateway behind this one might obey. Where a dialect has room for an application's own JSON (the schema of a tool, the
//! arguments of a call, a tool's answer), such a name means nothing and may stand. URLs of pictures, files and MCP servers
//! have names of their own and are the provider's matter.

use std::borrow::Cow;

use memchr::memchr2;

use super::crowd::{self, Crowd};

/// Names that choose an address, in lower case without `_` and `-`.
const STEERING: [&str; 16] = [
    "apibase",
    "apibaseurl",
    "apiendpoint",
    "apihost",
    "apiurl",
    "awsbedrockruntimeendpoint",
    "awsstsendpoint",
    "azureendpoint",
    "baseurl",
    "customapibase",
    "customhost",
    "endpointurl",
    "openaiapibase",
    "openaibaseurl",
    "proxyurl",
    "upstreamurl",
];
/// The lengths of such names as they may be written, quotation marks not counted; with escapes they are longer.
const SHORTEST: usize = 6;
const LONGEST: usize = 40;
const LONGEST_ESCAPED: usize = 6 * LONGEST;

/// Members whose value, if it is an object, is an application's own.
const FREE: [&[u8]; 13] = [
    b"parameters",
    b"parametersJsonSchema",
    b"parameters_json_schema",
    b"input_schema",
    b"schema",
    b"responseSchema",
    b"response_schema",
    b"responseJsonSchema",
    b"response_json_schema",
    b"_responseJsonSchema",
    b"args",
    b"input",
    b"response",
];
const LONGEST_FREE: usize = 22;

/// Why a body is not read.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is nested deeper than the limit.
    TooDeep,
    /// The array or object at this place has too many members; it is empty at the top.
    Crowded(String),
    /// It has a member of this name.
    Steering(String),
}

/// Where the walk is.
#[derive(Default)]
struct Place {
    depth: usize,
    crowd: Crowd,
    /// Whether members may choose an address.
    may_steer: bool,
    /// The depth of the application's own JSON around it.
    free_from: Option<usize>,
    /// Whether an object that begins next is such.
    free_next: bool,
}

/// Walks over `body`, which may be anything: what is no JSON is found by whoever reads it. serde_json has no limit on the
/// nesting of values it skips, so whoever passes them on must ask here.
///
/// # Errors
/// What is refused first.
pub fn walk(body: &[u8], deepest: usize) -> Result<(), Refused> {
    pass_through(body, deepest, Place::default())
}

/// The same for bodies that are not passed on, whose members may have any name.
///
/// # Errors
/// What is refused first.
pub fn measure(body: &[u8], deepest: usize) -> Result<(), Refused> {
    pass_through(body, deepest, Place { may_steer: true, ..Place::default() })
}

fn pass_through(body: &[u8], deepest: usize, mut place: Place) -> Result<(), Refused> {
    let mut rest = body;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => {
                let (text, after) = string(after);
                rest = after;
                place.pass(text, after)?;
            }
            b'{' | b'[' => place.enter(*byte == b'{', deepest)?,
            b'}' | b']' => place.leave(),
            b',' => place.next(body, after)?,
            _ => {}
        }
    }
    Ok(())
}

impl Place {
    /// Passes a string that `after` follows.
    fn pass(&mut self, text: &[u8], after: &[u8]) -> Result<(), Refused> {
        self.free_next = false;
        if self.may_steer || self.free_from.is_some() || text.len() > LONGEST_ESCAPED || !is_name(after) {
            return Ok(());
        }
        // At the top they are members like any other.
        self.free_next = self.depth > 1 && text.len() <= LONGEST_FREE && FREE.contains(&text);
        match steering(text) {
            Some(name) => Err(Refused::Steering(name)),
            None => Ok(()),
        }
    }

    fn enter(&mut self, is_object: bool, deepest: usize) -> Result<(), Refused> {
        self.depth = self.depth.saturating_add(1);
        self.crowd.enter(self.depth, is_object);
        if self.free_next && is_object {
            self.free_from = Some(self.depth);
        }
        self.free_next = false;
        if self.depth > deepest { Err(Refused::TooDeep) } else { Ok(()) }
    }

    fn leave(&mut self) {
        if self.free_from == Some(self.depth) {
            self.free_from = None;
        }
        self.crowd.leave(self.depth);
        self.depth = self.depth.saturating_sub(1);
    }

    /// Passes a comma that `after` follows.
    fn next(&mut self, body: &[u8], after: &[u8]) -> Result<(), Refused> {
        let at = body.len().saturating_sub(after.len()).saturating_sub(1);
        let before = body.get(..at).unwrap_or(body);
        if self.crowd.next(before) { Err(Refused::Crowded(crowd::place(before, string))) } else { Ok(()) }
    }
}

/// Whether a string that `after` follows is a member's name.
fn is_name(after: &[u8]) -> bool {
    after.trim_ascii_start().first() == Some(&b':')
}

/// The name that `text` spells, if it is one that chooses an address.
fn steering(text: &[u8]) -> Option<String> {
    if text.len() < SHORTEST {
        return None;
    }
    let name: Cow<'_, str> = if text.contains(&b'\\') {
        let quoted = [b"\"".as_slice(), text, b"\""].concat();
        Cow::Owned(serde_json::from_slice(&quoted).ok()?)
    } else if text.len() <= LONGEST {
        Cow::Borrowed(std::str::from_utf8(text).ok()?)
    } else {
        return None;
    };
    let is = |known: &str| {
        let letters = name.bytes().filter(|byte| !matches!(byte, b'_' | b'-')).map(|byte| byte.to_ascii_lowercase());
        letters.eq(known.bytes())
    };
    let chooses = STEERING.into_iter().any(is);
    chooses.then(|| name.into_owned())
}

/// Whether a form's field of this name chooses an address.
pub(super) fn is_steering(name: &str) -> bool {
    steering(name.as_bytes()).is_some()
}

/// The string whose opening quote was just read, as it is written, and what follows it; nothing if it never ends.
pub(super) fn string(after: &[u8]) -> (&[u8], &[u8]) {
    let mut from = 0_usize;
    while let Some(at) = after.get(from..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        let at = from.saturating_add(at);
        if let Some((text, [b'"', rest @ ..])) = after.split_at_checked(at) {
            return (text, rest);
        }
        from = at.saturating_add(2);
    }
    (after, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steers(body: &str) -> Option<String> {
        match walk(body.as_bytes(), 128) {
            Err(Refused::Steering(name)) => Some(name),
            other => other.map(|()| None).unwrap(),
        }
    }

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert_eq!(walk(br#"{"a":["[[[[\"[[[["]}"#, 2), Ok(()));
        assert_eq!(walk(br#"{"a":["b\\",[1]]}"#, 2), Err(Refused::TooDeep));
        assert_eq!(walk(b"[[]][[]]", 2), Ok(()));
        assert_eq!(walk(&[b'['; 129], 128), Err(Refused::TooDeep));
        assert_eq!(walk(&[b'['; 128], 128), Ok(()));
        assert_eq!(walk(b"\"never ends [[[\\", 1), Ok(()));
    }

    #[test]
    fn too_many_members_are_refused_wherever_they_are() {
        let list = |member: &str, count: usize| format!("[{}]", vec![member; count].join(","));
        let crowded = |body: &str| match walk(body.as_bytes(), 128) {
            Err(Refused::Crowded(place)) => Some(place),
            other => other.map(|()| None).unwrap(),
        };
        for member in ["{}", "\"a,b\"", "null", "[1, 2]"] {
            assert_eq!(crowded(&format!(r#"{{"messages":{}}}"#, list(member, 10_000))), None, "{member}");
            let more = format!(r#"{{"a":[1,2],"messages": {}}}"#, list(member, 10_001));
            assert_eq!(crowded(&more).as_deref(), Some("messages"), "{member}");
        }
        let deep = format!(r#"{{"x":1,"input":[{{}},{{"content":[0,0,{{"y":{}}}]}}]}}"#, list("{}", 10_001));
        assert_eq!(crowded(&deep).as_deref(), Some("input[1].content[2].y"));
        assert_eq!(crowded(&list("[]", 10_001)).as_deref(), Some(""));
        let object = format!(r#"{{"metadata":{{{}}}}}"#, vec![r#""a":"b""#; 10_001].join(","));
        assert_eq!(crowded(&object).as_deref(), Some("metadata"));
        assert_eq!(crowded(&format!(r#"{{"prompt":{}}}"#, list("12", 250_000))), None, "tokens");
        assert_eq!(crowded(&format!(r#"{{"prompt":{}}}"#, list("12 ", 250_001))).as_deref(), Some("prompt"));
        let biased = |count: usize| format!(r#"{{"logit_bias":{{{}}}}}"#, vec![r#""7":1"#; count].join(","));
        assert_eq!(crowded(&biased(10_000)), None);
        assert_eq!(
            crowded(&biased(10_001)).as_deref(),
            Some("logit_bias"),
            "numbers with names cost as much as others"
        );
        assert_eq!(crowded(&format!(r#"{{"x":[{0},{0}]}}"#, list("{}", 9_000))), None, "each has its own");
        assert_eq!(measure(br#"{"base_url":"x"}"#, 128), Ok(()), "a provider has one");
    }

    #[test]
    fn an_address_is_refused_at_any_depth_however_it_is_spelled() {
        for name in ["api_base", "base_url", "baseUrl", "API-BASE", "custom_host", r"\u0061pi_base", r"base\u005furl"] {
            for depth in 0..20 {
                let (open, close) = (r#"{"x":["#.repeat(depth), "]}".repeat(depth));
                let body = format!(r#"{open}{{"model":"m", "{name}" : "http://10.0.0.1"}}{close}"#);
                assert!(steers(&body).is_some(), "{body}");
            }
        }
        assert_eq!(steers(r#"{"fallbacks":[{"litellm_params":{"api_base":"x"}}]}"#).as_deref(), Some("api_base"));
        assert_eq!(
            steers(r#"{"parameters":{"api_base":"x"}}"#).as_deref(),
            Some("api_base"),
            "no dialect has it there"
        );
        assert_eq!(
            steers(r#"{"tools":[{"args":[{"api_base":1}]}]}"#).as_deref(),
            Some("api_base"),
            "args are an object"
        );
        let after = r#"{"tools":[{"parameters":{"x":{}},"base_url":"x"}]}"#;
        assert_eq!(steers(after).as_deref(), Some("base_url"), "what is an application's own has an end");
    }

    #[test]
    fn texts_and_an_applications_own_json_may_say_what_they_like() {
        for body in [
            r#"{"messages":[{"content":"\"api_base\": \"http://10.0.0.1\""}]}"#,
            r#"{"a":"api_base","b":["base_url"]}"#,
            r#"{"tools":[{"function":{"parameters":{"properties":{"base_url":{"type":"string"}}}}}]}"#,
            r#"{"messages":[{"content":[{"type":"tool_use","input":{"base_url":"x","y":{"api_base":1}}}]}]}"#,
            r#"{"contents":[{"parts":[{"functionCall":{"args":{"api_base":"x"}}}]}]}"#,
            r#"{"contents":[{"parts":[{"image_url":{"url":"https://x.org"},"file_url":"https://x.org"}]}]}"#,
            r#"{"tools":[{"type":"mcp","server_url":"https://x.org"}],"mcp_servers":[{"url":"https://x.org"}]}"#,
        ] {
            assert_eq!(steers(body), None, "{body}");
        }
    }
}
