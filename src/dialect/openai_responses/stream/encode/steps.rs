//! The steps of a stream: one small function for each type of event that is written.
//! Owns the running number and the members each type must have. Refuses to know the order; the encoder has it.

use bytes::BytesMut;
use serde::Serialize;

use crate::dialect::canonical::Json;
use crate::dialect::frame;
use crate::dialect::openai_responses::object::Object;
use crate::dialect::openai_responses::output::{Content, Item, Summary};

/// The number of the next event.
#[derive(Default)]
pub(super) struct Steps {
    next: u64,
}

#[derive(Serialize)]
struct Step<'a, T: Serialize> {
    #[serde(rename = "type")]
    kind: &'a str,
    sequence_number: u64,
    #[serde(flatten)]
    says: T,
}

#[derive(Serialize)]
struct Response<'a> {
    response: &'a Object<'a>,
}

#[derive(Serialize)]
struct Whole<'a> {
    output_index: usize,
    item: &'a Item,
}

/// What an event about a part of an item has besides its own.
#[derive(Serialize)]
struct Of<'a, T: Serialize> {
    item_id: &'a str,
    output_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_index: Option<usize>,
    #[serde(flatten)]
    says: T,
}

#[derive(Serialize)]
struct Part<T: Serialize> {
    part: T,
}

#[derive(Serialize)]
struct Delta<'a> {
    delta: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<&'a [Json]>,
}

/// A text that is whole, under the name its kind has.
#[derive(Serialize, Default)]
struct Said<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<&'a [Json]>,
}

/// Where a part of an item stands: the item's place and id, and the part's place in it.
type Spot<'a> = (usize, &'a str, usize);

impl Steps {
    pub(super) fn response(&mut self, kind: &str, response: &Object<'_>, out: &mut BytesMut) {
        self.step(kind, Response { response }, out);
    }

    /// An item begins, without anything in it yet.
    pub(super) fn item_added(&mut self, output_index: usize, item: &Item, out: &mut BytesMut) {
        self.step("response.output_item.added", Whole { output_index, item }, out);
    }

    /// An item ends, with whatever in it has not ended before.
    pub(super) fn item_done(&mut self, output_index: usize, item: &Item, out: &mut BytesMut) {
        match item {
            Item::Message { id, content, .. } => self.content_done(output_index, id, content, out),
            Item::Reasoning { id, summary, .. } => self.summary_done(output_index, id, summary, out),
            Item::FunctionCall { id, name, arguments, .. } => {
                let says = Said { name: Some(name), arguments: Some(arguments), ..Said::default() };
                self.of_item("response.function_call_arguments.done", (output_index, id), says, out);
            }
        }
        self.step("response.output_item.done", Whole { output_index, item }, out);
    }

    /// The last content part of a message begins.
    pub(super) fn content_added(&mut self, place: usize, id: &str, content: &[Content], out: &mut BytesMut) {
        if let Some((part, before)) = content.split_last() {
            self.of_content("response.content_part.added", (place, id, before.len()), Part { part }, out);
        }
    }

    /// The last content part of a message grows by `text`.
    pub(super) fn content_delta(&mut self, at: (usize, &str), content: &[Content], text: &str, out: &mut BytesMut) {
        let (place, id) = at;
        match content.split_last() {
            Some((Content::OutputText { .. }, before)) => self.text_delta((place, id, before.len()), text, &[], out),
            Some((Content::Refusal { .. }, before)) => {
                let says = Delta { delta: text, logprobs: None };
                self.of_content("response.refusal.delta", (place, id, before.len()), says, out);
            }
            None => {}
        }
    }

    pub(super) fn text_delta(&mut self, spot: Spot<'_>, delta: &str, logprobs: &[Json], out: &mut BytesMut) {
        self.of_content("response.output_text.delta", spot, Delta { delta, logprobs: Some(logprobs) }, out);
    }

    /// The last content part of a message ends.
    pub(super) fn content_done(&mut self, place: usize, id: &str, content: &[Content], out: &mut BytesMut) {
        let Some((part, before)) = content.split_last() else { return };
        let spot = (place, id, before.len());
        match part {
            Content::OutputText { text, logprobs, .. } => {
                let says = Said { text: Some(text), logprobs: Some(logprobs), ..Said::default() };
                self.of_content("response.output_text.done", spot, says, out);
            }
            Content::Refusal { refusal } => {
                let says = Said { refusal: Some(refusal), ..Said::default() };
                self.of_content("response.refusal.done", spot, says, out);
            }
        }
        self.of_content("response.content_part.done", spot, Part { part }, out);
    }

    pub(super) fn summary_added(&mut self, place: usize, id: &str, out: &mut BytesMut) {
        let part = &Summary { text: String::new() };
        self.of_summary("response.reasoning_summary_part.added", (place, id), Part { part }, out);
    }

    pub(super) fn summary_delta(&mut self, place: usize, id: &str, delta: &str, out: &mut BytesMut) {
        let says = Delta { delta, logprobs: None };
        self.of_summary("response.reasoning_summary_text.delta", (place, id), says, out);
    }

    fn summary_done(&mut self, place: usize, id: &str, summary: &[Summary], out: &mut BytesMut) {
        let Some(part) = summary.last() else { return };
        let says = Said { text: Some(&part.text), ..Said::default() };
        self.of_summary("response.reasoning_summary_text.done", (place, id), says, out);
        self.of_summary("response.reasoning_summary_part.done", (place, id), Part { part }, out);
    }

    pub(super) fn arguments_delta(&mut self, place: usize, id: &str, delta: &str, out: &mut BytesMut) {
        let says = Delta { delta, logprobs: None };
        self.of_item("response.function_call_arguments.delta", (place, id), says, out);
    }

    fn of_content(&mut self, kind: &str, spot: Spot<'_>, says: impl Serialize, out: &mut BytesMut) {
        let (output_index, item_id, part) = spot;
        let says = Of { item_id, output_index, content_index: Some(part), summary_index: None, says };
        self.step(kind, says, out);
    }

    /// Thinking has one summary part.
    fn of_summary(&mut self, kind: &str, spot: (usize, &str), says: impl Serialize, out: &mut BytesMut) {
        let (output_index, item_id) = spot;
        self.step(kind, Of { item_id, output_index, content_index: None, summary_index: Some(0), says }, out);
    }

    fn of_item(&mut self, kind: &str, spot: (usize, &str), says: impl Serialize, out: &mut BytesMut) {
        let (output_index, item_id) = spot;
        self.step(kind, Of { item_id, output_index, content_index: None, summary_index: None, says }, out);
    }

    fn step(&mut self, kind: &str, says: impl Serialize, out: &mut BytesMut) {
        let step = Step { kind, sequence_number: self.next, says };
        self.next = self.next.saturating_add(1);
        frame::write(Some(kind), &serde_json::to_vec(&step).unwrap_or_default(), out);
    }
}
