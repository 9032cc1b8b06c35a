//! Pictures: what making them takes, before and after.
//! Owns the bound for a hold, and the two ways providers bill: by the token, which the answer reports, or by the picture,
//! which can be counted in it. Refuses to stream: a picture comes whole.

use farthing_actors::domain::{Units, Usage};
use serde::de::IgnoredAny;

use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::head::Measure;
use crate::dialect::members::{self, Member};
use crate::dialect::usage::{Reading, apart, count, details};

/// The most pictures one request may ask for; OpenAI's own limit.
const MAX_PICTURES: u64 = 10;
/// Tokens of the largest picture (1536 × 1024 in high quality) and of a middling one (1024 × 1024 in medium), where they
/// are billed (OpenAI, guide to image generation, gpt-image-1, 2026-08).
const LARGEST: u64 = 6_240;
/// As [`LARGEST`].
const MIDDLING: u64 = 1_056;

const FIGURES: [&str; 4] = ["input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details"];

/// What a request for pictures takes.
///
/// # Errors
/// A number that cannot be, or a wish for a stream.
pub(super) fn measure(body: &[u8]) -> Result<Measure, RequestFault> {
    let [number, stream] = fields::open(body, &["n", "stream"])?.values;
    if fields::flag("stream", stream)? {
        return Err(RequestFault::unsupported("stream", "pictures come whole here; leave it out"));
    }
    let images = fields::whole("n", number, 1..=MAX_PICTURES)?.unwrap_or(1);
    Ok(Measure { most: drawn(images, LARGEST), likely: likely(images) })
}

/// What `images` pictures take where nobody says how large they are.
pub fn likely(images: u64) -> Units {
    drawn(images, MIDDLING)
}

fn drawn(images: u64, tokens: u64) -> Units {
    Units { images, image_output: images.saturating_mul(tokens), ..Units::NONE }
}

/// What an answer says: its figures and how many pictures it has.
pub(super) fn usage(body: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(body);
    let [usage, list] = members::read(&text, &["usage", "data"]).map_or([None; 2], members::Members::present);
    let list = list.and_then(|list| serde_json::from_str::<Vec<IgnoredAny>>(list.text).ok());
    let images = list.map(|list| u64::try_from(list.len()).unwrap_or(u64::MAX));
    match usage.map_or(Ok(None), figures) {
        Ok(Some(usage)) => {
            let units = Units { images: images.unwrap_or(0), ..usage.units };
            Reading::Figures(Usage { units, ..usage })
        }
        Ok(None) => images.map_or(Reading::Absent, Reading::Pictures),
        Err(reason) => Reading::Insane(reason),
    }
}

/// The figures of a usage object; `None` if it has none. All that is generated is pictures unless the details say otherwise.
fn figures(usage: Member<'_>) -> Result<Option<Usage>, &'static str> {
    let object = usage.members(&FIGURES).ok_or("usage is not an object")?;
    if object.duplicate.is_some() {
        return Err("usage gives a figure twice");
    }
    let [prompt, generated, of_prompt, of_generated] = object.present();
    let (prompt, generated) = (count(prompt)?, count(generated)?);
    if prompt.is_none() && generated.is_none() {
        return Ok(None);
    }
    let prompt = prompt.ok_or("input_tokens is missing")?;
    let generated = generated.ok_or("output_tokens is missing")?;
    let [seen, cached] = details(of_prompt, &["image_tokens", "cached_tokens"])?;
    let [drawn] = details(of_generated, &["image_tokens"])?;
    let cache_read = cached.unwrap_or(0);
    prompt.checked_sub(cache_read).ok_or("more cached tokens than input tokens")?;
    let input = apart(prompt, cache_read, [None, seen])?;
    let output = apart(generated, 0, [None, drawn.or(Some(generated))])?;
    let units = Units { image_input: input.image, image_output: output.image, ..Units::NONE };
    Ok(Some(Usage { input: input.text, cache_read, output: output.text, units, ..Usage::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_measured_before_they_are_made() {
        let of = |body: &str| measure(body.as_bytes());
        let most = Units { images: 3, image_output: 18_720, ..Units::NONE };
        assert_eq!(of(r#"{"n":3}"#).unwrap().most, most);
        assert_eq!(of(r#"{"n":null,"stream":false}"#).unwrap().likely.images, 1);
        for (body, param) in [(r#"{"n":0}"#, "n"), (r#"{"n":11}"#, "n"), (r#"{"stream":true}"#, "stream")] {
            assert_eq!(of(body).unwrap_err().param.as_deref(), Some(param), "{body}");
        }
    }

    #[test]
    fn tokens_are_read_and_pictures_counted() {
        let of = |body: &str| usage(body.as_bytes());
        let tokens = r#"{"data":[{},{}],"usage":{"input_tokens":50,"output_tokens":100,"total_tokens":150,
            "input_tokens_details":{"text_tokens":10,"image_tokens":40}}}"#;
        let units = Units { image_input: 40, image_output: 100, images: 2, ..Units::NONE };
        assert_eq!(of(tokens), Reading::Figures(Usage { input: 10, units, ..Usage::default() }));
        assert_eq!(of(r#"{"data":[{"url":"x"}]}"#), Reading::Pictures(1));
        assert_eq!(of(r#"{"data":[{}],"usage":{"cost_in_usd_ticks":7}}"#), Reading::Pictures(1));
        assert_eq!(of(r#"{"created":1}"#), Reading::Absent);
        for usage in [
            "7",
            r#"{"input_tokens":1}"#,
            r#"{"input_tokens":-1,"output_tokens":1}"#,
            r#"{"input_tokens":1,"output_tokens":1,"input_tokens_details":{"image_tokens":2}}"#,
            r#"{"input_tokens":1,"output_tokens":1,"output_tokens_details":{"image_tokens":2}}"#,
        ] {
            let body = format!(r#"{{"data":[],"usage":{usage}}}"#);
            assert!(matches!(of(&body), Reading::Insane(_)), "{body}");
        }
    }
}
