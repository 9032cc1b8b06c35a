//! Usage as Gemini reports it, to disjoint classes and back.
//! Owns what its figures include: the prompt includes cached tokens, candidates exclude thoughts, and the prompts of
//! hosted tools stand beside the prompt. Refuses to repair impossible figures.

use farthing_actors::domain::Usage;
use serde::Serialize;

use crate::dialect::canonical::Json;
use crate::dialect::members::{self, Members};
use crate::dialect::splice::json_string;
use crate::dialect::usage::{Reading, count};

const FIGURES: [&str; 6] = [
    "promptTokenCount",
    "candidatesTokenCount",
    "responseTokenCount",
    "thoughtsTokenCount",
    "toolUsePromptTokenCount",
    "cachedContentTokenCount",
];

/// What `usageMetadata` says.
pub(super) fn read(usage: Option<&Json>) -> Reading {
    let Some(usage) = usage else { return Reading::Absent };
    let Ok(object) = members::read(usage.text(), &FIGURES) else {
        return Reading::Insane("usageMetadata is not an object");
    };
    match figures(object) {
        Ok(Some(usage)) => Reading::Figures(usage),
        Ok(None) => Reading::Absent,
        Err(reason) => Reading::Insane(reason),
    }
}

/// The service tier that `usageMetadata` names.
pub(super) fn service_tier(usage: Option<&Json>) -> Option<String> {
    let [tier] = members::read(usage?.text(), &["serviceTier"]).ok()?.present();
    tier.and_then(|tier| tier.string()).filter(|tier| !tier.is_empty())
}

fn figures(object: Members<'_, 6>) -> Result<Option<Usage>, &'static str> {
    if object.duplicate.is_some() {
        return Err("usage gives a figure twice");
    }
    let mut counts = [None; 6];
    for (slot, figure) in counts.iter_mut().zip(object.present()) {
        *slot = count(figure)?;
    }
    let [prompt, candidates, response, thoughts, tools, cached] = counts;
    if counts.iter().all(Option::is_none) {
        return Ok(None);
    }
    let prompt = prompt.ok_or("promptTokenCount is missing")?;
    let cache_read = cached.unwrap_or(0);
    let input = prompt.checked_sub(cache_read).ok_or("more cached tokens than prompt tokens")?;
    Ok(Some(Usage {
        input: input.saturating_add(tools.unwrap_or(0)),
        cache_read,
        // A zero is often left out. The Live API has the other name.
        output: candidates.or(response).unwrap_or(0),
        reasoning: thoughts.unwrap_or(0),
        ..Usage::default()
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    prompt_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cached_content_token_count: u64,
    candidates_token_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    thoughts_token_count: u64,
    total_token_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
}

/// The `usageMetadata` for it, with `farthing` (one line of JSON) as its last member; `None` where nothing is known.
pub(super) fn write(reading: Reading, service_tier: Option<&str>, farthing: Option<&str>) -> Option<Json> {
    let Reading::Figures(usage) = reading else { return None };
    let metadata = Json::of(&Metadata {
        prompt_token_count: usage.prompt(),
        cached_content_token_count: usage.cache_read,
        candidates_token_count: usage.output,
        thoughts_token_count: usage.reasoning,
        total_token_count: usage.total(),
        service_tier,
    });
    let Some(farthing) = farthing else { return Some(metadata) };
    let open = metadata.text().trim_end_matches('}');
    Json::parse(&format!("{open},{}:{farthing}}}", json_string("farthing"))).or(Some(metadata))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Reading {
        read(Json::parse(text).as_ref())
    }

    #[test]
    fn figures_are_taken_apart() {
        let all = r#"{"promptTokenCount":345,"cachedContentTokenCount":230,"candidatesTokenCount":37,
            "thoughtsTokenCount":5,"toolUsePromptTokenCount":10,"totalTokenCount":397,"trafficType":"ON_DEMAND"}"#;
        let usage = Usage { input: 125, cache_read: 230, output: 37, reasoning: 5, ..Usage::default() };
        assert_eq!(of(all), Reading::Figures(usage));
        let live = Usage { input: 1, output: 2, ..Usage::default() };
        assert_eq!(of(r#"{"promptTokenCount":1,"responseTokenCount":2}"#), Reading::Figures(live));
        let silent = Usage { input: 15, reasoning: 2, ..Usage::default() };
        assert_eq!(of(r#"{"promptTokenCount":15,"thoughtsTokenCount":2}"#), Reading::Figures(silent));
        assert_eq!(of(r#"{"promptTokenCount":0}"#), Reading::Figures(Usage::default()));
        assert_eq!(
            (of(r#"{"trafficType":"ON_DEMAND"}"#), of(r#"{"totalTokenCount":3}"#), read(None)),
            (Reading::Absent, Reading::Absent, Reading::Absent)
        );
    }

    #[test]
    fn impossible_figures_are_insane() {
        for text in [
            "[]",
            "7",
            r#"{"candidatesTokenCount":3}"#,
            r#"{"promptTokenCount":-1}"#,
            r#"{"promptTokenCount":1.5}"#,
            r#"{"promptTokenCount":"1"}"#,
            r#"{"promptTokenCount":100000001}"#,
            r#"{"promptTokenCount":1,"cachedContentTokenCount":2}"#,
            r#"{"promptTokenCount":1,"promptTokenCount":1}"#,
        ] {
            assert!(matches!(of(text), Reading::Insane(_)), "{text}");
        }
    }

    #[test]
    fn figures_come_back() {
        let usage = Usage { input: 3, cache_read: 2, output: 7, reasoning: 1, ..Usage::default() };
        let text = write(Reading::Figures(usage), Some("flex"), Some(r#"{"cost":{}}"#)).unwrap();
        assert_eq!(read(Some(&text)), Reading::Figures(usage));
        assert_eq!(service_tier(Some(&text)).as_deref(), Some("flex"));
        assert!(text.text().ends_with(r#""totalTokenCount":13,"serviceTier":"flex","farthing":{"cost":{}}}"#));
        assert_eq!(write(Reading::Absent, None, Some("{}")), None);
    }
}
