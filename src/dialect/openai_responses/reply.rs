//! A whole answer that was not streamed: read into the canonical form, and written from it.
//! Owns the way from items to parts and back. Refuses failures: a response that failed is no answer.

use std::collections::HashMap;

use bytes::Bytes;
use serde::Serialize;

use super::object::{self, Object};
use super::output::{self, Content, Item, Read, Spoken, Status};
use super::{elements, pick, text};
use crate::dialect::canonical::{Choice, Json, Part, PartKind, Reply, Stop};
use crate::dialect::members;
use crate::dialect::usage::Reading;

/// What is said where a provider refuses without words: a refusal must have some.
pub(super) const REFUSED: &str = "The model declined to answer.";

/// Whether the body is one JSON object that tells of an output and of no failure, so that it can be an answer at all.
pub fn is_answer(body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body);
    let object = members::read(&body, &["error", "status", "output"]);
    object.is_ok_and(|object| {
        let [error, status, output] = object.present();
        error.is_none() && text(status) != "failed" && output.is_some()
    })
}

/// The usage of an answer. What is not a JSON object says nothing; broken UTF-8 in the text does not matter.
pub fn usage(body: &[u8]) -> Reading {
    super::usage::of(&String::from_utf8_lossy(body))
}

/// Reads an answer. `None` for what is none: no JSON object, an error, a response that failed.
pub fn read(body: &[u8]) -> Option<Reply> {
    let body = String::from_utf8_lossy(body);
    let names = ["id", "model", "created_at", "output", "service_tier", "error", "status"];
    let [id, model, created, output, tier, error, status] = members::read(&body, &names).ok()?.present();
    if error.is_some() || text(status) == "failed" {
        return None;
    }
    let (parts, log_probs) = read_output(&elements(output));
    let calls = parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall(_)));
    let refuses = parts.iter().any(|part| matches!(part.kind, PartKind::Refusal(_)));
    let log_probs = (!log_probs.is_empty()).then(|| tokens_of(log_probs));
    let choice = Choice { stop: object::stop(&body, calls, refuses), parts, log_probs };
    Some(Reply {
        id: text(id),
        model: text(model),
        created: created.and_then(|created| created.whole()),
        choices: vec![choice],
        usage: super::usage::of(&body),
        service_tier: tier.and_then(|tier| tier.string()),
    })
}

/// The parts that items say, and the probabilities of their tokens.
fn read_output(items: &[&str]) -> (Vec<Part>, Vec<Json>) {
    let (mut parts, mut log_probs, mut signatures) = (Vec::new(), Vec::new(), HashMap::new());
    for item in items {
        match output::read(item) {
            Read::Message(spoken) => {
                parts.extend(spoken.into_iter().filter_map(|said| read_spoken(said, &mut log_probs)))
            }
            Read::Reasoning(reasoning) if output::is_told(&reasoning) => parts.push(PartKind::Reasoning(reasoning)),
            Read::CallSignature(call, signature) => drop(signatures.insert(call, signature)),
            Read::Call(mut call) => {
                call.signature = signatures.remove(&call.id);
                parts.push(PartKind::ToolCall(call));
            }
            Read::Reasoning(_) | Read::Other => {}
        }
    }
    (parts.into_iter().map(Part::of).collect(), log_probs)
}

fn read_spoken(said: Spoken, all: &mut Vec<Json>) -> Option<PartKind> {
    match said {
        Spoken::Text(text, log_probs) => {
            all.extend(log_probs);
            Some(PartKind::Text(text))
        }
        Spoken::Refusal(text) => Some(PartKind::Refusal(text)),
        Spoken::Other => None,
    }
}

/// Writes an answer; the dialect has one choice. `farthing` (one line of JSON) stands in the usage object.
pub fn write(reply: &Reply, farthing: Option<&str>) -> Bytes {
    let choice = reply.choices.first();
    let stop = choice.map_or(&Stop::End, |choice| &choice.stop);
    let mut items = choice.map(|choice| output::items(&choice.parts)).unwrap_or_default();
    if *stop == Stop::Refusal && !refuses(&items) {
        items.push(Item::message(vec![Content::Refusal { refusal: REFUSED.to_owned() }]));
        items.iter_mut().for_each(|item| *item.status() = Status::Completed);
    }
    if let Some(log_probs) = choice.and_then(|choice| choice.log_probs.as_ref()) {
        attach(&mut items, log_probs);
    }
    let id = if reply.id.is_empty() { output::new_id("resp") } else { reply.id.clone() };
    let mut object = Object::new(&id, &reply.model, Some(stop));
    object.created_at = reply.created.unwrap_or(0);
    object.output = &items;
    object.service_tier = reply.service_tier.as_deref();
    object.usage = super::usage::write(reply.usage, farthing);
    object.tool_usage = super::usage::write_tools(reply.usage);
    Bytes::from(serde_json::to_vec(&object).unwrap_or_default())
}

/// Whether a message among the items refuses.
pub(super) fn refuses(items: &[Item]) -> bool {
    let said =
        items.iter().filter_map(|item| if let Item::Message { content, .. } = item { Some(content) } else { None });
    said.flatten().any(|content| matches!(content, Content::Refusal { .. }))
}

/// The canonical form does not say which text the probabilities are of; almost always there is one.
fn attach(items: &mut [Item], log_probs: &Json) {
    let contents = items.iter_mut().filter_map(|item| match item {
        Item::Message { content, .. } => Some(content),
        _ => None,
    });
    let text = contents.flatten().find_map(|content| match content {
        Content::OutputText { logprobs, .. } => Some(logprobs),
        Content::Refusal { .. } => None,
    });
    if let Some(logprobs) = text {
        *logprobs = tokens(log_probs);
    }
}

/// The tokens of probabilities in chat's form, `{"content":[…]}`.
pub(super) fn tokens(log_probs: &Json) -> Vec<Json> {
    let [content] = pick(log_probs.text(), &["content"]);
    elements(content).into_iter().filter_map(Json::parse).collect()
}

/// Chat's form of the tokens.
pub(super) fn tokens_of(content: Vec<Json>) -> Json {
    #[derive(Serialize)]
    struct Tokens {
        content: Vec<Json>,
    }
    Json::of(&Tokens { content })
}
