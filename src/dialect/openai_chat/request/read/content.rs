//! What a message's `content` holds: text, pictures, sound, files, and thinking in Mistral's form.
//! Owns the reading of each kind of part and of `data:` addresses. Refuses to fetch: a link stays a link.

use super::super::typed::{self, Outcome, within};
use crate::dialect::canonical::{CacheMark, Part, PartKind, Reasoning, Source};
use crate::dialect::fault::RequestFault;
use crate::dialect::members::{self, Member};

const MEMBERS: [&str; 10] = [
    "type",
    "text",
    "image_url",
    "input_audio",
    "file",
    "refusal",
    "thinking",
    "signature",
    "document_url",
    "cache_control",
];

/// The parts of `content`: one text, or a list of parts.
pub(super) fn read(content: Member<'_>) -> Outcome<Vec<Part>> {
    if content.is_string() {
        return Ok(vec![Part::text(typed::text("content", content)?)]);
    }
    if !content.text.starts_with('[') {
        return Err(RequestFault::invalid_type("content", "must be a string, an array of parts, or null"));
    }
    typed::each("content", content, part)
}

/// One part of a list; Mistral's may be a bare string.
fn part(text: &str) -> Outcome<Part> {
    if let Ok(text) = serde_json::from_str::<String>(text) {
        return Ok(Part::text(text));
    }
    let [kind, text, image, audio, file, refusal, thinking, signature, document, cache] = typed::entry(text, &MEMBERS)?;
    let kind = match typed::required("type", kind)?.as_str() {
        "text" => PartKind::Text(typed::required("text", text)?),
        "image_url" => picture(required("image_url", image)?)?,
        "input_audio" => sound(required("input_audio", audio)?)?,
        "file" => document_of(required("file", file)?)?,
        "refusal" => PartKind::Refusal(typed::required("refusal", refusal)?),
        "thinking" => thought(required("thinking", thinking)?, signature)?,
        "document_url" => PartKind::Document {
            source: source("document_url", typed::required("document_url", document)?)?,
            name: None,
        },
        other => return Err(no_such(other)),
    };
    Ok(Part { kind, cache: mark(cache) })
}

fn no_such(kind: &str) -> RequestFault {
    let why = format!("parts of type {kind:?} cannot be carried over; send text, image_url, input_audio or file");
    RequestFault::unsupported("type", &why)
}

fn required<'a>(name: &str, member: Option<Member<'a>>) -> Outcome<Member<'a>> {
    member.ok_or_else(|| RequestFault::missing(name))
}

/// OpenAI's `{"url","detail"}`, or Mistral's bare address.
fn picture(image: Member<'_>) -> Outcome<PartKind> {
    if image.is_string() {
        return Ok(PartKind::Image { source: source("image_url", typed::text("image_url", image)?)?, detail: None });
    }
    let [url, detail] = typed::object("image_url", image, &["url", "detail"])?;
    let read = || {
        let source = source("url", typed::required("url", url)?)?;
        Ok(PartKind::Image { source, detail: typed::optional("detail", detail)? })
    };
    read().map_err(|fault| within("image_url", fault))
}

fn sound(audio: Member<'_>) -> Outcome<PartKind> {
    let [base64, format] = typed::object("input_audio", audio, &["data", "format"])?;
    let read = || {
        let (base64, format) = (typed::required("data", base64)?, typed::required("format", format)?);
        let media_type = if format == "mp3" { "audio/mpeg".to_owned() } else { format!("audio/{format}") };
        Ok(PartKind::Audio { source: Source::Inline { media_type, base64 } })
    };
    read().map_err(|fault| within("input_audio", fault))
}

fn document_of(file: Member<'_>) -> Outcome<PartKind> {
    let [content, id, name] = typed::object("file", file, &["file_data", "file_id", "filename"])?;
    let read = || {
        let source = match (content, id) {
            (Some(content), _) => file_source(typed::text("file_data", content)?)?,
            (None, Some(id)) => Source::File(typed::text("file_id", id)?),
            (None, None) => return Err(RequestFault::missing("file_data")),
        };
        Ok(PartKind::Document { source, name: typed::optional("filename", name)? })
    };
    read().map_err(|fault| within("file", fault))
}

/// A file's content: a `data:` address, a link (OpenRouter), or bare base64, which is taken for a PDF as OpenAI does.
fn file_source(content: String) -> Outcome<Source> {
    if content.starts_with("data:") || content.starts_with("http") {
        return source("file_data", content);
    }
    Ok(Source::Inline { media_type: "application/pdf".to_owned(), base64: content })
}

/// What an address says: its content, if it is a `data:` address, else where to find it.
fn source(name: &str, url: String) -> Outcome<Source> {
    let Some(content) = url.strip_prefix("data:") else { return Ok(Source::Url(url)) };
    let (described, base64) = content.split_once(',').unwrap_or((content, ""));
    let encoded = described.strip_suffix(";base64");
    let media_type = encoded.and_then(|described| described.split(';').next()).filter(|name| !name.is_empty());
    match media_type.filter(|_| !base64.is_empty()) {
        Some(media_type) => Ok(Source::Inline { media_type: media_type.to_owned(), base64: base64.to_owned() }),
        None => Err(RequestFault::invalid_value(name, "must be a link or data:<media type>;base64,<content>")),
    }
}

/// Mistral's thinking is a list of texts; others send one text.
fn thought(thinking: Member<'_>, signature: Option<Member<'_>>) -> Outcome<PartKind> {
    let text = if thinking.is_string() {
        typed::text("thinking", thinking)?
    } else {
        let text = |entry| typed::entry(entry, &["text"]).and_then(|[text]| typed::optional("text", text));
        typed::each("thinking", thinking, text)?.into_iter().flatten().collect()
    };
    let signature = typed::optional("signature", signature)?.filter(|signature| !signature.is_empty());
    Ok(PartKind::Reasoning(Reasoning { text, signature, ..Reasoning::default() }))
}

/// A cache-control marker, as OpenRouter and LiteLLM take it.
pub(super) fn mark(cache: Option<Member<'_>>) -> Option<CacheMark> {
    let [ttl] = members::read(cache?.text, &["ttl"]).ok()?.present();
    Some(CacheMark::of_ttl(ttl.and_then(|ttl| ttl.string()).as_deref()))
}
