//! A conversation written as a chat request, for a provider.
//! Owns which settings the body carries and which hints are passed over. Refuses what chat has no place for, by
//! feature.
//!
//! It is written so that OpenAI and the compatible servers all take it: developer text as `system`, texts joined into
//! one string where there is nothing else, no cache markers, no `metadata` (OpenAI takes it only of stored answers), no
//! `parallel_tool_calls` that says what is so anyway.

mod content;
mod ids;
mod messages;
mod tools;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Number, Value, json};

use super::effort;
use crate::dialect::canonical::{
    self, Conversation, Effort, Feature, Format, Json, PartKind, Sampling, Settings, Thinking, Unsupported, Written,
};
use crate::dialect::head::{Rewrite, UsageOption};
use crate::dialect::openai_chat::shape::Message;

/// OpenAI's words for `service_tier`; other dialects have others.
const TIERS: [&str; 5] = ["auto", "default", "flex", "scale", "priority"];

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<tools::Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(flatten)]
    plain: Plain<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logit_bias: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<Value>,
}

/// Settings that are a word or a number.
#[derive(Serialize)]
struct Plain<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: Schema<'a> },
}

#[derive(Serialize)]
struct Schema<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    schema: &'a Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// The body for a provider.
///
/// # Errors
/// The first thing in the conversation that chat has no place for.
pub fn write(conversation: &Conversation, to: &Rewrite<'_>, stream: bool) -> Result<Written, Unsupported> {
    let settings = &conversation.settings;
    if settings.sampling.top_k.is_some() {
        return Err(Unsupported::new(Feature::TopK, "leave it out, or bound likely tokens by their share"));
    }
    let has_tools = !conversation.tools.is_empty();
    let body = Body {
        model: to.model,
        messages: messages::write(&conversation.messages)?,
        tools: conversation.tools.iter().map(tools::Tool::of).collect(),
        tool_choice: conversation.tool_choice.as_ref().filter(|_| has_tools).map(tools::choice),
        parallel_tool_calls: conversation.parallel_tools.filter(|parallel| has_tools && !parallel),
        plain: plain(settings, to),
        logit_bias: settings.sampling.logit_bias.as_ref(),
        response_format: format(&settings.format),
        stream: stream.then_some(true),
        stream_options: (stream && to.usage == UsageOption::Asked).then(|| json!({"include_usage": true})),
    };
    let body = serde_json::to_vec(&body).map(Bytes::from).unwrap_or_default();
    Ok(Written { body, ignored: ignored(conversation) })
}

fn plain<'a>(settings: &'a Settings, to: &Rewrite<'_>) -> Plain<'a> {
    let Sampling { temperature, top_p, seed, presence_penalty, frequency_penalty, .. } = &settings.sampling;
    let cap = to.output_cap.map(|cap| cap.tokens).or(settings.output_cap);
    let legacy = to.output_cap.is_some_and(|cap| cap.field == "max_tokens");
    Plain {
        max_completion_tokens: cap.filter(|_| !legacy),
        max_tokens: cap.filter(|_| legacy),
        n: settings.choices,
        stop: &settings.stop,
        temperature: temperature.as_ref(),
        top_p: top_p.as_ref(),
        seed: seed.as_ref(),
        presence_penalty: presence_penalty.as_ref(),
        frequency_penalty: frequency_penalty.as_ref(),
        logprobs: settings.log_probs.map(|_| true),
        top_logprobs: settings.log_probs.and_then(|wanted| wanted.alternatives),
        reasoning_effort: thinking(&settings.thinking),
        verbosity: settings.verbosity.as_deref(),
        user: settings.user.as_deref(),
        service_tier: tier(settings),
        prompt_cache_key: settings.cache_key.as_deref(),
    }
}

/// Chat says how much to think by a word only.
fn thinking(thinking: &Thinking) -> Option<&'static str> {
    thinking.effort.or(thinking.budget.map(Effort::for_budget)).map(effort::word)
}

fn tier(settings: &Settings) -> Option<&str> {
    settings.service_tier.as_deref().filter(|tier| TIERS.contains(tier))
}

fn format(format: &Format) -> Option<ResponseFormat<'_>> {
    match format {
        Format::Text => None,
        Format::Json => Some(ResponseFormat::JsonObject),
        Format::Schema { name, description, schema, strict } => Some(ResponseFormat::JsonSchema {
            json_schema: Schema { name, description: description.as_deref(), schema, strict: *strict },
        }),
    }
}

/// Hints that are passed over.
fn ignored(conversation: &Conversation) -> Vec<Feature> {
    let settings = &conversation.settings;
    let marked = conversation.tools.iter().any(|tool| tool.cache.is_some()) || conversation.messages.iter().any(marks);
    let hints = [
        (Feature::Metadata, settings.metadata.is_some()),
        (Feature::ServiceTier, settings.service_tier.is_some() && tier(settings).is_none()),
        (Feature::CacheMarks, marked),
    ];
    hints.into_iter().filter(|(_, given)| *given).map(|(feature, _)| feature).collect()
}

fn marks(message: &canonical::Message) -> bool {
    message.parts.iter().any(|part| {
        let within = match &part.kind {
            PartKind::ToolResult(result) => result.parts.iter().any(|part| part.cache.is_some()),
            _ => false,
        };
        part.cache.is_some() || within
    })
}

#[cfg(test)]
mod tests;
