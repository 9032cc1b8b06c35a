//! A conversation written for Ollama's `/api/chat`.
//! Owns the body and which hints are passed over. Refuses what Ollama has no place for, by feature.

mod messages;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Number, Value, json};

use crate::dialect::canonical::{
    Conversation, Effort, Feature, Format, Part, Settings, Thinking, Tool, ToolChoice, Unsupported, Written,
};
use crate::dialect::head::Rewrite;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    think: Option<bool>,
    /// Always said: Ollama streams unless it is told not to.
    stream: bool,
    options: Options<'a>,
}

#[derive(Serialize)]
struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    num_predict: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Number>,
}

/// The body for a provider.
///
/// # Errors
/// The first thing in the conversation that Ollama has no place for.
pub fn write(conversation: &Conversation, to: &Rewrite<'_>, stream: bool) -> Result<Written, Unsupported> {
    let settings = &conversation.settings;
    check(conversation)?;
    let sampling = &settings.sampling;
    let tools = if conversation.tool_choice == Some(ToolChoice::None) { &[][..] } else { &conversation.tools };
    let body = Body {
        model: to.model,
        messages: messages::write(&conversation.messages)?,
        tools: tools.iter().map(tool).collect(),
        format: format(&settings.format),
        think: think(&settings.thinking),
        stream,
        options: Options {
            num_predict: to.output_cap.map(|cap| cap.tokens).or(settings.output_cap),
            stop: &settings.stop,
            temperature: sampling.temperature.as_ref(),
            top_p: sampling.top_p.as_ref(),
            top_k: sampling.top_k.as_ref(),
            seed: sampling.seed.as_ref(),
            presence_penalty: sampling.presence_penalty.as_ref(),
            frequency_penalty: sampling.frequency_penalty.as_ref(),
        },
    };
    let body = serde_json::to_vec(&body).map(Bytes::from).unwrap_or_default();
    Ok(Written { body, ignored: ignored(conversation) })
}

fn check(conversation: &Conversation) -> Result<(), Unsupported> {
    let settings = &conversation.settings;
    let forced = !matches!(conversation.tool_choice, None | Some(ToolChoice::Auto | ToolChoice::None));
    let has_tools = !conversation.tools.is_empty();
    let lacks = [
        (
            settings.choices.is_some_and(|choices| choices > 1),
            Feature::Choices,
            "Ollama gives one answer; ask again for another",
        ),
        (settings.sampling.logit_bias.is_some(), Feature::LogitBias, "Ollama has no such setting; leave it out"),
        (settings.log_probs.is_some(), Feature::LogProbs, "not asked of Ollama; leave it out"),
        (forced && has_tools, Feature::ToolChoice, "Ollama cannot be made to call a tool; leave it to the model"),
        (
            conversation.parallel_tools == Some(false) && has_tools,
            Feature::ParallelTools,
            "Ollama cannot be kept from calling several tools at once; leave it out",
        ),
    ];
    lacks.into_iter().find(|(lacks, ..)| *lacks).map_or(Ok(()), |(_, feature, why)| Err(Unsupported::new(feature, why)))
}

fn tool(tool: &Tool) -> Value {
    let mut function = json!({"name": tool.name});
    if let (Some(members), Some(description)) = (function.as_object_mut(), &tool.description) {
        members.insert("description".to_owned(), json!(description));
    }
    if let Some(members) = function.as_object_mut() {
        let nothing = || json!({"type": "object", "properties": {}});
        let schema = tool.schema.as_ref().and_then(|schema| schema.read()).unwrap_or_else(nothing);
        members.insert("parameters".to_owned(), schema);
    }
    json!({"type": "function", "function": function})
}

fn format(format: &Format) -> Option<Value> {
    match format {
        Format::Text => None,
        Format::Json => Some(json!("json")),
        Format::Schema { schema, .. } => schema.read(),
    }
}

/// Only yes or no: most models refuse a word for how much.
fn think(thinking: &Thinking) -> Option<bool> {
    let by_word = thinking.effort.map(|effort| effort != Effort::None);
    by_word.or(thinking.budget.map(|budget| budget > 0))
}

/// Hints that are passed over.
fn ignored(conversation: &Conversation) -> Vec<Feature> {
    let Settings { user, metadata, service_tier, verbosity, cache_key, .. } = &conversation.settings;
    let strict = conversation.tools.iter().any(|tool| tool.strict == Some(true));
    let parts = conversation.messages.iter().flat_map(|message| &message.parts);
    let marked = conversation.tools.iter().any(|tool| tool.cache.is_some())
        || parts.into_iter().any(|part| part.cache.is_some());
    let hints = [
        (Feature::User, user.is_some()),
        (Feature::Metadata, metadata.is_some()),
        (Feature::ServiceTier, service_tier.is_some()),
        (Feature::Verbosity, verbosity.is_some()),
        (Feature::CacheKey, cache_key.is_some()),
        (Feature::StrictTools, strict),
        (Feature::CacheMarks, marked),
        (Feature::ImageDetail, conversation.messages.iter().flat_map(|message| &message.parts).any(Part::has_detail)),
        (Feature::Names, conversation.messages.iter().any(|message| message.name.is_some())),
    ];
    hints.into_iter().filter(|(_, given)| *given).map(|(feature, _)| feature).collect()
}
