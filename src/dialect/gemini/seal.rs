//! Seals: the signatures Gemini puts on parts, and other providers' sealed thinking in their place.
//! Owns the one place this dialect has for both, `thoughtSignature`, which is base64: a seal that is more than a base64
//! signature goes to a client as base64 of `farthing:` and its JSON, and comes back as it was. Refuses to open a seal.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::Side;

const WRAPPED: &[u8] = b"farthing:";
/// Google's own word for "this call has no signature, do not ask for one", in base64.
/// Source: ai.google.dev/gemini-api/docs/thought-signatures, FAQ.
pub(super) const UNSIGNED: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

/// What seals a part.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Seal {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sealed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
}

impl Seal {
    /// A signature alone.
    pub(super) fn signature(signature: Option<&String>) -> Self {
        Self { signature: signature.cloned(), ..Self::default() }
    }

    /// Whether nothing is sealed.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The seal that a `thoughtSignature` is. Client libraries write base64 in the alphabet for addresses whatever they
    /// were given, so what comes from a client is turned back.
    pub(super) fn read(text: Option<&str>, side: Side) -> Self {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Self::default() };
        let standard = standard_base64(text);
        let opened = STANDARD.decode(&standard);
        if standard == UNSIGNED {
            return Self::default();
        }
        match opened {
            Ok(bytes) if side == Side::Client => {
                let wrapped = bytes.strip_prefix(WRAPPED).and_then(|json| serde_json::from_slice(json).ok());
                wrapped.unwrap_or(Self { signature: Some(standard), ..Self::default() })
            }
            _ => Self { signature: Some(text.to_owned()), ..Self::default() },
        }
    }

    /// The `thoughtSignature` for it. A provider gets signatures only: the rest is another provider's.
    pub(super) fn write(&self, side: Side) -> Option<String> {
        let plain = self.sealed.is_none() && self.id.is_none();
        let signature = self.signature.as_ref();
        if side == Side::Provider || (plain && signature.is_none_or(|text| STANDARD.decode(text).is_ok())) {
            return signature.cloned();
        }
        let json = serde_json::to_vec(self).unwrap_or_default();
        Some(STANDARD.encode([WRAPPED, &json].concat()))
    }
}

/// `text` in the standard alphabet of base64, padded.
pub(super) fn standard_base64(text: &str) -> String {
    let mut standard = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    while !standard.len().is_multiple_of(4) {
        standard.push('=');
    }
    standard
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(signature: Option<&str>, sealed: Option<&str>, id: Option<&str>) -> Seal {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Seal { signature: owned(signature), sealed: owned(sealed), id: owned(id) }
    }

    #[test]
    fn every_seal_survives_a_client_that_changes_the_alphabet() {
        for (seal, plain) in [
            (seal(Some("Eq+/AA=="), None, None), true),
            (seal(Some("not base64"), None, None), false),
            (seal(Some("Eq+/AA=="), Some("gAAA-_"), Some("rs_1")), false),
            (seal(None, Some("gAAA-_"), None), false),
        ] {
            let text = seal.write(Side::Client).unwrap();
            assert_eq!(Some(&text) == seal.signature.as_ref(), plain, "{text}");
            let returned = text.replace('+', "-").replace('/', "_");
            for text in [&text, &returned] {
                assert_eq!(Seal::read(Some(text), Side::Client), seal);
            }
        }
    }

    #[test]
    fn a_provider_sees_signatures_only() {
        assert_eq!(seal(None, Some("x"), Some("y")).write(Side::Provider), None);
        assert_eq!(Seal::read(Some("a-_"), Side::Provider), seal(Some("a-_"), None, None));
        assert!(Seal::read(Some(UNSIGNED), Side::Client).is_empty() && Seal::read(None, Side::Client).is_empty());
        assert_eq!(STANDARD.decode(UNSIGNED).unwrap(), b"skip_thought_signature_validator");
    }
}
