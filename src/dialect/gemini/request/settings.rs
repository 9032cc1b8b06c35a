//! Settings: `generationConfig`, both ways.
//! Owns the mapping of each setting. Refuses answers that are not text. The output cap and the number of choices are
//! read where the head is.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::MAX_CHOICES;
use super::read::{camel, typed, unknown};
use crate::dialect::canonical::{
    Conversation, Effort, Feature, Format, Json, LogProbs, Settings, Thinking, Unsupported,
};
use crate::dialect::fault::RequestFault;
use crate::dialect::gemini::schema;

const JSON: &str = "application/json";
/// The most texts that end an answer; Google's own limit.
const MAX_STOPS: usize = 5;

/// What no other dialect has a place for, and is more than a hint.
const FOREIGN: [&str; 2] = ["speechConfig", "imageConfig"];

/// The members that are read.
const KNOWN: [&str; 16] = [
    "maxOutputTokens",
    "temperature",
    "topP",
    "topK",
    "seed",
    "presencePenalty",
    "frequencyPenalty",
    "stopSequences",
    "candidateCount",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "responseLogprobs",
    "logprobs",
    "thinkingConfig",
    "responseModalities",
];

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    /// Written only.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Number>,
    #[serde(alias = "top_p", skip_serializing_if = "Option::is_none")]
    top_p: Option<Number>,
    #[serde(alias = "top_k", skip_serializing_if = "Option::is_none")]
    top_k: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<Number>,
    #[serde(alias = "presence_penalty", skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<Number>,
    #[serde(alias = "frequency_penalty", skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<Number>,
    #[serde(alias = "stop_sequences", skip_serializing_if = "Option::is_none")]
    stop_sequences: Option<Vec<String>>,
    /// Written only.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    candidate_count: Option<u64>,
    #[serde(alias = "response_mime_type", skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<String>,
    #[serde(alias = "response_schema", skip_serializing)]
    response_schema: Option<Json>,
    #[serde(alias = "response_json_schema", skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<Json>,
    #[serde(alias = "response_logprobs", skip_serializing_if = "Option::is_none")]
    response_logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<u64>,
    #[serde(alias = "thinking_config", skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
    #[serde(alias = "response_modalities", skip_serializing)]
    response_modalities: Option<Vec<String>>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThinkingConfig {
    #[serde(alias = "thinking_budget", skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<i64>,
    #[serde(alias = "thinking_level", skip_serializing_if = "Option::is_none")]
    thinking_level: Option<String>,
    #[serde(alias = "include_thoughts", skip_serializing_if = "Option::is_none")]
    include_thoughts: Option<bool>,
}

/// Reads `generationConfig` into the conversation's settings and hints.
pub(super) fn read(config: Option<&Json>, conversation: &mut Conversation) -> Result<(), RequestFault> {
    let Some(json) = config else { return Ok(()) };
    let config: Config = typed(json, "generationConfig")?;
    for name in unknown(json, "", &KNOWN) {
        let field = format!("generationConfig.{name}");
        if FOREIGN.contains(&camel(&name).as_str()) {
            return Err(RequestFault::unsupported(&field, "this model's provider answers in text only; leave it out"));
        }
        conversation.hints.push(field);
    }
    let modalities = config.response_modalities.iter().flatten();
    if modalities.into_iter().any(|name| !name.eq_ignore_ascii_case("text")) {
        let why = "this model's provider answers in text only; ask for TEXT";
        return Err(RequestFault::unsupported("generationConfig.responseModalities", why));
    }
    let settings = &mut conversation.settings;
    settings.format = read_format(config.response_mime_type, config.response_json_schema, config.response_schema)?;
    settings.thinking = config.thinking_config.map_or_else(Thinking::default, read_thinking);
    settings.stop = config.stop_sequences.unwrap_or_default();
    settings.log_probs =
        config.response_logprobs.filter(|wanted| *wanted).map(|_| LogProbs { alternatives: config.logprobs });
    let sampling = &mut settings.sampling;
    (sampling.temperature, sampling.top_p, sampling.top_k) = (config.temperature, config.top_p, config.top_k);
    (sampling.seed, sampling.presence_penalty) = (config.seed, config.presence_penalty);
    sampling.frequency_penalty = config.frequency_penalty;
    Ok(())
}

/// A service tier in OpenAI's words.
pub(super) fn read_tier(tier: &str) -> String {
    let tier = tier.to_ascii_lowercase();
    if tier == "standard" { "default".to_owned() } else { tier }
}

fn read_format(mime: Option<String>, json: Option<Json>, open_api: Option<Json>) -> Result<Format, RequestFault> {
    let schemas = [("responseJsonSchema", &json), ("responseSchema", &open_api)];
    if let Some((name, _)) = schemas.iter().find(|(_, schema)| schema.as_ref().is_some_and(|json| !json.is_object())) {
        return Err(RequestFault::invalid_type(&format!("generationConfig.{name}"), "must be an object"));
    }
    let schema = json.or_else(|| open_api.as_ref().map(schema::read));
    match (mime.as_deref(), schema) {
        (None | Some("" | JSON), Some(schema)) => {
            Ok(Format::Schema { name: "response".to_owned(), description: None, schema, strict: None })
        }
        (Some(JSON), None) => Ok(Format::Json),
        (None | Some("" | "text/plain"), _) => Ok(Format::Text),
        (Some(_), _) => {
            let why = "this model's provider answers in text/plain or application/json only";
            Err(RequestFault::unsupported("generationConfig.responseMimeType", why))
        }
    }
}

fn read_thinking(config: ThinkingConfig) -> Thinking {
    let effort = match config.thinking_level.as_deref().map(str::to_ascii_uppercase).as_deref() {
        Some("MINIMAL") => Some(Effort::Minimal),
        Some("LOW") => Some(Effort::Low),
        Some("MEDIUM") => Some(Effort::Medium),
        Some("HIGH") => Some(Effort::High),
        _ => None,
    };
    // Minus one leaves the budget to the model.
    let budget = config.thinking_budget.and_then(|tokens| u64::try_from(tokens).ok());
    Thinking { effort, budget, shown: config.include_thoughts }
}

/// The `generationConfig` for a provider; `None` where nothing is set.
///
/// # Errors
/// For what Gemini has no setting for, and beyond Google's own limits.
pub(super) fn write(settings: &Settings, output_cap: Option<u64>, model: &str) -> Result<Option<Json>, Unsupported> {
    check(settings)?;
    let sampling = &settings.sampling;
    let (response_mime_type, response_json_schema) = match &settings.format {
        Format::Text => (None, None),
        Format::Json => (Some(JSON.to_owned()), None),
        Format::Schema { schema, .. } => (Some(JSON.to_owned()), Some(schema.clone())),
    };
    let config = Json::of(&Config {
        max_output_tokens: output_cap,
        temperature: sampling.temperature.clone(),
        top_p: sampling.top_p.clone(),
        top_k: sampling.top_k.clone(),
        seed: sampling.seed.clone(),
        presence_penalty: sampling.presence_penalty.clone(),
        frequency_penalty: sampling.frequency_penalty.clone(),
        stop_sequences: Some(settings.stop.clone()).filter(|stop| !stop.is_empty()),
        candidate_count: settings.choices.filter(|choices| *choices > 1),
        response_mime_type,
        response_json_schema,
        response_logprobs: settings.log_probs.map(|_| true),
        logprobs: settings.log_probs.and_then(|log_probs| log_probs.alternatives).filter(|count| *count > 0),
        thinking_config: write_thinking(&settings.thinking, model),
        ..Config::default()
    });
    Ok(Some(config).filter(|config| config.text() != "{}"))
}

fn check(settings: &Settings) -> Result<(), Unsupported> {
    let refused = [
        (settings.sampling.is_biased(), Feature::LogitBias, "Gemini makes no single token likelier; leave it out"),
        (settings.stop.len() > MAX_STOPS, Feature::StopTexts, "Gemini takes at most five texts that end an answer"),
        (settings.choices > Some(MAX_CHOICES), Feature::Choices, "Gemini gives at most eight answers; ask for fewer"),
    ];
    let first = refused.into_iter().find(|(is_refused, ..)| *is_refused);
    first.map_or(Ok(()), |(_, feature, why)| Err(Unsupported::new(feature, why)))
}

/// Gemini takes a level or a budget, never both.
fn write_thinking(thinking: &Thinking, model: &str) -> Option<ThinkingConfig> {
    if *thinking == Thinking::default() {
        return None;
    }
    let level = thinking.effort.filter(|_| takes_levels(model)).map(level_word).map(str::to_owned);
    let tokens = thinking.budget.or_else(|| thinking.effort.map(Effort::budget)).filter(|_| level.is_none());
    Some(ThinkingConfig {
        thinking_budget: tokens.map(|tokens| i64::try_from(tokens).unwrap_or(i64::MAX)),
        thinking_level: level,
        include_thoughts: thinking.shown,
    })
}

/// Models before Gemini 3 refuse levels; later ones take both. Source: ai.google.dev/gemini-api/docs/thinking.
fn takes_levels(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    !["gemini-1", "gemini-2"].iter().any(|old| name.starts_with(old))
}

/// The level for an effort; the least one where thinking cannot be switched off.
fn level_word(effort: Effort) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal => "MINIMAL",
        Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High | Effort::Max => "HIGH",
    }
}
