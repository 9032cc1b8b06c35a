//! Canonical events into a stream of Responses events, with all the steps that OpenAI's own streams have.
//! Owns the numbers, the ids, and the output as it grows, so that the last event repeats what was streamed. Refuses
//! more than one choice, which the dialect does not have.

mod steps;

use bytes::BytesMut;

use self::steps::Steps;
use crate::dialect::canonical::{Event, Json, Piece, Stop, ToolCall};
use crate::dialect::openai_responses::object::Object;
use crate::dialect::openai_responses::output::{self, Content, Item, Status, Summary};
use crate::dialect::openai_responses::{reply, seal, usage};
use crate::dialect::passage::Encode;
use crate::dialect::usage::Reading;

/// One stream being written.
pub struct ResponsesEncoder {
    id: String,
    model: String,
    created: u64,
    began: bool,
    steps: Steps,
    output: Vec<Item>,
    /// The message or thinking that goes on; calls stay open beside it.
    current: Option<usize>,
    /// Places of the calls in the output.
    calls: Vec<usize>,
    stop: Option<Stop>,
    tier: Option<String>,
    usage: Reading,
}

impl Default for ResponsesEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ResponsesEncoder {
    /// Begins a stream.
    pub fn new() -> Self {
        Self {
            id: String::new(),
            model: String::new(),
            created: 0,
            began: false,
            steps: Steps::default(),
            output: Vec::new(),
            current: None,
            calls: Vec::new(),
            stop: None,
            tier: None,
            usage: Reading::Absent,
        }
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.began, true) {
            return;
        }
        if self.id.is_empty() {
            self.id = output::new_id("resp");
        }
        let mut object = Object::new(&self.id, &self.model, None);
        object.created_at = self.created;
        self.steps.response("response.created", &object, out);
        self.steps.response("response.in_progress", &object, out);
    }

    fn more(&mut self, piece: Piece, out: &mut BytesMut) {
        match piece {
            // Nothing begins with nothing: some providers open every answer with an empty text.
            Piece::Text(text) | Piece::Refusal(text) | Piece::Reasoning(text) if text.is_empty() => {}
            Piece::Text(text) => self.speak(&text, Content::text(String::new()), out),
            Piece::Refusal(text) => self.speak(&text, Content::Refusal { refusal: String::new() }, out),
            Piece::Reasoning(text) => self.think(&text, out),
            Piece::Sealed { signature, sealed, id } => {
                self.seal(seal::close(signature.as_deref(), sealed.as_deref()), id, out);
            }
            Piece::ToolCall { id, name, signature, .. } => {
                self.close(Status::Completed, out);
                if let Some(signature) = signature {
                    self.open(Item::call_signature(&signature, &id), out);
                    self.close(Status::Completed, out);
                }
                let call = ToolCall { id, name, arguments: String::new(), signature: None };
                let place = self.open(Item::call(call), out);
                self.calls.push(place);
                self.current = None;
            }
            Piece::Arguments { call, text } => self.argue(call, &text, out),
            Piece::LogProbs(log_probs) => self.weigh(&log_probs, out),
        }
    }

    /// Adds an item to the output; it goes on until it is closed.
    fn open(&mut self, item: Item, out: &mut BytesMut) -> usize {
        let place = self.output.len();
        self.steps.item_added(place, &item, out);
        self.output.push(item);
        self.current = Some(place);
        place
    }

    /// Ends the message or thinking that goes on.
    fn close(&mut self, status: Status, out: &mut BytesMut) {
        if let Some(place) = self.current.take() {
            self.end(place, status, out);
        }
    }

    fn end(&mut self, place: usize, status: Status, out: &mut BytesMut) {
        let Some(item) = self.output.get_mut(place) else { return };
        *item.status() = status;
        self.steps.item_done(place, item, out);
    }

    /// Adds to the message that goes on; `empty` is a content part of the kind of `text`.
    fn speak(&mut self, text: &str, empty: Content, out: &mut BytesMut) {
        let speaks = |item: &Item| matches!(item, Item::Message { .. });
        let place = match self.current.filter(|place| self.output.get(*place).is_some_and(speaks)) {
            Some(place) => place,
            None => {
                self.close(Status::Completed, out);
                self.open(Item::message(Vec::new()), out)
            }
        };
        let Some(Item::Message { id, content, .. }) = self.output.get_mut(place) else { return };
        if content.last().is_none_or(|last| std::mem::discriminant(last) != std::mem::discriminant(&empty)) {
            self.steps.content_done(place, id, content, out);
            content.push(empty);
            self.steps.content_added(place, id, content, out);
        }
        if let Some(Content::OutputText { text: said, .. } | Content::Refusal { refusal: said }) = content.last_mut() {
            said.push_str(text);
        }
        self.steps.content_delta((place, id), content, text, out);
    }

    fn think(&mut self, text: &str, out: &mut BytesMut) {
        let thinks = |item: &Item| matches!(item, Item::Reasoning { encrypted_content: None, .. });
        let place = match self.current.filter(|place| self.output.get(*place).is_some_and(thinks)) {
            Some(place) => place,
            None => {
                self.close(Status::Completed, out);
                self.open(Item::reasoning(None, "", None), out)
            }
        };
        let Some(Item::Reasoning { id, summary, .. }) = self.output.get_mut(place) else { return };
        if summary.is_empty() {
            summary.push(Summary { text: String::new() });
            self.steps.summary_added(place, id, out);
        }
        if let Some(part) = summary.last_mut() {
            part.text.push_str(text);
        }
        self.steps.summary_delta(place, id, text, out);
    }

    /// Ends the thinking with its seal. An id stays the one the item began with.
    fn seal(&mut self, encrypted: Option<String>, id: Option<String>, out: &mut BytesMut) {
        let current = self.current.and_then(|place| self.output.get_mut(place));
        match current {
            Some(Item::Reasoning { encrypted_content, .. }) => *encrypted_content = encrypted,
            _ if encrypted.is_none() => return,
            _ => {
                self.close(Status::Completed, out);
                self.open(Item::reasoning(id, "", encrypted), out);
            }
        }
        self.close(Status::Completed, out);
    }

    fn argue(&mut self, call: usize, text: &str, out: &mut BytesMut) {
        let Some(place) = self.calls.get(call).copied() else { return };
        let Some(Item::FunctionCall { id, arguments, .. }) = self.output.get_mut(place) else { return };
        arguments.push_str(text);
        self.steps.arguments_delta(place, id, text, out);
    }

    /// Probabilities come after their text; they travel in a delta of their own that adds no text.
    fn weigh(&mut self, log_probs: &Json, out: &mut BytesMut) {
        let current = self.current.and_then(|place| Some((place, self.output.get_mut(place)?)));
        let Some((place, Item::Message { id, content, .. })) = current else { return };
        let part = content.len().saturating_sub(1);
        let Some(Content::OutputText { logprobs, .. }) = content.last_mut() else { return };
        let tokens = reply::tokens(log_probs);
        self.steps.text_delta((place, id, part), "", &tokens, out);
        logprobs.extend(tokens);
    }

    /// The answer ends, but for its last event.
    fn finish(&mut self, stop: Stop, out: &mut BytesMut) {
        if stop == Stop::Refusal && !reply::refuses(&self.output) {
            self.speak(reply::REFUSED, Content::Refusal { refusal: String::new() }, out);
        }
        let cut = stop == Stop::Length || stop == Stop::Filtered;
        let status = if cut { Status::Incomplete } else { Status::Completed };
        self.close(status, out);
        for place in std::mem::take(&mut self.calls) {
            self.end(place, status, out);
        }
        self.stop = Some(stop);
    }
}

impl Encode for ResponsesEncoder {
    fn event(&mut self, event: Event, out: &mut BytesMut) {
        match event {
            Event::Began { id, model, created } if !self.began => {
                (self.id, self.model, self.created) = (id, model, created.unwrap_or(0));
                self.begin(out);
            }
            Event::More { choice: 0, piece } if self.stop.is_none() => {
                self.begin(out);
                self.more(piece, out);
            }
            Event::Finished { choice: 0, stop } if self.stop.is_none() => {
                self.begin(out);
                self.finish(stop, out);
            }
            Event::Usage(reading) => self.usage = reading,
            Event::ServiceTier(tier) => self.tier = Some(tier),
            Event::Began { .. } | Event::More { .. } | Event::Finished { .. } => {}
        }
    }

    fn tail(&mut self, farthing: Option<&str>, out: &mut BytesMut) {
        self.begin(out);
        if self.stop.is_none() {
            self.finish(Stop::End, out);
        }
        let mut object = Object::new(&self.id, &self.model, self.stop.as_ref());
        object.created_at = self.created;
        object.output = &self.output;
        object.service_tier = self.tier.as_deref();
        object.usage = usage::write(self.usage, farthing);
        object.tool_usage = usage::write_tools(self.usage);
        let kind = object.event();
        self.steps.response(kind, &object, out);
    }
}
