//! The master key's two forms: 32 bytes in base64, or a passphrase beside a salt. Owns telling them apart, by the text alone, and
//! what makes a passphrase or a salt too weak. Refuses to make a key of a passphrase: the floor of security does.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::fault::Problem;
use super::secrets::{NEW_KEY, refuse_repetition, refuse_samples};

const KEY_BYTES: usize = 32;
/// Whoever has the database guesses at home, and all day: a passphrase must be longer than a password.
const LEAST_CHARACTERS: usize = 20;
const MOST_CHARACTERS: usize = 256;
/// A few words in a row have more.
const LEAST_DISTINCT: usize = 8;
/// What Argon2 advises, and what the older system had.
const LEAST_SALT_BYTES: usize = 16;
const MOST_SALT_BYTES: usize = 64;

const NEW_PASSPHRASE: &str = "choose six random words or more, or make a key with `openssl rand -base64 32`";
const NEW_SALT: &str = "make one with `openssl rand -hex 16`, and keep it with the passphrase";

/// The key itself, where the text is of the first form: 32 bytes in base64, standard alphabet, padded. Every other text is a
/// passphrase, or nothing.
pub fn bytes(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

/// The bytes of a salt: pairs of hexadecimal digits.
pub fn salt(text: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| text.as_bytes().chunks(2).map(pair).collect())?
}

/// A key, where there is no salt.
pub(super) fn judge_key(text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::new("it is empty", NEW_KEY));
    }
    refuse_samples(text)?;
    match STANDARD.decode(text) {
        Ok(bytes) if bytes.len() == KEY_BYTES => refuse_repetition(&bytes),
        Ok(bytes) => Err(no_key(&format!("it is {} bytes long, not {KEY_BYTES}", bytes.len()))),
        Err(_) => Err(no_key("it is not base64 with padding")),
    }
}

fn no_key(what: &str) -> Problem {
    Problem::new(what, format!("{NEW_KEY}; if it is a passphrase, set PERSISTENT_ENCRYPTION_SALT beside it"))
}

/// A key or a passphrase, where there is a salt.
pub(super) fn judge_either(text: &str) -> Result<(), Problem> {
    if bytes(text).is_some() || text.trim().is_empty() {
        return judge_key(text);
    }
    refuse_samples(text)?;
    let characters = text.chars().count();
    let distinct = text.chars().collect::<BTreeSet<_>>().len();
    let what = if characters < LEAST_CHARACTERS {
        format!("it is a passphrase of fewer than {LEAST_CHARACTERS} characters")
    } else if characters > MOST_CHARACTERS {
        format!("it is a passphrase of more than {MOST_CHARACTERS} characters")
    } else if text.trim() != text || text.chars().any(char::is_control) {
        "it is a passphrase that begins or ends with a space, or has a control character".to_owned()
    } else if distinct < LEAST_DISTINCT || repeats(text) {
        "it is a passphrase that repeats itself".to_owned()
    } else {
        return Ok(());
    };
    Err(Problem::new(what, NEW_PASSPHRASE))
}

/// Whether it is one part over and over.
fn repeats(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    let is_period = |period: usize| letters.iter().zip(letters.iter().skip(period)).all(|(one, other)| one == other);
    (1..=letters.len() / 2).any(is_period)
}

pub(super) fn judge_salt(text: &str) -> Result<(), Problem> {
    let Some(bytes) = salt(text) else { return Err(Problem::new("it is not an even number of hex digits", NEW_SALT)) };
    if !(LEAST_SALT_BYTES..=MOST_SALT_BYTES).contains(&bytes.len()) {
        let what = format!("it is {} bytes long, not {LEAST_SALT_BYTES} to {MOST_SALT_BYTES}", bytes.len());
        return Err(Problem::new(what, NEW_SALT));
    }
    refuse_repetition(&bytes).map_err(|problem| Problem::new(problem.what, NEW_SALT))
}

/// What is wrong with a passphrase of words that everybody tries first. Only a new one is refused for it: the list of such words may
/// grow, and a database that is under one must start.
pub fn too_easy() -> Problem {
    Problem::new("it is a passphrase of words that everybody tries first", NEW_PASSPHRASE)
}

/// What is wrong with a salt beside keys that need none: one of them is not what somebody thinks it is.
pub(super) fn needless_salt() -> Problem {
    let what = "it is set, and no master key is a passphrase: 32 bytes in base64 are the key itself";
    Problem::new(what, "take it away, or give the passphrase it belongs to")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=";
    const WORDS: &str = "six plain words of a passphrase here";

    #[test]
    fn the_text_alone_tells_a_key_from_a_passphrase() {
        assert_eq!(bytes(KEY).as_deref(), Some(b"0123456789abcdefghijklmnopqrstuv"));
        for passphrase in [WORDS, KEY.trim_end_matches('='), KEY.split_at(1).1, "correcthorsebatterystaple=="] {
            assert_eq!(bytes(passphrase), None, "{passphrase}");
        }
        assert_eq!(judge_key(KEY), Ok(()));
        assert_eq!(judge_either(KEY), Ok(()));
        assert_eq!(judge_either(WORDS), Ok(()));
        assert!(judge_key(WORDS).unwrap_err().hint.contains("PERSISTENT_ENCRYPTION_SALT"));
    }

    #[test]
    fn passphrases_that_can_be_guessed_are_refused() {
        let long = format!("{WORDS} {}", "and so on ".repeat(30));
        for weak in [
            "",
            "nineteen characters",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabcabcabc",
            "horse battery horse battery ",
            "horsebattery horsebattery ",
            "abcdefgh1abcdefgh1abcdefgh1",
            " six plain words of a passphrase",
            "six plain words\tof a passphrase",
            "changeme changeme to six words",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            &long,
        ] {
            assert!(judge_either(weak).is_err(), "{weak:?}");
        }
    }

    #[test]
    fn a_salt_is_sixteen_bytes_or_more_in_hex() {
        let sound = "000102030405060708090a0b0c0d0E0F";
        assert_eq!(salt(sound).unwrap(), (0..16).collect::<Vec<u8>>());
        assert_eq!(judge_salt(sound), Ok(()));
        for weak in
            ["", "0", "xx", "000102030405060708090a0b0c0d0e", "000102030405060708090a0b0c0d0e0", &"ab".repeat(16)]
        {
            assert!(judge_salt(weak).is_err(), "{weak:?}");
        }
        assert!(judge_salt(&"0123456789abcdef".repeat(9)).is_err(), "too long");
        assert_eq!(salt("+1+1+1+1"), None, "a sign is no digit");
    }
}
