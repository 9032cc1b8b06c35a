//! Errors in Anthropic's shape. Owns the shape and the type that goes with each status; refuses to choose the words.

use bytes::Bytes;
use serde::Serialize;

use crate::dialect::words::ErrorBody;

#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: Words<'a>,
}

#[derive(Serialize)]
struct Words<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
}

/// Anthropic's details have a code and what belongs to it; `param` is ours.
#[derive(Serialize)]
struct Details<'a> {
    error_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
}

/// The body: `{"type":"error","error":{"type","message","details"}}`.
pub fn json(error: &ErrorBody<'_>) -> Vec<u8> {
    let details = error.code.map(|error_code| Details { error_code, param: error.param });
    let words = Words { kind: kind(error.status), message: error.message, details };
    serde_json::to_vec(&Envelope { kind: "error", error: words }).unwrap_or_default()
}

/// The same as the event `error` of a stream.
pub fn event(error: &ErrorBody<'_>) -> Bytes {
    Bytes::from([b"event: error\ndata: ", &json(error)[..], b"\n\n"].concat())
}

/// Anthropic's word for a status.
fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        503 | 529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_has_anthropics_shape() {
        let error = ErrorBody { status: 429, message: "no \"x\"\n", kind: "x", param: Some("p"), code: Some("c") };
        let expected = r#"{"type":"error","error":{"type":"rate_limit_error","message":"no \"x\"\n","details":{"error_code":"c","param":"p"}}}"#;
        assert_eq!(json(&error), expected.as_bytes());
        assert_eq!(event(&error), format!("event: error\ndata: {expected}\n\n").as_bytes());
    }

    #[test]
    fn every_status_has_a_type() {
        for (status, kind_of_it) in [
            (400, "invalid_request_error"),
            (401, "authentication_error"),
            (402, "billing_error"),
            (409, "conflict_error"),
            (413, "request_too_large"),
            (422, "invalid_request_error"),
            (500, "api_error"),
            (502, "api_error"),
            (503, "overloaded_error"),
            (504, "timeout_error"),
            (529, "overloaded_error"),
        ] {
            assert_eq!(kind(status), kind_of_it);
        }
    }
}
