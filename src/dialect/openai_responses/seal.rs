//! Seals on thinking, carried in the one place Responses has for them: `encrypted_content` of a reasoning item.
//! Owns the marks that tell three kinds apart, so that a client's next turn brings each back as what it was. What has
//! no mark is `encrypted_content` as a provider gave it. Signatures and sealed thinking are base64, so a colon ends a
//! mark.

use crate::dialect::canonical::Reasoning;

/// Before the signature of readable thinking (Anthropic), and after it, behind a colon, what is sealed beside it.
const SIGNATURE: &str = "signature:";
/// Before the signature of the thinking that led to a function call (Gemini), and after it, behind a colon, the call's
/// id: clients put items in another order.
const CALL: &str = "tool_call_signature:";

/// The `encrypted_content` for a piece of thinking; `None` where nothing is sealed.
pub(super) fn close(signature: Option<&str>, sealed: Option<&str>) -> Option<String> {
    match (signature, sealed) {
        (None, sealed) => sealed.map(ToOwned::to_owned),
        (Some(signature), None) => Some(format!("{SIGNATURE}{signature}")),
        (Some(signature), Some(sealed)) => Some(format!("{SIGNATURE}{signature}:{sealed}")),
    }
}

/// Puts what an `encrypted_content` holds back in its place.
pub(super) fn open(encrypted: String, reasoning: &mut Reasoning) {
    let Some(marked) = encrypted.strip_prefix(SIGNATURE) else {
        reasoning.sealed = Some(encrypted);
        return;
    };
    let (signature, sealed) = marked.split_once(':').map_or((marked, None), |(before, after)| (before, Some(after)));
    reasoning.signature = Some(signature.to_owned());
    reasoning.sealed = sealed.map(ToOwned::to_owned);
}

/// The `encrypted_content` of the item before a function call.
pub(super) fn close_call(signature: &str, call: &str) -> String {
    format!("{CALL}{signature}:{call}")
}

/// The id of a function call that comes later, and its signature, if it is one.
pub(super) fn open_call(encrypted: &str) -> Option<(&str, &str)> {
    let (signature, call) = encrypted.strip_prefix(CALL)?.split_once(':')?;
    Some((call, signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seals_come_back_as_what_they_were() {
        for (signature, sealed) in [(None, Some("gAAA=")), (Some("Er+/=="), None), (Some("Er=="), Some("gAAA="))] {
            let closed = close(signature, sealed).unwrap();
            let mut reasoning = Reasoning::default();
            open(closed, &mut reasoning);
            assert_eq!((reasoning.signature.as_deref(), reasoning.sealed.as_deref()), (signature, sealed));
        }
        assert_eq!(close(None, None), None);
        assert_eq!(open_call(&close_call("sig", "a:b")), Some(("a:b", "sig")));
        assert_eq!(open_call("gAAA"), None);
    }
}
