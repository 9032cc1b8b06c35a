//! Transcriptions: an upload of sound, and what becomes of it.
//! Owns which fields of the form matter here, and what listening takes. Refuses streams, and sound that is not in the
//! upload: nobody could say before how long it is.

pub(super) mod usage;

use std::ops::Range;

use bytes::Bytes;

use super::multipart::{self, Part};
use super::{Endpoint, PlainRequest, sound};
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::head::Head;
use crate::dialect::walk::is_steering;

/// How sound is named that is not in the upload (Groq's `url`, Mistral's others).
const ELSEWHERE: [&str; 3] = ["url", "file_url", "file_id"];
/// Formats of an answer that is no JSON.
const TEXTS: [&str; 3] = ["text", "srt", "vtt"];

/// What an upload is beside the call it makes.
pub(super) struct Upload {
    /// The content type it came with, which has the boundary.
    pub(super) content_type: String,
    /// Where its text stands that is part of the prompt.
    pub(super) prompt: Range<usize>,
    /// Whether the answer is JSON.
    pub(super) json: bool,
}

/// Reads and validates an upload.
///
/// # Errors
/// The first fault found, in the words of the API.
pub(super) fn parse(content_type: &str, body: Bytes) -> Result<PlainRequest, RequestFault> {
    let boundary = multipart::boundary(content_type).ok_or_else(not_a_form)?;
    let parts = multipart::read(&body, boundary).map_err(malformed)?;
    if let Some(part) = parts.iter().find(|part| ELSEWHERE.contains(&part.name)) {
        return Err(RequestFault::unsupported(part.name, "send the sound itself, as file"));
    }
    if let Some(part) = parts.iter().find(|part| is_steering(part.name)) {
        return Err(fields::steering(part.name));
    }
    let model = field(&parts, "model")?.ok_or_else(|| RequestFault::missing("model"))?;
    let name = text(&body, model)?.to_owned();
    if name.is_empty() || model.is_file {
        return Err(RequestFault::invalid_value("model", "must be the name of a model"));
    }
    refuse_stream(&body, &parts)?;
    let file = field(&parts, "file")?.ok_or_else(|| RequestFault::missing("file"))?;
    let measure = sound::measure(body.get(file.value.clone()).unwrap_or_default());
    let format = field(&parts, "response_format")?.map_or(Ok(""), |format| text(&body, format))?;
    let upload = Upload {
        content_type: content_type.to_owned(),
        prompt: field(&parts, "prompt")?.map_or(0..0, |prompt| prompt.value.clone()),
        json: !TEXTS.contains(&format),
    };
    let words = sound::words(measure.most.audio_ms);
    let head = Head {
        model: name,
        stream: false,
        wants_usage: false,
        output_cap: Some(words),
        // There is no field to cap it with, so a budget covers all of it or refuses.
        least_output: words,
        choices: 1,
        messages: 1,
        bytes: upload.prompt.len(),
        tier: None,
        measure,
    };
    let model_at = model.value.clone();
    Ok(PlainRequest { head, endpoint: Endpoint::Transcriptions, model_at, upload: Some(upload), body: body.clone() })
}

/// The fields of an upload that was valid.
pub(super) fn form<'a>(content_type: &'a str, body: &'a [u8]) -> Vec<(&'a str, &'a [u8])> {
    let parts = multipart::boundary(content_type).and_then(|boundary| multipart::read(body, boundary).ok());
    let value = |part: Part<'a>| (part.name, body.get(part.value).unwrap_or_default());
    parts.unwrap_or_default().into_iter().map(value).collect()
}

fn refuse_stream(body: &[u8], parts: &[Part<'_>]) -> Result<(), RequestFault> {
    let stream = field(parts, "stream")?.map_or(Ok(""), |stream| text(body, stream))?;
    if ["", "0", "false"].iter().any(|no| stream.eq_ignore_ascii_case(no)) {
        return Ok(());
    }
    Err(RequestFault::unsupported("stream", "transcriptions come whole here; leave it out"))
}

/// The part of this name, which may come once.
fn field<'p, 'a>(parts: &'p [Part<'a>], name: &str) -> Result<Option<&'p Part<'a>>, RequestFault> {
    let mut named = parts.iter().filter(|part| part.name == name);
    let first = named.next();
    if named.next().is_some() {
        return Err(RequestFault::invalid_value(name, "is given twice; send it once"));
    }
    Ok(first)
}

fn text<'a>(body: &'a [u8], part: &Part<'_>) -> Result<&'a str, RequestFault> {
    let value = body.get(part.value.clone()).unwrap_or_default();
    std::str::from_utf8(value).map_err(|_| RequestFault::invalid_value(part.name, "must be valid UTF-8"))
}

fn not_a_form() -> RequestFault {
    let message = "the body must be multipart/form-data, and its content-type must name the boundary".to_owned();
    RequestFault { message, param: None, code: "invalid_type" }
}

fn malformed(what: &str) -> RequestFault {
    let message = format!("the body is not valid multipart/form-data: {what}");
    RequestFault { message, param: None, code: "invalid_value" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::head::{Rewrite, UsageOption};

    const TYPE: &str = "multipart/form-data; boundary=b";

    fn form(fields: &[(&str, &str)]) -> Bytes {
        let part = |(name, value): &(&str, &str)| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let parts: String = fields.iter().map(part).collect();
        Bytes::from(format!("{parts}--b--\r\n"))
    }

    #[test]
    fn nothing_but_the_models_name_is_changed() {
        let body = form(&[("file", "\u{0}--sound\r\n"), ("prompt", "Oslo"), ("model", "fast")]);
        let call = parse(TYPE, body.clone()).unwrap();
        assert_eq!((call.head.model.as_str(), call.head.measure.most.audio_ms), ("fast", 10));
        assert_eq!(call.head.output_cap, Some(call.head.least_output));
        let rewrite = |model| Rewrite { model, usage: UsageOption::AsIs, output_cap: None };
        assert_eq!(call.for_upstream(&rewrite("fast")).as_ptr(), body.as_ptr());
        let told = form(&[("file", "\u{0}--sound\r\n"), ("prompt", "Oslo"), ("model", "whisper\"1")]);
        assert_eq!(call.for_upstream(&rewrite("whisper\"1")), told);
    }

    #[test]
    fn faults_name_the_field() {
        let (file, model) = (("file", "x"), ("model", "m"));
        for (fields, param) in [
            (&[file][..], "model"),
            (&[model], "file"),
            (&[file, model, model], "model"),
            (&[file, ("model", "")], "model"),
            (&[file, model, file], "file"),
            (&[file, model, ("stream", "True")], "stream"),
            (&[file, model, ("file_url", "https://example.com/a")], "file_url"),
        ] {
            assert_eq!(parse(TYPE, form(fields)).err().unwrap().param.as_deref(), Some(param), "{fields:?}");
        }
        assert!(parse(TYPE, form(&[file, model, ("stream", "false")])).is_ok());
        assert_eq!(parse("application/json", form(&[file, model])).err().unwrap().code, "invalid_type");
        assert_eq!(parse(TYPE, Bytes::from_static(b"--b\r\n")).err().unwrap().code, "invalid_value");
    }
}
