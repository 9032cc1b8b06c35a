//! Events of a chat stream before they are read: nothing, the end marker, or a chunk.
//! Owns the end marker and what is no object. Refuses to read chunks.

use std::borrow::Cow;

use crate::dialect::fault::StreamFault;
use crate::dialect::frame::MARKER;
use crate::dialect::sse::Event;

/// What one event is.
pub(super) enum Frame<'a> {
    /// A comment, or an event without data.
    Silent,
    /// The end marker.
    Done,
    /// What should be a JSON object.
    Chunk(Cow<'a, [u8]>),
}

/// What the event is.
pub(super) fn read<'a>(event: &Event<'a>) -> Result<Frame<'a>, StreamFault> {
    let json = match event.data() {
        Cow::Borrowed(data) => Cow::Borrowed(data.trim_ascii()),
        Cow::Owned(data) => Cow::Owned(data.trim_ascii().to_vec()),
    };
    match &json[..] {
        b"" => Ok(Frame::Silent),
        MARKER => Ok(Frame::Done),
        [b'{', .., b'}'] => Ok(Frame::Chunk(json)),
        _ => Err(StreamFault::Garbage("an event is not a JSON object")),
    }
}
