//! The JSON of the wire: contents, parts and answers as Gemini spells them.
//! Owns the members' names, snake case included where clients send it, since Google reads both. Refuses to conclude
//! anything: whole objects whose members are read elsewhere stay [`Json`].

use serde::{Deserialize, Serialize};

use crate::dialect::canonical::Json;

/// A request. Its members are read one by one, so that a fault names one.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body {
    #[serde(alias = "system_instruction", skip_serializing_if = "Option::is_none")]
    pub(super) system_instruction: Option<Json>,
    pub(super) contents: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<Json>,
    #[serde(alias = "tool_config", skip_serializing_if = "Option::is_none")]
    pub(super) tool_config: Option<Json>,
    #[serde(alias = "generation_config", skip_serializing_if = "Option::is_none")]
    pub(super) generation_config: Option<Json>,
    #[serde(alias = "safety_settings", skip_serializing)]
    pub(super) safety_settings: Option<Json>,
    #[serde(alias = "cached_content", skip_serializing)]
    pub(super) cached_content: Option<Json>,
    #[serde(alias = "service_tier", skip_serializing)]
    pub(super) service_tier: Option<String>,
    #[serde(skip_serializing)]
    pub(super) labels: Option<Json>,
}

/// A message. `P` is [`Json`] where it is read, so that one strange part spoils no other, and [`Part`] where it is
/// written.
#[derive(Serialize, Deserialize)]
pub(super) struct Content<P> {
    pub(super) parts: Option<Vec<P>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<String>,
}

/// A part of a message: one of its members says what it is.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought: Option<bool>,
    #[serde(alias = "inline_data", skip_serializing_if = "Option::is_none")]
    pub(super) inline_data: Option<Blob>,
    #[serde(alias = "file_data", skip_serializing_if = "Option::is_none")]
    pub(super) file_data: Option<FileLink>,
    #[serde(alias = "function_call", skip_serializing_if = "Option::is_none")]
    pub(super) function_call: Option<FunctionCall>,
    #[serde(alias = "function_response", skip_serializing_if = "Option::is_none")]
    pub(super) function_response: Option<FunctionResponse>,
    #[serde(alias = "thought_signature", skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<String>,
}

/// Bytes in base64, of either alphabet.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob {
    #[serde(default, alias = "mime_type")]
    pub(super) mime_type: String,
    #[serde(default)]
    pub(super) data: String,
}

/// Bytes at an address.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileLink {
    #[serde(alias = "mime_type", skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<String>,
    #[serde(default, alias = "file_uri")]
    pub(super) file_uri: String,
}

/// A call.
#[derive(Serialize, Deserialize)]
pub(super) struct FunctionCall {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) name: String,
    pub(super) args: Option<Json>,
}

/// What a function gave back.
#[derive(Serialize, Deserialize)]
pub(super) struct FunctionResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) name: String,
    pub(super) response: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parts: Option<Vec<Part>>,
}

/// A whole answer, or a piece of a streamed one.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer<P> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) candidates: Option<Vec<Candidate<P>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_feedback: Option<Feedback>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage_metadata: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_id: Option<String>,
    #[serde(skip_serializing)]
    pub(super) error: Option<Json>,
}

/// One answer of several.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate<P> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Content<P>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finish_reason: Option<String>,
    pub(super) index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs_result: Option<Json>,
    #[serde(default, skip_serializing)]
    pub(super) grounding_metadata: Option<Json>,
}

/// Why a prompt was not answered.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback {
    pub(super) block_reason: Option<String>,
}

/// The answer that `json` is. Broken UTF-8 in its text does not matter.
pub(super) fn answer(json: &[u8]) -> Option<Answer<Json>> {
    serde_json::from_str(&String::from_utf8_lossy(json)).ok()
}

impl<P> Answer<P> {
    /// Whether the prompt was refused before any answer began.
    pub(super) fn is_blocked(&self) -> bool {
        self.prompt_feedback.as_ref().is_some_and(|feedback| feedback.block_reason.is_some())
            && self.candidates.as_ref().is_none_or(Vec::is_empty)
    }
}

impl<P> Candidate<P> {
    /// Which answer it is; the first of several comes without its index.
    pub(super) fn choice(&self, position: usize) -> u64 {
        self.index.unwrap_or_else(|| u64::try_from(position).unwrap_or(u64::MAX))
    }
}

impl Candidate<Json> {
    /// Its parts, those that cannot be read left out.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part> {
        let parts = self.content.iter().filter_map(|content| content.parts.as_ref()).flatten();
        parts.filter_map(Json::read)
    }

    /// Whether it gives a reason for its end.
    pub(super) fn is_finished(&self) -> bool {
        self.finish_reason.as_ref().is_some_and(|reason| !reason.is_empty())
    }
}

impl Part {
    /// A text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }
}

impl Content<Part> {
    /// A message of the model.
    pub(super) fn of_model(parts: Vec<Part>) -> Self {
        Self { parts: Some(parts), role: Some("model".to_owned()) }
    }
}
