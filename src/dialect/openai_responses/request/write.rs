//! A Responses request from the canonical form; the input is [`items`].
//! Owns what the dialect cannot say and what it passes over. Refuses storage: every request written here says so, and
//! asks for thinking in a form that can be sent back.

mod content;
mod items;
mod settings;
mod tools;

use bytes::Bytes;
use serde::Serialize;

use self::items::{Input, Items};
use self::settings::Set;
use self::tools::{Choice, Function};
use crate::dialect::canonical::{Conversation, Effort, Feature, PartKind, Settings, Thinking, Unsupported, Written};
use crate::dialect::head::Rewrite;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    input: Vec<Input>,
    stream: bool,
    store: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(flatten)]
    settings: Set<'a>,
}

/// The request for a provider of this dialect.
///
/// # Errors
/// The first thing asked that the dialect cannot say.
pub fn write(conversation: &Conversation, to: &Rewrite<'_>, stream: bool) -> Result<Written, Unsupported> {
    refuse(&conversation.settings)?;
    let Items { instructions, input, mut ignored, .. } = items::write(&conversation.messages)?;
    if conversation.settings.sampling.seed.is_some() {
        ignored.push(Feature::Seed);
    }
    if conversation.tools.iter().any(|tool| tool.cache.is_some()) && !ignored.contains(&Feature::CacheMarks) {
        ignored.push(Feature::CacheMarks);
    }
    let body = Body {
        model: to.model,
        instructions,
        input,
        stream,
        store: false,
        include: include(conversation),
        tools: conversation.tools.iter().map(tools::function).collect(),
        tool_choice: conversation.tool_choice.as_ref().map(tools::choice),
        parallel_tool_calls: conversation.parallel_tools,
        settings: settings::set(&conversation.settings, to),
    };
    Ok(Written { body: Bytes::from(serde_json::to_vec(&body).unwrap_or_default()), ignored })
}

/// What Responses has no member for. A penalty of zero and an empty bias are the defaults.
fn refuse(settings: &Settings) -> Result<(), Unsupported> {
    let sampling = &settings.sampling;
    let [presence, frequency] = sampling.penalises();
    let asked = [
        (Feature::Choices, settings.choices.is_some_and(|choices| choices > 1), "ask for one answer at a time"),
        (Feature::StopTexts, !settings.stop.is_empty(), "leave the stop texts out"),
        (Feature::TopK, sampling.top_k.is_some(), "use top_p or temperature"),
        (Feature::PresencePenalty, presence, "leave the penalty out"),
        (Feature::FrequencyPenalty, frequency, "leave the penalty out"),
        (Feature::LogitBias, sampling.is_biased(), "leave the bias out"),
    ];
    let first = asked.into_iter().find(|(_, is_asked, _)| *is_asked);
    first.map_or(Ok(()), |(feature, _, why)| Err(Unsupported::new(feature, why)))
}

/// Models that do not think refuse to seal their thinking, so it is asked for only where there is some.
fn include(conversation: &Conversation) -> Vec<&'static str> {
    let Thinking { effort, budget, shown } = &conversation.settings.thinking;
    let wanted = effort.map_or(budget.is_some_and(|tokens| tokens > 0), |effort| effort != Effort::None);
    let parts = || conversation.messages.iter().flat_map(|message| &message.parts);
    let sealed = parts().any(|part| matches!(&part.kind, PartKind::Reasoning(thought) if thought.sealed.is_some()));
    let seal = wanted || *shown == Some(true) || sealed;
    let log_probs = conversation.settings.log_probs.is_some();
    let all = [("reasoning.encrypted_content", seal), ("message.output_text.logprobs", log_probs)];
    all.into_iter().filter_map(|(part, is_wanted)| is_wanted.then_some(part)).collect()
}
