//! Grounding: what Google searched for on the way to an answer.
//! Owns the rule by which that is billed. Refuses to show it to a client of another dialect.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::wire::Answer;
use crate::dialect::canonical::Json;

/// Models that are billed once for a grounded prompt, however often they searched.
const BY_PROMPT: [&str; 2] = ["gemini-1.", "gemini-2."];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grounding {
    web_search_queries: Option<Vec<String>>,
}

/// The searches of `answer` that are billed: of Gemini 3 and later models each different query that is not empty, of
/// older ones one for the prompt (Google, Grounding with Google Search, pricing; 2026-09).
pub(super) fn searches(answer: &Answer<Json>) -> u64 {
    let grounded = answer.candidates.iter().flatten().filter_map(|candidate| candidate.grounding_metadata.as_ref());
    let found = grounded.filter_map(|json| serde_json::from_str::<Grounding>(json.text()).ok());
    let queries: BTreeSet<String> = found.flat_map(|found| found.web_search_queries.unwrap_or_default()).collect();
    let queries = queries.iter().filter(|query| !query.is_empty()).count();
    let model = answer.model_version.as_deref().unwrap_or_default();
    let by_prompt = BY_PROMPT.iter().any(|family| model.contains(family));
    u64::try_from(if by_prompt { queries.min(1) } else { queries }).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::gemini::wire;

    #[test]
    fn older_models_are_billed_by_the_prompt_and_newer_ones_by_the_query() {
        let found = |model: &str, queries: &str| {
            let json = format!(
                r#"{{"candidates":[{{"groundingMetadata":{{"webSearchQueries":{queries}}}}}],"modelVersion":"{model}"}}"#
            );
            searches(&wire::answer(json.as_bytes()).unwrap())
        };
        let queries = r#"["", "a", "b", "a"]"#;
        assert_eq!((found("gemini-2.5-flash", queries), found("gemini-3-pro", queries)), (1, 2));
        assert_eq!((found("gemini-2.5-flash", "[]"), found("gemini-3-pro", "null")), (0, 0));
        assert_eq!(found("gemini-3-pro", "7"), 0, "what cannot be read is no search");
    }
}
