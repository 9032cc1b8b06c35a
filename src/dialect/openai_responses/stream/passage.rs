//! Responses to Responses: what passes is byte for byte what the provider sent.
//! Owns the event that ends the answer, which waits for the books, and the place in it for what they say. Refuses to
//! know what passes: only text is measured, and only errors and the end are read.

use bytes::{Bytes, BytesMut};

use super::event::{Frame, Said};
use crate::dialect::fault::StreamFault;
use crate::dialect::frame;
use crate::dialect::openai_responses::pick;
use crate::dialect::passage::{Passage, Seen, StreamEnd};
use crate::dialect::splice::Splice;
use crate::dialect::sse::{Event, Splitter};
use crate::dialect::usage::Reading;

/// One stream being relayed.
pub struct ResponsesStream {
    splitter: Splitter,
    usage: Reading,
    seen: Seen,
    failed: bool,
    /// The event that ended the stream, until the tail; the stream is done with it.
    last: Option<Bytes>,
    done: bool,
    rest: Bytes,
}

impl Default for ResponsesStream {
    fn default() -> Self {
        Self::new()
    }
}

impl ResponsesStream {
    /// Begins a stream.
    pub fn new() -> Self {
        Self {
            splitter: Splitter::default(),
            usage: Reading::Absent,
            seen: Seen::default(),
            failed: false,
            last: None,
            done: false,
            rest: Bytes::new(),
        }
    }

    /// Takes in one event; says whether it goes to the client now.
    fn passes(&mut self, bytes: &[u8]) -> Result<bool, StreamFault> {
        if self.done {
            return Ok(false);
        }
        let json = match Frame::read(bytes)? {
            Frame::Silent => return Ok(true),
            Frame::Marker => return Ok(false),
            Frame::Said(json) => json,
        };
        // Local servers send broken UTF-8; it passes as it came, and what is read here does not depend on it.
        let text = String::from_utf8_lossy(&json);
        let said = Said::read(&text)?;
        self.measure(&said);
        self.note_usage(&said);
        if let Some(fault) = said.fault() {
            return Err(fault);
        }
        if said.is_end() {
            self.done = true;
            self.last = Some(Bytes::copy_from_slice(bytes));
        }
        Ok(!self.done)
    }

    /// A failed response has cost something too.
    fn note_usage(&mut self, said: &Said<'_>) {
        self.seen.tier = said.tier().or(self.seen.tier);
        let reading = said.usage();
        if reading != Reading::Absent {
            self.usage = reading;
        }
    }

    fn measure(&mut self, said: &Said<'_>) {
        let spoken = said.delta.filter(|_| !said.kind.starts_with("response.audio.delta"));
        let bytes = spoken.and_then(|delta| delta.string()).map_or(0, |text| text.len());
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.seen.text_bytes = self.seen.text_bytes.saturating_add(bytes);
        self.seen.events = self.seen.events.saturating_add(u64::from(bytes > 0));
    }
}

impl Passage for ResponsesStream {
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
        if self.done { StreamEnd::Complete } else { StreamEnd::Cut }
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn tail(&mut self, farthing: Option<&str>) -> Bytes {
        let mut tail = BytesMut::from(&self.rest()[..]);
        if let Some(last) = self.last.take() {
            let spliced = farthing.and_then(|farthing| with_farthing(&last, farthing));
            tail.extend_from_slice(&spliced.unwrap_or(last));
        }
        tail.freeze()
    }

    fn usage(&self) -> Reading {
        self.usage
    }

    fn seen(&self) -> Seen {
        self.seen
    }
}

/// The last event with `farthing` in its usage; `None` where there is no usage to put it in.
fn with_farthing(last: &Bytes, farthing: &str) -> Option<Bytes> {
    let event = Event::read(last);
    let (span, data) = (event.data_span()?, event.data());
    let json = std::str::from_utf8(&data).ok()?;
    let [response] = pick(json, &["response"]);
    let response = response?;
    let [usage] = pick(response.text, &["usage"]);
    let usage = usage.filter(|usage| usage.is_object())?.span();
    let base = span.start.saturating_add(response.span().start);
    // In several lines the JSON stands otherwise than it was read; in one it says the same.
    let flat =
        Bytes::from([last.get(..span.start)?, json.replace('\n', " ").as_bytes(), last.get(span.end..)?].concat());
    let mut splice = Splice::new(&flat);
    splice.insert(base.saturating_add(usage.start)..base.saturating_add(usage.end), "farthing", farthing);
    Some(splice.finish())
}
