//! Signatures of what is posted to others: whoever holds the same secret knows that it came from here, and when.
//! Owns the form `v1=<hex>`, an HMAC-SHA256 of the time, a dot and the body. Refuses to show the secret.

use std::fmt::{self, Write};

use farthing_actors::domain::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What signs.
pub struct WebhookKey(Secret);

impl fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookKey(****)")
    }
}

impl WebhookKey {
    /// A key made of the shared secret.
    pub fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// The signature of `body`, posted at `seconds` of Unix time. Empty only if no key of that length exists, which none of
    /// HMAC's is.
    pub fn sign(&self, seconds: i64, body: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose().as_bytes()) else { return String::new() };
        mac.update(seconds.to_string().as_bytes());
        mac.update(b".");
        mac.update(body.as_bytes());
        mac.finalize().into_bytes().iter().fold("v1=".to_owned(), |mut text, byte| {
            // Writing into a text cannot fail.
            write!(text, "{byte:02x}").ok();
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_any_implementation_computes() {
        // python3: hmac.new(b"0123456789abcdef0123456789abcdef", b'1800000000.{"type":"budget"}', "sha256").hexdigest()
        let key = WebhookKey::new(Secret::new("0123456789abcdef0123456789abcdef"));
        let signed = key.sign(1_800_000_000, r#"{"type":"budget"}"#);
        assert_eq!(signed, "v1=2d85ca2f5593e9a3d1b23280d49f6bf0ee6925c4b226b54470661ee4d15ae1b4");
        assert_ne!(key.sign(1_800_000_001, r#"{"type":"budget"}"#), signed);
        assert_eq!(format!("{key:?}"), "WebhookKey(****)");
    }
}
