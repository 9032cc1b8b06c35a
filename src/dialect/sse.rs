//! Server-sent events: cut a stream of chunks into events at blank lines, and read what an event says.
//! Owns line ends (LF, CRLF, CR), chunk borders and the bound on one event. Refuses to know what the data means.

use std::borrow::Cow;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

/// The longest event that is accepted, in bytes; images inside deltas stay far below it.
pub const MAX_EVENT: usize = 1024 * 1024;

/// One event is longer than [`MAX_EVENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than 1 MiB")]
pub struct Oversized;

/// Cuts chunks into events. An event is its lines and the blank line that ends it, byte for byte.
#[derive(Default)]
pub struct Splitter {
    pending: BytesMut,
    border: Border,
}

impl Splitter {
    /// Shows every event that `chunk` completes to `wanted`, in order, and gives back those it wanted: as a part of
    /// `chunk`, uncopied, where they stand side by side in it. The first fault ends the reading; what was wanted before
    /// it is given back beside it.
    pub fn sift<E: From<Oversized>>(
        &mut self,
        chunk: &Bytes,
        mut wanted: impl FnMut(&[u8]) -> Result<bool, E>,
    ) -> (Bytes, Result<(), E>) {
        let mut kept = Kept::new(chunk);
        let outcome = self.cut(chunk, |event, span| {
            if wanted(event)? {
                kept.keep(event, span);
            }
            Ok(())
        });
        (kept.finish(), outcome)
    }

    /// What came after the last whole event.
    pub fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// Takes what came after the last whole event; the stream has ended.
    pub fn take_pending(&mut self) -> Bytes {
        self.pending.split().freeze()
    }

    fn cut<E: From<Oversized>>(
        &mut self,
        chunk: &[u8],
        mut event: impl FnMut(&[u8], Option<Range<usize>>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut start = 0;
        while let Some(end) = self.border.next(chunk, start) {
            let part = chunk.get(start..end).unwrap_or_default();
            self.admit(part)?;
            if self.pending.is_empty() {
                event(part, Some(start..end))?;
            } else {
                self.pending.extend_from_slice(part);
                event(&self.pending.split(), None)?;
            }
            start = end;
        }
        let part = chunk.get(start..).unwrap_or_default();
        self.admit(part)?;
        self.pending.extend_from_slice(part);
        Ok(())
    }

    fn admit(&self, part: &[u8]) -> Result<(), Oversized> {
        let whole = self.pending.len().saturating_add(part.len());
        if whole > MAX_EVENT { Err(Oversized) } else { Ok(()) }
    }
}

/// Where in a line the reading stands, so that no byte is read twice however the chunks fall.
struct Border {
    /// The present line has no byte yet.
    blank: bool,
    /// The last byte was a CR; a LF right after it belongs to the same line end.
    after_cr: bool,
    /// That CR ended a blank line: the event ends here, or after the LF. Known with the next byte only, so an event
    /// that ends in a bare CR waits for it.
    ending: bool,
}

impl Default for Border {
    fn default() -> Self {
        Self { blank: true, after_cr: false, ending: false }
    }
}

impl Border {
    /// Where the event ends that the bytes from `at` on belong to; `None` when all are read and it has not ended.
    fn next(&mut self, bytes: &[u8], mut at: usize) -> Option<usize> {
        loop {
            let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
            if std::mem::take(&mut self.after_cr) {
                at = at.saturating_add(usize::from(rest.starts_with(b"\n")));
                if std::mem::take(&mut self.ending) {
                    return Some(at);
                }
                continue;
            }
            let Some(length) = memchr2(b'\n', b'\r', rest) else {
                self.blank = false;
                return None;
            };
            let was_blank = self.blank && length == 0;
            self.blank = true;
            at = at.saturating_add(length).saturating_add(1);
            if rest.get(length) == Some(&b'\r') {
                (self.after_cr, self.ending) = (true, was_blank);
            } else if was_blank {
                return Some(at);
            }
        }
    }
}

/// The events to pass on, as one run of bytes; copied only when they do not stand side by side in the chunk.
struct Kept<'a> {
    chunk: &'a Bytes,
    run: Range<usize>,
    copied: BytesMut,
}

impl<'a> Kept<'a> {
    fn new(chunk: &'a Bytes) -> Self {
        Self { chunk, run: 0..0, copied: BytesMut::new() }
    }

    fn keep(&mut self, event: &[u8], span: Option<Range<usize>>) {
        match span {
            None => self.copied.extend_from_slice(event),
            Some(span) if self.run.is_empty() => self.run = span,
            Some(span) if self.run.end == span.start => self.run.end = span.end,
            Some(span) => {
                self.copy_run();
                self.run = span;
            }
        }
    }

    fn copy_run(&mut self) {
        self.copied.extend_from_slice(self.chunk.get(self.run.clone()).unwrap_or_default());
    }

    fn finish(mut self) -> Bytes {
        if self.copied.is_empty() {
            return self.chunk.slice(self.run);
        }
        self.copy_run();
        self.copied.freeze()
    }
}

/// What one event says. Comments, ids, event names and retry times are recognised and otherwise ignored.
pub struct Event<'a> {
    bytes: &'a [u8],
    data: Option<Range<usize>>,
    data_lines: usize,
    recognised: bool,
}

impl<'a> Event<'a> {
    /// Reads the lines of one event.
    pub fn read(bytes: &'a [u8]) -> Self {
        let mut event = Self { bytes, data: None, data_lines: 0, recognised: false };
        let mark = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut at = mark;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let length = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            event.line(at, rest.get(..length).unwrap_or_default());
            at = at.saturating_add(length).saturating_add(1);
        }
        event
    }

    fn line(&mut self, at: usize, line: &[u8]) {
        if let Some(value) = field(line, b"data") {
            let end = at.saturating_add(line.len());
            let start = end.saturating_sub(value.len());
            self.data = Some(self.data.as_ref().map_or(start, |data| data.start)..end);
            self.data_lines = self.data_lines.saturating_add(1);
        }
        let named = [&b"data"[..], b"event", b"id", b"retry", b""].iter().any(|name| field(line, name).is_some());
        self.recognised |= named;
    }

    /// Where the data stands in the event, from its first byte to its last; `None` without a `data` line.
    pub fn data_span(&self) -> Option<Range<usize>> {
        self.data.clone()
    }

    /// The data, several lines joined by line feeds; empty without a `data` line.
    pub fn data(&self) -> Cow<'a, [u8]> {
        let whole = self.data.clone().and_then(|span| self.bytes.get(span)).unwrap_or_default();
        if self.data_lines < 2 {
            return Cow::Borrowed(whole);
        }
        let rest = whole.split(|byte| matches!(byte, b'\n' | b'\r')).enumerate();
        let lines = rest.filter_map(|(place, line)| if place == 0 { Some(line) } else { field(line, b"data") });
        Cow::Owned(lines.collect::<Vec<_>>().join(&b'\n'))
    }

    /// Whether nothing in it belongs to an event stream: no known field, no comment, and yet not empty.
    pub fn is_foreign(&self) -> bool {
        !self.recognised && !self.bytes.trim_ascii().is_empty()
    }
}

/// The value of a line that carries the field `name`; comments carry the field with the empty name.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(name)?;
    if rest.is_empty() {
        return (!name.is_empty()).then_some(rest);
    }
    let value = rest.strip_prefix(b":")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests;
