//! Anthropic's dialect as Google Vertex AI carries it.
//! Owns the two differences: the model stands in the path, and the version in the body. Refuses addresses and tokens.

use bytes::Bytes;

use crate::dialect::ordered::Ordered;

/// The version of the dialect that Vertex AI names.
const VERSION: &str = r#""vertex-2023-10-16""#;

/// The body for Vertex AI: the same members in the same order and spelling, without the model and with the version that other
/// providers take as a header. Whether to stream stays in it.
pub fn enclose(body: &[u8]) -> Bytes {
    let Some(mut object) = Ordered::read(body) else { return Bytes::copy_from_slice(body) };
    object.remove(&["model"]);
    object.add("anthropic_version", VERSION.to_owned());
    object.write().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_taken_out_the_version_put_in_and_nothing_else_changed() {
        let body = br#"{ "model":"m","max_tokens":1e2, "odd":{"b":1,"a":2},"stream":true}"#;
        let told = r#"{"max_tokens":1e2,"odd":{"b":1,"a":2},"stream":true,"anthropic_version":"vertex-2023-10-16"}"#;
        assert_eq!(enclose(body), told);
        let own = br#"{"anthropic_version":"x"}"#;
        assert_eq!((enclose(own), enclose(b"[1]")), (Bytes::from_static(own), Bytes::from_static(b"[1]")));
    }
}
