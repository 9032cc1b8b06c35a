//! A whole answer that was not streamed, both directions. In the dialect it is only looked into: it reaches the client
//! as it came. Refuses the blocks of tools the provider ran itself: another dialect has no place for them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::block::{self, Block, RawBlock, Spoken};
use super::usage::{Figures, Tally};
use super::{ids, stop};
use crate::dialect::canonical::{Choice, Reply, Stop};
use crate::dialect::members;
use crate::dialect::usage::Reading;

/// Whether the body is one JSON object that is no error, so that it can be an answer at all.
pub fn is_answer(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    members::read(&text, &["type"]).is_ok_and(|object| {
        let [kind] = object.values;
        kind.and_then(|kind| kind.string()).as_deref() != Some("error")
    })
}

/// The usage of an answer. What is not a JSON object says nothing; broken UTF-8 in the text does not matter.
pub fn usage(body: &[u8]) -> Reading {
    tally(&String::from_utf8_lossy(body)).reading()
}

fn tally(text: &str) -> Tally {
    let mut tally = Tally::default();
    if let Ok(object) = members::read(text, &["usage"]) {
        let [usage] = object.values;
        tally.take(usage);
    }
    tally
}

/// An answer as it comes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    id: Option<String>,
    model: Option<String>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
}

/// The answer a body holds; `None` if it is no answer.
pub fn read(body: &[u8]) -> Option<Reply> {
    if !is_answer(body) {
        return None;
    }
    let text = String::from_utf8_lossy(body);
    let message: Message<'_> = serde_json::from_str(&text).ok()?;
    let content = message.content?.get();
    let tally = tally(&text);
    let stop = message.stop_reason.map_or(Stop::End, |reason| stop::read(&reason, message.stop_sequence));
    Some(Reply {
        id: message.id.unwrap_or_default(),
        model: message.model.unwrap_or_default(),
        created: None,
        choices: vec![Choice { parts: read_content(content)?.parts, stop, log_probs: None }],
        usage: tally.reading(),
        service_tier: tally.tier().map(ToOwned::to_owned),
    })
}

fn read_content(content: &str) -> Option<Spoken> {
    let mut spoken = Spoken::default();
    if let Ok(text) = serde_json::from_str(content) {
        spoken.take(RawBlock { kind: "text".into(), text: Some(text), ..RawBlock::default() }, None);
        return Some(spoken);
    }
    let blocks: Vec<&RawValue> = serde_json::from_str(content).ok()?;
    for block in blocks.into_iter().filter_map(|block| serde_json::from_str(block.get()).ok()) {
        spoken.take(block, None);
    }
    Some(spoken)
}

/// An answer as it is written.
#[derive(Serialize)]
struct Answer<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Block<'a>>,
    stop_reason: Option<&'a str>,
    stop_sequence: Option<&'a str>,
    usage: Figures<'a>,
}

/// The answer as a body: its first choice, for a request of this dialect asks for no more. `farthing` is one line of
/// JSON and stands in the usage object.
pub fn write(reply: &Reply, farthing: Option<&str>) -> Bytes {
    let made_up = if reply.id.is_empty() { ids::new("msg_") } else { String::new() };
    let choice = reply.choices.first();
    let (reason, sequence) = choice.map_or(("end_turn".into(), None), |choice| stop::write(&choice.stop));
    let answer = Answer {
        id: if reply.id.is_empty() { &made_up } else { &reply.id },
        kind: "message",
        role: "assistant",
        model: &reply.model,
        content: choice.map_or_else(Vec::new, |choice| choice.parts.iter().flat_map(block::spoken).collect()),
        stop_reason: Some(&reason),
        stop_sequence: sequence,
        usage: Figures::new(reply.usage, reply.service_tier.as_deref(), farthing),
    };
    serde_json::to_vec(&answer).unwrap_or_default().into()
}

#[cfg(test)]
mod tests;
