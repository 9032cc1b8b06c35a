//! `embedContent` and `batchEmbedContents`: Gemini's embeddings.
//! Owns both directions, and the same call in OpenAI's words, which most providers speak. Refuses anything but text.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use farthing_actors::domain::Usage;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::wire::{Content, Part};
use crate::dialect::canonical::Json;
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::head::{Head, Measure, USEFUL_OUTPUT};
use crate::dialect::members;
use crate::dialect::splice::{Splice, json_string};
use crate::dialect::usage::{Reading, details};

/// What another provider has no place for.
const HINTS: [&str; 2] = ["taskType", "title"];

/// A valid request and its body.
pub struct EmbedRequest {
    /// What it is, without its words. It generates nothing: its cap is zero.
    pub head: Head,
    /// Whether it is `batchEmbedContents`.
    pub batch: bool,
    body: Bytes,
    asked: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    content: Option<Content<Part>>,
    requests: Option<Vec<Request>>,
    #[serde(alias = "output_dimensionality")]
    output_dimensionality: Option<u64>,
    #[serde(alias = "task_type")]
    task_type: Option<Json>,
    title: Option<Json>,
}

/// The same in OpenAI's words.
#[derive(Serialize)]
struct OpenAi<'a> {
    model: &'a str,
    input: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u64>,
}

/// OpenAI's answer, as far as it is needed.
#[derive(Deserialize)]
struct Vectors {
    data: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    index: Option<usize>,
    embedding: Json,
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

impl EmbedRequest {
    /// Reads and validates a body; the model stands in the path, and so does `batch`.
    ///
    /// # Errors
    /// For a body that is not such a request.
    pub fn parse(body: Bytes, model: &str, batch: bool) -> Result<Self, RequestFault> {
        let wanted = if batch { "requests" } else { "content" };
        let [given] = fields::open(&body, &[wanted])?.present();
        given.ok_or_else(|| RequestFault::missing(wanted))?;
        let asked: Request = serde_json::from_slice(&body).map_err(|fault| wrong(&fault))?;
        let head = Head {
            model: model.to_owned(),
            stream: false,
            wants_usage: false,
            output_cap: Some(0),
            least_output: USEFUL_OUTPUT,
            choices: 1,
            messages: asked.requests.as_ref().map_or(1, Vec::len),
            bytes: body.len(),
            tier: None,
            measure: Measure::TEXT,
        };
        Ok(Self { head, batch, body, asked })
    }

    /// The body as it came.
    pub(in crate::dialect) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body for Gemini: the client's, but for the model's name where the body repeats it.
    pub fn for_upstream(&self, model: &str) -> Bytes {
        let mut splice = Splice::new(&self.body);
        if model != self.head.model {
            for span in self.names() {
                splice.replace(span, json_string(&format!("models/{model}")));
            }
        }
        splice.finish()
    }

    /// The body for a provider of OpenAI's embeddings, and the fields that it has no place for.
    ///
    /// # Errors
    /// For parts that are not text, and for dimensions that differ within a batch.
    pub fn for_openai(&self, model: &str) -> Result<(Bytes, Vec<String>), RequestFault> {
        let dimensions = self.dimensions()?;
        let body = json(&OpenAi { model, input: self.texts()?, dimensions });
        let hint = |one: &Request| [one.task_type.is_some(), one.title.is_some()];
        let given: Vec<_> = self.each().map(hint).collect();
        let ignored =
            HINTS.iter().enumerate().filter(|(place, _)| given.iter().any(|one| one.get(*place) == Some(&true)));
        Ok((body, ignored.map(|(_, name)| (*name).to_owned()).collect()))
    }

    /// The answer of a provider of OpenAI's embeddings in Gemini's words; `None` if it is none.
    pub fn answer(&self, body: &[u8]) -> Option<Bytes> {
        let mut vectors: Vectors = serde_json::from_slice(body).ok()?;
        // A stable sort: providers that give no index answer in order.
        vectors.data.sort_by_key(|vector| vector.index.unwrap_or(0));
        let vectors: Vec<_> = vectors.data.into_iter().map(|vector| vector.embedding).collect();
        (vectors.len() == self.head.messages).then(|| if self.batch { write_batch(&vectors) } else { write(&vectors) })
    }

    fn each(&self) -> impl Iterator<Item = &Request> {
        let many = self.asked.requests.iter().flatten();
        std::iter::once(&self.asked).filter(|_| !self.batch).chain(many.filter(|_| self.batch))
    }

    fn dimensions(&self) -> Result<Option<u64>, RequestFault> {
        let mut wanted = self.each().map(|one| one.output_dimensionality);
        let first = wanted.next().flatten();
        if wanted.all(|other| other == first) {
            return Ok(first);
        }
        Err(RequestFault::unsupported("requests[].outputDimensionality", "must be the same for all at this provider"))
    }

    /// The texts to embed: one from `content`, or one from each of `requests`.
    fn texts(&self) -> Result<Vec<String>, RequestFault> {
        let field = |place: usize| if self.batch { format!("requests[{place}].content") } else { "content".to_owned() };
        self.each().enumerate().map(|(place, one)| text_of(one.content.as_ref(), &field(place))).collect()
    }

    /// Where the body repeats the model's name.
    fn names(&self) -> Vec<Range<usize>> {
        let text = std::str::from_utf8(&self.body).unwrap_or_default();
        let base = text.as_ptr().addr();
        let name_in = |object: &str| {
            let [name] = members::read(object, &["model"]).ok()?.present();
            let at = object.as_ptr().addr().saturating_sub(base);
            name.map(|name| at.saturating_add(name.span().start)..at.saturating_add(name.span().end))
        };
        let [requests] = members::read(text, &["requests"]).map_or([None], members::Members::present);
        let many: Vec<&RawValue> = requests.and_then(|list| serde_json::from_str(list.text).ok()).unwrap_or_default();
        std::iter::once(text).chain(many.iter().map(|one| one.get())).filter_map(name_in).collect()
    }
}

/// The usage of an answer, where the provider gives it: Vertex AI and newer models do.
pub fn usage(body: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(body);
    let [metadata] = members::read(&text, &["usageMetadata"]).map_or([None], members::Members::present);
    match details(metadata, &["promptTokenCount"]) {
        Ok([None]) => Reading::Absent,
        Ok([Some(input)]) => Reading::Figures(Usage { input, ..Usage::default() }),
        Err(reason) => Reading::Insane(reason),
    }
}

/// Shows sizes, never words.
impl fmt::Debug for EmbedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbedRequest").field("head", &self.head).field("batch", &self.batch).finish_non_exhaustive()
    }
}

fn wrong(fault: &serde_json::Error) -> RequestFault {
    if fault.is_data() {
        return RequestFault::invalid_type("content", &format!("cannot be read as the Gemini API has it: {fault}"));
    }
    RequestFault::invalid_json(&format!("the body is not valid JSON: {fault}"))
}

fn text_of(content: Option<&Content<Part>>, field: &str) -> Result<String, RequestFault> {
    let content = content.ok_or_else(|| RequestFault::missing(field))?;
    let texts: Option<Vec<&str>> = content.parts.iter().flatten().map(|part| part.text.as_deref()).collect();
    let texts = texts.ok_or_else(|| RequestFault::unsupported(field, "only text can be embedded here"))?;
    if texts.is_empty() { Err(RequestFault::missing(&format!("{field}.parts"))) } else { Ok(texts.concat()) }
}

/// The answer to `embedContent`: the first vector, an array of numbers.
fn write(vectors: &[Json]) -> Bytes {
    json(&One { embedding: vectors.first().map(|values| Embedding { values }) })
}

/// The answer to `batchEmbedContents`: all vectors in order.
fn write_batch(vectors: &[Json]) -> Bytes {
    json(&Many { embeddings: vectors.iter().map(|values| Embedding { values }).collect() })
}

fn json(value: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str, batch: bool) -> Result<EmbedRequest, RequestFault> {
        EmbedRequest::parse(Bytes::from(body.to_owned()), "m", batch)
    }

    #[test]
    fn one_and_many_go_to_openai_and_back() {
        let one = parse(
            r#"{"content":{"parts":[{"text":"a"},{"text":"b"}]},"taskType":"X","outputDimensionality":8}"#,
            false,
        );
        let (body, ignored) = one.unwrap().for_openai("e").unwrap();
        assert_eq!(body, r#"{"model":"e","input":["ab"],"dimensions":8}"#);
        assert_eq!(ignored, ["taskType"]);
        let many = r#"{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}"#;
        let many = parse(many, true).unwrap();
        assert_eq!(many.for_openai("e").unwrap().0, r#"{"model":"e","input":["a","b"]}"#);
        let answer = br#"{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[0.1,1e-3]}]}"#;
        assert_eq!(many.answer(answer).unwrap(), r#"{"embeddings":[{"values":[0.1,1e-3]},{"values":[2]}]}"#);
        assert_eq!(many.answer(br#"{"data":[]}"#), None, "a vector is missing");
    }

    #[test]
    fn a_body_for_gemini_is_the_clients_but_for_the_models_name() {
        let text = r#"{ "requests":[{"odd":1e2,"model" : "models/m","content":{"parts":[{"text":"a"}]}}]}"#;
        let many = parse(text, true).unwrap();
        assert_eq!(many.for_upstream("m"), text);
        assert_eq!(many.for_upstream("g"), text.replace("models/m", "models/g"));
    }

    #[test]
    fn faults_name_the_member() {
        for (body, code, param) in [
            ("{}", "missing_field", Some("content")),
            (r#"{"content":{"parts":[]}}"#, "missing_field", Some("content.parts")),
            (r#"{"content":{"parts":[{"inlineData":{}}]}}"#, "unsupported_field", Some("content")),
            (r#"{"content":7}"#, "invalid_type", Some("content")),
            ("<html>", "invalid_json", None),
        ] {
            let fault = parse(body, false).and_then(|one| one.for_openai("e")).unwrap_err();
            assert_eq!((fault.code, fault.param.as_deref()), (code, param), "{body}");
        }
    }

    #[test]
    fn usage_is_read_where_it_is_given() {
        let input = |input| Reading::Figures(Usage { input, ..Usage::default() });
        assert_eq!(usage(br#"{"embedding":{},"usageMetadata":{"promptTokenCount":2}}"#), input(2));
        assert_eq!(usage(br#"{"embedding":{}}"#), Reading::Absent);
        assert!(matches!(usage(br#"{"usageMetadata":{"promptTokenCount":-2}}"#), Reading::Insane(_)));
    }
}
