//! The settings of a Responses request. Owns their members; refuses to judge them, which the writing of the whole does.

use serde::Serialize;
use serde_json::Number;

use crate::dialect::canonical::{Effort, Format, Json, Settings, Thinking};
use crate::dialect::head::Rewrite;

/// The settings as members of the body.
#[derive(Serialize)]
pub(super) struct Set<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
}

#[derive(Serialize)]
struct Text<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<TextFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum TextFormat<'a> {
    JsonObject,
    JsonSchema {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        schema: &'a Json,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

#[derive(Serialize)]
struct Reasoning {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'static str>,
}

/// The members for `settings`.
pub(super) fn set<'a>(settings: &'a Settings, to: &Rewrite<'_>) -> Set<'a> {
    Set {
        max_output_tokens: to.output_cap.map(|cap| cap.tokens).or(settings.output_cap),
        temperature: settings.sampling.temperature.as_ref(),
        top_p: settings.sampling.top_p.as_ref(),
        top_logprobs: settings.log_probs.and_then(|wanted| wanted.alternatives),
        text: text(settings),
        reasoning: reasoning(&settings.thinking),
        user: settings.user.as_deref(),
        metadata: settings.metadata.as_ref(),
        service_tier: settings.service_tier.as_deref(),
        prompt_cache_key: settings.cache_key.as_deref(),
    }
}

fn text(settings: &Settings) -> Option<Text<'_>> {
    let format = match &settings.format {
        Format::Text => None,
        Format::Json => Some(TextFormat::JsonObject),
        Format::Schema { name, description, schema, strict } => {
            Some(TextFormat::JsonSchema { name, description: description.as_deref(), schema, strict: *strict })
        }
    };
    let verbosity = settings.verbosity.as_deref();
    (format.is_some() || verbosity.is_some()).then_some(Text { format, verbosity })
}

fn reasoning(thinking: &Thinking) -> Option<Reasoning> {
    let effort = thinking.effort.or(thinking.budget.map(Effort::for_budget)).map(effort);
    let summary = (thinking.shown == Some(true)).then_some("auto");
    (effort.is_some() || summary.is_some()).then_some(Reasoning { effort, summary })
}

fn effort(effort: Effort) -> &'static str {
    match effort {
        Effort::None => "none",
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Max => "xhigh",
    }
}
