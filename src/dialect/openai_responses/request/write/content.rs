//! The content of messages and of tools' answers. Owns its kinds; refuses media where the dialect has no place for
//! them.

use serde::Serialize;

use crate::dialect::canonical::{Feature, Part, PartKind, Role, Source, Unsupported};
use crate::dialect::openai_responses::media;

/// One part of a content.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content {
    InputText {
        text: String,
    },
    OutputText {
        text: String,
    },
    Refusal {
        refusal: String,
    },
    InputImage {
        #[serde(skip_serializing_if = "Option::is_none")]
        image_url: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    InputFile(File),
    InputAudio {
        input_audio: Audio,
    },
}

#[derive(Serialize, Default)]
pub(super) struct File {
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Audio {
    data: String,
    format: &'static str,
}

/// A part as content of a message; `None` for what is an item of its own.
pub(super) fn content(part: &Part, role: Role) -> Result<Option<Content>, Unsupported> {
    let answers = role == Role::Assistant;
    let content = match &part.kind {
        PartKind::Text(text) if answers => Content::OutputText { text: text.clone() },
        PartKind::Refusal(text) if answers => Content::Refusal { refusal: text.clone() },
        PartKind::Text(text) | PartKind::Refusal(text) => Content::InputText { text: text.clone() },
        PartKind::Image { .. } | PartKind::Document { .. } | PartKind::Audio { .. } if answers => {
            let why = "the model's own messages have only text; leave its pictures, documents and sound out";
            return Err(Unsupported::new(Feature::Images, why));
        }
        PartKind::Image { source, detail } => image(source, detail.clone())?,
        PartKind::Document { source, name } => document(source, name.clone()),
        PartKind::Audio { source } => audio(source)?,
        PartKind::Reasoning(_) | PartKind::ToolCall(_) | PartKind::ToolResult(_) => return Ok(None),
    };
    Ok(Some(content))
}

fn image(source: &Source, detail: Option<String>) -> Result<Content, Unsupported> {
    let (image_url, file_id) = match source {
        Source::Inline { media_type, base64 } => (Some(media::write_url(media_type, base64)), None),
        Source::Url(url) => (Some(url.clone()), None),
        Source::File(id) => (None, Some(id.clone())),
        Source::Text(_) => return Err(Unsupported::new(Feature::Images, "a picture cannot be text")),
    };
    Ok(Content::InputImage { image_url, file_id, detail })
}

/// A file that is sent along must have a name.
fn document(source: &Source, filename: Option<String>) -> Content {
    let file = match source {
        Source::Text(text) => return Content::InputText { text: text.clone() },
        Source::Inline { media_type, base64 } => {
            let unnamed = || if media_type == "application/pdf" { "document.pdf" } else { "document.txt" }.to_owned();
            let file_data = Some(media::write_url(media_type, base64));
            File { file_data, filename: Some(filename.unwrap_or_else(unnamed)), ..File::default() }
        }
        Source::Url(url) => File { file_url: Some(url.clone()), filename, ..File::default() },
        Source::File(id) => File { file_id: Some(id.clone()), filename, ..File::default() },
    };
    Content::InputFile(file)
}

fn audio(source: &Source) -> Result<Content, Unsupported> {
    let inline = match source {
        Source::Inline { media_type, base64 } => media::write_audio(media_type).map(|format| (format, base64)),
        Source::Text(_) | Source::Url(_) | Source::File(_) => None,
    };
    let (format, base64) = inline.ok_or_else(|| Unsupported::new(Feature::Audio, "send WAV or MP3 in base64"))?;
    Ok(Content::InputAudio { input_audio: Audio { data: base64.clone(), format } })
}
