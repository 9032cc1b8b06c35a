//! A chat request read in full, into the canonical form, for a provider of another dialect.
//! Owns the list of members that are understood. A member that only hints is passed over and named; one that changes
//! the answer and has no canonical place is refused by name, as is every member that is not known. Refuses to drop
//! silently.

mod content;
mod ids;
mod messages;
mod settings;
mod thinking;
mod tools;

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::ChatRequest;
use super::typed::{self, Outcome};
use crate::dialect::canonical::{Conversation, Ignored};
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::members::Member;

/// Members that are read, whether here, by [`ChatRequest::parse`] or in one of the rooms.
const KNOWN: [&str; 41] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_completion_tokens",
    "max_tokens",
    "n",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "functions",
    "function_call",
    "stop",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "response_format",
    "reasoning_effort",
    "reasoning",
    "thinking",
    "include_reasoning",
    "verbosity",
    "user",
    "safety_identifier",
    "metadata",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "store",
    "usage",
    "modalities",
    "audio",
    "prediction",
    "web_search_options",
];

/// Members without effect on the answer: OpenAI's own records and cache, and the accounting that OpenRouter adds.
const HINTS: [&str; 4] = ["store", "prompt_cache_retention", "prompt_cache_options", "usage"];

/// Members that would change the answer, with what to do instead.
const REFUSED: [(&str, &str); 3] = [
    ("audio", "this model's provider does not speak; leave it out and ask for text"),
    ("prediction", "this model's provider takes no predicted output; leave it out"),
    ("web_search_options", "this model's provider does not search the web for chat completions; leave it out"),
];

/// The members of a request, taken one by one.
struct Body<'a>([Option<Member<'a>>; KNOWN.len()]);

impl ChatRequest {
    /// The request in the canonical form.
    ///
    /// # Errors
    /// The first member that cannot be read or carried, by its path, such as `messages[2].content[0].image_url`.
    pub fn conversation(&self) -> Outcome<Conversation> {
        let text = std::str::from_utf8(&self.body).unwrap_or_default();
        fields::refuse_unknown(text, |name| KNOWN.contains(&name))?;
        let mut body = Body(typed::entry(text, &KNOWN)?);
        refuse(&mut body)?;
        let mut hints = hints(&mut body)?;
        let messages = messages::read(body.take("messages"))?;
        let mut conversation = Conversation { messages, ..Conversation::default() };
        tools::read(&mut body, &mut conversation)?;
        conversation.settings = settings::read(&mut body, self.head.output_cap)?;
        conversation.hints.append(&mut hints);
        Ok(conversation)
    }
}

impl<'a> Body<'a> {
    /// The member `name`, which must be one of [`KNOWN`]; `None` where it is absent or null.
    fn take(&mut self, name: &str) -> Option<Member<'a>> {
        let place = KNOWN.iter().position(|known| *known == name)?;
        self.0.get_mut(place)?.take()
    }
}

fn refuse(body: &mut Body<'_>) -> Outcome<()> {
    for (name, why) in REFUSED {
        if body.take(name).is_some() {
            return Err(RequestFault::unsupported(name, why));
        }
    }
    let Some(modalities) = body.take("modalities") else { return Ok(()) };
    let modalities: Vec<String> = serde_json::from_str(modalities.text)
        .map_err(|_| RequestFault::invalid_type("modalities", "must be an array of strings"))?;
    match modalities.iter().find(|modality| *modality != "text") {
        Some(_) => Err(RequestFault::unsupported("modalities", "this model's provider answers in text only")),
        None => Ok(()),
    }
}

/// What is passed over, by name.
fn hints(body: &mut Body<'_>) -> Outcome<Vec<Ignored>> {
    let mut hints: Vec<Ignored> =
        HINTS.iter().filter(|name| body.take(name).is_some()).map(|name| (*name).to_owned()).collect();
    if let Some(options) = body.take("stream_options") {
        let options: BTreeMap<String, &RawValue> = serde_json::from_str(options.text).unwrap_or_default();
        let others = options.keys().filter(|name| *name != "include_usage");
        hints.extend(others.map(|name| format!("stream_options.{name}")));
    }
    Ok(hints)
}

#[cfg(test)]
mod tests;
