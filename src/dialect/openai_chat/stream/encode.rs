//! A client's stream of chat chunks, written from events.
//! Owns the order OpenAI's SDKs expect: for each choice a chunk with the role, its deltas, its reason for finishing;
//! then, for a client that asked, a chunk with usage and no choice; then the end marker. Refuses to end before it is
//! told to.

use bytes::{BufMut, BytesMut};
use serde::Serialize;
use uuid::Uuid;

use crate::dialect::canonical::{Event, Json, Piece, Reasoning, Stop};
use crate::dialect::frame;
use crate::dialect::openai_chat::shape::{Call, Content, Message};
use crate::dialect::openai_chat::usage::Object;
use crate::dialect::openai_chat::{finish, thoughts};
use crate::dialect::passage::Encode;
use crate::dialect::usage::Reading;

/// Writes one stream.
pub struct ChatEncoder {
    id: String,
    model: String,
    created: u64,
    service_tier: Option<String>,
    wants_usage: bool,
    usage: Reading,
    choices: Vec<Begun>,
}

/// A choice that has begun.
struct Begun {
    index: u64,
    /// It refused in words.
    refused: bool,
    /// The place of the next entry of `reasoning_details`, and whether text was told for it that is not sealed yet.
    entry: usize,
    thinks: bool,
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    choices: &'a [Choice<'a>],
    /// `null` in all chunks but the last for a client that wants usage; else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Object>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u64,
    delta: Message<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<Json>,
    finish_reason: Option<&'static str>,
}

impl ChatEncoder {
    /// Begins a stream. `model`: the name the client used; the provider's where it is empty. `wants_usage`: whether the
    /// client asked for usage.
    pub fn new(model: String, wants_usage: bool) -> Self {
        let (id, service_tier, choices) = (String::new(), None, Vec::new());
        Self { id, model, created: 0, service_tier, wants_usage, usage: Reading::Absent, choices }
    }

    fn began(&mut self, id: String, model: String, created: Option<u64>) {
        self.id = if id.is_empty() { format!("chatcmpl-{}", Uuid::now_v7().simple()) } else { id };
        self.created = created.unwrap_or(0);
        if self.model.is_empty() {
            self.model = model;
        }
    }

    /// The place of a choice, whose first chunk is written if it is new.
    fn begin(&mut self, index: u64, out: &mut BytesMut) -> usize {
        if let Some(place) = self.choices.iter().position(|begun| begun.index == index) {
            return place;
        }
        let (role, content) = (Some("assistant"), Some(Content::Text("".into())));
        self.say(index, Message { role, content, ..Message::default() }, out);
        self.choices.push(Begun { index, refused: false, entry: 0, thinks: false });
        self.choices.len().saturating_sub(1)
    }

    fn more(&mut self, index: u64, piece: Piece, out: &mut BytesMut) {
        let place = self.begin(index, out);
        let plain = Message::default();
        match piece {
            Piece::Text(text) => self.say(index, Message { content: Some(Content::Text(text.into())), ..plain }, out),
            Piece::Refusal(text) => {
                self.choices.iter_mut().skip(place).take(1).for_each(|begun| begun.refused = true);
                self.say(index, Message { refusal: Some(text.into()), ..plain }, out);
            }
            Piece::Reasoning(text) => self.think(place, text, out),
            Piece::Sealed { signature, sealed, id } => {
                let thought = Reasoning { text: String::new(), signature, sealed, id };
                self.seal(place, &thought, out);
            }
            Piece::ToolCall { call, id, name, signature } => {
                let begun =
                    Call { index: Some(call), ..Call::begun(id.as_str(), &name, "").signed(signature.as_deref()) };
                self.say(index, Message { tool_calls: vec![begun], ..plain }, out);
            }
            Piece::Arguments { call, text } => {
                self.say(index, Message { tool_calls: vec![Call::more(call, &text)], ..plain }, out);
            }
            Piece::LogProbs(probs) => {
                self.write(Choice { index, delta: plain, logprobs: Some(probs), finish_reason: None }, out);
            }
        }
    }

    /// Thinking goes out under the name most clients show, and as an entry for those that send entries back.
    fn think(&mut self, place: usize, text: String, out: &mut BytesMut) {
        let Some(begun) = self.choices.get_mut(place) else { return };
        begun.thinks = true;
        let (index, entry) = (begun.index, thoughts::shown(&text, begun.entry));
        let (reasoning_content, reasoning_details) = (Some(text.into()), vec![entry]);
        self.say(index, Message { reasoning_content, reasoning_details, ..Message::default() }, out);
    }

    /// A signature belongs to the entry of its text; a sealed part is an entry of its own.
    fn seal(&mut self, place: usize, thought: &Reasoning, out: &mut BytesMut) {
        let Some(begun) = self.choices.get_mut(place) else { return };
        let after_text = std::mem::take(&mut begun.thinks) && thought.signature.is_none();
        let first = begun.entry.saturating_add(usize::from(after_text));
        let reasoning_details = thoughts::told(&[thought], first);
        begun.entry = first.saturating_add(reasoning_details.len());
        let index = begun.index;
        self.say(index, Message { reasoning_details, ..Message::default() }, out);
    }

    fn finished(&mut self, index: u64, stop: &Stop, out: &mut BytesMut) {
        let place = self.begin(index, out);
        let refused = self.choices.get(place).is_some_and(|begun| begun.refused);
        let finish_reason = Some(finish::word(stop, refused));
        self.write(Choice { index, delta: Message::default(), logprobs: None, finish_reason }, out);
    }

    fn say(&self, index: u64, delta: Message<'_>, out: &mut BytesMut) {
        self.write(Choice { index, delta, logprobs: None, finish_reason: None }, out);
    }

    fn write(&self, choice: Choice<'_>, out: &mut BytesMut) {
        self.chunk(&[choice], self.wants_usage.then_some(None), out);
    }

    fn chunk(&self, choices: &[Choice<'_>], usage: Option<Option<Object>>, out: &mut BytesMut) {
        let chunk = Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            service_tier: self.service_tier.as_deref(),
            choices,
            usage,
        };
        let Ok(json) = serde_json::to_vec(&chunk) else { return };
        frame::write(None, &json, out);
    }
}

impl Encode for ChatEncoder {
    fn event(&mut self, event: Event, out: &mut BytesMut) {
        match event {
            Event::Began { id, model, created } => {
                self.began(id, model, created);
                self.begin(0, out);
            }
            Event::More { choice, piece } => self.more(choice, piece, out),
            Event::Finished { choice, stop } => self.finished(choice, &stop, out),
            Event::Usage(Reading::Absent) => {}
            Event::Usage(reading) => self.usage = reading,
            Event::ServiceTier(tier) => self.service_tier = Some(tier),
        }
    }

    fn tail(&mut self, farthing: Option<&str>, out: &mut BytesMut) {
        let usage = std::mem::replace(&mut self.usage, Reading::Absent);
        if let Some(usage) = Object::of(usage, farthing).filter(|_| self.wants_usage) {
            self.chunk(&[], Some(Some(usage)), out);
        }
        out.put_slice(super::passage::DONE);
    }
}

#[cfg(test)]
mod tests;
