//! Ids of tool calls. Anthropic takes letters, digits, `_` and `-`; other providers' ids have more.
//! Owns the way there and back: an id with other characters, an empty one, or one that looks like the result of this
//! very change becomes `farthing_` and itself in URL-safe base64. Refuses to cut: every id comes back as it was.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

const MARK: &str = "farthing_";

/// The id as Anthropic takes it.
pub(super) fn write(id: &str) -> Cow<'_, str> {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !id.is_empty() && !id.starts_with(MARK) && id.bytes().all(safe) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(format!("{MARK}{}", URL_SAFE_NO_PAD.encode(id)))
}

/// The id it was before [`write`].
pub(super) fn read(id: String) -> String {
    let decoded = id.strip_prefix(MARK).and_then(|rest| URL_SAFE_NO_PAD.decode(rest).ok());
    match decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(before) if write(&before) == id => before,
        _ => id,
    }
}

/// The id of a call in an answer, made up where the provider gives none.
pub(super) fn read_or_new(id: Option<String>) -> String {
    id.filter(|id| !id.is_empty()).map_or_else(|| new("toolu_"), read)
}

/// A new id.
pub(super) fn new(mark: &str) -> String {
    format!("{mark}{}", Uuid::now_v7().simple())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn good_ids_stay() {
        for id in ["toolu_01A-b", "call_9", "farthing_!"] {
            assert_eq!(read(id.to_owned()), id);
        }
        assert_eq!(read("farthing_".to_owned()), "", "the empty id comes back");
        assert_eq!(write("toolu_01A-b"), "toolu_01A-b");
    }

    proptest! {
        #[test]
        fn every_id_comes_back(id in "\\PC{0,20}|(farthing_)?[a-zA-Z0-9_-]{0,20}") {
            let wire = write(&id).into_owned();
            prop_assert!(!wire.is_empty());
            prop_assert!(wire.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'));
            prop_assert_eq!(read(wire), id);
        }
    }
}
