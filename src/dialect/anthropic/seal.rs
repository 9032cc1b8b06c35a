//! Seals: thinking and its provider's seal, in the blocks Anthropic has for them.
//! Owns two directions of writing. To Anthropic goes what Anthropic itself sealed. To a client goes every provider's
//! seal, for it must come back in the next turn: what has no place of its own is packed into a signature, as
//! `farthing.` and base64 of JSON, and unpacked when it returns. Refuses to look into a seal.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::block::Block;
use crate::dialect::canonical::Reasoning;

const MARK: &str = "farthing.";

/// What a block of opaque thinking holds.
#[derive(Debug, PartialEq)]
pub(super) enum Opaque {
    /// Thinking only its provider can read.
    Thinking(Reasoning),
    /// The signature of the call that follows (Gemini's), for which a `tool_use` block has no place.
    OfCall(String),
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Packed {
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<String>,
}

impl Packed {
    fn pack(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        format!("{MARK}{}", URL_SAFE_NO_PAD.encode(json))
    }

    fn unpack(text: &str) -> Option<Self> {
        let json = URL_SAFE_NO_PAD.decode(text.strip_prefix(MARK)?).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

/// A `thinking` block; an empty signature is none.
pub(super) fn read(text: String, signature: Option<String>) -> Reasoning {
    let signature = signature.filter(|signature| !signature.is_empty());
    match signature.as_deref().and_then(Packed::unpack) {
        Some(Packed { signature, sealed, id, .. }) => Reasoning { text, signature, sealed, id },
        None => Reasoning { text, signature, sealed: None, id: None },
    }
}

/// A `redacted_thinking` block.
pub(super) fn read_opaque(sealed: String) -> Opaque {
    match Packed::unpack(&sealed) {
        Some(Packed { call: Some(signature), .. }) => Opaque::OfCall(signature),
        _ => Opaque::Thinking(Reasoning { sealed: Some(sealed), ..Reasoning::default() }),
    }
}

/// What a `thinking` block's signature must be for a client, so that [`read`] gives the same seals again.
pub(super) fn signature(reasoning: &Reasoning) -> Cow<'_, str> {
    let Reasoning { signature, sealed, id, .. } = reasoning;
    if sealed.is_none() && id.is_none() {
        return signature.as_deref().unwrap_or_default().into();
    }
    let [signature, sealed, id] = [signature, sealed, id].map(Clone::clone);
    Packed { signature, sealed, id, call: None }.pack().into()
}

/// Thinking as a block for a client.
pub(super) fn for_client(reasoning: &Reasoning) -> Block<'_> {
    match reasoning {
        Reasoning { text, signature: None, sealed: Some(sealed), id: None } if text.is_empty() => {
            Block::RedactedThinking { sealed: sealed.into() }
        }
        _ => Block::Thinking { thinking: &reasoning.text, signature: signature(reasoning) },
    }
}

/// The block before a call that carries the call's signature to a client.
pub(super) fn of_call(signature: &str) -> Block<'static> {
    let packed = Packed { call: Some(signature.to_owned()), ..Packed::default() };
    Block::RedactedThinking { sealed: packed.pack().into() }
}

/// Thinking as Anthropic takes it back: only what it sealed. What has an id and no signature is OpenAI's; unsigned
/// thinking is refused by Anthropic and needed by nobody.
pub(super) fn for_provider(reasoning: &Reasoning) -> Option<Block<'_>> {
    match reasoning {
        Reasoning { text, signature: Some(signature), .. } => {
            Some(Block::Thinking { thinking: text, signature: signature.into() })
        }
        Reasoning { sealed: Some(sealed), id: None, .. } => Some(Block::RedactedThinking { sealed: sealed.into() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(block: Block<'_>) -> Opaque {
        match block {
            Block::Thinking { thinking, signature } => {
                Opaque::Thinking(read(thinking.to_owned(), Some(signature.into_owned())))
            }
            Block::RedactedThinking { sealed } => read_opaque(sealed.into_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_seal_comes_back_from_a_client() {
        for text in ["", "hm"] {
            for bits in 0..8 {
                let seal = |bit: i32| (bits & bit != 0).then(|| format!("seal+/{bit}"));
                let (signature, sealed, id) = (seal(1), seal(2), seal(4));
                let reasoning = Reasoning { text: text.into(), signature, sealed, id };
                assert_eq!(back(for_client(&reasoning)), Opaque::Thinking(reasoning));
            }
        }
        assert_eq!(back(of_call("sig")), Opaque::OfCall("sig".into()));
    }

    #[test]
    fn only_its_own_goes_to_anthropic() {
        let of = |signature: Option<&str>, sealed: Option<&str>, id: Option<&str>| Reasoning {
            text: "hm".into(),
            signature: signature.map(Into::into),
            sealed: sealed.map(Into::into),
            id: id.map(Into::into),
        };
        assert!(matches!(for_provider(&of(Some("s"), None, Some("made-up"))), Some(Block::Thinking { .. })));
        assert!(matches!(for_provider(&of(None, Some("x"), None)), Some(Block::RedactedThinking { .. })));
        assert!(for_provider(&of(None, Some("x"), Some("rs_1"))).is_none());
        assert!(for_provider(&of(None, None, None)).is_none());
    }
}
