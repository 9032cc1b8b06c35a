//! A provider's stream of JSON lines, read into events.
//! Owns where a line ends and how long one may be. Refuses what is no JSON object: that ends the stream.

use bytes::Bytes;

use super::message::Told;
use crate::dialect::canonical::Event;
use crate::dialect::fault::StreamFault;
use crate::dialect::passage::{Decode, StreamEnd};
use crate::dialect::sse::MAX_EVENT;
use crate::dialect::usage::Reading;

/// Reads one stream.
#[derive(Default)]
pub struct OllamaDecoder {
    /// A line whose end has not come.
    pending: Vec<u8>,
    begun: bool,
    /// Calls told so far.
    calls: usize,
    done: bool,
}

impl OllamaDecoder {
    /// Begins a stream.
    pub fn new() -> Self {
        Self::default()
    }

    fn line(&mut self, line: &[u8], events: &mut Vec<Event>) -> Result<(), StreamFault> {
        let text = String::from_utf8_lossy(line);
        if self.done || text.trim().is_empty() {
            return Ok(());
        }
        let told = Told::read(&text, self.calls).ok_or(StreamFault::Garbage("a line is no JSON object"))?;
        if let Some(words) = told.error {
            return Err(StreamFault::UpstreamError(words));
        }
        self.calls = self.calls.saturating_add(told.calls());
        if !self.begun {
            self.begun = true;
            events.push(Event::Began { id: String::new(), model: told.model.clone(), created: None });
        }
        let stop = told.done.then(|| told.stop(self.calls > 0));
        let usage = told.usage;
        events.extend(told.pieces.into_iter().map(|piece| Event::More { choice: 0, piece }));
        events.extend((usage != Reading::Absent).then_some(Event::Usage(usage)));
        events.extend(stop.map(|stop| Event::Finished { choice: 0, stop }));
        self.done = told.done;
        Ok(())
    }
}

impl Decode for OllamaDecoder {
    fn push(&mut self, chunk: &Bytes, events: &mut Vec<Event>) -> Result<(), StreamFault> {
        let mut rest = &chunk[..];
        while let Some((line, after)) = memchr::memchr(b'\n', rest).and_then(|end| rest.split_at_checked(end)) {
            let whole = [&std::mem::take(&mut self.pending)[..], line].concat();
            if whole.len() > MAX_EVENT {
                return Err(StreamFault::Oversized);
            }
            self.line(&whole, events)?;
            rest = after.get(1..).unwrap_or_default();
        }
        self.pending.extend_from_slice(rest);
        if self.pending.len() > MAX_EVENT { Err(StreamFault::Oversized) } else { Ok(()) }
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> StreamEnd {
        // A last line may lack its end; half a line says nothing.
        let last = std::mem::take(&mut self.pending);
        if self.line(&last, events).is_ok() && self.done { StreamEnd::Complete } else { StreamEnd::Cut }
    }

    fn is_done(&self) -> bool {
        self.done
    }
}
