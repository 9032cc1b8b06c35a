//! A client's stream written from events.
//! Owns the order this dialect demands: one block after the other, each begun, filled and ended. Calls that a provider
//! tells side by side wait until the open one is whole. Refuses to end by itself: `message_delta` and `message_stop`
//! are the tail.

mod calls;
mod wire;

use bytes::BytesMut;

use self::calls::{Call, Calls};
use self::wire::{Delta, Wire};
use crate::dialect::anthropic::block::Block;
use crate::dialect::anthropic::usage::Figures;
use crate::dialect::anthropic::{ids, seal, stop};
use crate::dialect::canonical::{Event, Json, Piece, Reasoning, Stop};
use crate::dialect::passage::Encode;
use crate::dialect::usage::Reading;

/// Writes one stream.
pub struct MessagesEncoder {
    began: bool,
    /// The number of the open block, or of the next one.
    index: usize,
    open: Open,
    calls: Calls,
    usage: Reading,
    tier: Option<String>,
    stop: Option<Stop>,
}

/// The block that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Text,
    Thinking,
    /// Of this call.
    Call(usize),
}

impl MessagesEncoder {
    /// Begins a stream.
    pub fn new() -> Self {
        let (calls, usage) = (Calls::default(), Reading::Absent);
        Self { began: false, index: 0, open: Open::Nothing, calls, usage, tier: None, stop: None }
    }

    fn begin(&mut self, id: &str, model: &str, out: &mut BytesMut) {
        if std::mem::replace(&mut self.began, true) {
            return;
        }
        let made_up = if id.is_empty() { ids::new("msg_") } else { id.to_owned() };
        // What is counted is known at the end only; the tail repeats every figure.
        Wire::start(&made_up, model, Figures::new(self.usage, None, None)).write(out);
    }

    fn piece(&mut self, piece: Piece, out: &mut BytesMut) {
        match piece {
            Piece::Text(text) | Piece::Refusal(text) => self.text(Open::Text, &text, out),
            Piece::Reasoning(text) => self.text(Open::Thinking, &text, out),
            Piece::Sealed { signature, sealed, id } => {
                self.seal(&Reasoning { text: String::new(), signature, sealed, id }, out);
            }
            Piece::ToolCall { call, id, name, signature } => {
                self.calls.add(Call::new(call, id, name, signature));
                self.go_on(out);
            }
            Piece::Arguments { call, text } => {
                self.calls.extend(call, &text);
                if self.open == Open::Call(call) {
                    self.fill(Delta::Arguments { partial_json: &text }, out);
                }
            }
            Piece::LogProbs(_) => {}
        }
    }

    fn text(&mut self, kind: Open, text: &str, out: &mut BytesMut) {
        if text.is_empty() {
            return;
        }
        if self.open != kind {
            self.close_all(out);
            self.start(kind, if kind == Open::Text { Block::EMPTY_TEXT } else { Block::EMPTY_THINKING }, out);
        }
        let delta = if kind == Open::Text { Delta::Text { text } } else { Delta::Thinking { thinking: text } };
        self.fill(delta, out);
    }

    /// Ends the thinking with its seal; without thinking before it, the seal is a block of its own.
    fn seal(&mut self, reasoning: &Reasoning, out: &mut BytesMut) {
        if self.open != Open::Thinking {
            self.close_all(out);
            let block = seal::for_client(reasoning);
            if matches!(block, Block::RedactedThinking { .. }) {
                return self.whole(block, out);
            }
            self.start(Open::Thinking, Block::EMPTY_THINKING, out);
        }
        let signature = seal::signature(reasoning);
        if !signature.is_empty() {
            self.fill(Delta::Signature { signature: &signature }, out);
        }
        self.close(out);
    }

    /// Opens the next waiting call as soon as the one that is open is whole.
    fn go_on(&mut self, out: &mut BytesMut) {
        while !matches!(self.open, Open::Call(open) if !self.calls.is_whole(open)) {
            let Some(next) = self.calls.next() else { return };
            self.close(out);
            self.call(next, out);
        }
    }

    /// Begins the block of a call, with what is known of its arguments.
    fn call(&mut self, call: Call, out: &mut BytesMut) {
        if let Some(signature) = &call.signature {
            self.whole(seal::of_call(signature), out);
        }
        let input = Json::of(&serde_json::json!({}));
        let block = Block::ToolUse { id: ids::write(&call.id), name: &call.name, input, cache_control: None };
        self.start(Open::Call(call.number), block, out);
        if !call.arguments.is_empty() {
            self.fill(Delta::Arguments { partial_json: &call.arguments }, out);
        }
        self.calls.begun(&call);
    }

    /// Ends the open block, and tells every call that waits. Arguments that come later still are lost: no provider goes
    /// on with a call after other content.
    fn close_all(&mut self, out: &mut BytesMut) {
        self.close(out);
        while let Some(next) = self.calls.next() {
            self.call(next, out);
            self.close(out);
        }
    }

    fn whole(&mut self, block: Block<'_>, out: &mut BytesMut) {
        self.start(Open::Thinking, block, out);
        self.close(out);
    }

    fn start(&mut self, open: Open, content_block: Block<'_>, out: &mut BytesMut) {
        Wire::ContentBlockStart { index: self.index, content_block }.write(out);
        self.open = open;
    }

    fn fill(&self, delta: Delta<'_>, out: &mut BytesMut) {
        Wire::ContentBlockDelta { index: self.index, delta }.write(out);
    }

    fn close(&mut self, out: &mut BytesMut) {
        if self.open != Open::Nothing {
            Wire::ContentBlockStop { index: self.index }.write(out);
            self.index = self.index.saturating_add(1);
            self.open = Open::Nothing;
        }
    }
}

impl Default for MessagesEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encode for MessagesEncoder {
    fn event(&mut self, event: Event, out: &mut BytesMut) {
        match event {
            Event::Began { id, model, .. } => self.begin(&id, &model, out),
            Event::More { choice: 0, piece } => {
                self.begin("", "", out);
                self.piece(piece, out);
            }
            Event::Finished { choice: 0, stop } => {
                self.close_all(out);
                self.stop = Some(stop);
            }
            Event::Usage(Reading::Absent) | Event::More { .. } | Event::Finished { .. } => {}
            Event::Usage(reading) => self.usage = reading,
            Event::ServiceTier(tier) => self.tier = Some(tier),
        }
    }

    /// `farthing` stands in `message_stop`, where a passage within the dialect puts it too.
    fn tail(&mut self, farthing: Option<&str>, out: &mut BytesMut) {
        self.begin("", "", out);
        self.close_all(out);
        let (reason, sequence) = stop::write(self.stop.as_ref().unwrap_or(&Stop::End));
        // Some clients read all usage from this one event, so it has every figure and not what changed.
        let usage = Figures::new(self.usage, self.tier.as_deref(), None);
        Wire::end(&reason, sequence, usage).write(out);
        Wire::MessageStop { farthing: farthing.and_then(Json::parse) }.write(out);
    }
}

#[cfg(test)]
mod tests;
