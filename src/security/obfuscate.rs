//! Obfuscation: how a secret is shown to those who may not see it. Owns the two masks: a provider's key as an operator sees
//! it, and any token as the audit trail names it.
//! Refuses to show how long a secret is, and to mask what is masked already.

use farthing_actors::domain::Secret;

/// What every token begins with that is known by its beginning; the longest first.
const KNOWN: [&str; 6] = ["sk-ant-", "sk-ft-", "tok-", "api_", "ghp_", "sk-"];
/// What is hidden of a token that is not, and of one too short to show any of.
const UNKNOWN: &str = "********";
/// Characters shown after a known beginning, and at the end.
const SHOWN: usize = 4;
/// The least that stays hidden.
const LEAST_HIDDEN: usize = 8;
/// The shortest token of which anything is shown.
const SHORTEST: usize = 16;

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

/// A token as the audit trail names it: its known beginning and four characters of each end (`tok-1234****cdef`), or two of
/// each end (`ab********78`), or nothing of a short one. `Bearer ` before it is left out.
pub fn obfuscate(token: &str) -> String {
    let token = token.strip_prefix("Bearer ").unwrap_or(token);
    if token.contains(HIDDEN) {
        return token.to_owned();
    }
    let prefix = KNOWN.into_iter().find(|prefix| token.starts_with(prefix));
    let (shown, hidden) = if prefix.is_some() { (SHOWN, HIDDEN) } else { (SHOWN / 2, UNKNOWN) };
    let rest: Vec<char> = token.chars().skip(prefix.map_or(0, str::len)).collect();
    let long = token.chars().count() >= SHORTEST && rest.len() >= 2 * shown + LEAST_HIDDEN;
    match (rest.get(..shown), rest.len().checked_sub(shown).and_then(|from| rest.get(from..))) {
        (Some(first), Some(last)) if long => {
            let [first, last] = [first, last].map(|part| part.iter().collect::<String>());
            format!("{}{first}{hidden}{last}", prefix.unwrap_or_default())
        }
        _ => UNKNOWN.to_owned(),
    }
}

/// How the audit trail names tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Naming {
    /// By their ends, as [`obfuscate`] shows them.
    #[default]
    Ends,
    /// By nothing: each looks the same.
    Nothing,
}

impl Naming {
    /// A token as the trail names it.
    pub fn of(self, token: &str) -> String {
        match self {
            Self::Ends => obfuscate(token),
            Self::Nothing => UNKNOWN.to_owned(),
        }
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

    #[test]
    fn a_token_in_the_trail_shows_its_ends_and_no_more() {
        for (token, shown) in [
            // S3.12e, S3.12g
            ("tok-1234567890abcdef", "tok-1234****cdef"),
            ("abcd1234efgh5678", "ab********78"),
            ("Bearer tok-1234567890abcdef", "tok-1234****cdef"),
            ("sk-ant-1234567890abcdef", "sk-ant-1234****cdef"),
            ("sk-ft-ab12cd34-0123456789abcdefwxyz", "sk-ft-ab12****wxyz"),
            ("abcd1234efgh567", UNKNOWN),
            ("tok-1234567890a", UNKNOWN),
            ("", UNKNOWN),
        ] {
            assert_eq!(obfuscate(token), shown, "{token:?}");
            assert_eq!((Naming::Ends.of(token), Naming::Nothing.of(token)), (shown.to_owned(), UNKNOWN.to_owned()));
            assert_eq!(obfuscate(shown), shown, "{token:?}");
        }
    }
}
