//! Events of a chat stream before they are read: nothing, the end marker, or a chunk.
//! Owns what is no such event: other bodies, and errors told without the form of an event stream. Refuses to read chunks.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::dialect::fault::StreamFault;
use crate::dialect::members;
use crate::dialect::sse::{Event, Splitter};
use crate::dialect::words::UpstreamWords;

/// How much of a body that is no event stream is searched for an error; it is read anew with every chunk.
const MAX_BARE: usize = 16 * 1024;

/// What one event is.
pub(super) enum Frame<'a> {
    /// A comment, or an event without data.
    Silent,
    /// The end marker.
    Done,
    /// What should be a JSON object.
    Chunk(Cow<'a, [u8]>),
}

/// What the event of these bytes is.
pub(super) fn read<'a>(bytes: &[u8], event: &Event<'a>) -> Result<Frame<'a>, StreamFault> {
    if is_bare(bytes) || event.is_foreign() {
        return Err(bare_error(bytes).unwrap_or(StreamFault::Garbage("it is not an event stream")));
    }
    let json = match event.data() {
        Cow::Borrowed(data) => Cow::Borrowed(data.trim_ascii()),
        Cow::Owned(data) => Cow::Owned(data.trim_ascii().to_vec()),
    };
    match &json[..] {
        b"" => Ok(Frame::Silent),
        b"[DONE]" => Ok(Frame::Done),
        [b'{', .., b'}'] => Ok(Frame::Chunk(json)),
        _ => Err(StreamFault::Garbage("an event is not a JSON object")),
    }
}

/// The last bytes of a stream as an event, with the blank line it lacks.
pub(super) fn last(splitter: &mut Splitter) -> Vec<u8> {
    [&splitter.take_pending()[..], b"\n\n"].concat()
}

/// Whether the last bytes of a stream are an event that only lacks its blank line.
pub(super) fn is_whole(event: &[u8]) -> bool {
    let data = Event::read(event).data();
    let json = data.trim_ascii();
    json == b"[DONE]" || members::read(&String::from_utf8_lossy(json), &[]).is_ok()
}

/// A body that is a JSON error without the form of an event stream is an error all the same, told by its first value.
pub(super) fn bare_error(body: &[u8]) -> Option<StreamFault> {
    if !is_bare(body) {
        return None;
    }
    let text = String::from_utf8_lossy(body.get(..MAX_BARE).unwrap_or(body));
    let first = serde_json::Deserializer::from_str(&text).into_iter::<&RawValue>().next()?.ok()?;
    UpstreamWords::read(first.get().as_bytes()).map(StreamFault::UpstreamError)
}

/// Whether JSON stands where a field's name should.
fn is_bare(event: &[u8]) -> bool {
    event.starts_with(b"{")
}
