//! Plain calls: what an application asks that is no conversation: embeddings, moderations, rankings, pictures,
//! speech turned into text and text into speech.
//! Owns what the gateway must know of them, and that nothing but the model's name is changed. Refuses to translate: only a
//! provider that has the same call serves it.

pub mod images;
mod multipart;
pub mod sound;
mod speech;
mod transcriptions;

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use farthing_actors::domain::Usage;

use super::beyond::Beyond;
use super::fault::RequestFault;
use super::fields;
use super::head::{Head, Measure, Rewrite, USEFUL_OUTPUT};
use super::members::{self, Member};
use super::splice::{Splice, json_string};
use super::usage::{Reading, count};
use super::{gemini, openai_chat};
use transcriptions::Upload;

/// What is called, beside the four dialects' conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// A conversation, in any dialect.
    Conversation,
    /// `POST /v1/completions`: text that goes on.
    Completions,
    /// `POST /v1/embeddings`, or Gemini's `embedContent`.
    Embeddings,
    /// Gemini's `batchEmbedContents`; at other providers the same as [`Self::Embeddings`].
    BatchEmbeddings,
    /// `POST /v1/moderations`.
    Moderations,
    /// `POST /v1/rerank`.
    Rerank,
    /// `POST /v1/images/generations`.
    Images,
    /// `POST /v1/audio/transcriptions`.
    Transcriptions,
    /// `POST /v1/audio/speech`.
    Speech,
}

/// A valid plain call and its body.
pub struct PlainRequest {
    /// What it is, without its words. It generates nothing: its cap is zero.
    pub head: Head,
    /// What is called.
    pub endpoint: Endpoint,
    body: Bytes,
    model_at: Range<usize>,
    upload: Option<Upload>,
}

impl Endpoint {
    /// The call a provider must have for it.
    pub fn needs(self) -> Self {
        if self == Self::BatchEmbeddings { Self::Embeddings } else { self }
    }

    /// Whether the answer is a work that costs much each time it is made, so that a call is not made twice after the
    /// provider may have made one.
    pub fn makes_works(self) -> bool {
        matches!(self, Self::Images | Self::Transcriptions | Self::Speech)
    }

    /// The member that holds what is to be worked on.
    fn content(self) -> &'static str {
        match self {
            Self::Conversation => "messages",
            Self::Completions | Self::Images => "prompt",
            Self::Embeddings | Self::BatchEmbeddings | Self::Moderations | Self::Speech => "input",
            Self::Rerank => "documents",
            Self::Transcriptions => "file",
        }
    }
}

impl PlainRequest {
    /// Reads and validates a body.
    ///
    /// # Errors
    /// The first fault found, in the words of the API.
    pub fn parse(endpoint: Endpoint, body: Bytes) -> Result<Self, RequestFault> {
        let content = endpoint.content();
        let object = fields::open(&body, &["model", content])?;
        let [model, input] = object.values;
        let model = model.ok_or_else(|| RequestFault::missing("model"))?;
        let messages = input.filter(|input| !input.is_null()).ok_or_else(|| RequestFault::missing(content))?;
        let head = Head {
            model: fields::model(model)?,
            stream: false,
            wants_usage: false,
            output_cap: Some(0),
            least_output: USEFUL_OUTPUT,
            choices: 1,
            messages: how_many(messages),
            bytes: body.len(),
            tier: None,
            measure: match endpoint {
                Endpoint::Images => images::measure(&body)?,
                Endpoint::Speech => speech::measure(&body)?,
                _ => Measure::TEXT,
            },
        };
        Ok(Self { head, endpoint, model_at: model.span(), upload: None, body: body.clone() })
    }

    /// Reads and validates an upload of sound that is to become text.
    ///
    /// # Errors
    /// The first fault found, in the words of the API.
    pub fn parse_upload(content_type: &str, body: Bytes) -> Result<Self, RequestFault> {
        transcriptions::parse(content_type, body)
    }

    /// The content type of the body.
    pub(in crate::dialect) fn content_type(&self) -> &str {
        self.upload.as_ref().map_or("application/json", |upload| &upload.content_type)
    }

    /// Whether the body is a form, not JSON.
    pub(in crate::dialect) fn is_upload(&self) -> bool {
        self.upload.is_some()
    }

    /// Whether the answer is a JSON object; else it is whatever the provider's content type says.
    pub(in crate::dialect) fn wants_object(&self) -> bool {
        self.endpoint != Endpoint::Speech && self.upload.as_ref().is_none_or(|upload| upload.json)
    }

    /// What is beyond its words: of an upload, all but the text of the prompt.
    pub(in crate::dialect) fn beyond(&self) -> Beyond {
        let prompt = self.upload.as_ref().map(|upload| upload.prompt.clone());
        let inline = prompt.map_or_else(Vec::new, |prompt| vec![0..prompt.start, prompt.end..self.body.len()]);
        Beyond { inline, ..Beyond::default() }
    }

    /// The fields of an upload, by name; `None` where the body is JSON.
    pub(in crate::dialect) fn form(&self) -> Option<Vec<(&str, &[u8])>> {
        self.upload.as_ref().map(|upload| transcriptions::form(&upload.content_type, &self.body))
    }

    /// The body as it came.
    pub(in crate::dialect) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body for the provider: the client's, byte for byte, except the model's name.
    pub fn for_upstream(&self, rewrite: &Rewrite<'_>) -> Bytes {
        let mut splice = Splice::new(&self.body);
        if rewrite.model != self.head.model {
            match self.upload {
                Some(_) => splice.replace(self.model_at.clone(), rewrite.model),
                None => splice.replace(self.model_at.clone(), json_string(rewrite.model)),
            }
        }
        splice.finish()
    }
}

/// Shows sizes, never words.
impl fmt::Debug for PlainRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainRequest")
            .field("endpoint", &self.endpoint)
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

/// Texts in a list, or one.
pub(super) fn how_many(input: Member<'_>) -> usize {
    serde_json::from_str::<Vec<serde::de::IgnoredAny>>(input.text).map_or(1, |list| list.len().max(1))
}

/// The usage of an answer. Rankings may give nothing but a total; it is all input.
pub fn usage(endpoint: Endpoint, body: &[u8]) -> Reading {
    match endpoint {
        Endpoint::Images => images::usage(body),
        Endpoint::Transcriptions => transcriptions::usage::usage(body),
        _ => texts(body),
    }
}

fn texts(body: &[u8]) -> Reading {
    let said = |reading: &Reading| *reading != Reading::Absent;
    let told = [openai_chat::reply::usage, total, gemini::embed::usage].map(|read| read(body));
    told.into_iter().find(said).unwrap_or(Reading::Absent)
}

fn total(body: &[u8]) -> Reading {
    let text = String::from_utf8_lossy(body);
    let [usage] = members::read(&text, &["usage"]).map_or([None], members::Members::present);
    let total = usage.and_then(|usage| usage.members(&["total_tokens"])).and_then(|usage| {
        let [total] = usage.present();
        total
    });
    match count(total) {
        Ok(None) => Reading::Absent,
        Ok(Some(input)) => Reading::Figures(Usage { input, ..Usage::default() }),
        Err(reason) => Reading::Insane(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::head::UsageOption;

    fn bytes(text: &str) -> Bytes {
        Bytes::from(text.to_owned())
    }

    #[test]
    fn nothing_but_the_models_name_is_changed() {
        let body = bytes(r#"{ "input":["a","b"] ,"dimensions":1e2, "model":"fast"}"#);
        let call = PlainRequest::parse(Endpoint::Embeddings, body.clone()).unwrap();
        assert_eq!((call.head.messages, call.head.output_cap), (2, Some(0)));
        let rewrite = |model| Rewrite { model, usage: UsageOption::AsIs, output_cap: None };
        assert_eq!(call.for_upstream(&rewrite("fast")).as_ptr(), body.as_ptr());
        let told = call.for_upstream(&rewrite("text-embedding-3-small"));
        assert_eq!(told, r#"{ "input":["a","b"] ,"dimensions":1e2, "model":"text-embedding-3-small"}"#);
    }

    #[test]
    fn faults_name_the_field() {
        for (endpoint, body, param) in [
            (Endpoint::Embeddings, r#"{"model":"m"}"#, "input"),
            (Endpoint::Moderations, r#"{"input":"x"}"#, "model"),
            (Endpoint::Rerank, r#"{"model":"m","query":"q","documents":null}"#, "documents"),
        ] {
            let fault = PlainRequest::parse(endpoint, bytes(body)).unwrap_err();
            assert_eq!(fault.param.as_deref(), Some(param), "{body}");
        }
    }

    #[test]
    fn usage_is_input() {
        let input = |input| Reading::Figures(Usage { input, ..Usage::default() });
        for (body, reading) in [
            (r#"{"usage":{"prompt_tokens":4,"total_tokens":4}}"#, input(4)),
            (r#"{"usage":{"total_tokens":7}}"#, input(7)),
            (r#"{"results":[]}"#, Reading::Absent),
            (r#"{"usage":{"total_tokens":-1}}"#, Reading::Insane("a figure is not a whole number of tokens")),
        ] {
            assert_eq!(usage(Endpoint::Rerank, body.as_bytes()), reading, "{body}");
        }
    }
}
