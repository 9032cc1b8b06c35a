//! Elements: cut a JSON array that comes in chunks into its elements.
//! Owns brackets, strings and the bound on one element. Refuses elements that are not objects.

use std::borrow::Cow;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::Frame;
use crate::dialect::fault::StreamFault;
use crate::dialect::sse::MAX_EVENT;

/// Cuts chunks into elements. A frame is an element and what stands between it and the one before.
#[derive(Default)]
pub(in crate::dialect::gemini) struct Elements {
    pending: BytesMut,
    scan: Scan,
    /// Where in the pending bytes the element began that has not ended.
    start: usize,
}

/// Where in the array the reading stands.
#[derive(Default)]
struct Scan {
    /// Open brackets and braces.
    depth: usize,
    in_string: bool,
    escaped: bool,
}

/// What a byte did.
enum Step {
    Nothing,
    Began,
    Ended,
    Closed,
}

impl Elements {
    /// As [`super::Frames::sift`]. What was wanted is copied: arrays are what clients without `alt=sse` ask for, which
    /// few do.
    pub(super) fn sift(
        &mut self,
        chunk: &[u8],
        mut wanted: impl FnMut(&Frame<'_>) -> Result<bool, StreamFault>,
    ) -> (Bytes, Result<(), StreamFault>) {
        let mut kept = BytesMut::new();
        let outcome = self.cut(chunk, |bytes, element| {
            let json = bytes.get(element.clone()).unwrap_or_default();
            let frame = Frame { bytes, closes: json.is_empty(), json: Cow::Borrowed(json), at: Some(element) };
            if wanted(&frame)? {
                kept.extend_from_slice(bytes);
            }
            Ok(())
        });
        (kept.freeze(), outcome)
    }

    /// Gives each frame and where its element stands in it.
    fn cut(
        &mut self,
        chunk: &[u8],
        mut frame: impl FnMut(&[u8], Range<usize>) -> Result<(), StreamFault>,
    ) -> Result<(), StreamFault> {
        let mut taken = 0;
        for (at, byte) in chunk.iter().enumerate() {
            let step = self.scan.step(*byte)?;
            if matches!(step, Step::Began) {
                self.start = self.pending.len().saturating_add(at).saturating_sub(taken);
            }
            if matches!(step, Step::Nothing | Step::Began) {
                continue;
            }
            let end = at.saturating_add(1);
            self.take_in(chunk.get(taken..end).unwrap_or_default())?;
            taken = end;
            let bytes = self.pending.split();
            if matches!(step, Step::Closed) {
                return frame(&bytes, bytes.len()..bytes.len());
            }
            frame(&bytes, self.start..bytes.len())?;
        }
        self.take_in(chunk.get(taken..).unwrap_or_default())
    }

    fn take_in(&mut self, bytes: &[u8]) -> Result<(), StreamFault> {
        if self.pending.len().saturating_add(bytes.len()) > MAX_EVENT {
            return Err(StreamFault::Oversized);
        }
        self.pending.extend_from_slice(bytes);
        Ok(())
    }
}

impl Scan {
    fn step(&mut self, byte: u8) -> Result<Step, StreamFault> {
        if self.in_string {
            self.in_string = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return Ok(Step::Nothing);
        }
        match (self.depth, byte) {
            (_, b' ' | b'\t' | b'\n' | b'\r') | (1, b',') => Ok(Step::Nothing),
            (0, b'[') => self.open(Step::Nothing),
            (1, b'{') => self.open(Step::Began),
            (1, b']') => self.close(Step::Closed),
            (0 | 1, _) => Err(StreamFault::Garbage("it is not an array of objects")),
            (_, b'{' | b'[') => self.open(Step::Nothing),
            (2, b'}' | b']') => self.close(Step::Ended),
            (_, b'}' | b']') => self.close(Step::Nothing),
            (_, other) => {
                self.in_string = other == b'"';
                Ok(Step::Nothing)
            }
        }
    }

    fn open(&mut self, step: Step) -> Result<Step, StreamFault> {
        self.depth = self.depth.saturating_add(1);
        Ok(step)
    }

    fn close(&mut self, step: Step) -> Result<Step, StreamFault> {
        self.depth = self.depth.saturating_sub(1);
        Ok(step)
    }
}
