//! Samples: secrets that somebody copied instead of making them. Owns the rules, which look at how a text or key is built: words that
//! stand for "put yours here", one part over and over, characters that count up or down. Refuses to judge what is random: none of the
//! rules meets one in 10⁸ of `openssl rand -base64 32`, which a test draws.

use std::collections::BTreeSet;

use super::fault::Problem;
use super::secrets::NEW_KEY;

/// What samples are made of. Long enough that a random text does not contain one.
const PARTS: [&str; 15] = [
    "changeme",
    "change-me",
    "change_me",
    "changethis",
    "placeholder",
    "password",
    "example",
    "replace-",
    "replaceme",
    "insecure",
    "secretkey",
    "secret-key",
    "secret_key",
    "yoursecret",
    "qwertyuiop",
];
/// Words of samples: of two that stand alone between other characters, neither is chance.
const WORDS: [&str; 24] = [
    "your",
    "change",
    "changed",
    "here",
    "secret",
    "key",
    "token",
    "sample",
    "example",
    "default",
    "dummy",
    "fake",
    "test",
    "testing",
    "demo",
    "production",
    "development",
    "insert",
    "replace",
    "random",
    "string",
    "super",
    "must",
    "please",
];
const LEAST_WORDS: usize = 2;
/// A random text of 32 characters has far more; `aaaa…` and `abababab…` have fewer.
const LEAST_DISTINCT: usize = 6;
/// How far apart characters may be that count: `0011223344…` counts with every second one.
const STRIDES: std::ops::RangeInclusive<usize> = 1..=4;

/// A fault where the text has a part that only samples have; what is chosen by a person or elsewhere is judged by this alone.
pub(super) fn refuse_parts(text: &str) -> Result<(), Problem> {
    let text = text.to_lowercase();
    PARTS.iter().find(|part| text.contains(**part)).map_or(Ok(()), |part| Err(sample(part)))
}

/// A fault where what should be random has a part or words of a sample.
pub(super) fn refuse_words(text: &str) -> Result<(), Problem> {
    refuse_parts(text)?;
    let text = text.to_lowercase();
    let words = text.split(|character: char| !character.is_alphanumeric()).filter(|word| WORDS.contains(word));
    let words: BTreeSet<_> = words.collect();
    if words.len() >= LEAST_WORDS { words.first().map_or(Ok(()), |word| Err(sample(word))) } else { Ok(()) }
}

fn sample(word: &str) -> Problem {
    Problem::new(format!("it is a sample: it contains {word:?}"), NEW_KEY)
}

/// A fault where there are hardly any different bytes.
pub(super) fn refuse_few(bytes: &[u8]) -> Result<(), Problem> {
    let distinct = bytes.iter().collect::<BTreeSet<_>>().len();
    if distinct >= LEAST_DISTINCT { Ok(()) } else { Err(Problem::new("it repeats a few characters", NEW_KEY)) }
}

/// A fault where the bytes follow a rule that people write by hand.
pub(super) fn refuse_patterns(bytes: &[u8]) -> Result<(), Problem> {
    refuse_few(bytes)?;
    let what = if repeats(bytes) {
        "it is a sample: it is one part over and over"
    } else if STRIDES.into_iter().any(|stride| counts(bytes, stride)) {
        "it is a sample: its characters count up or down"
    } else {
        return Ok(());
    };
    Err(Problem::new(what, NEW_KEY))
}

/// Whether it is one part over and over.
pub(super) fn repeats<T: PartialEq>(items: &[T]) -> bool {
    let is_period = |period: usize| items.iter().zip(items.iter().skip(period)).all(|(one, other)| one == other);
    (1..=items.len() / 2).any(is_period)
}

/// Whether of every three that lie `stride` apart at least half are in steps of one size.
fn counts(bytes: &[u8], stride: usize) -> bool {
    let (seconds, thirds) = (bytes.iter().skip(stride), bytes.iter().skip(2 * stride));
    let threes = || bytes.iter().zip(seconds.clone()).zip(thirds.clone());
    let is_even = |((one, two), three): &((&u8, &u8), &u8)| two.wrapping_sub(**one) == three.wrapping_sub(**two);
    let even = threes().filter(is_even).count();
    even > 0 && 2 * even >= threes().count()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    fn is_refused(text: &str) -> bool {
        refuse_words(text).is_err() || refuse_patterns(text.as_bytes()).is_err()
    }

    #[test]
    fn samples_are_refused_however_they_are_written() {
        let alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
        for sample in [
            "your-secret-key-here-change-in-production",
            "YOUR SECRET KEY HERE, 32 CHARACTERS OR MORE",
            "please.change.this.before.you.start.it",
            "super_secret_token_for_testing_1234567",
            "mysupersecretkeythatis32bytes!!!",
            "0123456789abcdef0123456789abcdef",
            "12345678901234567890123456789012",
            "deadbeefdeadbeefdeadbeefdeadbeef",
            "00112233445566778899aabbccddeeff",
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "fedcba9876543210fedcba9876543210",
            "zyxwvutsrqponmlkjihgfedcba987654",
            "QWERTYUIOPasdfghjklZXCVBNM123456",
            alphabet,
        ] {
            assert!(is_refused(sample), "{sample}");
        }
        for bytes in [std::array::from_fn(|index| u8::try_from(index).unwrap()), *b"0123456789abcdefghijklmnopqrstuv"] {
            assert!(refuse_patterns(&bytes as &[u8; 32]).is_err(), "{bytes:?}");
        }
    }

    /// No rule meets what is random, in any of the forms in which keys are made.
    #[test]
    fn what_is_random_is_never_a_sample() {
        for _ in 0..20_000 {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).unwrap();
            assert!(refuse_patterns(&bytes).is_ok(), "{bytes:?}");
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let short = hex.get(..32).unwrap().to_owned();
            for text in [STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes), hex, short] {
                assert!(!is_refused(&text), "{text}");
            }
        }
    }

    /// The words that stand alone need a mark on both sides, so one of them is rare; two are not seen in as many as can be drawn.
    #[test]
    fn one_word_of_a_sample_is_no_sample() {
        assert!(!is_refused("k3Jm9QxW2pLr-key-8VnT5bYc7ZdF4gHs6AeU"));
        assert!(is_refused("k3Jm9QxW2pLr-key-8VnT5bYc7ZdF4gHs6AeU-secret"));
    }
}
