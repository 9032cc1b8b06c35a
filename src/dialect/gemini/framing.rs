//! Framings of a stream: server-sent events with `alt=sse`, else one JSON array whose elements come one by one.
//! Owns telling them apart, by the first byte that is not blank, and cutting either into frames. Refuses to read a
//! frame.

mod elements;

use std::borrow::Cow;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use self::elements::Elements;
use crate::dialect::fault::StreamFault;
use crate::dialect::frame;
use crate::dialect::sse::{Event, MAX_EVENT, Splitter};

/// How a stream is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events, each a `data:` line and a blank line.
    Sse,
    /// One JSON array, an element for each piece of the answer.
    Array,
}

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
        let leading = chunk.len().saturating_sub(chunk.trim_ascii_start().len());
        let tells_nothing = leading == chunk.len() || matches!(self.cutter, Cutter::Unknown);
        // Before the framing is looked at: the same fault in the same framing, however the bytes are cut.
        if tells_nothing && self.blank.len().saturating_add(leading) > MAX_EVENT {
            return (Bytes::new(), Err(StreamFault::Oversized));
        }
        let chunk = self.recognise(chunk);
        match &mut self.cutter {
            Cutter::Unknown => (Bytes::new(), Ok(())),
            Cutter::Array(elements) => elements.sift(&chunk, wanted),
            Cutter::Sse(splitter) => frame::sift(splitter, &chunk, |event| wanted(&of_event(event)?)),
        }
    }

    /// The last event of a stream that lacks its blank line, with it; empty if there is none.
    pub(super) fn last(&mut self) -> Bytes {
        match &mut self.cutter {
            Cutter::Sse(splitter) => {
                let is_marker = |event: &Bytes| Event::read(event).data().trim_ascii() == frame::MARKER;
                frame::last(splitter).filter(|event| !is_marker(event)).unwrap_or_default()
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
    let event = frame::open(bytes)?;
    let json = event.data();
    let at = event.data_span().filter(|_| matches!(json, Cow::Borrowed(_)));
    Ok(Frame { bytes, json, at, closes: false })
}
