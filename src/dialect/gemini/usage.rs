//! Usage as Gemini reports it, to disjoint classes and back.
//! Owns what its figures include: the prompt includes cached tokens, candidates exclude thoughts, and the prompts of
//! hosted tools stand beside the prompt. Refuses to repair impossible figures.

use farthing_actors::domain::{ServiceTier, Units, Usage};
use serde::Serialize;

use crate::dialect::canonical::Json;
use crate::dialect::members::Member;
use crate::dialect::members::{self, Members};
use crate::dialect::splice::json_string;
use crate::dialect::usage::{Reading, apart, count};
use serde_json::value::RawValue;

const FIGURES: [&str; 10] = [
    "promptTokenCount",
    "candidatesTokenCount",
    "responseTokenCount",
    "thoughtsTokenCount",
    "toolUsePromptTokenCount",
    "cachedContentTokenCount",
    "promptTokensDetails",
    "cacheTokensDetails",
    "candidatesTokensDetails",
    "responseTokensDetails",
];

/// What `usageMetadata` says.
pub(super) fn read(usage: Option<&Json>) -> Reading {
    let Some(usage) = usage else { return Reading::Absent };
    let Ok(object) = members::read(usage.text(), &FIGURES) else {
        return Reading::Insane("usageMetadata is not an object");
    };
    match figures(object) {
        Ok(Some(figures)) => Reading::Figures(figures).served(served(usage)),
        Ok(None) => Reading::Absent,
        Err(reason) => Reading::Insane(reason),
    }
}

/// The service tier that `usageMetadata` names.
pub(super) fn service_tier(usage: Option<&Json>) -> Option<String> {
    let [tier] = members::read(usage?.text(), &["serviceTier"]).ok()?.present();
    tier.and_then(|tier| tier.string()).filter(|tier| !tier.is_empty())
}

/// The tier it was served in. Vertex has another word for it (UsageMetadata.TrafficType, 2026-08).
pub(super) fn served(usage: &Json) -> Option<ServiceTier> {
    let [tier, traffic] = members::read(usage.text(), &["serviceTier", "trafficType"]).ok()?.present();
    let word = |member: Option<Member<'_>>| member.and_then(|member| member.string());
    let named = word(tier).and_then(|tier| ServiceTier::of_provider(&tier.to_ascii_lowercase()));
    named.or_else(|| match word(traffic)?.as_str() {
        "ON_DEMAND" => Some(ServiceTier::Standard),
        "ON_DEMAND_FLEX" => Some(ServiceTier::Flex),
        "ON_DEMAND_PRIORITY" => Some(ServiceTier::Priority),
        "PROVISIONED_THROUGHPUT" => Some(ServiceTier::Scale),
        _ => None,
    })
}

/// Tokens of sound and of pictures in a list of modalities; nothing where there is no list.
fn modalities(list: Option<Member<'_>>) -> Result<[u64; 2], &'static str> {
    let mut counts = [0_u64; 2];
    let Some(list) = list else { return Ok(counts) };
    let items: Vec<&RawValue> =
        serde_json::from_str(list.text).map_err(|_| "the details of a figure are not a list")?;
    for item in items {
        let object = members::read(item.get(), &["modality", "tokenCount"]);
        let [modality, tokens] = object.map_err(|_| "a modality is not an object")?.present();
        let place = match modality.map(|modality| modality.text) {
            Some(r#""AUDIO""#) => 0,
            Some(r#""IMAGE""#) => 1,
            _ => continue,
        };
        if let Some(sum) = counts.get_mut(place) {
            *sum = sum.saturating_add(count(tokens)?.unwrap_or(0));
        }
    }
    Ok(counts)
}

/// What of the prompt is sound and pictures, without what was cached of them.
fn uncached([audio, image]: [u64; 2], [cached_audio, cached_image]: [u64; 2]) -> [Option<u64>; 2] {
    [Some(audio.saturating_sub(cached_audio)), Some(image.saturating_sub(cached_image))]
}

fn figures(object: Members<'_, 10>) -> Result<Option<Usage>, &'static str> {
    if object.duplicate.is_some() {
        return Err("usage gives a figure twice");
    }
    let [prompt, candidates, response, thoughts, tools, cached, of_prompt, of_cache, of_candidates, of_response] =
        object.present();
    let mut counts = [None; 6];
    for (slot, figure) in counts.iter_mut().zip([prompt, candidates, response, thoughts, tools, cached]) {
        *slot = count(figure)?;
    }
    let [prompt, candidates, response, thoughts, tools, cached] = counts;
    if counts.iter().all(Option::is_none) {
        return Ok(None);
    }
    let prompt = prompt.ok_or("promptTokenCount is missing")?;
    let cache_read = cached.unwrap_or(0);
    prompt.checked_sub(cache_read).ok_or("more cached tokens than prompt tokens")?;
    let input = apart(prompt, cache_read, uncached(modalities(of_prompt)?, modalities(of_cache)?))?;
    // A zero is often left out. The Live API has the other name.
    let output = apart(candidates.or(response).unwrap_or(0), 0, modalities(of_candidates.or(of_response))?.map(Some))?;
    let units = Units {
        audio_input: input.audio,
        image_input: input.image,
        audio_output: output.audio,
        image_output: output.image,
        ..Units::NONE
    };
    Ok(Some(Usage {
        input: input.text.saturating_add(tools.unwrap_or(0)),
        cache_read,
        output: output.text,
        reasoning: thoughts.unwrap_or(0),
        units,
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prompt_tokens_details: Vec<Modality>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates_tokens_details: Vec<Modality>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Modality {
    modality: &'static str,
    token_count: u64,
}

/// How many tokens are of which kind; nothing where all are text.
fn by_modality(text: u64, audio: u64, image: u64) -> Vec<Modality> {
    let all = [("TEXT", text), ("AUDIO", audio), ("IMAGE", image)].into_iter().filter(|(_, tokens)| *tokens > 0);
    let details = all.map(|(modality, token_count)| Modality { modality, token_count });
    if audio == 0 && image == 0 { Vec::new() } else { details.collect() }
}

/// The `usageMetadata` for it, with `farthing` (one line of JSON) as its last member; `None` where nothing is known.
pub(super) fn write(reading: Reading, service_tier: Option<&str>, farthing: Option<&str>) -> Option<Json> {
    let Reading::Figures(usage) = reading else { return None };
    let units = usage.units;
    let text = usage.prompt().saturating_sub(units.audio_input).saturating_sub(units.image_input);
    let metadata = Json::of(&Metadata {
        prompt_token_count: usage.prompt(),
        cached_content_token_count: usage.cache_read,
        candidates_token_count: usage.generated().saturating_sub(usage.reasoning),
        thoughts_token_count: usage.reasoning,
        total_token_count: usage.total(),
        prompt_tokens_details: by_modality(text, units.audio_input, units.image_input),
        candidates_tokens_details: by_modality(usage.output, units.audio_output, units.image_output),
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
        let tier = ServiceTier::Flex;
        let usage = Usage { input: 3, cache_read: 2, output: 7, reasoning: 1, tier, ..Usage::default() };
        let text = write(Reading::Figures(usage), Some("flex"), Some(r#"{"cost":{}}"#)).unwrap();
        assert_eq!(read(Some(&text)), Reading::Figures(usage));
        assert_eq!(service_tier(Some(&text)).as_deref(), Some("flex"));
        assert!(text.text().ends_with(r#""totalTokenCount":13,"serviceTier":"flex","farthing":{"cost":{}}}"#));
        assert_eq!(write(Reading::Absent, None, Some("{}")), None);
    }

    #[test]
    fn modalities_are_classes_without_what_was_cached_of_them() {
        let all = r#"{"promptTokenCount":100,"cachedContentTokenCount":50,"candidatesTokenCount":90,"trafficType":"ON_DEMAND_FLEX",
            "promptTokensDetails":[{"modality":"TEXT","tokenCount":40},{"modality":"AUDIO","tokenCount":60}],
            "cacheTokensDetails":[{"modality":"AUDIO","tokenCount":50}],
            "candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":80},{"modality":"VIDEO"}]}"#;
        let units = Units { audio_input: 10, image_output: 80, ..Units::NONE };
        let tier = ServiceTier::Flex;
        let usage = Usage { input: 40, cache_read: 50, output: 10, units, tier, ..Usage::default() };
        assert_eq!(of(all), Reading::Figures(usage));
        let uncached = Usage { cache_read: 0, ..usage };
        assert_eq!(
            of(write(Reading::Figures(uncached), Some("flex"), None).unwrap().text()),
            Reading::Figures(uncached)
        );
        for details in
            [r#"[{"modality":"AUDIO","tokenCount":2}]"#, "7", "[7]", r#"[{"modality":"IMAGE","tokenCount":1.5}]"#]
        {
            let text = format!(r#"{{"promptTokenCount":1,"promptTokensDetails":{details}}}"#);
            assert!(matches!(of(&text), Reading::Insane(_)), "{text}");
        }
    }
}
