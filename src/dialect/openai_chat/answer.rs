//! One choice of an answer as it is read, whole or in deltas: a message and a delta have the same members.
//! Owns the order in which a message's members are told: thinking, text, refusal, calls. Refuses nothing: a member of a
//! shape that is not known says nothing.

use serde_json::value::RawValue;

use super::calls::Calls;
use super::{finish, thoughts};
use crate::dialect::canonical::{Piece, Stop};
use crate::dialect::members::{self, Member};

/// What was read of one choice so far.
#[derive(Debug, Default)]
pub(super) struct Answer {
    calls: Calls,
    /// Thinking came as `reasoning_content` and its seal is due.
    unsealed: bool,
}

impl Answer {
    /// What a message or a delta adds.
    pub(super) fn take(&mut self, message: Member<'_>) -> Vec<Piece> {
        const MEMBERS: [&str; 5] = ["content", "refusal", "tool_calls", "function_call", "extra_content"];
        let Some(object) = message.members(&MEMBERS) else { return Vec::new() };
        let [content, refusal, calls, legacy, extra] = object.present();
        let mut found = thoughts::pieces(message.text);
        let is_plain = !found.is_empty() && thoughts::is_plain(message.text);
        let thought = found.len();
        found.extend(content.map(contents).unwrap_or_default());
        found.extend(refusal.and_then(|text| told(text, Piece::Refusal)));
        self.calls.read(calls, legacy, extra, &mut found);
        self.unsealed |= is_plain;
        if found.len() > thought && std::mem::take(&mut self.unsealed) {
            found.insert(thought, thoughts::plain_seal());
        }
        found
    }

    /// The seal that is still due when the choice ends.
    pub(super) fn end(&mut self) -> Option<Piece> {
        std::mem::take(&mut self.unsealed).then(thoughts::plain_seal)
    }

    /// Why the choice ended, by its `finish_reason`; `None` while there is none. Some servers send an empty one.
    pub(super) fn stop(&self, reason: Option<Member<'_>>) -> Option<Stop> {
        let reason = reason?.string().filter(|reason| !reason.is_empty())?;
        Some(finish::read(&reason, self.calls.any()))
    }
}

/// Text, or Mistral's list of texts and thinking.
fn contents(content: Member<'_>) -> Vec<Piece> {
    if content.is_string() {
        return told(content, Piece::Text).into_iter().collect();
    }
    let list: Vec<&RawValue> = serde_json::from_str(content.text).unwrap_or_default();
    list.iter().filter_map(|part| listed(part.get())).collect()
}

fn listed(part: &str) -> Option<Piece> {
    let [text, thinking] = members::read(part, &["text", "thinking"]).ok()?.present();
    match (text, thinking) {
        (Some(text), _) => told(text, Piece::Text),
        (None, Some(thinking)) => told(thinking, Piece::Reasoning).or_else(|| thought(thinking)),
        (None, None) => None,
    }
}

fn thought(thinking: Member<'_>) -> Option<Piece> {
    let list: Vec<&RawValue> = serde_json::from_str(thinking.text).ok()?;
    let text =
        |part: &&RawValue| members::read(part.get(), &["text"]).ok()?.present().into_iter().flatten().next()?.string();
    let text: String = list.iter().filter_map(text).collect();
    (!text.is_empty()).then_some(Piece::Reasoning(text))
}

fn told(text: Member<'_>, piece: fn(String) -> Piece) -> Option<Piece> {
    text.string().filter(|text| !text.is_empty()).map(piece)
}
