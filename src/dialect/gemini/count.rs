//! The small bodies of `countTokens`. Owns both directions; refuses to count.

use bytes::Bytes;

use super::GeminiRequest;
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;

impl GeminiRequest {
    /// Reads what is to be counted: `contents` alone, or a whole request in `generateContentRequest`.
    ///
    /// # Errors
    /// As [`GeminiRequest::parse`], and for a body that has neither.
    pub fn parse_for_counting(body: Bytes, model: &str) -> Result<Self, RequestFault> {
        let object = fields::open(&body, &["generateContentRequest", "generate_content_request"])?;
        let [camel, snake] = object.present();
        match camel.or(snake) {
            Some(request) => Self::parse(body.slice(request.span()), model, false),
            None => Self::parse(body.clone(), model, false),
        }
    }
}

/// The answer.
pub fn count_tokens_reply(tokens: u64) -> Bytes {
    Bytes::from(format!(r#"{{"totalTokens":{tokens}}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_form_is_counted() {
        let contents = r#"{"contents":[{"parts":[{"text":"a"}]}]}"#;
        let whole = format!(r#"{{"generateContentRequest": {contents} }}"#);
        for body in [contents, &whole] {
            let request = GeminiRequest::parse_for_counting(Bytes::from(body.to_owned()), "m").unwrap();
            assert_eq!((request.head.messages, request.head.bytes), (1, contents.len()), "{body}");
            assert_eq!(request.conversation().unwrap().messages.len(), 1);
        }
        assert_eq!(
            GeminiRequest::parse_for_counting(Bytes::from_static(b"{}"), "m").unwrap_err().param.as_deref(),
            Some("contents")
        );
        assert_eq!(count_tokens_reply(31), r#"{"totalTokens":31}"#);
    }
}
