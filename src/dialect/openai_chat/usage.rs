//! Usage as OpenAI-compatible providers report it, read into disjoint classes, and written for clients in OpenAI's
//! object.
//! Owns the vendors' different names for cached tokens, and the judgement whether figures are possible. Refuses to
//! repair: impossible figures are reported as such and the caller estimates.

use farthing_actors::domain::{Units, Usage};
use serde::Serialize;

use crate::dialect::canonical::Json;
use crate::dialect::members::{Member, Members};
use crate::dialect::usage::{Reading, apart, count, details, searches_told};

impl Reading {
    /// Reads the members `usage` and `x_groq` of an answer or a chunk; Groq may put usage in the latter alone.
    pub(super) fn of(usage: Option<Member<'_>>, x_groq: Option<Member<'_>>) -> Self {
        let present = |member: &Member<'_>| !member.is_null();
        let nested = || {
            x_groq.and_then(|groq| groq.members(&["usage"])).and_then(|groq| {
                let [usage] = groq.present();
                usage
            })
        };
        usage.filter(present).or_else(nested).map_or(Self::Absent, Self::of_object)
    }

    fn of_object(usage: Member<'_>) -> Self {
        let Some(object) = usage.members(&FIGURES) else {
            return Self::Insane("usage is not an object");
        };
        match (figures(object), searches_told(Some(usage))) {
            (Ok(Some(figures)), Ok(searches)) => Self::Figures(figures).searched(searches.unwrap_or(0)),
            (Ok(None), _) => Self::Absent,
            (Err(reason), _) | (_, Err(reason)) => Self::Insane(reason),
        }
    }
}

const FIGURES: [&str; 7] = [
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "prompt_tokens_details",
    "completion_tokens_details",
    "prompt_cache_hit_tokens",
    "cached_tokens",
];

/// The figures of a usage object, `None` if it has none; the reason if they are impossible.
fn figures(object: Members<'_, 7>) -> Result<Option<Usage>, &'static str> {
    if object.duplicate.is_some() {
        return Err("usage gives a figure twice");
    }
    let [prompt, completion, total, prompt_details, completion_details, hit, cached] = object.present();
    if prompt.is_none() && completion.is_none() {
        return Ok(None);
    }
    let prompt = count(prompt)?.ok_or("prompt_tokens is missing")?;
    let total = count(total)?;
    let [read, written, heard, seen] =
        details(prompt_details, &["cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens"])?;
    let [reasoning, spoken_aloud, drawn] =
        details(completion_details, &["reasoning_tokens", "audio_tokens", "image_tokens"])?;
    // One fact under three names: OpenAI's details, DeepSeek's and Moonshot's own members.
    let cache_read = read.or(count(hit)?).or(count(cached)?).unwrap_or(0);
    let cache_write_5m = written.unwrap_or(0);
    let cached = cache_read.saturating_add(cache_write_5m);
    prompt.checked_sub(cached).ok_or("more cached tokens than prompt tokens")?;
    let input = apart(prompt, cached, [heard, seen])?;
    let rest = || total.and_then(|total| total.checked_sub(prompt));
    let completion = count(completion)?.or_else(rest).ok_or("completion_tokens is missing")?;
    let reasoning = reasoning.unwrap_or(0);
    let output = spoken(completion, reasoning, total.and_then(|total| total.checked_sub(prompt)))?;
    let output = apart(output, 0, [spoken_aloud, drawn])?;
    let units = Units {
        audio_input: input.audio,
        image_input: input.image,
        audio_output: output.audio,
        image_output: output.image,
        ..Units::NONE
    };
    let (input, output) = (input.text, output.text);
    Ok(Some(Usage { input, cache_read, cache_write_5m, output, reasoning, units, ..Usage::default() }))
}

/// Output without reasoning. xAI leaves reasoning out of `completion_tokens`, and its total says so; all others count
/// it in. `generated` is the total without the prompt.
fn spoken(completion: u64, reasoning: u64, generated: Option<u64>) -> Result<u64, &'static str> {
    if generated == Some(completion.saturating_add(reasoning)) {
        return Ok(completion);
    }
    completion.checked_sub(reasoning).ok_or("more reasoning tokens than completion tokens")
}

/// The usage object of an answer, in OpenAI's form: the prompt counts cached tokens, completion counts reasoning.
#[derive(Debug, Serialize)]
pub(super) struct Object {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
    #[serde(skip_serializing_if = "Option::is_none")]
    farthing: Option<Json>,
}

#[derive(Debug, Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    audio_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    image_tokens: u64,
}

#[derive(Debug, Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    audio_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    image_tokens: u64,
}

impl Object {
    /// The object for a reading, with `farthing` (JSON) as a member; `None` where there are no figures.
    pub(super) fn of(reading: Reading, farthing: Option<&str>) -> Option<Self> {
        let Reading::Figures(usage) = reading else { return None };
        Some(Self {
            prompt_tokens: usage.prompt(),
            completion_tokens: usage.generated(),
            total_tokens: usage.total(),
            prompt_tokens_details: PromptDetails {
                cached_tokens: usage.cache_read,
                cache_write_tokens: usage.cache_write_5m.saturating_add(usage.cache_write_1h),
                audio_tokens: usage.units.audio_input,
                image_tokens: usage.units.image_input,
            },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: usage.reasoning,
                audio_tokens: usage.units.audio_output,
                image_tokens: usage.units.image_output,
            },
            farthing: farthing.and_then(Json::parse),
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests;
