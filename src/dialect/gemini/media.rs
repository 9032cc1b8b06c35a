//! Pictures, documents and sound: `inlineData` and `fileData`, both ways.
//! Owns the media types. Refuses video, which no other dialect has, and ids of files uploaded elsewhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::seal::standard_base64;
use super::wire::{Blob, FileLink, Part};
use crate::dialect::canonical::{Feature, PartKind, Source, Unsupported};

const PLAIN: &str = "text/plain";

/// Endings of addresses and the media types they stand for.
const ENDINGS: [(&str, &str); 14] = [
    (".png", "image/png"),
    (".jpg", "image/jpeg"),
    (".jpeg", "image/jpeg"),
    (".webp", "image/webp"),
    (".gif", "image/gif"),
    (".heic", "image/heic"),
    (".pdf", "application/pdf"),
    (".txt", PLAIN),
    (".mp3", "audio/mp3"),
    (".wav", "audio/wav"),
    (".ogg", "audio/ogg"),
    (".flac", "audio/flac"),
    (".mp4", "video/mp4"),
    (".mov", "video/mov"),
];

/// What a blob is; `None` where its type is video's, or none.
pub(super) fn read_blob(blob: Blob) -> Option<PartKind> {
    if !is_taken(&blob.mime_type) {
        return None;
    }
    let base64 = standard_base64(&blob.data);
    let text = || STANDARD.decode(&base64).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some(text) = (blob.mime_type == PLAIN).then(text).flatten() {
        return Some(PartKind::Document { source: Source::Text(text), name: None });
    }
    kind(Some(&blob.mime_type.clone()), Source::Inline { media_type: blob.mime_type, base64 })
}

/// What stands at an address; `None` for video. Addresses of Google's own file storage are addresses like others.
pub(super) fn read_file(file: FileLink) -> Option<PartKind> {
    let is_video = ["youtube.com/", "youtu.be/"].iter().any(|host| file.file_uri.contains(host));
    let named = file.mime_type.filter(|name| !name.is_empty());
    let media_type = named.or_else(|| by_ending(&file.file_uri).map(str::to_owned));
    kind(media_type.as_deref(), Source::Url(file.file_uri)).filter(|_| !is_video)
}

/// Whether bytes of this type have a place, both ways. A comma would end a type in a `data:` address.
fn is_taken(media_type: &str) -> bool {
    !media_type.contains(',') && media_type.split('/').next() != Some("video")
}

fn kind(media_type: Option<&str>, source: Source) -> Option<PartKind> {
    match media_type.and_then(|name| name.split('/').next()) {
        Some("image") => Some(PartKind::Image { source, detail: None }),
        Some("audio") => Some(PartKind::Audio { source }),
        Some("video") => None,
        _ => Some(PartKind::Document { source, name: None }),
    }
}

fn by_ending(address: &str) -> Option<&'static str> {
    let path = address.split(['?', '#']).next()?.to_ascii_lowercase();
    ENDINGS.iter().find(|(ending, _)| path.ends_with(ending)).map(|(_, name)| *name)
}

/// The part for something at `source`; `feature` is what it is, for a refusal.
pub(super) fn write(source: &Source, feature: Feature) -> Result<Part, Unsupported> {
    let blob = |mime_type: &str, data: String| Part {
        inline_data: Some(Blob { mime_type: mime_type.to_owned(), data }),
        ..Part::default()
    };
    match source {
        Source::Inline { media_type, base64 } if is_taken(media_type) => Ok(blob(media_type, base64.clone())),
        Source::Inline { media_type, .. } => {
            Err(Unsupported::new(feature, format!("{media_type:?} is not taken; send pictures, sound or documents")))
        }
        Source::Text(text) => Ok(blob(PLAIN, STANDARD.encode(text))),
        Source::Url(address) => Ok(at(address)),
        Source::File(_) => {
            let feature = if feature == Feature::ToolResultMedia { feature } else { Feature::Files };
            Err(Unsupported::new(feature, "a file uploaded to another provider cannot be read here; send its bytes"))
        }
    }
}

fn at(address: &str) -> Part {
    let mime_type = by_ending(address).map(str::to_owned);
    Part { file_data: Some(FileLink { mime_type, file_uri: address.to_owned() }), ..Part::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(source: Source) -> Option<PartKind> {
        Some(PartKind::Image { source, detail: None })
    }

    fn file(uri: &str, mime_type: Option<&str>) -> Option<PartKind> {
        read_file(FileLink { mime_type: mime_type.map(str::to_owned), file_uri: uri.to_owned() })
    }

    #[test]
    fn either_alphabet_of_base64_becomes_the_standard_one() {
        let blob = |mime_type: &str, data: &str| Blob { mime_type: mime_type.to_owned(), data: data.to_owned() };
        let bytes =
            Source::Inline { media_type: "image/png".into(), base64: "-_8A".replace('-', "+").replace('_', "/") };
        assert_eq!(read_blob(blob("image/png", "-_8A")), image(bytes));
        let text = PartKind::Document { source: Source::Text("hé".into()), name: None };
        assert_eq!(read_blob(blob("text/plain", "aMOp")), Some(text));
        assert_eq!(read_blob(blob("video/mp4", "AAAA")), None);
    }

    #[test]
    fn what_would_not_be_read_is_not_written() {
        for media_type in ["video/mp4", "data:;base64,"] {
            let source = Source::Inline { media_type: media_type.into(), base64: "AAAA".into() };
            let fault = write(&source, Feature::Images).err().unwrap();
            assert!(fault.why.contains(media_type), "{}", fault.why);
        }
    }

    #[test]
    fn addresses_are_known_by_type_or_ending() {
        for (uri, named) in
            [("gs://b/a.PNG", None), ("https://x/a.jpg?s=1", None), ("https://x/files/7", Some("image/webp"))]
        {
            assert_eq!(file(uri, named), image(Source::Url(uri.into())), "{uri}");
        }
        assert_eq!(file("https://www.youtube.com/watch?v=1", None), None);
        let unknown = PartKind::Document { source: Source::Url("https://x/files/7".into()), name: None };
        assert_eq!(file("https://x/files/7", Some("")), Some(unknown));
    }
}
