//! A whole answer, both ways.
//! Owns what of an answer is canonical. Refuses what no other dialect has: code that Google ran and its results, and
//! where an answer was found; those are left out.

use bytes::Bytes;
use memchr::memmem;

use super::seal::Seal;
use super::wire::{self, Answer, Candidate, Content};
use super::{Side, calls, grounding, log_probs, media, parts, stop, usage};
use crate::dialect::canonical::{Choice, Json, Part, PartKind, Reply, Stop};
use crate::dialect::members;
use crate::dialect::usage::Reading;

/// Whether the body is one JSON object, so that it can be an answer at all.
pub fn is_answer(body: &[u8]) -> bool {
    const SAID: [&str; 6] = ["error", "candidates", "promptFeedback", "usageMetadata", "embedding", "embeddings"];
    members::read(&String::from_utf8_lossy(body), &SAID).is_ok_and(|object| {
        let [error, said @ ..] = object.present();
        error.is_none() && said.iter().any(Option::is_some)
    })
}

/// The usage of an answer. What is not a JSON object says nothing.
pub fn usage(body: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(body);
    let found = members::read(&text, &["usageMetadata"]).ok().and_then(|object| {
        let [usage] = object.present();
        usage.and_then(|usage| Json::parse(usage.text))
    });
    let reading = usage::read(found.as_ref());
    // An answer is read in full only where there is something to count.
    if memmem::find(body, b"webSearchQueries").is_none() {
        return reading;
    }
    wire::answer(body).map_or(reading, |answer| reading.searched(grounding::searches(&answer)))
}

/// The answer that the body is; `None` for an error and for what is no answer.
pub fn read(body: &[u8]) -> Option<Reply> {
    let answer = wire::answer(body).filter(|answer| answer.error.is_none())?;
    if answer.candidates.is_none() && answer.prompt_feedback.is_none() && answer.usage_metadata.is_none() {
        return None;
    }
    let choices: Vec<_> = answer.candidates.iter().flatten().map(read_choice).collect();
    Some(Reply {
        choices: if choices.is_empty() { vec![silent(&answer)] } else { choices },
        usage: usage::read(answer.usage_metadata.as_ref()).searched(grounding::searches(&answer)),
        service_tier: usage::service_tier(answer.usage_metadata.as_ref()),
        id: answer.response_id.unwrap_or_default(),
        model: answer.model_version.unwrap_or_default(),
        created: None,
    })
}

/// What an answer without candidates says: the prompt was refused, or the model had nothing to say.
fn silent(answer: &Answer<Json>) -> Choice {
    let stop = if answer.is_blocked() { Stop::Filtered } else { Stop::Other("NO_CANDIDATES".to_owned()) };
    Choice { parts: Vec::new(), stop, log_probs: None }
}

fn read_choice(candidate: &Candidate<Json>) -> Choice {
    let mut parts = Vec::new();
    candidate.parts().for_each(|part| read_part(part, &mut parts));
    let calls = parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall(_)));
    let reason = candidate.finish_reason.as_deref().filter(|reason| !reason.is_empty());
    let log_probs = candidate.logprobs_result.as_ref().and_then(log_probs::read);
    Choice { stop: stop::read(reason.unwrap_or("STOP"), calls), parts, log_probs }
}

fn read_part(part: wire::Part, parts: &mut Vec<Part>) {
    let seal = Seal::read(part.thought_signature.as_deref(), Side::Provider);
    if let Some(call) = part.function_call {
        let call = parts::read_call(call, seal, calls::fresh);
        return parts.push(Part::of(PartKind::ToolCall(call)));
    }
    if let Some(kind) = part.inline_data.and_then(media::read_blob) {
        parts.push(Part::of(kind));
    }
    if let Some(kind) = part.file_data.and_then(media::read_file) {
        parts.push(Part::of(kind));
    }
    parts::add_text(parts, part.text.unwrap_or_default(), part.thought == Some(true), seal);
}

/// The body for a client, with `farthing` (one line of JSON) as a member of its usage.
pub fn write(reply: &Reply, farthing: Option<&str>) -> Bytes {
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let candidates = reply.choices.iter().zip(0_u64..).map(|(choice, index)| Candidate {
        content: Some(Content::of_model(parts::write(&choice.parts, Side::Client).unwrap_or_default())),
        finish_reason: Some(stop::write(&choice.stop).to_owned()),
        index: Some(index),
        logprobs_result: choice.log_probs.as_ref().and_then(log_probs::write),
        grounding_metadata: None,
    });
    let answer = Answer {
        candidates: Some(candidates.collect()),
        usage_metadata: usage::write(reply.usage, reply.service_tier.as_deref(), farthing),
        model_version: named(&reply.model),
        response_id: named(&reply.id),
        ..Answer::default()
    };
    Bytes::from(serde_json::to_vec(&answer).unwrap_or_default())
}

#[cfg(test)]
mod tests;
