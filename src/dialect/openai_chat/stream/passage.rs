//! A stream of chat chunks on its way from a provider to a client of the same dialect.
//! Owns what passes, what is withheld until the books are settled, and what the stream says of usage, choices and
//! errors. Refuses to reshape: what passes is byte for byte what the provider sent.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use serde_json::value::RawValue;

use super::frame::{Frame, read};
use super::indexes::Indexes;
use super::scan;
use crate::dialect::fault::StreamFault;
use crate::dialect::frame;
use crate::dialect::members::{self, Member};
use crate::dialect::passage::{Passage, Seen, StreamEnd};
use crate::dialect::splice::Splice;
use crate::dialect::sse::Splitter;
use crate::dialect::usage::{self, Reading};
use crate::dialect::words::UpstreamWords;

pub(super) const DONE: &[u8] = b"data: [DONE]\n\n";

/// One stream being relayed.
pub struct ChatStream {
    client_wants_usage: bool,
    splitter: Splitter,
    choices: Indexes,
    usage: Reading,
    seen: Seen,
    done: bool,
    failed: bool,
    withheld: Option<Withheld>,
    rest: Bytes,
}

/// The usage-only chunk, kept until the tail.
struct Withheld {
    event: Bytes,
    object: Range<usize>,
}

impl ChatStream {
    /// Begins a stream. `client_wants_usage`: whether the client itself asked for the usage chunk.
    pub fn new(client_wants_usage: bool) -> Self {
        Self {
            client_wants_usage,
            splitter: Splitter::default(),
            choices: Indexes::default(),
            usage: Reading::Absent,
            seen: Seen::default(),
            done: false,
            failed: false,
            withheld: None,
            rest: Bytes::new(),
        }
    }

    /// Takes in one event; says whether it goes to the client now.
    fn passes(&mut self, bytes: &[u8]) -> Result<bool, StreamFault> {
        if self.done {
            return Ok(false);
        }
        let event = frame::open(bytes)?;
        let data = match read(&event)? {
            Frame::Silent => return Ok(true),
            Frame::Done => {
                self.done = true;
                return Ok(false);
            }
            Frame::Chunk(data) => data,
        };
        let json = &data[..];
        self.measure(json);
        if scan::needs_parse(json, &self.choices) && self.parse(json)? {
            self.withhold(bytes, event.data_span());
            return Ok(false);
        }
        Ok(true)
    }

    fn measure(&mut self, json: &[u8]) {
        let bytes = scan::text_bytes(json);
        self.seen.text_bytes = self.seen.text_bytes.saturating_add(bytes);
        self.seen.events = self.seen.events.saturating_add(u64::from(bytes > 0));
    }

    /// Reads a chunk that says more than text; says whether it holds usage and no choice.
    fn parse(&mut self, json: &[u8]) -> Result<bool, StreamFault> {
        // Local servers send broken UTF-8; it passes as it came, and what is read here does not depend on it.
        let text = String::from_utf8_lossy(json);
        let object = members::read(&text, &["choices", "usage", "error", "x_groq", "service_tier"])
            .map_err(|_| StreamFault::Garbage("an event is not valid JSON"))?;
        let [choices, usage, error, x_groq, tier] = object.present();
        if let Some(error) = error {
            return Err(StreamFault::UpstreamError(UpstreamWords::of(error)));
        }
        let choices = choices.map_or(0, |choices| self.note_choices(choices));
        self.seen.tier = usage::tier(tier).or(self.seen.tier);
        let reading = Reading::of(usage, x_groq);
        if reading != Reading::Absent {
            self.usage = reading;
        }
        Ok(choices == 0 && usage.is_some_and(|usage| usage.is_object()))
    }

    /// Takes in which choices a chunk has and which finish; gives their number.
    fn note_choices(&mut self, choices: Member<'_>) -> usize {
        let list: Vec<&RawValue> = serde_json::from_str(choices.text).unwrap_or_default();
        for choice in &list {
            let Ok(choice) = members::read(choice.get(), &["index", "finish_reason"]) else { continue };
            let [index, reason] = choice.present();
            let index = index.map_or(Some(0), |index| index.whole());
            if let Some(index) = index {
                self.choices.note(index, reason.is_some());
            }
        }
        list.len()
    }

    fn withhold(&mut self, event: &[u8], object: Option<Range<usize>>) {
        let object = object.unwrap_or_default();
        self.withheld = Some(Withheld { event: Bytes::copy_from_slice(event), object });
    }
}

impl Passage for ChatStream {
    fn push(&mut self, chunk: Bytes) -> Result<Bytes, StreamFault> {
        if self.done || self.failed {
            return Ok(Bytes::new());
        }
        let mut splitter = std::mem::take(&mut self.splitter);
        let (due, outcome) = frame::sift(&mut splitter, &chunk, |event| self.passes(event));
        self.splitter = splitter;
        match outcome {
            Err(fault) if !self.done => {
                self.failed = true;
                self.rest = due;
                Err(fault)
            }
            _ => Ok(due),
        }
    }

    fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.rest)
    }

    fn finish(&mut self) -> StreamEnd {
        let last = frame::last(&mut self.splitter).filter(|_| !self.done && !self.failed);
        if let Some(last) = last.filter(|last| self.passes(last) == Ok(true)) {
            self.rest = last;
        }
        let complete = self.done || (!self.failed && self.choices.all_finished());
        if complete { StreamEnd::Complete } else { StreamEnd::Cut }
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn tail(&mut self, farthing: Option<&str>) -> Bytes {
        let mut tail = BytesMut::from(&self.rest()[..]);
        if let Some(withheld) = self.withheld.take().filter(|_| self.client_wants_usage) {
            let mut splice = Splice::new(&withheld.event);
            if let Some(farthing) = farthing {
                splice.insert(withheld.object, "farthing", farthing);
            }
            tail.extend_from_slice(&splice.finish());
        }
        tail.extend_from_slice(DONE);
        tail.freeze()
    }

    fn usage(&self) -> Reading {
        self.usage.served(self.seen.tier)
    }

    fn seen(&self) -> Seen {
        self.seen
    }
}

#[cfg(test)]
mod tests;
