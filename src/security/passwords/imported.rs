//! Hashes of passwords from elsewhere: PBKDF2-HMAC-SHA256 in the usual text form, `$pbkdf2-sha256$i=…,l=32$salt$output`. Owns which
//! are taken in, and their comparison; at the next sign-in one of ours takes their place. Refuses to make one, and rounds so few
//! that anybody guesses them or so many that a sign-in is an attack.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use farthing_actors::domain::Secret;
use farthing_actors::sessions::PasswordHash;
use ring::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use zeroize::Zeroizing;

const PREFIX: &str = "$pbkdf2-sha256$";
/// What was advised when this was last the usual way, and about half a second's work today.
const ROUNDS: RangeInclusive<u32> = 10_000..=1_000_000;
const SALT: RangeInclusive<usize> = 8..=64;
/// One block of the function: more costs whoever checks and not whoever guesses.
const OUTPUT: usize = 32;
/// Far more than these need.
const MOST_BYTES: usize = 256;

/// One of them, read.
pub(super) struct Imported {
    rounds: NonZeroU32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Imported {
    /// Reads one strictly: what is not exactly this form is refused, and why is said.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let form = "must be $pbkdf2-sha256$i=ROUNDS,l=32$SALT$HASH, with salt and hash in base64 without padding";
        let rest = text.strip_prefix(PREFIX).filter(|_| text.len() <= MOST_BYTES).ok_or(form)?;
        let parts: Vec<_> = rest.split('$').collect();
        let [costs, salt, output] = parts.as_slice() else { return Err(form) };
        let rounds = costs.strip_suffix(",l=32").unwrap_or(costs).strip_prefix("i=").and_then(number).ok_or(form)?;
        let (salt, output) = (STANDARD_NO_PAD.decode(salt), STANDARD_NO_PAD.decode(output));
        let (salt, output) = (salt.map_err(|_| form)?, output.map_err(|_| form)?);
        if !ROUNDS.contains(&rounds.get()) {
            return Err("must have 10,000 to 1,000,000 rounds");
        }
        if !SALT.contains(&salt.len()) || output.len() != OUTPUT {
            return Err("must have a salt of 8 to 64 bytes, and 32 bytes of output");
        }
        Ok(Self { rounds, salt, output })
    }

    /// Whether the password has this hash.
    pub(super) fn matches(&self, password: &Secret) -> bool {
        let secret = password.expose().as_bytes();
        pbkdf2::verify(PBKDF2_HMAC_SHA256, self.rounds, &self.salt, secret, &self.output).is_ok()
    }

    pub(super) fn rounds(&self) -> u32 {
        self.rounds.get()
    }
}

/// A number as a program writes it: without sign and leading zeros.
fn number(text: &str) -> Option<NonZeroU32> {
    let is_plain = text.bytes().all(|digit| digit.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

/// A hash from elsewhere, as it is kept until its owner signs in.
///
/// # Errors
/// What is wrong with it, to be read after the field's name.
pub fn taken_in(text: &str) -> Result<PasswordHash, &'static str> {
    Imported::read(text).map(|_| PasswordHash(text.into()))
}

/// How many rounds a hash takes; none if it is one of ours.
pub fn rounds(PasswordHash(text): &PasswordHash) -> u32 {
    Imported::read(text).map_or(0, |imported| imported.rounds())
}

/// Does the work of so many rounds for nothing.
pub(super) fn idle(rounds: u32) {
    let mut nothing = Zeroizing::new([0; OUTPUT]);
    if let Some(rounds) = NonZeroU32::new(rounds) {
        pbkdf2::derive(PBKDF2_HMAC_SHA256, rounds, b"nothing", b"nothing", &mut *nothing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Python's hashlib.
    const HASH: &str = "$pbkdf2-sha256$i=10000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$ENyzSfRCn3573MCjbU2cJJcB+EJnhk/PxZGd+sOC4I0";
    const PASSWORD: &str = "seven plain words, kept in a row";

    #[test]
    fn what_another_program_hashed_is_compared() {
        let imported = Imported::read(HASH).unwrap();
        assert!(imported.matches(&Secret::new(PASSWORD)) && imported.rounds() == 10_000);
        assert!(!imported.matches(&Secret::new("seven plain words, kept in a rov")));
        assert!(Imported::read(&HASH.replace(",l=32", "")).unwrap().matches(&Secret::new(PASSWORD)));
        assert_eq!((rounds(&PasswordHash(HASH.into())), rounds(&PasswordHash("$argon2id$".into()))), (10_000, 0));
        assert_eq!(taken_in(HASH), Ok(PasswordHash(HASH.into())));
    }

    #[test]
    fn whatever_is_not_exactly_that_is_refused() {
        for (from, to) in [
            ("$pbkdf2-sha256$", "$pbkdf2-sha1$"),
            ("$pbkdf2-sha256$", "pbkdf2-sha256$"),
            ("i=10000", "i=9999"),
            ("i=10000", "i=1000001"),
            ("i=10000", "i=4294967296"),
            ("i=10000", "i=+10000"),
            ("i=10000", "i=010000"),
            ("i=10000", "10000"),
            ("l=32", "l=64"),
            (",l=32", ",l=32,x=1"),
            ("MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMw"),
            ("MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1Njc4OWFiY2RlZg=="),
            ("sOC4I0", "sOC4I0="),
            ("sOC4I0", "sOC4I1"),
            ("OC4I0", ""),
            ("ENyz", "$ENyz"),
            ("$MDEyMzQ1Njc4OWFiY2RlZg", ""),
        ] {
            let text = HASH.replace(from, to);
            assert!(text != HASH && taken_in(&text).is_err(), "{text}");
        }
        assert!(taken_in(&HASH.replace("MDEyMzQ1", &"MDEyMzQ1".repeat(40))).is_err());
    }
}
