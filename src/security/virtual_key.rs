//! Virtual keys: `sk-ft-`, eight characters of public id, a dash, 256 random bits in base64url, six of checksum.
//! Owns their making, their shape and the keyed hash they are stored as. Refuses a mistyped key before anything is
//! hashed or looked up. No slow hash: 256 random bits need no stretching, and one per call would be an open door.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use farthing_actors::domain::Secret;
use farthing_actors::keyring::ring::KeyDigest;

use super::entropy::{NoEntropy, random};
use super::subkeys::MacKey;

/// What every virtual key begins with; secret scanners look for it.
pub const MARK: &str = "sk-ft-";

const ID_CHARS: usize = 8;
const SECRET_BYTES: usize = 32;
const SECRET_CHARS: usize = 43;
const CHECKSUM_CHARS: usize = 6;
const BODY_CHARS: usize = MARK.len() + ID_CHARS + 1 + SECRET_CHARS;

/// The length of every virtual key.
pub const KEY_CHARS: usize = BODY_CHARS + CHECKSUM_CHARS;

/// Lower-case base 32: nothing in it is misread for something else.
const ID_ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const CHECKSUM_ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new virtual key.
#[derive(Debug)]
pub struct MintedKey {
    /// The key itself: shown once, never stored.
    pub secret: Secret,
    /// Its visible beginning, `sk-ft-` and the public id.
    pub prefix: String,
    /// What it is stored and found by.
    pub digest: KeyDigest,
}

/// Makes and recognises virtual keys.
pub(super) struct VirtualKeys {
    pepper: MacKey,
}

impl VirtualKeys {
    pub(super) fn new(pepper: MacKey) -> Self {
        Self { pepper }
    }

    /// A new random key.
    pub(super) fn mint(&self) -> Result<MintedKey, NoEntropy> {
        let (id, secret) = (random::<ID_CHARS>()?, random::<SECRET_BYTES>()?);
        let id = id.iter().map(|byte| letter(ID_ALPHABET, u32::from(byte % 32)));
        let prefix: String = MARK.chars().chain(id).collect();
        let mut key = String::with_capacity(KEY_CHARS);
        key.push_str(&prefix);
        key.push('-');
        URL_SAFE_NO_PAD.encode_string(*secret, &mut key);
        key.extend(checksum(&key));
        Ok(MintedKey { prefix, digest: self.pepper.tag(key.as_bytes()), secret: Secret::new(key) })
    }

    /// The digest of a presented key; `None` if its shape or checksum is wrong.
    pub(super) fn digest_presented(&self, presented: &str) -> Option<KeyDigest> {
        is_well_formed(presented).then(|| self.pepper.tag(presented.as_bytes()))
    }
}

fn is_well_formed(presented: &str) -> bool {
    let Some((body, sum)) = presented.split_at_checked(BODY_CHARS) else { return false };
    let Some((id, secret)) = body.strip_prefix(MARK).and_then(|rest| rest.split_once('-')) else { return false };
    id.len() == ID_CHARS
        && id.bytes().all(|byte| ID_ALPHABET.contains(&byte))
        && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && sum.chars().eq(checksum(body))
}

/// CRC-32 in base 62: it catches every single wrong character, every swap, and all but one in four billion others.
fn checksum(body: &str) -> [char; CHECKSUM_CHARS] {
    let mut rest = crc32fast::hash(body.as_bytes());
    std::array::from_fn(|_| {
        let digit = rest % 62;
        rest /= 62;
        letter(CHECKSUM_ALPHABET, digit)
    })
}

fn letter(alphabet: &[u8], at: u32) -> char {
    let found = usize::try_from(at).ok().and_then(|at| alphabet.get(at));
    found.copied().map_or('0', char::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(master: u8) -> VirtualKeys {
        VirtualKeys::new(MacKey::of(&[master; 64]))
    }

    #[test]
    fn minted_keys_have_the_documented_shape_and_are_recognised() {
        for _ in 0..200 {
            let minted = keys(7).mint().unwrap();
            let key = minted.secret.expose();
            assert_eq!((key.len(), minted.prefix.len()), (64, 14));
            assert!(key.starts_with(&format!("{}-", minted.prefix)) && key.starts_with("sk-ft-"));
            let secret = URL_SAFE_NO_PAD.decode(&key.as_bytes()[15..58]).unwrap();
            assert_eq!(secret.len(), 32);
            assert_eq!(keys(7).digest_presented(key), Some(minted.digest));
            assert_ne!(keys(8).digest_presented(key), Some(minted.digest));
        }
    }

    #[test]
    fn no_two_keys_are_alike() {
        let (one, other) = (keys(7).mint().unwrap(), keys(7).mint().unwrap());
        assert_ne!(one.secret, other.secret);
        assert_ne!(one.digest, other.digest);
        assert!(!format!("{one:?}").contains(one.secret.expose()));
    }

    #[test]
    fn every_single_wrong_character_is_refused() {
        let minted = keys(7).mint().unwrap();
        let good = minted.secret.expose();
        for at in 0..good.len() {
            for byte in (0..=127_u8).filter(|byte| *byte != good.as_bytes()[at]) {
                let mut wrong = good.as_bytes().to_vec();
                wrong[at] = byte;
                assert_eq!(keys(7).digest_presented(std::str::from_utf8(&wrong).unwrap()), None, "{at} {byte}");
            }
        }
    }

    #[test]
    fn malformed_keys_are_refused() {
        let minted = keys(7).mint().unwrap();
        let good = minted.secret.expose();
        let cut = |from: usize, to: usize| good.get(from..to).unwrap();
        let spaced = format!(" {good}");
        let longer = format!("{good}0");
        let wide = format!("{}é", cut(0, 62));
        let cases = ["", "sk-ft-", "sk-proj-0123", cut(0, 63), cut(1, 64), &spaced, &longer, &wide];
        assert!(cases.iter().all(|case| keys(7).digest_presented(case).is_none()));
        let upper_id = format!("sk-ft-ABCDEFGH-{}", cut(15, 58));
        let upper_id = upper_id.clone() + &String::from_iter(checksum(&upper_id));
        assert_eq!(keys(7).digest_presented(&upper_id), None);
    }
}
