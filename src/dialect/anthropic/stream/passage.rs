//! A stream on its way from a provider to a client of the same dialect.
//! Owns what passes and what is withheld until the books are settled: `message_stop` alone, for `message_delta` with
//! its usage is part of the answer. Refuses to reshape: what passes is byte for byte what the provider sent.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::frame::{Frame, Kind};
use crate::dialect::anthropic::usage::Tally;
use crate::dialect::fault::StreamFault;
use crate::dialect::frame;
use crate::dialect::members::Member;
use crate::dialect::passage::{Passage, Seen, StreamEnd};
use crate::dialect::splice::Splice;
use crate::dialect::sse::{Event, Splitter};
use crate::dialect::usage::Reading;

const STOP: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// One stream being relayed.
#[derive(Default)]
pub struct MessagesStream {
    splitter: Splitter,
    tally: Tally,
    seen: Seen,
    /// Why the answer ends has come.
    finished: bool,
    done: bool,
    failed: bool,
    stop: Option<Bytes>,
    rest: Bytes,
}

impl MessagesStream {
    /// Begins a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in one event; says whether it goes to the client now.
    fn passes(&mut self, bytes: &[u8]) -> Result<bool, StreamFault> {
        if self.done {
            return Ok(false);
        }
        let kind = Frame::open(bytes, |frame| self.note(frame))?;
        if kind != Kind::MessageStop {
            return Ok(true);
        }
        self.done = true;
        self.stop = object(bytes).map(|_| Bytes::copy_from_slice(bytes));
        Ok(false)
    }

    fn note(&mut self, frame: &Frame<'_>) -> Kind {
        match frame.kind {
            Kind::BlockDelta => self.measure(frame.delta.map_or(0, delta_bytes)),
            Kind::BlockStart => self.measure(frame.block.map_or(0, start_bytes)),
            Kind::MessageStart | Kind::MessageDelta => self.tally.take(frame.any_usage()),
            Kind::BlockStop | Kind::MessageStop | Kind::Other => {}
        }
        self.finished |= frame.finishes();
        frame.kind
    }

    fn measure(&mut self, bytes: u64) {
        self.seen.text_bytes = self.seen.text_bytes.saturating_add(bytes);
        self.seen.events = self.seen.events.saturating_add(u64::from(bytes > 0));
    }
}

impl Passage for MessagesStream {
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
        let complete = self.done || (self.finished && !self.failed);
        if complete { StreamEnd::Complete } else { StreamEnd::Cut }
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn tail(&mut self, farthing: Option<&str>) -> Bytes {
        let mut tail = BytesMut::from(&self.rest()[..]);
        let stop = self.stop.take().unwrap_or(Bytes::from_static(STOP));
        let mut splice = Splice::new(&stop);
        if let Some((farthing, object)) = farthing.zip(object(&stop)) {
            splice.insert(object, "farthing", farthing);
        }
        tail.extend_from_slice(&splice.finish());
        tail.freeze()
    }

    fn usage(&self) -> Reading {
        self.tally.reading()
    }

    fn seen(&self) -> Seen {
        Seen { tier: self.tally.served(), ..self.seen }
    }
}

/// Where the JSON object stands that is an event's data.
fn object(event: &[u8]) -> Option<Range<usize>> {
    let span = Event::read(event).data_span()?;
    event.get(span.clone())?.starts_with(b"{").then_some(span)
}

/// Bytes of text in the delta of a block.
fn delta_bytes(delta: Member<'_>) -> u64 {
    let texts = delta.members(&["text", "thinking", "partial_json"]).map(|delta| delta.present());
    texts.into_iter().flatten().flatten().map(string_bytes).sum()
}

/// Bytes of text that a block begins with: its text, or the name of the tool it calls.
fn start_bytes(block: Member<'_>) -> u64 {
    let texts = block.members(&["text", "thinking", "name"]).map(|block| block.present());
    texts.into_iter().flatten().flatten().map(string_bytes).sum()
}

/// The length of a string once unescaped.
fn string_bytes(text: Member<'_>) -> u64 {
    let plain = text.is_string() && !text.text.contains('\\');
    let length = if plain { text.text.len().saturating_sub(2) } else { text.string().map_or(0, |text| text.len()) };
    u64::try_from(length).unwrap_or(u64::MAX)
}
