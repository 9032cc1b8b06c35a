//! Obfuscation: how a provider's key is shown to an operator. Owns the mask.
//! Refuses to show any character of the secret part, or how long it is.

use farthing_actors::domain::Secret;

/// What stands for the hidden part, whatever its length.
const HIDDEN: &str = "****";

/// Vendors' prefixes are short words; anything longer may be part of the secret.
const LONGEST_PREFIX: usize = 8;

/// The masked form of a provider's key: its letters up to the first dash, then `****` (`sk-proj-abc…` gives `sk-****`).
/// A key without such a prefix is hidden entirely.
pub fn mask_provider_key(key: &Secret) -> String {
    match key.expose().split_once('-') {
        Some((prefix, _)) if is_prefix(prefix) => format!("{prefix}-{HIDDEN}"),
        _ => HIDDEN.to_owned(),
    }
}

fn is_prefix(text: &str) -> bool {
    (1..=LONGEST_PREFIX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_kept_and_nothing_else() {
        let mask = |key: &str| mask_provider_key(&Secret::new(key));
        for (key, shown) in [
            ("sk-up", "sk-****"),
            ("sk-proj-abcdefgh", "sk-****"),
            ("sk-ant-api03-abcdefgh", "sk-****"),
            ("xai-abcdefgh", "xai-****"),
            ("sk-****", "sk-****"),
        ] {
            assert_eq!(mask(key), shown);
        }
        for hidden in
            ["", "-", "-abc", "AIzaSyAbcdefgh", "gsk_abcdefgh", "abcdefghijk-lmnop", "1234-5678", "s3cret-part"]
        {
            assert_eq!(mask(hidden), HIDDEN, "{hidden:?}");
        }
    }
}
