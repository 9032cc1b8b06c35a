//! A stream on its way from a provider to a client of the same dialect.
//! Owns what passes and what waits for the books. Refuses to reshape: what passes is byte for byte what came, except
//! comments, which Google's own client takes for data.
//!
//! Gemini has no end marker. The chunk with which the last choice ends, and all that follows, are withheld.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::Choices;
use crate::dialect::canonical::Json;
use crate::dialect::fault::StreamFault;
use crate::dialect::gemini::framing::{self, Frame, Frames, Framing};
use crate::dialect::gemini::{grounding, usage, wire};
use crate::dialect::members;
use crate::dialect::passage::{Passage, Seen, StreamEnd};
use crate::dialect::splice::Splice;
use crate::dialect::usage::Reading;
use crate::dialect::words::UpstreamWords;

/// The most that is withheld, in bytes.
const MAX_WITHHELD: usize = 4 * 1024 * 1024;

/// One stream being relayed.
pub struct GeminiStream {
    frames: Frames,
    choices: Choices<()>,
    usage: Reading,
    searches: u64,
    seen: Seen,
    /// The array was closed.
    closed: bool,
    failed: bool,
    withheld: BytesMut,
    /// Where in the withheld bytes the last usage object stands.
    usage_at: Option<Range<usize>>,
    rest: Bytes,
}

impl Default for GeminiStream {
    fn default() -> Self {
        Self::new()
    }
}

impl GeminiStream {
    /// Begins a stream of either framing.
    pub fn new() -> Self {
        Self {
            frames: Frames::default(),
            choices: Choices::default(),
            usage: Reading::Absent,
            searches: 0,
            seen: Seen::default(),
            closed: false,
            failed: false,
            withheld: BytesMut::new(),
            usage_at: None,
            rest: Bytes::new(),
        }
    }

    /// Takes in one frame; says whether it goes to the client now.
    fn passes(&mut self, frame: &Frame<'_>) -> Result<bool, StreamFault> {
        if self.closed {
            return Ok(false);
        }
        self.closed = frame.closes;
        let json = frame.json.trim_ascii();
        if !json.is_empty() {
            self.read(json)?;
        } else if !frame.closes {
            return Ok(false);
        }
        if frame.closes || self.choices.all_finished() || !self.withheld.is_empty() {
            return self.withhold(frame).map(|()| false);
        }
        Ok(true)
    }

    fn read(&mut self, json: &[u8]) -> Result<(), StreamFault> {
        let answer = wire::answer(json).ok_or(StreamFault::Garbage("an event is not a Gemini answer"))?;
        if let Some(words) = answer.error.as_ref().and_then(|_| UpstreamWords::read(json)) {
            return Err(StreamFault::UpstreamError(words));
        }
        self.searches = self.searches.max(grounding::searches(&answer));
        self.seen.tier = answer.usage_metadata.as_ref().and_then(usage::served).or(self.seen.tier);
        self.usage.follow(usage::read(answer.usage_metadata.as_ref()));
        if answer.is_blocked() {
            self.choices.note(0, true);
        }
        let mut bytes = 0;
        for (position, candidate) in answer.candidates.iter().flatten().enumerate() {
            self.choices.note(candidate.choice(position), candidate.is_finished());
            bytes = candidate.parts().map(|part| text_bytes(&part)).fold(bytes, u64::saturating_add);
        }
        self.seen.add(bytes);
        Ok(())
    }

    fn withhold(&mut self, frame: &Frame<'_>) -> Result<(), StreamFault> {
        let before = self.withheld.len();
        if before.saturating_add(frame.bytes.len()) > MAX_WITHHELD {
            return Err(StreamFault::Oversized);
        }
        if let Some(at) = usage_in(frame) {
            self.usage_at = Some(at.start.saturating_add(before)..at.end.saturating_add(before));
        }
        self.withheld.extend_from_slice(frame.bytes);
        Ok(())
    }
}

/// Where in the frame its usage object stands.
fn usage_in(frame: &Frame<'_>) -> Option<Range<usize>> {
    let start = frame.at.clone()?.start;
    let text = std::str::from_utf8(&frame.json).ok()?;
    let [usage] = members::read(text, &["usageMetadata"]).ok()?.present();
    let at = usage.filter(|usage| usage.is_object())?.span();
    Some(at.start.saturating_add(start)..at.end.saturating_add(start))
}

/// Bytes of generated text in a part.
fn text_bytes(part: &wire::Part) -> u64 {
    let text = part.text.as_ref().map_or(0, String::len);
    let call = part.function_call.as_ref().map_or(0, |call| {
        call.name.len().saturating_add(call.args.as_ref().map_or(0, |args: &Json| args.text().len()))
    });
    u64::try_from(text.saturating_add(call)).unwrap_or(u64::MAX)
}

impl Passage for GeminiStream {
    fn push(&mut self, chunk: Bytes) -> Result<Bytes, StreamFault> {
        if self.closed || self.failed {
            return Ok(Bytes::new());
        }
        let mut frames = std::mem::take(&mut self.frames);
        let (due, outcome) = frames.sift(&chunk, |frame| self.passes(frame));
        self.frames = frames;
        match outcome {
            Err(fault) if !self.closed => {
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
        let last = self.frames.last();
        if !last.is_empty() && !self.failed {
            match framing::of_event(&last).and_then(|frame| self.passes(&frame)) {
                Ok(true) => self.rest = last,
                Ok(false) => {}
                Err(_) => self.failed = true,
            }
        }
        if !self.failed && self.choices.all_finished() { StreamEnd::Complete } else { StreamEnd::Cut }
    }

    fn is_done(&self) -> bool {
        self.closed && self.choices.all_finished()
    }

    fn tail(&mut self, farthing: Option<&str>) -> Bytes {
        let mut tail = BytesMut::from(&self.rest()[..]);
        let withheld = self.withheld.split().freeze();
        let mut splice = Splice::new(&withheld);
        if let Some((at, farthing)) = self.usage_at.take().zip(farthing) {
            splice.insert(at, "farthing", farthing);
        }
        tail.extend_from_slice(&splice.finish());
        if self.frames.framing() == Some(Framing::Array) && !self.closed {
            tail.extend_from_slice(b"]");
        }
        tail.freeze()
    }

    fn usage(&self) -> Reading {
        self.usage.searched(self.searches)
    }

    fn seen(&self) -> Seen {
        self.seen
    }
}
