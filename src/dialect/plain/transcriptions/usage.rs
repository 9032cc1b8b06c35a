//! What a transcription says it took: tokens, seconds, or both.
//! Owns the three places where providers say it. Refuses to guess: what is missing is the relay's to add.

use farthing_actors::domain::{Units, Usage};

use crate::dialect::members::{self, Member};
use crate::dialect::plain::sound::millis;
use crate::dialect::usage::{Reading, apart, count, details};

const FIGURES: [&str; 8] = [
    "input_tokens",
    "output_tokens",
    "input_token_details",
    "seconds",
    // Mistral's names.
    "prompt_tokens",
    "completion_tokens",
    "prompt_audio_seconds",
    "prompt_tokens_details",
];

/// What an answer says. Only JSON says anything.
pub(in crate::dialect::plain) fn usage(body: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(body);
    let [usage, duration] = members::read(&text, &["usage", "duration"]).map_or([None; 2], members::Members::present);
    match figures(usage, duration) {
        Ok(usage) if usage.is_nothing() => Reading::Absent,
        Ok(usage) => Reading::Figures(usage),
        Err(reason) => Reading::Insane(reason),
    }
}

/// What was heard is sound unless the details say otherwise. The bill is in `usage`; `duration` only describes.
fn figures(usage: Option<Member<'_>>, duration: Option<Member<'_>>) -> Result<Usage, &'static str> {
    let described = || duration.map_or(Ok(0), |duration| millis(described(&duration)));
    let Some(usage) = usage else { return Ok(of_sound(described()?)) };
    let object = usage.members(&FIGURES).ok_or("usage is not an object")?;
    if object.duplicate.is_some() {
        return Err("usage gives a figure twice");
    }
    let [input, output, of_input, seconds, prompt, completion, heard, of_prompt] = object.present();
    let heard_tokens = count(input.or(prompt))?.unwrap_or(0);
    let [audio, cached] = details(of_input.or(of_prompt), &["audio_tokens", "cached_tokens"])?;
    let cache_read = cached.unwrap_or(0);
    heard_tokens.checked_sub(cache_read).ok_or("more cached tokens than input tokens")?;
    let input = apart(heard_tokens, cache_read, [audio.or(Some(heard_tokens)), None])?;
    let output = count(output.or(completion))?.unwrap_or(0);
    let audio_ms = match seconds.or(heard) {
        Some(seconds) => millis(seconds.text)?,
        None => described()?,
    };
    let units = Units { audio_input: input.audio, audio_ms, ..Units::NONE };
    Ok(Usage { input: input.text, cache_read, output, units, ..Usage::default() })
}

fn of_sound(audio_ms: u64) -> Usage {
    Usage { units: Units { audio_ms, ..Units::NONE }, ..Usage::default() }
}

/// Some servers write the duration as a string.
fn described<'a>(duration: &Member<'a>) -> &'a str {
    duration.text.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_seconds_are_read() {
        let sound = |audio_ms| Reading::Figures(of_sound(audio_ms));
        let tokens =
            Usage { input: 4, output: 20, units: Units { audio_input: 30, ..Units::NONE }, ..Usage::default() };
        let mistral = Usage {
            output: 42,
            units: Units { audio_input: 150, audio_ms: 30_000, ..Units::NONE },
            ..Usage::default()
        };
        for (body, reading) in [
            (
                r#"{"usage":{"type":"tokens","input_tokens":34,"output_tokens":20,"total_tokens":54,
                "input_token_details":{"text_tokens":4,"audio_tokens":30}}}"#,
                Reading::Figures(tokens),
            ),
            (r#"{"usage":{"type":"duration","seconds":9},"duration":8.47}"#, sound(9_000)),
            (r#"{"task":"transcribe","duration":8.470000267028809}"#, sound(8_471)),
            (r#"{"duration":"8.5"}"#, sound(8_500)),
            (
                r#"{"usage":{"prompt_audio_seconds":30,"prompt_tokens":150,"completion_tokens":42}}"#,
                Reading::Figures(mistral),
            ),
            (r#"{"text":"hi"}"#, Reading::Absent),
            ("1\n00:00:00 --> 00:00:01\nhi", Reading::Absent),
        ] {
            assert_eq!(usage(body.as_bytes()), reading, "{body}");
        }
        for body in [
            r#"{"usage":7}"#,
            r#"{"duration":-1}"#,
            r#"{"usage":{"seconds":1e9}}"#,
            r#"{"usage":{"input_tokens":1.5}}"#,
            r#"{"usage":{"input_tokens":1,"input_token_details":{"audio_tokens":2}}}"#,
        ] {
            assert!(matches!(usage(body.as_bytes()), Reading::Insane(_)), "{body}");
        }
    }
}
