//! Content for a provider.
//! Owns where each kind of part goes in a chat message. Texts alone are one string, joined, since some servers
//! (DeepSeek) take no list. Refuses kinds and places that chat does not have, by feature.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::dialect::canonical::{Feature, Part, PartKind, Source, Unsupported};
use crate::dialect::openai_chat::shape::Content;

/// Between texts that were parts of their own.
const GAP: &str = "\n\n";

/// The content of a user's message: one text, or parts.
pub(super) fn of<'a>(parts: &[&'a Part]) -> Result<Content<'a>, Unsupported> {
    match texts(parts) {
        Some(texts) => Ok(Content::Text(joined(&texts, GAP))),
        None => parts.iter().map(|part| entry(part)).collect::<Result<_, _>>().map(Content::Parts),
    }
}

/// The content of a message that may hold text only.
pub(super) fn text_only<'a>(parts: &[&'a Part], gap: &str) -> Result<Content<'a>, Unsupported> {
    if let Some(texts) = texts(parts) {
        return Ok(Content::Text(joined(&texts, gap)));
    }
    let feature = parts.iter().find_map(|part| medium(part)).unwrap_or(Feature::Images);
    Err(Unsupported::new(feature, "only a user's message may hold it; move it there"))
}

/// Several texts as one.
pub(super) fn joined<'a>(texts: &[Cow<'a, str>], gap: &str) -> Cow<'a, str> {
    match texts {
        [one] => one.clone(),
        texts => Cow::Owned(texts.join(gap)),
    }
}

/// What a part is, if it is neither text nor part of the conversation's course.
pub(super) fn medium(part: &Part) -> Option<Feature> {
    match &part.kind {
        PartKind::Image { .. } => Some(Feature::Images),
        PartKind::Document { source: Source::Text(_), .. } => None,
        PartKind::Document { .. } => Some(Feature::Documents),
        PartKind::Audio { .. } => Some(Feature::Audio),
        _ => None,
    }
}

/// The texts, if there is nothing else.
fn texts<'a>(parts: &[&'a Part]) -> Option<Vec<Cow<'a, str>>> {
    parts.iter().map(|part| text(part)).collect()
}

/// A text, or a document that is plain text, under its name.
pub(super) fn text(part: &Part) -> Option<Cow<'_, str>> {
    match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) => Some(Cow::Borrowed(text)),
        PartKind::Document { source: Source::Text(text), name: None } => Some(Cow::Borrowed(text)),
        PartKind::Document { source: Source::Text(text), name: Some(name) } => {
            Some(Cow::Owned(format!("{name}:{GAP}{text}")))
        }
        _ => None,
    }
}

/// One entry of a list of parts.
pub(super) fn entry(part: &Part) -> Result<Value, Unsupported> {
    if let Some(text) = text(part) {
        return Ok(json!({"type": "text", "text": text}));
    }
    match &part.kind {
        PartKind::Image { source, detail } => picture(source, detail.as_deref()),
        PartKind::Document { source, name } => document(source, name.as_deref()),
        PartKind::Audio { source } => sound(source),
        _ => Err(Unsupported::new(Feature::ToolResultMedia, "calls, results and thinking stand in turns of their own")),
    }
}

fn picture(source: &Source, detail: Option<&str>) -> Result<Value, Unsupported> {
    let url = match source {
        Source::Inline { media_type, base64 } => inline(media_type, base64),
        Source::Url(url) => url.clone(),
        Source::File(_) => {
            return Err(Unsupported::new(Feature::Files, "send the picture itself in base64, or a link to it"));
        }
        Source::Text(_) => {
            return Err(Unsupported::new(Feature::Images, "a picture cannot be text; send it in base64"));
        }
    };
    let mut image = json!({"url": url});
    if let (Some(detail), Some(image)) = (detail, image.as_object_mut()) {
        image.insert("detail".to_owned(), Value::from(detail));
    }
    Ok(json!({"type": "image_url", "image_url": image}))
}

/// A document needs a file name; one is made up for one without.
fn document(source: &Source, name: Option<&str>) -> Result<Value, Unsupported> {
    let file = match source {
        Source::Inline { media_type, base64 } => {
            let name = name.map_or_else(|| default_name(media_type), ToOwned::to_owned);
            json!({"file_data": inline(media_type, base64), "filename": name})
        }
        Source::File(id) => json!({"file_id": id}),
        Source::Url(_) | Source::Text(_) => {
            return Err(Unsupported::new(Feature::Urls, "send the document itself in base64"));
        }
    };
    Ok(json!({"type": "file", "file": file}))
}

fn default_name(media_type: &str) -> String {
    let ending = media_type.rsplit('/').next().filter(|ending| ending.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    format!("document.{}", ending.unwrap_or("bin"))
}

fn sound(source: &Source) -> Result<Value, Unsupported> {
    let Source::Inline { media_type, base64 } = source else {
        return Err(Unsupported::new(Feature::Audio, "send the sound itself in base64"));
    };
    let format = match media_type.strip_prefix("audio/").unwrap_or(media_type) {
        "mpeg" => "mp3",
        "x-wav" | "wave" => "wav",
        other => other,
    };
    Ok(json!({"type": "input_audio", "input_audio": {"data": base64, "format": format}}))
}

fn inline(media_type: &str, base64: &str) -> String {
    format!("data:{media_type};base64,{base64}")
}
