//! Pictures and documents, both directions: Anthropic's `source` objects.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::dialect::anthropic::block::Address;
use crate::dialect::canonical::{Feature, Source, Unsupported};
use crate::dialect::fault::RequestFault;
use crate::dialect::node::Node;

/// A `source` as it comes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawSource {
    #[serde(rename = "type")]
    kind: String,
    media_type: Option<String>,
    #[serde(rename = "data")]
    body: Option<String>,
    url: Option<String>,
    file_id: Option<String>,
}

pub(super) fn read(place: &Node<'_>) -> Result<Source, RequestFault> {
    let source: RawSource = place.read()?;
    let required = |member: Option<String>, name: &str| member.ok_or_else(|| RequestFault::missing(&place.below(name)));
    match source.kind.as_str() {
        "base64" => {
            let media_type = required(source.media_type, "media_type")?;
            Ok(Source::Inline { media_type, base64: required(source.body, "data")? })
        }
        "text" => Ok(Source::Text(required(source.body, "data")?)),
        "url" => Ok(Source::Url(required(source.url, "url")?)),
        "file" => Ok(Source::File(required(source.file_id, "file_id")?)),
        _ => Err(place.unsupported("the provider of this model takes base64, text, url or file sources only")),
    }
}

pub(super) fn of_image(source: &Source) -> Result<Address<'_>, Unsupported> {
    match source {
        Source::Inline { media_type, base64 } => Ok(Address::Base64 { media_type, base64 }),
        Source::Text(_) => Err(Unsupported::new(Feature::Images, "a picture cannot be plain text; send it in base64")),
        Source::Url(url) => Ok(Address::Url { url }),
        Source::File(file_id) => Ok(Address::File { file_id }),
    }
}

/// Anthropic takes PDF in base64, and plain text as it is.
pub(super) fn of_document(source: &Source) -> Result<Address<'_>, Unsupported> {
    match source {
        Source::Inline { media_type, base64 } if media_type == "application/pdf" => {
            Ok(Address::Base64 { media_type, base64 })
        }
        Source::Inline { media_type, base64 } => {
            let decoded = media_type.starts_with("text/").then(|| STANDARD.decode(base64).ok()).flatten();
            let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
            let refused = || Unsupported::new(Feature::Documents, format!("send PDF or text instead of {media_type}"));
            text.map(|text| plain(text.into())).ok_or_else(refused)
        }
        Source::Text(text) => Ok(plain(text.into())),
        Source::Url(url) => Ok(Address::Url { url }),
        Source::File(file_id) => Ok(Address::File { file_id }),
    }
}

fn plain(text: Cow<'_, str>) -> Address<'_> {
    Address::Text { media_type: "text/plain", text }
}
