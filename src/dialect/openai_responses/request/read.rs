//! A Responses request into the canonical form: its settings. The input is [`items`], the tools are [`tools`].
//! Owns what each member of the body means and which are only hints. Refuses what no other provider can do.

mod content;
mod items;
mod tools;

use bytes::Bytes;

use crate::dialect::canonical::{Conversation, Effort, Format, Ignored, LogProbs, Message, Part, Role, Settings};
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::node::Node;

/// What is read here or in the head, and what has no meaning for another provider: whether the answer is stored or
/// padded.
const KNOWN: [&str; 30] = [
    "model",
    "input",
    "instructions",
    "stream",
    "stream_options",
    "background",
    "previous_response_id",
    "conversation",
    "prompt",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "temperature",
    "top_p",
    "text",
    "reasoning",
    "include",
    "top_logprobs",
    "user",
    "safety_identifier",
    "metadata",
    "service_tier",
    "prompt_cache_key",
    "store",
    "truncation",
    "prompt_cache_retention",
    "prompt_cache_options",
    "max_tool_calls",
    "context_management",
];

/// Members that bear on OpenAI's own cache, tools and storage only.
const HINTS: [&str; 4] = ["prompt_cache_retention", "prompt_cache_options", "max_tool_calls", "context_management"];

const STORED: &str = "is stored at OpenAI, and the model's provider is another; send the whole conversation in input";

/// The request in the canonical form, but for the output cap, which the head has.
pub(super) fn conversation(body: &Bytes) -> Result<Conversation, RequestFault> {
    let text = std::str::from_utf8(body).map_err(|_| RequestFault::invalid_json("the body is not valid UTF-8"))?;
    fields::refuse_unknown(text, |name| KNOWN.contains(&name))?;
    let body = Node::root(text);
    refuse_stored(&body)?;
    let mut hints = hints(&body)?;
    let settings = settings(&body, &mut hints)?;
    let (tools, tool_choice) = tools::read(&body)?;
    let [parallel] = body.members(&["parallel_tool_calls"])?;
    let parallel_tools = parallel.map(|parallel| parallel.flag()).transpose()?;
    Ok(Conversation { messages: messages(&body)?, tools, tool_choice, parallel_tools, settings, hints })
}

fn refuse_stored(body: &Node<'_>) -> Result<(), RequestFault> {
    let [background, stored @ ..] = body.members(&["background", "previous_response_id", "conversation", "prompt"])?;
    if let Some(stored) = stored.into_iter().flatten().next() {
        return Err(stored.unsupported(STORED));
    }
    match background {
        Some(background) if background.flag()? => {
            Err(background.unsupported("the model's provider answers at once; leave it out"))
        }
        _ => Ok(()),
    }
}

/// Members that are passed over, and must be told of.
fn hints(body: &Node<'_>) -> Result<Vec<Ignored>, RequestFault> {
    let passed_over = body.members(&HINTS)?.into_iter().flatten();
    let mut hints: Vec<Ignored> = passed_over.map(|hint| hint.path().to_owned()).collect();
    let [store, truncation] = body.members(&["store", "truncation"])?;
    if store.map(|store| store.flag()).transpose()? == Some(true) {
        hints.push("store".to_owned());
    }
    if truncation.map(|truncation| truncation.string()).transpose()?.is_some_and(|how| how != "disabled") {
        hints.push("truncation".to_owned());
    }
    Ok(hints)
}

fn messages(body: &Node<'_>) -> Result<Vec<Message>, RequestFault> {
    let [instructions, input] = body.members(&["instructions", "input"])?;
    let mut messages = Vec::new();
    let text = instructions.map(|instructions| instructions.string()).transpose()?.unwrap_or_default();
    if !text.is_empty() {
        messages.push(Message { role: Role::System, parts: vec![Part::text(text)], name: None });
    }
    items::read(&input.ok_or_else(|| body.lacks("input"))?, &mut messages)?;
    Ok(messages)
}

fn settings(body: &Node<'_>, hints: &mut Vec<Ignored>) -> Result<Settings, RequestFault> {
    let mut settings = Settings { log_probs: log_probs(body, hints)?, ..Settings::default() };
    let [temperature, top_p] = body.members(&["temperature", "top_p"])?;
    settings.sampling.temperature = temperature.map(|number| number.number()).transpose()?;
    settings.sampling.top_p = top_p.map(|number| number.number()).transpose()?;
    read_text(body, &mut settings)?;
    read_reasoning(body, &mut settings, hints)?;
    let [metadata, tier, key] = body.members(&["metadata", "service_tier", "prompt_cache_key"])?;
    settings.metadata = metadata.map(|metadata| metadata.object()).transpose()?;
    settings.service_tier = tier.map(|tier| tier.string()).transpose()?;
    settings.cache_key = key.map(|key| key.string()).transpose()?;
    settings.user = user(body, hints)?;
    Ok(settings)
}

/// `safety_identifier` is the new name of one of `user`'s two purposes.
fn user(body: &Node<'_>, hints: &mut Vec<Ignored>) -> Result<Option<String>, RequestFault> {
    let [user, safety] = body.members(&["user", "safety_identifier"])?;
    if user.is_some() && safety.is_some() {
        hints.push("safety_identifier".to_owned());
    }
    user.or(safety).map(|user| user.string()).transpose()
}

/// Sealed thinking is always given, so asking for it says nothing; what else can be included comes from OpenAI's tools.
fn log_probs(body: &Node<'_>, hints: &mut Vec<Ignored>) -> Result<Option<LogProbs>, RequestFault> {
    let [include, top] = body.members(&["include", "top_logprobs"])?;
    let alternatives = top.map(|top| top.whole()).transpose()?;
    let mut wanted = alternatives.is_some_and(|top| top > 0);
    for part in include.map(|include| include.list()).transpose()?.unwrap_or_default() {
        match part.string()?.as_str() {
            "message.output_text.logprobs" => wanted = true,
            "reasoning.encrypted_content" => {}
            _ => hints.push(part.path().to_owned()),
        }
    }
    Ok(wanted.then_some(LogProbs { alternatives }))
}

fn read_text(body: &Node<'_>, settings: &mut Settings) -> Result<(), RequestFault> {
    let [text] = body.members(&["text"])?;
    let Some(text) = text else { return Ok(()) };
    let [format, verbosity] = text.members(&["format", "verbosity"])?;
    settings.verbosity = verbosity.map(|verbosity| verbosity.string()).transpose()?;
    if let Some(format) = format {
        settings.format = read_format(&format)?;
    }
    Ok(())
}

fn read_format(format: &Node<'_>) -> Result<Format, RequestFault> {
    let [kind, name, description, schema, strict] =
        format.members(&["type", "name", "description", "schema", "strict"])?;
    let kind = kind.ok_or_else(|| format.lacks("type"))?;
    match kind.string()?.as_str() {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => Ok(Format::Schema {
            name: name.ok_or_else(|| format.lacks("name"))?.string()?,
            description: description.map(|description| description.string()).transpose()?,
            schema: schema.ok_or_else(|| format.lacks("schema"))?.object()?,
            strict: strict.map(|strict| strict.flag()).transpose()?,
        }),
        _ => Err(kind.wrong("must be text, json_object or json_schema")),
    }
}

fn read_reasoning(body: &Node<'_>, settings: &mut Settings, hints: &mut Vec<Ignored>) -> Result<(), RequestFault> {
    let [reasoning] = body.members(&["reasoning"])?;
    let Some(reasoning) = reasoning else { return Ok(()) };
    let [effort, summary, older] = reasoning.members(&["effort", "summary", "generate_summary"])?;
    settings.thinking.effort = effort.map(|effort| read_effort(&effort)).transpose()?;
    settings.thinking.shown = summary.or(older).map(|summary| summary.string()).transpose()?.map(|_| true);
    let known = ["effort", "summary", "generate_summary"];
    let unknown = reasoning.names().into_iter().filter(|name| !known.contains(&name.as_str()));
    hints.extend(unknown.map(|name| format!("reasoning.{name}")));
    Ok(())
}

fn read_effort(effort: &Node<'_>) -> Result<Effort, RequestFault> {
    match effort.string()?.as_str() {
        "none" => Ok(Effort::None),
        "minimal" => Ok(Effort::Minimal),
        "low" => Ok(Effort::Low),
        "medium" => Ok(Effort::Medium),
        "high" => Ok(Effort::High),
        "xhigh" | "max" => Ok(Effort::Max),
        _ => Err(effort.wrong("must be none, minimal, low, medium, high or xhigh")),
    }
}
