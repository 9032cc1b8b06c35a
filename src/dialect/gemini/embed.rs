//! The bodies of `embedContent` and `batchEmbedContents`. Owns both directions; refuses anything but text.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::wire::{Content, Part};
use crate::dialect::canonical::Json;
use crate::dialect::fault::RequestFault;

#[derive(Deserialize)]
struct Request {
    content: Option<Content<Part>>,
    requests: Option<Vec<Request>>,
}

#[derive(Serialize)]
struct Embedding<'a> {
    values: &'a Json,
}

#[derive(Serialize)]
struct One<'a> {
    embedding: Option<Embedding<'a>>,
}

#[derive(Serialize)]
struct Many<'a> {
    embeddings: Vec<Embedding<'a>>,
}

/// The texts to embed: one from `content`, or one from each of `requests`.
///
/// # Errors
/// For a body that is not such a request, or whose parts are not text.
pub fn read(body: &[u8]) -> Result<Vec<String>, RequestFault> {
    let request: Request = serde_json::from_slice(body).map_err(|fault| wrong(&fault))?;
    match request.requests {
        None => Ok(vec![text_of(request.content, "content")?]),
        Some(requests) => {
            let texts = requests.into_iter().enumerate();
            texts.map(|(place, one)| text_of(one.content, &format!("requests[{place}].content"))).collect()
        }
    }
}

fn wrong(fault: &serde_json::Error) -> RequestFault {
    if fault.is_data() {
        return RequestFault::invalid_type("content", &format!("cannot be read as the Gemini API has it: {fault}"));
    }
    RequestFault::invalid_json(&format!("the body is not valid JSON: {fault}"))
}

fn text_of(content: Option<Content<Part>>, field: &str) -> Result<String, RequestFault> {
    let content = content.ok_or_else(|| RequestFault::missing(field))?;
    let texts = content.parts.into_iter().flatten().map(|part| part.text);
    let texts: Option<Vec<String>> = texts.collect();
    let texts = texts.ok_or_else(|| RequestFault::unsupported(field, "only text can be embedded here"))?;
    if texts.is_empty() { Err(RequestFault::missing(&format!("{field}.parts"))) } else { Ok(texts.concat()) }
}

/// The answer to `embedContent`: the first vector, an array of numbers.
pub fn write(vectors: &[Json]) -> Bytes {
    json(&One { embedding: vectors.first().map(|values| Embedding { values }) })
}

/// The answer to `batchEmbedContents`: all vectors in order.
pub fn write_batch(vectors: &[Json]) -> Bytes {
    json(&Many { embeddings: vectors.iter().map(|values| Embedding { values }).collect() })
}

fn json(answer: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(answer).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_vectors_written() {
        let one = br#"{"content":{"parts":[{"text":"a"},{"text":"b"}]},"taskType":"X"}"#;
        assert_eq!(read(one).unwrap(), ["ab"]);
        let many =
            br#"{"requests":[{"model":"m","content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}"#;
        assert_eq!(read(many).unwrap(), ["a", "b"]);
        let vectors = [Json::parse("[0.1,1e-3]").unwrap(), Json::parse("[2]").unwrap()];
        assert_eq!(write(&vectors), r#"{"embedding":{"values":[0.1,1e-3]}}"#);
        assert_eq!(write_batch(&vectors), r#"{"embeddings":[{"values":[0.1,1e-3]},{"values":[2]}]}"#);
    }

    #[test]
    fn faults_name_the_member() {
        for (body, code, param) in [
            ("{}", "missing_field", Some("content")),
            (
                r#"{"requests":[{"content":{"parts":[{"inlineData":{}}]}}]}"#,
                "unsupported_field",
                Some("requests[0].content"),
            ),
            (r#"{"content":{"parts":[]}}"#, "missing_field", Some("content.parts")),
            (r#"{"content":7}"#, "invalid_type", Some("content")),
            ("<html>", "invalid_json", None),
        ] {
            let fault = read(body.as_bytes()).unwrap_err();
            assert_eq!((fault.code, fault.param.as_deref()), (code, param), "{body}");
        }
    }
}
