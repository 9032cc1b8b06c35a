//! Errors in OpenAI's shape, before a stream and inside one. Owns the shape; refuses to choose the words.

use bytes::Bytes;
use serde::Serialize;

use crate::dialect::words::ErrorBody;

#[derive(Serialize)]
struct Words<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: Words<'a>,
}

/// The documented event has its words at the top; the wire, and the SDKs that raise on it, have them in `error`. Both
/// are written, so that whoever reads either finds them.
#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    code: Option<&'a str>,
    message: &'a str,
    param: Option<&'a str>,
    sequence_number: u64,
    error: Words<'a>,
}

/// The body: `{"error":{"message","type","param","code"}}`.
pub fn json(error: &ErrorBody<'_>) -> Vec<u8> {
    serde_json::to_vec(&Body { error: Words::of(error) }).unwrap_or_default()
}

/// The same as one event of a stream. Its number is zero: what came before it is not known here, and no client counts.
pub fn event(error: &ErrorBody<'_>) -> Bytes {
    let ErrorBody { message, param, code, .. } = *error;
    let event = Event { kind: "error", code, message, param, sequence_number: 0, error: Words::of(error) };
    let json = serde_json::to_string(&event).unwrap_or_default();
    Bytes::from(format!("event: error\ndata: {json}\n\n"))
}

impl<'a> Words<'a> {
    fn of(error: &ErrorBody<'a>) -> Self {
        let ErrorBody { message, kind, param, code, .. } = *error;
        Self { message, kind, param, code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_has_openais_shape() {
        let kind = "invalid_request_error";
        let error = ErrorBody { status: 400, message: "no \"x\"\n", kind, param: Some("x"), code: None };
        let words = r#"{"message":"no \"x\"\n","type":"invalid_request_error","param":"x","code":null}"#;
        assert_eq!(json(&error), format!(r#"{{"error":{words}}}"#).as_bytes());
        let top = r#"{"type":"error","code":null,"message":"no \"x\"\n","param":"x","sequence_number":0"#;
        assert_eq!(event(&error), format!("event: error\ndata: {top},\"error\":{words}}}\n\n").as_bytes());
    }
}
