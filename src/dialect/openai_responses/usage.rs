//! Usage in the words of Responses, to disjoint classes and back.
//! Owns which figures contain which, and the judgement whether they are possible. Refuses to repair: impossible figures
//! are reported as such and the caller estimates.

use farthing_actors::domain::{Units, Usage};
use serde::Serialize;

use super::{elements, pick, text_of};
use crate::dialect::canonical::Json;
use crate::dialect::members::{Member, Members};
use crate::dialect::usage::{Reading, apart, count, details, searches_told, tier};

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
    #[serde(skip_serializing_if = "is_zero")]
    audio_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    image_tokens: u64,
}

#[derive(Debug, Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    audio_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    image_tokens: u64,
}

/// What a response object says: its usage, that of the provider's own tools, and the tier it was served in.
pub(super) fn of(response: &str) -> Reading {
    let [usage, served, output, tools] = pick(response, &["usage", "service_tier", "output", "tool_usage"]);
    match (read(usage), tool_usage(usage, tools, output)) {
        (Reading::Figures(usage), Ok(tools)) => Reading::Figures(tools.added_to(usage)).served(tier(served)),
        (Reading::Figures(_), Err(reason)) => Reading::Insane(reason),
        (reading, _) => reading,
    }
}

/// What the provider's own tools took, which stands in no other figure.
#[derive(Default)]
struct ToolUsage {
    /// Of a picture's prompt.
    text: u64,
    units: Units,
}

impl ToolUsage {
    fn added_to(self, usage: Usage) -> Usage {
        let units = Units {
            image_input: usage.units.image_input.saturating_add(self.units.image_input),
            image_output: usage.units.image_output.saturating_add(self.units.image_output),
            images: self.units.images,
            searches: self.units.searches,
            ..usage.units
        };
        Usage { input: usage.input.saturating_add(self.text), units, ..usage }
    }
}

/// Searches and pictures. Where the provider does not count them, the items of the output are counted: a search is
/// billed, opening a page or finding a word in it is not (OpenAI, guide to web search, 2026-08).
fn tool_usage(
    usage: Option<Member<'_>>,
    tools: Option<Member<'_>>,
    output: Option<Member<'_>>,
) -> Result<ToolUsage, &'static str> {
    let [pictures, web] = tools.map_or([None; 2], |tools| pick(tools.text, &["image_gen", "web_search"]));
    let [requests] = details(web, &["num_requests"])?;
    let [prompt, drawn, kinds] = pictures
        .map_or([None; 3], |pictures| pick(pictures.text, &["input_tokens", "output_tokens", "input_tokens_details"]));
    let [image] = details(kinds, &["image_tokens"])?;
    let prompt = apart(count(prompt)?.unwrap_or(0), 0, [None, image])?;
    let (mut searched, mut images) = (0_u64, 0_u64);
    for item in elements(output) {
        match text_of(item, "type").as_str() {
            "web_search_call" => searched = searched.saturating_add(u64::from(is_search(item))),
            "image_generation_call" => images = images.saturating_add(1),
            _ => {}
        }
    }
    let image_output = count(drawn)?.unwrap_or(0);
    let told = requests.filter(|requests| *requests > 0).map_or_else(|| searches_told(usage), |told| Ok(Some(told)))?;
    let searches = told.unwrap_or(searched);
    Ok(ToolUsage {
        text: prompt.text,
        units: Units { image_input: prompt.image, image_output, images, searches, ..Units::NONE },
    })
}

fn is_search(item: &str) -> bool {
    let [action] = pick(item, &["action"]);
    action.is_none_or(|action| text_of(action.text, "type") == "search")
}

/// Reads the member `usage` of a response object.
fn read(usage: Option<Member<'_>>) -> Reading {
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
        input_tokens_details: InputDetails {
            cached_tokens: usage.cache_read,
            cache_write_tokens,
            audio_tokens: usage.units.audio_input,
            image_tokens: usage.units.image_input,
        },
        output_tokens: usage.generated(),
        output_tokens_details: OutputDetails {
            reasoning_tokens: usage.reasoning,
            audio_tokens: usage.units.audio_output,
            image_tokens: usage.units.image_output,
        },
        total_tokens: usage.total(),
        farthing: farthing.and_then(Json::parse),
    })
}

/// What the provider's own tools did, as a response tells it beside its usage.
#[derive(Debug, Serialize)]
pub(super) struct ToolUsageObject {
    web_search: Searches,
}

#[derive(Debug, Serialize)]
struct Searches {
    num_requests: u64,
}

/// The searches for a client; `None` where there were none.
pub(super) fn write_tools(reading: Reading) -> Option<ToolUsageObject> {
    let Reading::Figures(usage) = reading else { return None };
    let num_requests = usage.units.searches;
    (num_requests > 0).then_some(ToolUsageObject { web_search: Searches { num_requests } })
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
    let [read, written, heard, seen] =
        details(prompt_details, &["cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens"])?;
    let [reasoning, spoken, drawn] = details(generated_details, &["reasoning_tokens", "audio_tokens", "image_tokens"])?;
    let (cache_read, cache_write_5m) = (read.unwrap_or(0), written.unwrap_or(0));
    let cached = cache_read.saturating_add(cache_write_5m);
    prompt.checked_sub(cached).ok_or("more cached tokens than input tokens")?;
    let input = apart(prompt, cached, [heard, seen])?;
    let rest = || total.and_then(|total| total.checked_sub(prompt));
    let generated = count(generated)?.or_else(rest).ok_or("output_tokens is missing")?;
    let reasoning = reasoning.unwrap_or(0);
    generated.checked_sub(reasoning).ok_or("more reasoning tokens than output tokens")?;
    let output = apart(generated, reasoning, [spoken, drawn])?;
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(usage: &str) -> Reading {
        super::of(&format!(r#"{{"usage":{usage}}}"#))
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

    #[test]
    fn tools_and_the_tier_stand_beside_the_figures() {
        let searches = |response: &str| match super::of(response) {
            Reading::Figures(usage) => usage.units.searches,
            reading => panic!("{reading:?}"),
        };
        let usage = r#""usage":{"input_tokens":1,"output_tokens":1}"#;
        let items = r#""output":[{"type":"web_search_call","action":{"type":"search"}},{"type":"web_search_call"},
            {"type":"web_search_call","action":{"type":"open_page"}},{"type":"message"}]"#;
        assert_eq!(searches(&format!("{{{usage},{items}}}")), 2);
        let told = r#""tool_usage":{"web_search":{"num_requests":5}}"#;
        assert_eq!(searches(&format!("{{{usage},{items},{told}}}")), 5);
        let of_xai = r#""usage":{"input_tokens":1,"output_tokens":1,
            "server_side_tool_usage_details":{"web_search_calls":0,"x_search_calls":3}}"#;
        assert_eq!(searches(&format!("{{{of_xai},{items}}}")), 3, "what is counted counts, not what is seen");
        let drawn = r#""tool_usage":{"image_gen":{"input_tokens":9,"input_tokens_details":{"image_tokens":4},
            "output_tokens":70}},"output":[{"type":"image_generation_call"}],"service_tier":"priority""#;
        let units = Units { image_input: 4, image_output: 70, images: 1, ..Units::NONE };
        let tier = farthing_actors::domain::ServiceTier::Priority;
        let expected = Usage { input: 6, output: 1, units, tier, ..Usage::default() };
        assert_eq!(super::of(&format!("{{{usage},{drawn}}}")), Reading::Figures(expected));
        let impossible = r#""tool_usage":{"image_gen":{"input_tokens":1,"input_tokens_details":{"image_tokens":4}}}"#;
        assert!(matches!(super::of(&format!("{{{usage},{impossible}}}")), Reading::Insane(_)));
    }

    #[test]
    fn sound_is_a_class_of_its_own() {
        let units = Units { audio_input: 30, audio_output: 6, ..Units::NONE };
        let usage = Usage { input: 10, cache_read: 60, output: 3, reasoning: 1, units, ..Usage::default() };
        let written = serde_json::to_string(&write(Reading::Figures(usage), None)).unwrap();
        assert_eq!(of(&written), Reading::Figures(usage), "{written}");
        let loud = r#"{"input_tokens":1,"output_tokens":0,"input_tokens_details":{"audio_tokens":2}}"#;
        assert!(matches!(of(loud), Reading::Insane(_)));
    }
}
