//! A stream of chat chunks on its way from a provider to a client of the same dialect.
//! Owns what passes, what is withheld until the books are settled, and what the stream says of usage, choices and
//! errors. Refuses to reshape: what passes is byte for byte what the provider sent ([`crate::dialect::sifted`]).

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use serde_json::value::RawValue;

use super::frame::{Frame, read};
use super::indexes::Indexes;
use super::scan;
use crate::dialect::fault::StreamFault;
use crate::dialect::frame;
use crate::dialect::members::{self, Member};
use crate::dialect::passage::Seen;
use crate::dialect::sifted::{Fate, Sieve, Sifted};
use crate::dialect::splice::Splice;
use crate::dialect::usage::{self, Reading};
use crate::dialect::words::UpstreamWords;

pub(super) const DONE: &[u8] = b"data: [DONE]\n\n";

/// One stream being relayed.
pub type ChatStream = Sifted<ChatSieve>;

/// What is known of its chunks.
pub struct ChatSieve {
    client_wants_usage: bool,
    choices: Indexes,
    usage: Reading,
    seen: Seen,
    withheld: Option<Withheld>,
}

/// The chunk with usage, kept until the tail.
struct Withheld {
    /// Chunks with choices that were withheld before it.
    before: Bytes,
    event: Bytes,
    object: Range<usize>,
    has_choices: bool,
}

impl ChatStream {
    /// Begins a stream. `client_wants_usage`: whether the client itself asked for the usage chunk.
    pub fn new(client_wants_usage: bool) -> Self {
        let (choices, usage, seen) = (Indexes::default(), Reading::Absent, Seen::default());
        Self::through(ChatSieve { client_wants_usage, choices, usage, seen, withheld: None })
    }
}

impl ChatSieve {
    /// Reads a chunk that says more than text. If it is to be withheld, for the usage in it, says whether it has choices, too: many
    /// providers report usage beside the last of them.
    fn parse(&mut self, json: &[u8]) -> Result<Option<bool>, StreamFault> {
        // Local servers send broken UTF-8; it passes as it came, and what is read here does not depend on it.
        let text = String::from_utf8_lossy(json);
        let object = members::read(&text, &["choices", "usage", "error", "x_groq", "service_tier"])
            .map_err(|_| StreamFault::Garbage("an event is not valid JSON"))?;
        let [choices, usage, error, x_groq, tier] = object.present();
        self.seen.tier = usage::tier(tier).or(self.seen.tier);
        self.usage.follow(Reading::of(usage, x_groq));
        if let Some(error) = error {
            return Err(StreamFault::UpstreamError(UpstreamWords::of(error)));
        }
        let choices = choices.map_or(0, |choices| self.note_choices(choices));
        if !usage.is_some_and(|usage| usage.is_object()) {
            return Ok(None);
        }
        let is_last = self.client_wants_usage && self.choices.all_finished();
        Ok((choices == 0 || is_last).then_some(choices > 0))
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

    fn withhold(&mut self, event: &[u8], object: Option<Range<usize>>, has_choices: bool) {
        let mut before = BytesMut::new();
        if let Some(earlier) = self.withheld.take() {
            before.extend_from_slice(&earlier.before);
            before.extend_from_slice(if earlier.has_choices { &earlier.event } else { &[] });
        }
        let (before, event, object) = (before.freeze(), Bytes::copy_from_slice(event), object.unwrap_or_default());
        self.withheld = Some(Withheld { before, event, object, has_choices });
    }
}

impl Sieve for ChatSieve {
    fn take(&mut self, bytes: &[u8]) -> Result<Fate, StreamFault> {
        let event = frame::open(bytes)?;
        let data = match read(&event)? {
            Frame::Silent => return Ok(Fate::Passes),
            Frame::Done => return Ok(Fate::Ends),
            Frame::Chunk(data) => data,
        };
        let json = &data[..];
        self.seen.add(scan::text_bytes(json));
        if scan::needs_parse(json, &self.choices)
            && let Some(has_choices) = self.parse(json)?
        {
            self.withhold(bytes, event.data_span(), has_choices);
            return Ok(Fate::Stays);
        }
        Ok(Fate::Passes)
    }

    fn is_whole(&self) -> bool {
        self.choices.all_finished()
    }

    fn end(&mut self, farthing: Option<&str>, tail: &mut BytesMut) {
        if let Some(withheld) = self.withheld.take().filter(|_| self.client_wants_usage) {
            let mut splice = Splice::new(&withheld.event);
            if let Some(farthing) = farthing {
                splice.insert(withheld.object, "farthing", farthing);
            }
            tail.extend_from_slice(&withheld.before);
            tail.extend_from_slice(&splice.finish());
        }
        tail.extend_from_slice(DONE);
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
