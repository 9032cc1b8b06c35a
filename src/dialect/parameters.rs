//! Parameters: whether a request says no more than its key may say, in whichever dialect and content type.
//! Owns where a parameter stands: in the body, in a form's field, or (the model, in Gemini) in the path.
//! Refuses to be fooled by a second spelling or a second copy: each of them is looked at.

use std::borrow::Cow;

use farthing_actors::domain::{Globs, Parameters};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::request::Request;

const MODEL: &str = "model";
/// Longer values are compared with `*` alone: patterns are for names and numbers.
const LONGEST: usize = 64 * 1024;

impl Request {
    /// The first parameter whose value is not allowed, and what is allowed.
    pub fn beyond_allowed<'p>(&self, allowed: &'p Parameters) -> Option<(&'p str, &'p Globs)> {
        let said = Said::by(self);
        let within = |(name, values): &(&'p String, &'p Globs)| match Parameters::is_same(MODEL, name) {
            true => values.admits(&self.head().model),
            false => said.within(name, values),
        };
        allowed.0.iter().find(|line| !within(line)).map(|(name, values)| (name.as_str(), values))
    }
}

/// What a request says beside the model.
enum Said<'a> {
    Form(Vec<(&'a str, &'a [u8])>),
    Members(Members<'a>),
}

impl<'a> Said<'a> {
    fn by(request: &'a Request) -> Self {
        let form = if let Request::Plain(plain) = request { plain.form() } else { None };
        form.map_or_else(|| Self::Members(serde_json::from_slice(request.body()).unwrap_or_default()), Self::Form)
    }

    fn within(&self, name: &str, values: &Globs) -> bool {
        match self {
            Self::Form(fields) => {
                let mut named = fields.iter().filter(|(field, _)| Parameters::is_same(name, field));
                named.all(|(_, value)| {
                    std::str::from_utf8(value).map_or_else(|_| is_anything(values), |text| admits(values, text))
                })
            }
            Self::Members(members) => members.within(name, values),
        }
    }
}

/// The members of an object, copies included.
#[derive(Default)]
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl Members<'_> {
    fn within(&self, path: &str, values: &Globs) -> bool {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let mut named = self.0.iter().filter(|(member, _)| Parameters::is_same(name, member));
        named.all(|(_, value)| is_within(value.get(), rest, values))
    }
}

/// Whether what stands at `path` in a value is allowed; of a list, in each of its items.
fn is_within(json: &str, path: Option<&str>, values: &Globs) -> bool {
    match (json.as_bytes().first(), path) {
        // Every dialect takes it for absent.
        (Some(b'n'), _) => true,
        (Some(b'['), path) => {
            let items: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
            items.iter().all(|item| is_within(item.get(), path, values))
        }
        (Some(b'{'), Some(path)) => {
            serde_json::from_str(json).is_ok_and(|members: Members<'_>| members.within(path, values))
        }
        (_, Some(_)) => true,
        (Some(b'"'), None) => match serde_json::from_str::<Cow<'_, str>>(json) {
            Ok(text) => admits(values, &text),
            Err(_) => is_anything(values),
        },
        (_, None) => admits(values, json),
    }
}

fn admits(values: &Globs, text: &str) -> bool {
    if text.len() > LONGEST { is_anything(values) } else { values.admits(text) }
}

fn is_anything(values: &Globs) -> bool {
    values.0.iter().any(|pattern| pattern == "*")
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            members.push((member.0.0, member.1));
        }
        Ok(Members(members))
    }
}

/// A member's name, borrowed unless it is escaped.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::dialect::{ChatRequest, Framing, GeminiRequest, PlainRequest};

    fn refused<'p>(request: &Request, allowed: &'p Parameters) -> Option<(&'p str, &'p Globs)> {
        request.beyond_allowed(allowed)
    }

    fn lists(json: &str) -> Parameters {
        serde_json::from_str(json).unwrap()
    }

    fn chat(members: &str) -> Request {
        let body = format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"hi"}}]{members}}}"#);
        Request::Chat(ChatRequest::parse(Bytes::from(body)).unwrap())
    }

    #[test]
    fn what_is_named_has_a_value_of_the_list_and_the_rest_is_free() {
        let allowed =
            lists(r#"{"model":["gpt-4o*"],"max_tokens":["?","1?"],"stop":["END","\""],"metadata.team":["a*"]}"#);
        for (members, name) in [
            ("", None),
            (r#","max_tokens":9,"temperature":2,"stop":null"#, None),
            (r#","max_tokens":15,"stop":["END","\""]"#, None),
            (r#","max_tokens":20"#, Some("max_tokens")),
            (r#","max_\u0074okens":20"#, Some("max_tokens")),
            (r#","maxTokens":20"#, Some("max_tokens")),
            (r#","max_tokens":100e-2"#, Some("max_tokens")),
            (r#","stop":["END","no"]"#, Some("stop")),
            (r#","metadata":{"team":"b"}"#, Some("metadata.team")),
            (r#","metadata":{"team":"a1","other":"b"}"#, None),
            (r#","metadata":7"#, None),
        ] {
            assert_eq!(refused(&chat(members), &allowed).map(|(name, _)| name), name, "{members}");
        }
        assert_eq!(refused(&chat(""), &lists(r#"{"model":["o3"]}"#)).map(|(name, _)| name), Some("model"));
        assert!(refused(&chat(r#","stop":"x""#), &lists(r#"{"stop":[]}"#)).is_some(), "an empty list allows nothing");
    }

    #[test]
    fn a_form_and_a_path_are_looked_at_like_a_body() {
        let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"language\"\r\n\r\nde\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n--b--\r\n";
        let upload = PlainRequest::parse_upload("multipart/form-data; boundary=b", Bytes::from(form)).unwrap();
        let upload = Request::Plain(upload);
        assert!(refused(&upload, &lists(r#"{"language":["de"],"model":["whisper*"],"file":["*"]}"#)).is_none());
        for wrong in [r#"{"language":["en"]}"#, r#"{"model":["gpt*"]}"#] {
            assert!(refused(&upload, &lists(wrong)).is_some(), "{wrong}");
        }
        let body = r#"{"contents":[{"parts":[{"text":"hi"}]}],"generation_config":{"max_output_tokens":99}}"#;
        let gemini = GeminiRequest::parse(Bytes::from(body), "gemini-2.5-pro", false).unwrap();
        let gemini = Request::Gemini(gemini, Framing::Sse);
        assert!(
            refused(&gemini, &lists(r#"{"model":["gemini-*"],"generationConfig.maxOutputTokens":["99"]}"#)).is_none()
        );
        for wrong in [r#"{"model":["gpt*"]}"#, r#"{"generationConfig.maxOutputTokens":["1"]}"#] {
            assert!(refused(&gemini, &lists(wrong)).is_some(), "{wrong}");
        }
    }

    proptest! {
        /// Whatever else a body says and in whatever order, one copy too large is enough.
        #[test]
        fn no_copy_of_a_parameter_goes_unseen(around in proptest::collection::vec("[a-z]{1,6}", 0..6), at in 0_usize..6, bad in any::<bool>()) {
            let mut members: Vec<_> = around.iter().map(|name| format!("\"x{name}\":{{\"temperature\":9}}")).collect();
            members.push("\"temperature\":1".to_owned());
            if bad {
                members.insert(at.min(members.len()), "\"Temperature\":9".to_owned());
            }
            let body = format!("{{{}}}", members.join(","));
            let members: Members<'_> = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(members.within("temperature", &Globs(vec!["1".to_owned()])), !bad);
        }
    }
}
