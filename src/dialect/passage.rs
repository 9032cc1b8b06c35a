//! Passages: an answer's stream on its way from a provider to a client.
//! Owns what the relay may ask of a stream whatever the dialects on its two sides: bytes in, bytes out, and in the end
//! what it consumed. Refuses to wait: the end of a passage is given only when it is asked for, after the books are
//! settled.

use bytes::{Bytes, BytesMut};
use farthing_actors::domain::ServiceTier;

use super::canonical::Event;
use super::fault::StreamFault;
use super::transcript::Transcript;
use super::usage::Reading;

/// What was streamed so far, for an estimate if the provider never reports usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Events that carried text: content, refusals, tool calls or reasoning.
    pub events: u64,
    /// Bytes of that text.
    pub text_bytes: u64,
    /// The tier it is served in, if the provider named one.
    pub tier: Option<ServiceTier>,
}

impl Seen {
    /// Takes in an event with so many bytes of text.
    pub(super) fn add(&mut self, bytes: u64) {
        self.text_bytes = self.text_bytes.saturating_add(bytes);
        self.events = self.events.saturating_add(u64::from(bytes > 0));
    }
}

/// How the provider ended the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// With its end marker, or after every choice gave its reason for finishing.
    Complete,
    /// Before that.
    Cut,
}

/// A stream being relayed.
pub trait Passage {
    /// Takes in a chunk and gives back what may go to the client now, perhaps nothing. What ends the answer (the usage
    /// chunk, the end marker) is withheld for [`Passage::tail`]; whatever follows the end marker is dropped.
    ///
    /// # Errors
    /// When the stream cannot go on. Nothing of the event at fault is forwarded; what was due before it in the same
    /// chunk is in [`Passage::rest`]. Later chunks give nothing.
    fn push(&mut self, chunk: Bytes) -> Result<Bytes, StreamFault>;

    /// What is still due to the client: after a fault, what stood before it in its chunk; after [`Passage::finish`], a
    /// last event that lacked its blank line. Given once; [`Passage::tail`] begins with it.
    fn rest(&mut self) -> Bytes;

    /// The provider closed the connection.
    fn finish(&mut self) -> StreamEnd;

    /// Whether the end marker has come.
    fn is_done(&self) -> bool;

    /// The end of the stream, once the books are settled: what was withheld, with `farthing` (one line of JSON) beside
    /// the usage where the client's dialect has a place for it, and the end marker.
    fn tail(&mut self, farthing: Option<&str>) -> Bytes;

    /// The usage the provider reported last.
    fn usage(&self) -> Reading;

    /// What was streamed so far.
    fn seen(&self) -> Seen;

    /// The words of the whole answer, once, if it was listened to and they were not too many.
    fn transcript(&mut self) -> Option<Transcript> {
        None
    }
}

/// Reads a provider's stream into events.
pub trait Decode {
    /// Takes in a chunk, cut anywhere, and adds the events it completes to `events`.
    ///
    /// # Errors
    /// When the stream cannot go on. `events` has what stood before the fault.
    fn push(&mut self, chunk: &Bytes, events: &mut Vec<Event>) -> Result<(), StreamFault>;

    /// The provider closed the connection; adds what a last event without its blank line says.
    fn finish(&mut self, events: &mut Vec<Event>) -> StreamEnd;

    /// Whether the end marker has come.
    fn is_done(&self) -> bool;
}

/// Writes a client's stream from events.
pub trait Encode {
    /// Adds what `event` means to the client to `out`. Whatever ends the answer is kept for [`Encode::tail`]: usage,
    /// the reason for finishing where it stands in the same event as usage, the end marker.
    fn event(&mut self, event: Event, out: &mut BytesMut);

    /// The end of the stream, with `farthing` (one line of JSON) beside the usage where the dialect has a place for it.
    fn tail(&mut self, farthing: Option<&str>, out: &mut BytesMut);
}

/// A stream between two dialects: read into events, written anew.
pub struct Translation {
    decoder: Box<dyn Decode>,
    encoder: Box<dyn Encode>,
    /// When it began, in seconds since 1970, for a provider that does not say.
    now: u64,
    usage: Reading,
    seen: Seen,
    events: Vec<Event>,
    rest: BytesMut,
    failed: bool,
}

impl Translation {
    /// Begins a stream that is read by `decoder` and written by `encoder`, at `now`, in seconds since 1970.
    pub fn new(decoder: Box<dyn Decode>, encoder: Box<dyn Encode>, now: u64) -> Self {
        let (usage, seen) = (Reading::Absent, Seen::default());
        Self { decoder, encoder, now, usage, seen, events: Vec::new(), rest: BytesMut::new(), failed: false }
    }

    fn write(&mut self, out: &mut BytesMut) {
        for mut event in self.events.drain(..) {
            if let Event::Began { created, .. } = &mut event {
                created.get_or_insert(self.now);
            }
            if let Event::Usage(reading) = &event {
                self.usage.follow(*reading);
            }
            if let Event::ServiceTier(tier) = &event {
                self.seen.tier = ServiceTier::of_provider(tier).or(self.seen.tier);
            }
            self.seen.add(event.text_bytes());
            self.encoder.event(event, out);
        }
    }
}

impl Passage for Translation {
    fn push(&mut self, chunk: Bytes) -> Result<Bytes, StreamFault> {
        if self.failed || self.decoder.is_done() {
            return Ok(Bytes::new());
        }
        let outcome = self.decoder.push(&chunk, &mut self.events);
        let mut out = BytesMut::new();
        self.write(&mut out);
        match outcome {
            Ok(()) => Ok(out.freeze()),
            Err(fault) => {
                self.failed = true;
                self.rest = out;
                Err(fault)
            }
        }
    }

    fn rest(&mut self) -> Bytes {
        self.rest.split().freeze()
    }

    fn finish(&mut self) -> StreamEnd {
        if self.failed {
            return StreamEnd::Cut;
        }
        let end = self.decoder.finish(&mut self.events);
        let mut out = std::mem::take(&mut self.rest);
        self.write(&mut out);
        self.rest = out;
        end
    }

    fn is_done(&self) -> bool {
        self.decoder.is_done()
    }

    fn tail(&mut self, farthing: Option<&str>) -> Bytes {
        let mut out = std::mem::take(&mut self.rest);
        self.encoder.tail(farthing, &mut out);
        out.freeze()
    }

    fn usage(&self) -> Reading {
        self.usage
    }

    fn seen(&self) -> Seen {
        self.seen
    }
}
