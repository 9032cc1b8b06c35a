//! A provider's stream read into events.
//! Owns which blocks are open and which of the answer's calls each is. Refuses the blocks of tools the provider runs
//! itself: they are skipped, with their deltas.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;

use super::frame::{Frame, Kind};
use crate::dialect::anthropic::block::RawBlock;
use crate::dialect::anthropic::seal::{self, Opaque};
use crate::dialect::anthropic::usage::Tally;
use crate::dialect::anthropic::{ids, stop};
use crate::dialect::canonical::{Event, Piece, Reasoning};
use crate::dialect::fault::StreamFault;
use crate::dialect::frame;
use crate::dialect::passage::{Decode, StreamEnd};
use crate::dialect::sse::Splitter;

/// Reads one stream.
#[derive(Default)]
pub struct MessagesDecoder {
    splitter: Splitter,
    answer: Answer,
}

/// What the answer is so far.
#[derive(Default)]
struct Answer {
    tally: Tally,
    tier_told: bool,
    began: bool,
    open: BTreeMap<u64, Open>,
    calls: usize,
    /// The signature of the call that comes next.
    of_call: Option<String>,
    finished: bool,
    done: bool,
    failed: bool,
}

/// A block that has begun.
enum Open {
    Text,
    Thinking {
        signature: String,
    },
    Call {
        call: usize,
        /// Arguments that came with the block's beginning, for servers that send no deltas.
        given: Option<String>,
    },
    /// Not for a reader of another dialect.
    Skipped,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Start {
    id: Option<String>,
    model: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta {
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    partial_json: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct End {
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
}

impl MessagesDecoder {
    /// Begins a stream.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Decode for MessagesDecoder {
    fn push(&mut self, chunk: &Bytes, events: &mut Vec<Event>) -> Result<(), StreamFault> {
        if self.answer.done || self.answer.failed {
            return Ok(());
        }
        let answer = &mut self.answer;
        let take = |event: &[u8]| answer.take(event, events).map(|()| false);
        let (_, outcome) = frame::sift(&mut self.splitter, chunk, take);
        if outcome.is_err() && self.answer.done {
            return Ok(());
        }
        self.answer.failed = outcome.is_err();
        outcome
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> StreamEnd {
        let last = frame::last(&mut self.splitter);
        let answer = &mut self.answer;
        if let Some(last) = last.filter(|_| !answer.done && !answer.failed) {
            answer.failed = answer.take(&last, events).is_err();
        }
        let complete = answer.done || (answer.finished && !answer.failed);
        if complete { StreamEnd::Complete } else { StreamEnd::Cut }
    }

    fn is_done(&self) -> bool {
        self.answer.done
    }
}

impl Answer {
    fn take(&mut self, event: &[u8], events: &mut Vec<Event>) -> Result<(), StreamFault> {
        if self.done {
            return Ok(());
        }
        Frame::open(event, |frame| self.frame(frame, events))
    }

    fn frame(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) {
        match frame.kind {
            Kind::MessageStart => self.begin(frame, events),
            Kind::BlockStart => self.open(frame, events),
            Kind::BlockDelta => self.delta(frame, events),
            Kind::BlockStop => self.close(frame.index, events),
            Kind::MessageDelta => self.end(frame, events),
            Kind::MessageStop => self.done = true,
            Kind::Other => {}
        }
    }

    fn begin(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) {
        if !self.began {
            let start: Start = frame.message.and_then(|message| read(message.text)).unwrap_or_default();
            let (id, model) = (start.id.unwrap_or_default(), start.model.unwrap_or_default());
            events.push(Event::Began { id, model, created: None });
            self.began = true;
        }
        self.count(frame, events);
    }

    fn count(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) {
        let Some(usage) = frame.any_usage() else { return };
        self.tally.take(Some(usage));
        events.push(Event::Usage(self.tally.reading()));
        if let Some(tier) = self.tally.tier().filter(|_| !self.tier_told) {
            events.push(Event::ServiceTier(tier.to_owned()));
            self.tier_told = true;
        }
    }

    fn open(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) {
        self.close(frame.index, events);
        let block: RawBlock<'_> = frame.block.and_then(|block| read(block.text)).unwrap_or_default();
        let open = match block.kind.as_str() {
            "text" => {
                say(block.text, Piece::Text, events);
                Open::Text
            }
            "thinking" => {
                say(block.thinking, Piece::Reasoning, events);
                Open::Thinking { signature: block.signature.unwrap_or_default() }
            }
            "redacted_thinking" => {
                self.opaque(block.sealed.unwrap_or_default(), events);
                Open::Skipped
            }
            "tool_use" => self.call(block, events),
            _ => Open::Skipped,
        };
        self.open.insert(frame.index, open);
    }

    fn opaque(&mut self, sealed: String, events: &mut Vec<Event>) {
        match seal::read_opaque(sealed) {
            Opaque::Thinking(reasoning) => seal_with(reasoning, events),
            Opaque::OfCall(signature) => self.of_call = Some(signature),
        }
    }

    fn call(&mut self, block: RawBlock<'_>, events: &mut Vec<Event>) -> Open {
        let call = self.calls;
        self.calls = call.saturating_add(1);
        let id = ids::read_or_new(block.id);
        let (name, signature) = (block.name.unwrap_or_default(), self.of_call.take());
        events.push(more(Piece::ToolCall { call, id, name, signature }));
        let given = block.input.map(|input| input.get().to_owned()).filter(|input| input.len() > 2 && input != "null");
        // Said when the block closes, unless pieces of it came: a call without arguments has an empty object of them.
        let given = given.or_else(|| Some("{}".to_owned()));
        Open::Call { call, given }
    }

    fn delta(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) {
        let delta: Delta = frame.delta.and_then(|delta| read(delta.text)).unwrap_or_default();
        match self.open.get_mut(&frame.index) {
            Some(Open::Text) => say(delta.text, Piece::Text, events),
            Some(Open::Thinking { signature }) => {
                say(delta.thinking, Piece::Reasoning, events);
                signature.push_str(&delta.signature.unwrap_or_default());
            }
            Some(Open::Call { call, given }) => {
                let call = *call;
                if delta.partial_json.as_ref().is_some_and(|json| !json.is_empty()) {
                    *given = None;
                }
                say(delta.partial_json, |text| Piece::Arguments { call, text }, events);
            }
            Some(Open::Skipped) => {}
            // A server that does not say when a block begins; its text is text all the same.
            None => say(delta.text, Piece::Text, events),
        }
    }

    fn close(&mut self, index: u64, events: &mut Vec<Event>) {
        match self.open.remove(&index) {
            Some(Open::Thinking { signature }) => {
                let reasoning = seal::read(String::new(), Some(signature));
                if reasoning != Reasoning::default() {
                    seal_with(reasoning, events);
                }
            }
            Some(Open::Call { call, given }) => say(given, |text| Piece::Arguments { call, text }, events),
            Some(Open::Text | Open::Skipped) | None => {}
        }
    }

    fn end(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) {
        let end: End = frame.delta.and_then(|delta| read(delta.text)).unwrap_or_default();
        if let Some(reason) = end.stop_reason.filter(|_| !self.finished) {
            for index in self.open.keys().copied().collect::<Vec<_>>() {
                self.close(index, events);
            }
            self.finished = true;
            events.push(Event::Finished { choice: 0, stop: stop::read(&reason, end.stop_sequence) });
        }
        self.count(frame, events);
    }
}

fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Option<T> {
    serde_json::from_str(json).ok()
}

fn more(piece: Piece) -> Event {
    Event::More { choice: 0, piece }
}

fn say(text: Option<String>, piece: impl FnOnce(String) -> Piece, events: &mut Vec<Event>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        events.push(more(piece(text)));
    }
}

fn seal_with(reasoning: Reasoning, events: &mut Vec<Event>) {
    let Reasoning { signature, sealed, id, .. } = reasoning;
    events.push(more(Piece::Sealed { signature, sealed, id }));
}
