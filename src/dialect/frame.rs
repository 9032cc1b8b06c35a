//! Frames: the events of a stream before a dialect reads them, and what a body is that is no event stream.
//! Owns errors told without the form of a stream, and a last event that lacks its blank line. Refuses to read data.

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::value::RawValue;

use super::fault::StreamFault;
use super::members;
use super::sse::{Event, Splitter};
use super::words::UpstreamWords;

/// OpenAI's end marker, which servers that speak several dialects send in the others too.
pub(super) const MARKER: &[u8] = b"[DONE]";

/// How much of a body that is no event stream is searched for an error; it is read anew with every chunk.
const MAX_BARE: usize = 16 * 1024;

/// As [`Splitter::sift`]; and a body that is an error without the form of a stream ends it as one.
pub(super) fn sift(
    splitter: &mut Splitter,
    chunk: &Bytes,
    wanted: impl FnMut(&[u8]) -> Result<bool, StreamFault>,
) -> (Bytes, Result<(), StreamFault>) {
    let (due, outcome) = splitter.sift(chunk, wanted);
    (due, outcome.and_then(|()| bare_error(splitter.pending()).map_or(Ok(()), Err)))
}

/// The event that these bytes are.
///
/// # Errors
/// When nothing in them belongs to an event stream: the error they tell, if they tell one.
pub(super) fn open(bytes: &[u8]) -> Result<Event<'_>, StreamFault> {
    let event = Event::read(bytes);
    if is_bare(bytes) || event.is_foreign() {
        return Err(bare_error(bytes).unwrap_or(StreamFault::Garbage("it is not an event stream")));
    }
    Ok(event)
}

/// Writes an event with this name, if it has one, and this JSON. A provider's own JSON may have line ends between its
/// tokens; in a line of data they are blanks.
pub(super) fn write(name: Option<&str>, json: &[u8], out: &mut BytesMut) {
    if let Some(name) = name {
        [b"event: ", name.as_bytes(), b"\n"].into_iter().for_each(|part: &[u8]| out.put_slice(part));
    }
    out.put_slice(b"data: ");
    out.extend(json.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    out.put_slice(b"\n\n");
}

/// The last bytes of a stream with the blank line they lack, if they are an event but for that.
pub(super) fn last(splitter: &mut Splitter) -> Option<Bytes> {
    let event = [&splitter.take_pending()[..], b"\n\n"].concat();
    let is_whole = {
        let data = Event::read(&event).data();
        let json = data.trim_ascii();
        json == MARKER || members::read(&String::from_utf8_lossy(json), &[]).is_ok()
    };
    is_whole.then(|| Bytes::from(event))
}

/// A body that is a JSON error without the form of an event stream is an error all the same, told by its first value.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_with_line_ends_stays_one_line_of_data() {
        let mut out = BytesMut::new();
        write(Some("a"), b"{\r\n\"b\":\n1}", &mut out);
        write(None, b"{}", &mut out);
        assert_eq!(&out[..], b"event: a\ndata: {  \"b\": 1}\n\ndata: {}\n\n");
    }
}
