//! A master key from a passphrase and the installation's salt, by Argon2id. Owns the cost, which never changes: another cost is
//! another key. Refuses to judge a passphrase: what a database is under already must open it.

use argon2::{Algorithm, Argon2, Params, Version};
use farthing_actors::domain::Secret;
use zeroize::Zeroizing;

use super::SecurityError;
use super::passwords;

/// 64 MiB, three times over: the second choice of RFC 9106, in one lane, since this process computes them one after the other.
/// Once at a start, so it may cost more than a password does.
const MEMORY_KIB: u32 = 65_536;
const PASSES: u32 = 3;
const LANES: u32 = 1;

/// The key of a passphrase; takes a few tenths of a second, and 64 MiB meanwhile.
///
/// # Errors
/// If no key can be made of this salt.
pub fn from_passphrase(passphrase: &Secret, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecurityError> {
    let defect = || SecurityError::Derivation("master key");
    let mut key = Zeroizing::new([0; 32]);
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(key.len())).map_err(|_| defect())?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(passphrase.expose().as_bytes(), salt, &mut *key).map_err(|_| defect())?;
    Ok(key)
}

/// Whether a passphrase consists of words that everybody tries first.
pub fn is_easy_passphrase(passphrase: &Secret) -> bool {
    passwords::is_easy(&Zeroizing::new(passphrase.expose().to_lowercase()), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "six plain words of a passphrase here";

    fn hex(key: &[u8; 32]) -> String {
        key.map(|byte| format!("{byte:02x}")).concat()
    }

    #[test]
    fn it_is_argon2id_as_others_compute_it() {
        // Computed with OpenSSL's; a change here would orphan everything stored.
        let salt: Vec<u8> = (0..16).collect();
        let key = from_passphrase(&Secret::new(WORDS), &salt).unwrap();
        assert_eq!(hex(&key), "b39f8bf650d917554f4fa4e3bf74160ef5d384aeb9a97f9fcd07adc9854e9acd");
        let other = from_passphrase(&Secret::new(WORDS), &[7; 16]).unwrap();
        assert_ne!(other, key, "another salt is another key");
    }

    #[test]
    fn words_that_everybody_tries_are_told_from_others() {
        for easy in ["correct horse battery staple", "Password password 2026!", "qwertyuiop asdfghjkl 12345"] {
            assert!(is_easy_passphrase(&Secret::new(easy)), "{easy}");
        }
        assert!(!is_easy_passphrase(&Secret::new(WORDS)));
    }
}
