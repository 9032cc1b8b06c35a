//! Addresses of pictures, documents and sound: `data:` URLs and links, both ways.
//! Owns the spelling of the media types Responses has names for. Refuses to decode: base64 stays base64.

use crate::dialect::canonical::Source;

/// What an address means: what is in it, if it is a `data:` URL in base64, else where it is.
pub(super) fn read_url(url: String) -> Source {
    let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(','));
    let inline = inline.and_then(|(kind, base64)| Some((kind.strip_suffix(";base64")?, base64)));
    match inline {
        Some((media_type, base64)) => Source::Inline { media_type: media_type.to_owned(), base64: base64.to_owned() },
        None => Source::Url(url),
    }
}

/// A `data:` URL.
pub(super) fn write_url(media_type: &str, base64: &str) -> String {
    format!("data:{media_type};base64,{base64}")
}

/// What `file_data` means: a `data:` URL, or bare base64 of a kind only the file's name tells; PDF without one.
pub(super) fn read_file(content: String, name: Option<&str>) -> Source {
    if content.starts_with("data:") {
        return read_url(content);
    }
    let ending = name.and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending.to_ascii_lowercase());
    let media_type = match ending.as_deref() {
        Some("txt") => "text/plain",
        Some("md") => "text/markdown",
        Some("csv") => "text/csv",
        Some("html") => "text/html",
        Some("json") => "application/json",
        _ => "application/pdf",
    };
    Source::Inline { media_type: media_type.to_owned(), base64: content }
}

/// The media type of a `format` of sound.
pub(super) fn read_audio(format: &str) -> String {
    format!("audio/{}", if format == "mp3" { "mpeg" } else { format })
}

/// The `format` for a media type of sound; only two are known.
pub(super) fn write_audio(media_type: &str) -> Option<&'static str> {
    match media_type {
        "audio/mpeg" | "audio/mp3" => Some("mp3"),
        "audio/wav" | "audio/x-wav" | "audio/wave" => Some("wav"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_and_linked_are_told_apart() {
        let inline = Source::Inline { media_type: "image/png".into(), base64: "AA==".into() };
        assert_eq!(read_url(write_url("image/png", "AA==")), inline);
        for url in ["https://a.test/b.png", "data:text/plain,hello", "data:"] {
            assert_eq!(read_url(url.into()), Source::Url(url.into()));
        }
        let csv = Source::Inline { media_type: "text/csv".into(), base64: "AA==".into() };
        assert_eq!(read_file("AA==".into(), Some("a.CSV")), csv);
        for format in ["mp3", "wav"] {
            assert_eq!(write_audio(&read_audio(format)), Some(format));
        }
    }
}
