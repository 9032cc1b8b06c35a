//! Anthropic's dialect as Amazon Bedrock carries it.
//! Owns the two differences: the model and the wish to stream stand in the path instead of the body, and a streamed answer
//! comes as binary messages, each with one event in base64. Refuses addresses and signatures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, Bytes, BytesMut};
use serde::Deserialize;

use crate::dialect::ordered::Ordered;
use crate::dialect::splice::json_string;
use crate::dialect::sse::MAX_EVENT;

/// The version of the dialect that Bedrock names.
const VERSION: &str = r#""bedrock-2023-05-31""#;
/// What stands elsewhere.
const ELSEWHERE: [&str; 2] = ["model", "stream"];
/// Lengths and their checksum, before the headers.
const PRELUDE: usize = 12;
/// Everything in a message that is neither header nor payload.
const OVERHEAD: usize = PRELUDE + 4;

/// The body for Bedrock: the same members in the same order and spelling, without those that stand in the path, and with the
/// version and the `betas` (a list separated by commas) that other providers take as headers.
pub fn enclose(body: &[u8], betas: Option<&str>) -> Bytes {
    let own = [("anthropic_version", Some(VERSION.to_owned())), ("anthropic_beta", betas.map(list))];
    let added = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let Some(mut object) = Ordered::read(body) else { return Bytes::copy_from_slice(body) };
    object.remove(&ELSEWHERE);
    added.for_each(|(name, value)| object.add(name, value));
    object.write().into()
}

fn list(betas: &str) -> String {
    let betas: Vec<_> = betas.split(',').map(|beta| json_string(beta.trim())).collect();
    format!("[{}]", betas.join(","))
}

/// Bytes that are no such stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not an event stream of Amazon's")]
pub struct NotAStream;

/// Opens a streamed answer: binary messages in, server-sent events out.
#[derive(Default)]
pub struct Opener(BytesMut);

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    bytes: Option<&'a str>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "type")]
    kind: String,
}

impl Opener {
    /// Takes in a chunk, cut anywhere, and gives the events it completes.
    ///
    /// # Errors
    /// If a length or a checksum is wrong, or a message too long.
    pub fn open(&mut self, chunk: &[u8]) -> Result<Bytes, NotAStream> {
        self.0.extend_from_slice(chunk);
        let mut events = BytesMut::new();
        while let Some(message) = self.next()? {
            events.extend_from_slice(&event(&message)?);
        }
        Ok(events.freeze())
    }

    /// The next whole message, once its checksums are right.
    fn next(&mut self) -> Result<Option<Bytes>, NotAStream> {
        let Some(prelude) = self.0.first_chunk::<PRELUDE>() else { return Ok(None) };
        let length = number(prelude).and_then(|length| usize::try_from(length).ok()).ok_or(NotAStream)?;
        let lengths = prelude.get(..8).unwrap_or_default();
        let sum = prelude.get(8..).and_then(number).ok_or(NotAStream)?;
        if !(OVERHEAD..=MAX_EVENT * 2).contains(&length) || crc32fast::hash(lengths) != sum {
            return Err(NotAStream);
        }
        if self.0.len() < length {
            return Ok(None);
        }
        let message = self.0.split_to(length).freeze();
        let (content, sum) = message.split_last_chunk::<4>().ok_or(NotAStream)?;
        let right = crc32fast::hash(content) == u32::from_be_bytes(*sum);
        if right { Ok(Some(message)) } else { Err(NotAStream) }
    }
}

/// What one message says, as an event.
fn event(message: &[u8]) -> Result<Vec<u8>, NotAStream> {
    let headers =
        message.get(4..).and_then(number).and_then(|length| usize::try_from(length).ok()).ok_or(NotAStream)?;
    let body = message.get(PRELUDE..message.len().saturating_sub(4)).ok_or(NotAStream)?;
    let (headers, payload) = body.split_at_checked(headers).ok_or(NotAStream)?;
    let payload_of: Payload<'_> = serde_json::from_slice(payload).map_err(|_| NotAStream)?;
    let text = match payload_of.bytes {
        Some(base64) => STANDARD.decode(base64).map_err(|_| NotAStream)?,
        None => exception(headers, payload_of.message.as_deref().unwrap_or("the stream broke off")),
    };
    let Typed { kind } = serde_json::from_slice(&text).map_err(|_| NotAStream)?;
    Ok([b"event: ", kind.as_bytes(), b"\ndata: ", &text, b"\n\n"].concat())
}

/// An exception of Bedrock's as Anthropic's own error.
fn exception(headers: &[u8], message: &str) -> Vec<u8> {
    let name = header(headers, b":exception-type").unwrap_or_default();
    let kind = match name.as_str() {
        "throttlingException" => "rate_limit_error",
        "validationException" => "invalid_request_error",
        "serviceUnavailableException" => "overloaded_error",
        "modelTimeoutException" => "timeout_error",
        _ => "api_error",
    };
    format!(r#"{{"type":"error","error":{{"type":"{kind}","message":{}}}}}"#, json_string(message)).into_bytes()
}

/// The text of a header; others than texts are not met.
fn header(mut headers: &[u8], wanted: &[u8]) -> Option<String> {
    while headers.has_remaining() {
        let length = usize::from(headers.try_get_u8().ok()?);
        let (name, rest) = headers.split_at_checked(length)?;
        headers = rest;
        let (kind, length) = (headers.try_get_u8().ok()?, headers.try_get_u16().ok()?);
        let (value, rest) = headers.split_at_checked(usize::from(length))?;
        headers = rest;
        if kind == 7 && name == wanted {
            return Some(String::from_utf8_lossy(value).into_owned());
        }
    }
    None
}

fn number(bytes: impl AsRef<[u8]>) -> Option<u32> {
    bytes.as_ref().first_chunk::<4>().map(|number| u32::from_be_bytes(*number))
}

#[cfg(test)]
mod tests;
