//! Errors in OpenAI's shape. Owns the shape; refuses to choose the words.

use bytes::Bytes;

use crate::dialect::splice::json_string;
use crate::dialect::words::ErrorBody;

/// The body: `{"error":{"message","type","param","code"}}`.
pub fn json(error: &ErrorBody<'_>) -> Vec<u8> {
    text(error).into_bytes()
}

/// The same as one event of a stream.
pub fn event(error: &ErrorBody<'_>) -> Bytes {
    Bytes::from(format!("data: {}\n\n", text(error)))
}

fn text(error: &ErrorBody<'_>) -> String {
    let or_null = |text: Option<&str>| text.map_or_else(|| "null".to_owned(), json_string);
    format!(
        r#"{{"error":{{"message":{},"type":{},"param":{},"code":{}}}}}"#,
        json_string(error.message),
        json_string(error.kind),
        or_null(error.param),
        or_null(error.code)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_has_openais_shape() {
        let error = ErrorBody {
            status: 400,
            message: "no \"x\"\n",
            kind: "invalid_request_error",
            param: Some("x"),
            code: None,
        };
        let expected = r#"{"error":{"message":"no \"x\"\n","type":"invalid_request_error","param":"x","code":null}}"#;
        assert_eq!(json(&error), expected.as_bytes());
        assert_eq!(event(&error), format!("data: {expected}\n\n").as_bytes());
    }
}
