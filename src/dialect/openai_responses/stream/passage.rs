//! Responses to Responses: what passes is byte for byte what the provider sent.
//! Owns the event that ends the answer, which waits for the books, and the place in it for what they say. Refuses to
//! know what passes: only text is measured, and only errors and the end are read.

use bytes::{Bytes, BytesMut};

use super::event::{Frame, Said};
use crate::dialect::fault::StreamFault;
use crate::dialect::openai_responses::pick;
use crate::dialect::passage::Seen;
use crate::dialect::sifted::{Fate, Sieve, Sifted};
use crate::dialect::splice::Splice;
use crate::dialect::sse::Event;
use crate::dialect::usage::Reading;

/// One stream being relayed.
pub type ResponsesStream = Sifted<ResponsesSieve>;

/// What is known of its events.
pub struct ResponsesSieve {
    usage: Reading,
    seen: Seen,
    /// The event that ended the stream, until the tail.
    last: Option<Bytes>,
}

impl ResponsesStream {
    /// Begins a stream.
    pub fn new() -> Self {
        Self::through(ResponsesSieve { usage: Reading::Absent, seen: Seen::default(), last: None })
    }
}

impl ResponsesSieve {
    /// A failed response has cost something too.
    fn note_usage(&mut self, said: &Said<'_>) {
        self.seen.tier = said.tier().or(self.seen.tier);
        self.usage.follow(said.usage());
    }

    fn measure(&mut self, said: &Said<'_>) {
        let spoken = said.delta.filter(|_| !said.kind.starts_with("response.audio.delta"));
        let bytes = spoken.and_then(|delta| delta.string()).map_or(0, |text| text.len());
        self.seen.add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

impl Sieve for ResponsesSieve {
    fn take(&mut self, bytes: &[u8]) -> Result<Fate, StreamFault> {
        let json = match Frame::read(bytes)? {
            Frame::Silent => return Ok(Fate::Passes),
            Frame::Marker => return Ok(Fate::Stays),
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
        if !said.is_end() {
            return Ok(Fate::Passes);
        }
        self.last = Some(Bytes::copy_from_slice(bytes));
        Ok(Fate::Ends)
    }

    fn is_whole(&self) -> bool {
        false
    }

    fn end(&mut self, farthing: Option<&str>, tail: &mut BytesMut) {
        if let Some(last) = self.last.take() {
            let spliced = farthing.and_then(|farthing| with_farthing(&last, farthing));
            tail.extend_from_slice(&spliced.unwrap_or(last));
        }
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
