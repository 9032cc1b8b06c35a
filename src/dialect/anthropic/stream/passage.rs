//! A stream on its way from a provider to a client of the same dialect.
//! Owns what passes and what is withheld until the books are settled: `message_stop` alone, for `message_delta` with
//! its usage is part of the answer. Refuses to reshape: what passes is byte for byte what the provider sent.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::frame::{Frame, Kind};
use crate::dialect::anthropic::usage::Tally;
use crate::dialect::fault::StreamFault;
use crate::dialect::members::Member;
use crate::dialect::passage::Seen;
use crate::dialect::sifted::{Fate, Sieve, Sifted};
use crate::dialect::splice::Splice;
use crate::dialect::sse::Event;
use crate::dialect::usage::Reading;

const STOP: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// One stream being relayed.
pub type MessagesStream = Sifted<MessagesSieve>;

/// What is known of its events.
#[derive(Default)]
pub struct MessagesSieve {
    tally: Tally,
    seen: Seen,
    /// Why the answer ends has come.
    finished: bool,
    stop: Option<Bytes>,
}

impl MessagesStream {
    /// Begins a stream.
    pub fn new() -> Self {
        Self::default()
    }
}

impl MessagesSieve {
    fn note(&mut self, frame: &Frame<'_>) -> Kind {
        match frame.kind {
            Kind::BlockDelta => self.seen.add(frame.delta.map_or(0, delta_bytes)),
            Kind::BlockStart => self.seen.add(frame.block.map_or(0, start_bytes)),
            Kind::MessageStart | Kind::MessageDelta => self.tally.take(frame.any_usage()),
            Kind::BlockStop | Kind::MessageStop | Kind::Other => {}
        }
        self.finished |= frame.finishes();
        frame.kind
    }
}

impl Sieve for MessagesSieve {
    fn take(&mut self, bytes: &[u8]) -> Result<Fate, StreamFault> {
        if Frame::open(bytes, |frame| self.note(frame))? != Kind::MessageStop {
            return Ok(Fate::Passes);
        }
        self.stop = object(bytes).map(|_| Bytes::copy_from_slice(bytes));
        Ok(Fate::Ends)
    }

    fn is_whole(&self) -> bool {
        self.finished
    }

    fn end(&mut self, farthing: Option<&str>, tail: &mut BytesMut) {
        let stop = self.stop.take().unwrap_or(Bytes::from_static(STOP));
        let mut splice = Splice::new(&stop);
        if let Some((farthing, object)) = farthing.zip(object(&stop)) {
            splice.insert(object, "farthing", farthing);
        }
        tail.extend_from_slice(&splice.finish());
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
