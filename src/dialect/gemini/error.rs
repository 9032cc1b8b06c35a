//! Errors in Google's shape: `{"error":{"code","message","status"}}`.
//! Owns the shape and Google's word for each status. Refuses to choose the message.

use bytes::Bytes;

use super::Framing;
use crate::dialect::splice::json_string;
use crate::dialect::words::ErrorBody;

/// The body.
pub fn json(error: &ErrorBody<'_>) -> Vec<u8> {
    text(error).into_bytes()
}

/// The same as one event of a stream.
pub fn event(error: &ErrorBody<'_>) -> Bytes {
    Bytes::from(format!("data: {}\n\n", text(error)))
}

/// The error that ends a stream in `framing`; `begun`: whether anything of the answer was sent before it. An array is
/// closed after it, so that what the client has is JSON.
pub fn ending(error: &ErrorBody<'_>, framing: Framing, begun: bool) -> Bytes {
    match framing {
        Framing::Sse => event(error),
        Framing::Array => Bytes::from(format!("{}{}]", if begun { ",\n" } else { "[" }, text(error))),
    }
}

fn text(error: &ErrorBody<'_>) -> String {
    let (message, status) = (json_string(error.message), status_word(error.status));
    let details = details(error);
    format!(r#"{{"error":{{"code":{},"message":{message},"status":"{status}"{details}}}}}"#, error.status)
}

/// Our own code and the member at fault, where Google has a place for such.
fn details(error: &ErrorBody<'_>) -> String {
    let violation = error.param.map(|param| {
        let (field, description) = (json_string(param), json_string(error.message));
        format!(
            r#"{{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{{"field":{field},"description":{description}}}]}}"#
        )
    });
    let reason = error.code.map(|code| {
        let reason = json_string(code);
        format!(r#"{{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":{reason},"domain":"farthing"}}"#)
    });
    let details: Vec<_> = reason.into_iter().chain(violation).collect();
    if details.is_empty() { String::new() } else { format!(r#","details":[{}]"#, details.join(",")) }
}

fn status_word(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        402 | 429 => "RESOURCE_EXHAUSTED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        499 => "CANCELLED",
        400..=498 => "INVALID_ARGUMENT",
        502 | 503 | 529 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::UpstreamWords;

    fn error(status: u16, param: Option<&'static str>, code: Option<&'static str>) -> ErrorBody<'static> {
        ErrorBody { status, message: "no \"x\"", kind: "k", param, code }
    }

    #[test]
    fn ours_has_googles_shape() {
        let plain = r#"{"error":{"code":404,"message":"no \"x\"","status":"NOT_FOUND"}}"#;
        assert_eq!(json(&error(404, None, None)), plain.as_bytes());
        let ended = |framing, begun| ending(&error(404, None, None), framing, begun);
        assert_eq!(ended(Framing::Sse, true), format!("data: {plain}\n\n"));
        assert_eq!(ended(Framing::Array, true), format!(",\n{plain}]"));
        assert_eq!(ended(Framing::Array, false), format!("[{plain}]"));
    }

    #[test]
    fn ours_is_read_as_an_error() {
        let body = json(&error(400, Some("contents[0]"), Some("missing_field")));
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value["error"]["details"][0]["reason"], "missing_field");
        assert_eq!(value["error"]["details"][1]["fieldViolations"][0]["field"], "contents[0]");
        let words = UpstreamWords::read(&body).unwrap();
        assert_eq!((words.kind.as_deref(), words.code.as_deref()), (Some("INVALID_ARGUMENT"), Some("400")));
    }
}
