//! An object of an answer, whole or a line of a stream: both have the same members.
//! Owns the order in which a message's members are told (thinking, text, calls), the end and the figures. Refuses nothing: a
//! member of a shape that is not known says nothing.

use farthing_actors::domain::Usage;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::dialect::canonical::{Piece, Stop};
use crate::dialect::members::{self, Member, Members};
use crate::dialect::usage::{Reading, count};
use crate::dialect::words::UpstreamWords;

const MEMBERS: [&str; 7] = ["model", "message", "done", "done_reason", "prompt_eval_count", "eval_count", "error"];

/// What one object says.
pub(super) struct Told {
    pub(super) model: String,
    pub(super) pieces: Vec<Piece>,
    /// Whether it is the last.
    pub(super) done: bool,
    pub(super) reason: Option<String>,
    pub(super) usage: Reading,
    pub(super) error: Option<UpstreamWords>,
}

impl Told {
    /// Reads an object, of an answer with `calls` calls so far; `None` if it is none.
    pub(super) fn read(text: &str, calls: usize) -> Option<Self> {
        let object = members::read(text, &MEMBERS).ok()?;
        let usage = usage(&object);
        let [model, message, done, reason, _, _, error] = object.present();
        Some(Self {
            model: model.and_then(|model| model.string()).unwrap_or_default(),
            pieces: message.map(|message| pieces(message, calls)).unwrap_or_default(),
            done: done.is_some_and(|done| done.text == "true"),
            reason: reason.and_then(|reason| reason.string()),
            usage,
            error: error.map(UpstreamWords::of),
        })
    }

    /// How many calls begin in it.
    pub(super) fn calls(&self) -> usize {
        self.pieces.iter().filter(|piece| matches!(piece, Piece::ToolCall { .. })).count()
    }

    /// Why the answer ended. Ollama says `stop` though the answer calls tools.
    pub(super) fn stop(&self, calls: bool) -> Stop {
        match self.reason.as_deref() {
            None | Some("stop" | "") if calls => Stop::ToolCalls,
            None | Some("stop" | "") => Stop::End,
            Some("length") => Stop::Length,
            Some(other) => Stop::Other(other.to_owned()),
        }
    }
}

/// Thinking is part of `eval_count` and not told apart. A prompt that is not counted may have been in the cache: that says
/// nothing of its length.
fn usage(object: &Members<'_, 7>) -> Reading {
    if object.duplicate.is_some() {
        return Reading::Insane("the answer gives a member twice");
    }
    let [_, _, _, _, prompt, generated, _] = object.values.map(|value| value.filter(|member| !member.is_null()));
    match (count(prompt), count(generated)) {
        (Ok(Some(input)), Ok(Some(output))) => Reading::Figures(Usage { input, output, ..Usage::default() }),
        (Ok(_), Ok(_)) => Reading::Absent,
        (Err(reason), _) | (_, Err(reason)) => Reading::Insane(reason),
    }
}

fn pieces(message: Member<'_>, calls: usize) -> Vec<Piece> {
    let Some(object) = message.members(&["thinking", "content", "tool_calls"]) else { return Vec::new() };
    let [thinking, content, list] = object.present();
    let told = |member: Option<Member<'_>>| member.and_then(|text| text.string()).filter(|text| !text.is_empty());
    let mut found: Vec<_> = told(thinking).map(Piece::Reasoning).into_iter().collect();
    found.extend(told(content).map(Piece::Text));
    let list: Vec<&RawValue> = list.and_then(|list| serde_json::from_str(list.text).ok()).unwrap_or_default();
    for (place, text) in list.iter().filter_map(|text| call(text.get())).enumerate() {
        let (call, (id, name, arguments)) = (calls.saturating_add(place), text);
        found.push(Piece::ToolCall { call, id, name, signature: None });
        found.push(Piece::Arguments { call, text: arguments });
    }
    found
}

/// Id, name and arguments of a call. A call comes whole; older servers give it no id.
fn call(text: &str) -> Option<(String, String, String)> {
    let [id, function] = members::read(text, &["id", "function"]).ok()?.present();
    let [name, arguments] = function?.members(&["name", "arguments"])?.present();
    let id = id.and_then(|id| id.string()).filter(|id| !id.is_empty());
    let id = id.unwrap_or_else(|| format!("call_{}", Uuid::now_v7().simple()));
    let arguments =
        arguments.map_or_else(|| "{}".to_owned(), |given| given.string().unwrap_or_else(|| given.text.to_owned()));
    Some((id, name?.string()?, arguments))
}
