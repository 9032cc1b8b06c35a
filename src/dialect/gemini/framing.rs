//! Framings of a stream: server-sent events with `alt=sse`, else one JSON array whose elements come one by one.
//! Owns telling them apart, by the first byte that is not blank, and cutting either into frames. Refuses to read a frame.

mod elements;

use std::borrow::Cow;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use serde_json::value::RawValue;

use self::elements::Elements;
use crate::dialect::fault::StreamFault;
use crate::dialect::sse::{Event, MAX_EVENT, Splitter};
use crate::dialect::words::UpstreamWords;

/// How a stream is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events, each a `data:` line and a blank line.
    Sse,
    /// One JSON array, an element for each piece of the answer.
    Array,
}

/// How much of a body that is no stream is searched for an error; it is read anew with every chunk.
const MAX_BARE: usize = 16 * 1024;

/// One frame of a stream.
pub(super) struct Frame<'a> {
    /// All its bytes, separators included: frames side by side are the stream as it came.
    pub(super) bytes: &'a [u8],
    /// The JSON in it; empty where it has none, as a comment and the bracket that closes an array have none.
    pub(super) json: Cow<'a, [u8]>,
    /// Where that JSON stands in the frame, if it stands there in one piece.
    pub(super) at: Option<Range<usize>>,
    /// Whether it closes the array.
    pub(super) closes: bool,
}

/// Cuts chunks into frames, whatever their framing.
#[derive(Default)]
pub(super) struct Frames {
    /// Blank bytes before anything that tells the framing.
    blank: BytesMut,
    cutter: Cutter,
}

#[derive(Default)]
enum Cutter {
    #[default]
    Unknown,
    Sse(Splitter),
    Array(Elements),
}

impl Frames {
    /// Shows every frame that `chunk` completes to `wanted` and gives back the bytes of those it wanted, uncopied where
    /// they can be. The first fault ends the reading; what was wanted before it is given back beside it.
    pub(super) fn sift(
        &mut self,
        chunk: &Bytes,
        mut wanted: impl FnMut(&Frame<'_>) -> Result<bool, StreamFault>,
    ) -> (Bytes, Result<(), StreamFault>) {
        if self.blank.len().saturating_add(chunk.len()) > MAX_EVENT && chunk.trim_ascii_start().is_empty() {
            return (Bytes::new(), Err(StreamFault::Oversized));
        }
        let chunk = self.recognise(chunk);
        match &mut self.cutter {
            Cutter::Unknown => (Bytes::new(), Ok(())),
            Cutter::Array(elements) => elements.sift(&chunk, wanted),
            Cutter::Sse(splitter) => {
                let (kept, outcome) = splitter.sift(&chunk, |event| wanted(&of_event(event)?));
                (kept, outcome.and_then(|()| bare_error(splitter.pending()).map_or(Ok(()), Err)))
            }
        }
    }

    /// The last event of a stream that lacks its blank line, with it; empty if there is none.
    pub(super) fn last(&mut self) -> Bytes {
        match &mut self.cutter {
            Cutter::Sse(splitter) => {
                let event = [&splitter.take_pending()[..], b"\n\n"].concat();
                if is_whole(&event) { Bytes::from(event) } else { Bytes::new() }
            }
            Cutter::Unknown | Cutter::Array(_) => Bytes::new(),
        }
    }

    /// How the stream is framed, once that is known.
    pub(super) fn framing(&self) -> Option<Framing> {
        match self.cutter {
            Cutter::Unknown => None,
            Cutter::Sse(_) => Some(Framing::Sse),
            Cutter::Array(_) => Some(Framing::Array),
        }
    }

    /// The chunk and the blank ones before it, once the framing is known.
    fn recognise(&mut self, chunk: &Bytes) -> Bytes {
        if !matches!(self.cutter, Cutter::Unknown) {
            return chunk.clone();
        }
        self.cutter = match chunk.trim_ascii_start().first() {
            None => Cutter::Unknown,
            Some(b'[') => Cutter::Array(Elements::default()),
            Some(_) => Cutter::Sse(Splitter::default()),
        };
        if self.blank.is_empty() && !matches!(self.cutter, Cutter::Unknown) {
            return chunk.clone();
        }
        self.blank.extend_from_slice(chunk);
        if matches!(self.cutter, Cutter::Unknown) { Bytes::new() } else { self.blank.split().freeze() }
    }
}

/// The frame that an event is.
pub(super) fn of_event(bytes: &[u8]) -> Result<Frame<'_>, StreamFault> {
    let event = Event::read(bytes);
    if is_bare(bytes) || event.is_foreign() {
        return Err(bare_error(bytes).unwrap_or(StreamFault::Garbage("it is not an event stream")));
    }
    let json = event.data();
    let at = event.data_span().filter(|_| matches!(json, Cow::Borrowed(_)));
    Ok(Frame { bytes, json, at, closes: false })
}

/// Whether the last bytes of a stream are an event that only lacks its blank line.
fn is_whole(event: &[u8]) -> bool {
    let data = Event::read(event).data();
    serde_json::from_str::<&RawValue>(&String::from_utf8_lossy(&data)).is_ok()
}

/// An error without the form of a stream is an error all the same.
fn bare_error(body: &[u8]) -> Option<StreamFault> {
    if !is_bare(body) {
        return None;
    }
    let text = String::from_utf8_lossy(body.get(..MAX_BARE).unwrap_or(body));
    let first = serde_json::Deserializer::from_str(&text).into_iter::<&RawValue>().next()?.ok()?;
    UpstreamWords::read(first.get().as_bytes()).map(StreamFault::UpstreamError)
}

/// Whether JSON stands where a field's name should.
fn is_bare(event: &[u8]) -> bool {
    event.trim_ascii_start().starts_with(b"{")
}
