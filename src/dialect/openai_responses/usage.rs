//! Usage in the words of Responses, to disjoint classes and back.
//! Owns which figures contain which, and the judgement whether they are possible. Refuses to repair: impossible figures
//! are reported as such and the caller estimates.

use farthing_actors::domain::Usage;
use serde::Serialize;

use crate::dialect::canonical::Json;
use crate::dialect::members::{Member, Members};
use crate::dialect::usage::{Reading, count, details};

const FIGURES: [&str; 5] =
    ["input_tokens", "output_tokens", "total_tokens", "input_tokens_details", "output_tokens_details"];

/// The usage object of an answer, as it is written.
#[derive(Debug, Serialize)]
pub(super) struct UsageObject {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    farthing: Option<Json>,
}

#[derive(Debug, Serialize)]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Debug, Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

/// Reads the member `usage` of a response object.
pub(super) fn read(usage: Option<Member<'_>>) -> Reading {
    let Some(usage) = usage.filter(|usage| !usage.is_null()) else { return Reading::Absent };
    let Some(object) = usage.members(&FIGURES) else { return Reading::Insane("usage is not an object") };
    match figures(object) {
        Ok(Some(usage)) => Reading::Figures(usage),
        Ok(None) => Reading::Absent,
        Err(reason) => Reading::Insane(reason),
    }
}

/// The usage object for a client, with `farthing` (one line of JSON) in it; `None` without figures.
pub(super) fn write(reading: Reading, farthing: Option<&str>) -> Option<UsageObject> {
    let Reading::Figures(usage) = reading else { return None };
    let cache_write_tokens = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
    Some(UsageObject {
        input_tokens: usage.prompt(),
        input_tokens_details: InputDetails { cached_tokens: usage.cache_read, cache_write_tokens },
        output_tokens: usage.generated(),
        output_tokens_details: OutputDetails { reasoning_tokens: usage.reasoning },
        total_tokens: usage.total(),
        farthing: farthing.and_then(Json::parse),
    })
}

/// The figures of a usage object, `None` if it has none; the reason if they are impossible.
fn figures(object: Members<'_, 5>) -> Result<Option<Usage>, &'static str> {
    if object.duplicate.is_some() {
        return Err("usage gives a figure twice");
    }
    let [prompt, generated, total, prompt_details, generated_details] = object.present();
    if prompt.is_none() && generated.is_none() {
        return Ok(None);
    }
    let prompt = count(prompt)?.ok_or("input_tokens is missing")?;
    let total = count(total)?;
    let [read, written] = details(prompt_details, &["cached_tokens", "cache_write_tokens"])?;
    let [reasoning] = details(generated_details, &["reasoning_tokens"])?;
    let (cache_read, cache_write_5m) = (read.unwrap_or(0), written.unwrap_or(0));
    let cached = cache_read.saturating_add(cache_write_5m);
    let input = prompt.checked_sub(cached).ok_or("more cached tokens than input tokens")?;
    let rest = || total.and_then(|total| total.checked_sub(prompt));
    let generated = count(generated)?.or_else(rest).ok_or("output_tokens is missing")?;
    let reasoning = reasoning.unwrap_or(0);
    let output = generated.checked_sub(reasoning).ok_or("more reasoning tokens than output tokens")?;
    Ok(Some(Usage { input, cache_read, cache_write_5m, cache_write_1h: 0, output, reasoning, ..Usage::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::members;

    fn of(usage: &str) -> Reading {
        let text = format!(r#"{{"usage":{usage}}}"#);
        let [usage] = members::read(&text, &["usage"]).unwrap().values;
        read(usage)
    }

    #[test]
    fn figures_are_told_apart_and_put_together_again() {
        let usage = Usage {
            input: 10,
            cache_read: 60,
            cache_write_5m: 30,
            cache_write_1h: 0,
            output: 5,
            reasoning: 15,
            ..Usage::default()
        };
        let text = concat!(
            r#"{"input_tokens":100,"input_tokens_details":{"cached_tokens":60,"cache_write_tokens":30},"#,
            r#""output_tokens":20,"output_tokens_details":{"reasoning_tokens":15},"total_tokens":120"#
        );
        assert_eq!(of(&format!("{text}}}")), Reading::Figures(usage));
        let written = serde_json::to_string(&write(Reading::Figures(usage), Some("{\"a\":1}"))).unwrap();
        assert_eq!(written, format!(r#"{text},"farthing":{{"a":1}}}}"#));
        assert!(write(Reading::Absent, Some("{}")).is_none());
    }

    #[test]
    fn silence_zero_and_nonsense_are_three_things() {
        for usage in ["null", "{}", r#"{"input_tokens":null,"total_tokens":3}"#] {
            assert_eq!(of(usage), Reading::Absent, "{usage}");
        }
        let zero = r#"{"input_tokens":0,"output_tokens":0,"input_tokens_details":null}"#;
        assert_eq!(of(zero), Reading::Figures(Usage::default()));
        for usage in [
            "[]",
            "7",
            r#"{"input_tokens":-1,"output_tokens":0}"#,
            r#"{"input_tokens":1.5,"output_tokens":0}"#,
            r#"{"input_tokens":"1","output_tokens":0}"#,
            r#"{"input_tokens":1,"output_tokens":900000000}"#,
            r#"{"input_tokens":1,"input_tokens":2,"output_tokens":0}"#,
            r#"{"input_tokens":1,"output_tokens":0,"input_tokens_details":{"cached_tokens":2}}"#,
            r#"{"input_tokens":1,"output_tokens":1,"output_tokens_details":{"reasoning_tokens":2}}"#,
            r#"{"input_tokens":1}"#,
        ] {
            assert!(matches!(of(usage), Reading::Insane(_)), "{usage}: {:?}", of(usage));
        }
    }
}
