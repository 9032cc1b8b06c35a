//! Speech: text that is read aloud.
//! Owns what reading takes, before and after: characters, which can be counted, and sound, which only the provider
//! measures. Refuses events: the sound comes as it is.

use farthing_actors::domain::Units;

use super::sound;
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::head::Measure;

/// Milliseconds of a character read aloud, likely: fourteen characters a second, as English is read.
const CHARACTER_LIKELY: u64 = 70;
/// The same at most: two characters a second, as numbers and ideographs are read when slowly.
const CHARACTER_MOST: u64 = 500;
/// What may come before and after, at most.
const AROUND: u64 = 1_000;

/// What a request for speech takes. Characters are Unicode scalar values of `input`.
///
/// # Errors
/// An input that is no text, or a wish for events.
pub(super) fn measure(body: &[u8]) -> Result<Measure, RequestFault> {
    let [input, format] = fields::open(body, &["input", "stream_format"])?.values;
    if format.and_then(|format| format.string()).is_some_and(|format| format == "sse") {
        return Err(RequestFault::unsupported("stream_format", "sound comes as it is here; leave it out"));
    }
    let input = input.and_then(|input| input.string()).filter(|input| !input.is_empty());
    let input = input.ok_or_else(|| RequestFault::invalid_type("input", "must be a string that is not empty"))?;
    let characters = u64::try_from(input.chars().count()).unwrap_or(u64::MAX);
    let lasting = |ms: u64| Units { characters, ..sound::made(ms) };
    let most = characters.saturating_mul(CHARACTER_MOST).saturating_add(AROUND);
    Ok(Measure { most: lasting(most), likely: lasting(characters.saturating_mul(CHARACTER_LIKELY)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_and_sound_is_guessed() {
        let measure = measure(r#"{"input":"Å\n\ud83d\ude00x","stream_format":"audio"}"#.as_bytes()).unwrap();
        let of = |audio_ms, audio_output| Units { characters: 4, audio_ms, audio_output, ..Units::NONE };
        assert_eq!((measure.likely, measure.most), (of(280, 6), of(3_000, 60)));
    }

    #[test]
    fn faults_name_the_field() {
        for (body, param) in [
            (r#"{"input":["a"]}"#, "input"),
            (r#"{"input":""}"#, "input"),
            (r#"{"input":"a","stream_format":"sse"}"#, "stream_format"),
        ] {
            assert_eq!(measure(body.as_bytes()).unwrap_err().param.as_deref(), Some(param), "{body}");
        }
    }
}
