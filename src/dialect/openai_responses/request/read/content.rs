//! The content of messages and of tools' answers. Owns its kinds; refuses what only OpenAI's own tools send.

use super::Node;
use crate::dialect::canonical::{Part, PartKind, Source};
use crate::dialect::fault::RequestFault;
use crate::dialect::openai_responses::media;

/// Content that is a string or a list of parts.
pub(super) fn read(content: &Node<'_>) -> Result<Vec<Part>, RequestFault> {
    if content.is_string() {
        return Ok(vec![Part::text(content.string()?)]);
    }
    content.list()?.iter().map(|part| read_part(part).map(Part::of)).collect()
}

fn read_part(part: &Node<'_>) -> Result<PartKind, RequestFault> {
    let [kind, text, refusal] = part.members(&["type", "text", "refusal"])?;
    let kind = kind.ok_or_else(|| part.lacks("type"))?;
    match kind.string()?.as_str() {
        "input_text" | "output_text" | "text" => text.ok_or_else(|| part.lacks("text"))?.string().map(PartKind::Text),
        "refusal" => refusal.ok_or_else(|| part.lacks("refusal"))?.string().map(PartKind::Refusal),
        "input_image" => read_image(part),
        "input_file" => read_file(part),
        "input_audio" => read_audio(part),
        _ => Err(part.unsupported("is content that only OpenAI reads; send text, images, files or audio")),
    }
}

fn read_image(part: &Node<'_>) -> Result<PartKind, RequestFault> {
    let [url, file, detail] = part.members(&["image_url", "file_id", "detail"])?;
    let source = match (url, file) {
        (Some(url), _) => media::read_url(url.string()?),
        (None, Some(file)) => Source::File(file.string()?),
        (None, None) => return Err(part.lacks("image_url")),
    };
    Ok(PartKind::Image { source, detail: detail.map(|detail| detail.string()).transpose()? })
}

fn read_file(part: &Node<'_>) -> Result<PartKind, RequestFault> {
    let [content, url, file, name] = part.members(&["file_data", "file_url", "file_id", "filename"])?;
    let name = name.map(|name| name.string()).transpose()?;
    let source = match (content, url, file) {
        (Some(content), ..) => media::read_file(content.string()?, name.as_deref()),
        (None, Some(url), _) => Source::Url(url.string()?),
        (None, None, Some(file)) => Source::File(file.string()?),
        (None, None, None) => return Err(part.lacks("file_data")),
    };
    Ok(PartKind::Document { source, name })
}

fn read_audio(part: &Node<'_>) -> Result<PartKind, RequestFault> {
    let [audio] = part.members(&["input_audio"])?;
    let audio = audio.ok_or_else(|| part.lacks("input_audio"))?;
    let [content, format] = audio.members(&["data", "format"])?;
    let base64 = content.ok_or_else(|| audio.lacks("data"))?.string()?;
    let format = format.ok_or_else(|| audio.lacks("format"))?.string()?;
    Ok(PartKind::Audio { source: Source::Inline { media_type: media::read_audio(&format), base64 } })
}
