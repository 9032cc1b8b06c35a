//! The shapes that are written: messages of requests, of answers and deltas, which have the same members.
//! Owns the order of members and which may be absent. Refuses to read: what is read may have any shape.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use serde_json::json;

/// A message or a delta. What is `None` or empty is not written.
#[derive(Debug, Default, Serialize)]
pub(super) struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) reasoning_details: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_call_id: Option<Cow<'a, str>>,
}

/// A message's content.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    /// None: `null`.
    Null,
    /// One text.
    Text(Cow<'a, str>),
    /// Parts.
    Parts(Vec<Value>),
}

/// One call, or a fragment of one.
#[derive(Debug, Serialize)]
pub(super) struct Call<'a> {
    /// In streams only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    pub(super) function: Function<'a>,
    /// Gemini's signature, where its compatible server puts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extra_content: Option<Value>,
}

/// Name and arguments of a call.
#[derive(Debug, Serialize)]
pub(super) struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) arguments: &'a str,
}

impl<'a> Call<'a> {
    /// A whole call, or the first fragment of one.
    pub(super) fn begun(id: impl Into<Cow<'a, str>>, name: &'a str, arguments: &'a str) -> Self {
        let function = Function { name: Some(name), arguments };
        Self { index: None, id: Some(id.into()), kind: Some("function"), function, extra_content: None }
    }

    /// More arguments of a call in a stream.
    pub(super) fn more(index: usize, arguments: &'a str) -> Self {
        let function = Function { name: None, arguments };
        Self { index: Some(index), id: None, kind: None, function, extra_content: None }
    }

    /// The call with its signature beside it.
    pub(super) fn signed(self, signature: Option<&str>) -> Self {
        let extra = |signature| json!({"google": {"thought_signature": signature}});
        Self { extra_content: signature.map(extra), ..self }
    }
}
