//! Passwords: hashed with Argon2id after a keyed hash, so that a stolen database alone gives nothing to guess against.
//! Owns the cost, the text form of a hash, and which passwords are too easy. Refuses to keep a password, and to tell by time
//! whether there was one to compare with.

pub mod imported;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use farthing_actors::domain::Secret;
use farthing_actors::sessions::PasswordHash;
use thiserror::Error;
use zeroize::Zeroizing;

use super::SecurityError;
use super::entropy::{NoEntropy, random};
use super::subkeys::MacKey;
use imported::Imported;

/// 19 MiB, twice over, in one lane: the least that OWASP advises.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT: usize = 16;
const OUTPUT: usize = 32;

const LEAST_CHARS: usize = 15;
const MOST_CHARS: usize = 128;
/// Fewer different characters than that are a pattern.
const LEAST_DIFFERENT: usize = 5;

/// Words that long passwords are made of when nobody wants to think of one. Our own list; a line each.
const WORDS: &str = include_str!("passwords/common.txt");

/// Why a password was not hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// No salt could be made.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// The hash could not be computed.
    #[error("the password could not be hashed; this is a defect, please report it")]
    Hash,
}

/// Hashes and compares passwords.
pub(super) struct Passwords {
    pepper: MacKey,
    /// What is compared with where there is nothing to compare with.
    nobody: Hash,
}

/// A hash with everything that is needed to make it again.
#[derive(Clone)]
struct Hash {
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Passwords {
    pub(super) fn new(pepper: MacKey) -> Result<Self, SecurityError> {
        let params = params(MEMORY_KIB, PASSES, LANES).ok_or(SecurityError::Derivation("passwords"))?;
        // No password has this output.
        let nobody = Hash { params, salt: vec![0; SALT], output: vec![0; OUTPUT] };
        Ok(Self { pepper, nobody })
    }

    /// The hash of a password, with a salt of its own.
    pub(super) fn hash(&self, password: &Secret) -> Result<PasswordHash, PasswordError> {
        let salt = random::<SALT>()?;
        let hash = Hash { salt: salt.to_vec(), ..self.nobody.clone() };
        let output = self.output(password, &hash).ok_or(PasswordError::Hash)?;
        Ok(PasswordHash(Hash { output: output.to_vec(), ..hash }.to_text().into()))
    }

    /// Whether the password has this hash. The work is the same whatever there is to compare with, for nothing where there is
    /// nothing: once ours, and `rounds` of hashes from elsewhere, which are as many as the dearest of them takes.
    pub(super) fn matches(&self, password: &Secret, hash: Option<&PasswordHash>, rounds: u32) -> bool {
        let text = hash.map(|PasswordHash(text)| &**text);
        let imported = text.and_then(|text| Imported::read(text).ok());
        imported::idle(rounds.saturating_sub(imported.as_ref().map_or(0, Imported::rounds)));
        let is_imported = imported.is_some_and(|imported| imported.matches(password));
        self.is_ours(password, text.and_then(Hash::read)) | is_imported
    }

    /// Whether the password has this hash, if it is one of ours.
    fn is_ours(&self, password: &Secret, read: Option<Hash>) -> bool {
        let expected = read.as_ref().unwrap_or(&self.nobody);
        let Some(output) = self.output(password, expected) else { return false };
        // Compared by keyed hashes, so that time tells nothing.
        let same = self.pepper.verifies(&output, &self.pepper.tag(&expected.output));
        same && read.is_some()
    }

    fn output(&self, password: &Secret, hash: &Hash) -> Option<Zeroizing<Vec<u8>>> {
        let seasoned = Zeroizing::new(self.pepper.tag(password.expose().as_bytes()));
        let mut output = Zeroizing::new(vec![0; OUTPUT]);
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, hash.params.clone());
        argon.hash_password_into(&*seasoned, &hash.salt, &mut output).ok()?;
        Some(output)
    }
}

fn params(memory: u32, passes: u32, lanes: u32) -> Option<Params> {
    Params::new(memory, passes, lanes, Some(OUTPUT)).ok()
}

impl Hash {
    /// The usual form of such hashes, `$argon2id$v=19$m=…,t=…,p=…$salt$output`.
    fn to_text(&self) -> String {
        let (salt, output) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.output));
        format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${output}")
    }

    /// Any cost up to a sane bound, so that a later one can be raised.
    fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("$argon2id$v=19$m=")?;
        let (memory, rest) = rest.split_once(",t=")?;
        let (passes, rest) = rest.split_once(",p=")?;
        let (lanes, rest) = rest.split_once('$')?;
        let (salt, output) = rest.split_once('$')?;
        let number = |text: &str, most: u32| text.parse().ok().filter(|number: &u32| *number <= most);
        Some(Self {
            params: params(number(memory, 1 << 18)?, number(passes, 16)?, number(lanes, 8)?)?,
            salt: STANDARD_NO_PAD.decode(salt).ok()?,
            output: STANDARD_NO_PAD.decode(output).ok().filter(|output| output.len() == OUTPUT)?,
        })
    }
}

/// What is wrong with a password that somebody of this name wants; `None` if nothing is.
pub fn fault(password: &Secret, name: &str) -> Option<&'static str> {
    let text = password.expose();
    let lower = Zeroizing::new(text.to_lowercase());
    let mut different: Vec<char> = lower.chars().collect();
    different.sort_unstable();
    different.dedup();
    if text.chars().count() < LEAST_CHARS {
        Some("must have at least 15 characters; a few words in a row are easy to remember")
    } else if text.chars().count() > MOST_CHARS {
        Some("must not have more than 128 characters")
    } else if different.len() < LEAST_DIFFERENT || is_easy(&lower, name) {
        Some("is one of the first that would be tried; choose another")
    } else {
        None
    }
}

/// Whether nothing but common words, the name, and what people put between and after them is in it.
pub(super) fn is_easy(lower: &str, name: &str) -> bool {
    let mut words: Vec<&str> = WORDS.lines().map(str::trim).filter(|word| !word.is_empty()).collect();
    words.extend(Some(name).filter(|name| name.len() > 2));
    // Longer ones first, so that no short one is taken out of the middle of a long one.
    words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    let mut rest = lower.to_owned();
    for word in words {
        rest = rest.replace(word, "");
    }
    rest.chars().filter(|left| left.is_alphabetic()).count() < LEAST_DIFFERENT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords(pepper: u8) -> Passwords {
        Passwords::new(MacKey::of(&[pepper; 64])).unwrap()
    }

    #[test]
    fn a_hash_is_of_one_password_under_one_key() {
        let (password, other) = (Secret::new("five plain words in a row"), Secret::new("five plain words in a rov"));
        let hash = passwords(7).hash(&password).unwrap();
        let PasswordHash(text) = &hash;
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        assert_ne!(passwords(7).hash(&password).unwrap(), hash, "each has a salt of its own");
        assert!(passwords(7).matches(&password, Some(&hash), 0));
        assert!(!passwords(7).matches(&other, Some(&hash), 0));
        assert!(!passwords(8).matches(&password, Some(&hash), 0), "without the pepper it is nothing");
        assert!(!passwords(7).matches(&password, None, 0));
        for damaged in ["", "$argon2id$", &text.replace("m=19456", "m=4294967295"), &text.replace("t=2", "t=x")] {
            assert!(!passwords(7).matches(&password, Some(&PasswordHash((*damaged).into())), 0), "{damaged}");
        }
        assert!(!passwords(7).matches(&Secret::new(&**text), Some(&hash), 0), "the hash is no password");
    }

    #[test]
    fn long_and_uncommon_is_all_that_is_asked() {
        let fault = |text: &str| fault(&Secret::new(text), "mia.keller");
        for good in ["five plain words in a row", "Zwölf Boxkämpfer jagen", "kx8-Qpz2-vbn7-trw", &"äbcde".repeat(25)]
        {
            assert_eq!(fault(good), None, "{good}");
        }
        for easy in [
            "",
            "fourteen chars",
            &"abcdef".repeat(22),
            "passwordpassword1",
            "Password-Password-2026",
            "111111111111111111",
            "aaaabbbbaaaabbbb",
            "qwertyuiop123456789",
            "mia.keller-farthing!",
            "FarthingFarthing2026",
            "correcthorsebatterystaple",
            "letmeinletmein!!",
            "adminadminadmin123",
        ] {
            assert!(fault(easy).is_some(), "{easy}");
        }
    }
}
