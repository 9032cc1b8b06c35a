//! Sound: how long it is, before and after somebody has listened.
//! Owns what a WAV header says, what is assumed of all other formats, and what sound is in tokens. Refuses to decode.

use farthing_actors::domain::Units;

use crate::dialect::head::Measure;

/// Bytes of a millisecond at the least: 8 kbit/s, below which no speech codec is used that providers take.
const BYTES_AT_LEAST: u64 = 1;
/// Bytes of a millisecond, likely: 32 kbit/s. Most uploads have more, so that this errs towards longer sound.
const BYTES_LIKELY: u64 = 4;
/// Milliseconds of a token of sound that is heard, likely (OpenAI, guide to audio costs: ten a second), and at the least.
const TOKEN_LIKELY: u64 = 100;
/// As [`TOKEN_LIKELY`].
const TOKEN_AT_LEAST: u64 = 50;
/// Milliseconds of a token of sound that is made (gpt-4o-mini-tts: $12 a million tokens, about $0.015 a minute).
const TOKEN_MADE: u64 = 50;
/// Tokens of text that a second of speech becomes, at most, and what may stand around them.
const WORDS_A_SECOND: u64 = 8;
/// As [`WORDS_A_SECOND`].
const WORDS_AROUND: u64 = 256;
/// A duration beyond this (a hundred hours) is a fault of the provider.
const ABSURD_MS: u64 = 360_000_000;

/// What a file of sound is to whoever listens. Both figures are the same where its header tells how long it is.
pub(super) fn measure(file: &[u8]) -> Measure {
    let size = u64::try_from(file.len()).unwrap_or(u64::MAX);
    let [most, likely] = wav(file).unwrap_or([size / BYTES_AT_LEAST, size.div_ceil(BYTES_LIKELY)]);
    let most = Units { audio_ms: most, audio_input: most.div_ceil(TOKEN_AT_LEAST), ..Units::NONE };
    Measure { most, likely: heard(likely) }
}

/// What sound of this length likely is, where nobody says.
pub fn heard(audio_ms: u64) -> Units {
    Units { audio_ms, audio_input: audio_ms.div_ceil(TOKEN_LIKELY), ..Units::NONE }
}

/// What sound of this length is to whoever makes it.
pub(super) fn made(audio_ms: u64) -> Units {
    Units { audio_ms, audio_output: audio_ms.div_ceil(TOKEN_MADE), ..Units::NONE }
}

/// The tokens of text that speech of this length becomes at most.
pub(super) fn words(audio_ms: u64) -> u64 {
    audio_ms.div_ceil(1_000).saturating_mul(WORDS_A_SECOND).saturating_add(WORDS_AROUND)
}

/// Milliseconds of a WAV file without compression: if all of its bytes are sound, and as its header says.
fn wav(file: &[u8]) -> Option<[u64; 2]> {
    let mut rest = file.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
    let mut rate = None;
    loop {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (size, after) = after.split_first_chunk::<4>()?;
        let size = u32::from_le_bytes(*size);
        let length = usize::try_from(size).ok()?;
        if name == b"data" {
            let there = u64::try_from(after.len()).ok()?;
            // Whoever writes while recording does not know the size yet.
            let told = if size == 0 || size == u32::MAX { there } else { u64::from(size).min(there) };
            return Some([lasting(there, rate?), lasting(told, rate?)]);
        }
        if name == b"fmt " {
            rate = Some(bytes_a_second(after.get(..length)?)?);
        }
        rest = after.get(length.saturating_add(length % 2)..)?;
    }
}

fn lasting(bytes: u64, a_second: u64) -> u64 {
    bytes.saturating_mul(1_000).div_ceil(a_second)
}

/// Rate × channels × bits of whole or floating-point samples.
fn bytes_a_second(format: &[u8]) -> Option<u64> {
    let (coding, rest) = format.split_first_chunk::<2>()?;
    let (channels, rest) = rest.split_first_chunk::<2>()?;
    let (rate, rest) = rest.split_first_chunk::<4>()?;
    let bits = rest.get(6..)?.first_chunk::<2>()?;
    let (channels, bits) = (u64::from(u16::from_le_bytes(*channels)), u64::from(u16::from_le_bytes(*bits)));
    let rate = u64::from(u32::from_le_bytes(*rate));
    let sane = matches!(u16::from_le_bytes(*coding), 1 | 3)
        && (1..=32).contains(&channels)
        && (1..=768_000).contains(&rate)
        && [8, 16, 24, 32, 64].contains(&bits);
    sane.then(|| rate.saturating_mul(channels).saturating_mul(bits / 8))
}

/// A number of seconds, as JSON writes it, in milliseconds, rounded up.
pub(super) fn millis(seconds: &str) -> Result<u64, &'static str> {
    const WRONG: &str = "a duration is not a number of seconds";
    let (mantissa, exponent) = seconds.split_once(['e', 'E']).unwrap_or((seconds, "0"));
    let exponent: i64 = exponent.parse().map_err(|_| WRONG)?;
    let (units, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if units.is_empty() || !units.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return Err(WRONG);
    }
    let places = i64::try_from(units.len()).unwrap_or(i64::MAX).saturating_add(exponent).saturating_add(3);
    let digits = units.bytes().chain(fraction.bytes());
    let mut ms = 0_u64;
    let mut beyond = false;
    for (place, digit) in (0_i64..).zip(digits) {
        if place < places {
            ms = ms.saturating_mul(10).saturating_add(u64::from(digit.saturating_sub(b'0')));
        } else {
            beyond |= digit != b'0';
        }
    }
    let written = i64::try_from(units.len().saturating_add(fraction.len())).unwrap_or(i64::MAX);
    let missing = u32::try_from(places.saturating_sub(written).max(0)).unwrap_or(u32::MAX);
    let ms = if ms == 0 { 0 } else { ms.saturating_mul(10_u64.saturating_pow(missing)) };
    let ms = ms.saturating_add(u64::from(beyond));
    if ms > ABSURD_MS { Err("a duration is longer than a hundred hours") } else { Ok(ms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(size: u32, bytes: usize) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0\x01\0\x02\0".to_vec();
        file.extend(16_000_u32.to_le_bytes());
        file.extend(64_000_u32.to_le_bytes());
        file.extend(b"\x04\0\x10\0data");
        file.extend(size.to_le_bytes());
        file.resize(file.len() + bytes, 1);
        file
    }

    #[test]
    fn a_wav_header_tells_how_long_it_is() {
        let of = |size, bytes| wav(&wave(size, bytes));
        assert_eq!(of(96_000, 96_000), Some([1_500, 1_500]));
        assert_eq!(of(64, 96_000), Some([1_500, 1]), "a hold is for all there is");
        assert_eq!(of(u32::MAX, 64_001), Some([1_001, 1_001]));
        let exact = measure(&wave(0, 6_400));
        assert_eq!((exact.most.audio_ms, exact.likely), (100, Units { audio_ms: 100, audio_input: 1, ..Units::NONE }));
        let mut compressed = wave(0, 6_400);
        let coding = compressed.windows(4).position(|four| four == b"fmt ").unwrap() + 8;
        compressed[coding] = 0x55;
        assert_eq!(wav(&compressed), None);
        for end in 0..wave(0, 0).len() {
            assert_eq!(wav(&wave(0, 0)[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn other_sound_is_guessed_by_its_size() {
        let guessed = measure(&[0; 4_000]);
        assert_eq!((guessed.most.audio_ms, guessed.likely.audio_ms), (4_000, 1_000));
        assert_eq!((guessed.most.audio_input, guessed.likely.audio_input), (80, 10));
        assert_eq!(words(60_000), 736);
    }

    #[test]
    fn seconds_are_exact_and_rounded_up() {
        for (seconds, ms) in [
            ("9", Ok(9_000)),
            ("8.470000267028809", Ok(8_471)),
            ("0.0", Ok(0)),
            ("1.5e1", Ok(15_000)),
            ("15E-1", Ok(1_500)),
            ("1e-9", Ok(1)),
            ("0e99999", Ok(0)),
            ("360000", Ok(360_000_000)),
        ] {
            assert_eq!(millis(seconds), ms, "{seconds}");
        }
        for wrong in ["-1", "\"9\"", "true", "1e99", "360000.001", ".5", "1e", ""] {
            assert!(millis(wrong).is_err(), "{wrong}");
        }
    }
}
