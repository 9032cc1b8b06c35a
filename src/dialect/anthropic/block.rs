//! Blocks: what a message is made of in this dialect.
//! Owns the shapes on the wire, for requests, answers and streams alike, and the blocks a model speaks in, both
//! directions. Refuses what only a client sends (pictures, documents, results): those are read in `request`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::ids;
use super::seal::{self, Opaque};
use crate::dialect::canonical::{CacheMark, Json, Part, PartKind, ToolCall};

/// Under this name Anthropic's own documentation carries arguments that are no JSON object, since `input` must be one.
const INVALID: &str = "INVALID_JSON";

/// A block as it comes: the members of every kind, each optional.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawBlock<'a> {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) text: Option<String>,
    pub(super) thinking: Option<String>,
    pub(super) signature: Option<String>,
    #[serde(rename = "data")]
    pub(super) sealed: Option<String>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
    pub(super) tool_use_id: Option<String>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    pub(super) is_error: Option<bool>,
    #[serde(borrow)]
    pub(super) source: Option<&'a RawValue>,
    pub(super) title: Option<String>,
    pub(super) context: Option<String>,
    #[serde(borrow)]
    pub(super) citations: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) cache_control: Option<&'a RawValue>,
}

/// A block as it is written.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Thinking {
        thinking: &'a str,
        signature: Cow<'a, str>,
    },
    RedactedThinking {
        #[serde(rename = "data")]
        sealed: Cow<'a, str>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Json,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        content: Vec<Block<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Image {
        source: Address<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Document {
        source: Address<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
}

impl Block<'_> {
    /// What a text begins with in a stream.
    pub(super) const EMPTY_TEXT: Self = Block::Text { text: Cow::Borrowed(""), cache_control: None };
    /// What thinking begins with in a stream.
    pub(super) const EMPTY_THINKING: Self = Block::Thinking { thinking: "", signature: Cow::Borrowed("") };
}

/// Where a picture or document is.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Address<'a> {
    Base64 {
        media_type: &'a str,
        #[serde(rename = "data")]
        base64: &'a str,
    },
    Text {
        media_type: &'static str,
        #[serde(rename = "data")]
        text: Cow<'a, str>,
    },
    Url {
        url: &'a str,
    },
    File {
        file_id: &'a str,
    },
}

/// A cache mark.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(tag = "type", rename = "ephemeral")]
pub(super) struct CacheControl {
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl CacheControl {
    pub(super) fn of(mark: Option<CacheMark>) -> Option<Self> {
        Some(Self { ttl: mark?.ttl() })
    }
}

/// Gathers the parts a model spoke from its blocks, in order.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    pub(super) parts: Vec<Part>,
    /// The signature of the call that comes next.
    of_call: Option<String>,
}

impl Spoken {
    /// Takes in a block; says whether it is one a model speaks in. Blocks of tools the provider runs are not.
    pub(super) fn take(&mut self, block: RawBlock<'_>, cache: Option<CacheMark>) -> bool {
        let kind = match block.kind.as_str() {
            "text" => PartKind::Text(block.text.unwrap_or_default()),
            "thinking" => PartKind::Reasoning(seal::read(block.thinking.unwrap_or_default(), block.signature)),
            "redacted_thinking" => match seal::read_opaque(block.sealed.unwrap_or_default()) {
                Opaque::Thinking(reasoning) => PartKind::Reasoning(reasoning),
                Opaque::OfCall(signature) => {
                    self.of_call = Some(signature);
                    return true;
                }
            },
            "tool_use" => PartKind::ToolCall(ToolCall {
                id: ids::read_or_new(block.id),
                name: block.name.unwrap_or_default(),
                arguments: arguments(block.input),
                signature: self.of_call.take(),
            }),
            _ => return false,
        };
        self.parts.push(Part { kind, cache });
        true
    }
}

/// The text of a call's arguments.
fn arguments(input: Option<&RawValue>) -> String {
    let text = input.map_or("{}", RawValue::get);
    let object: Option<BTreeMap<&str, String>> = serde_json::from_str(text).ok();
    match object.and_then(|mut object| (object.len() == 1).then(|| object.remove(INVALID))?) {
        Some(invalid) => invalid,
        None => text.to_owned(),
    }
}

/// The object that a call's arguments are on the wire.
pub(super) fn input(call: &ToolCall) -> Json {
    let wrapped = || Json::of(&serde_json::json!({ INVALID: call.arguments }));
    call.arguments_object().unwrap_or_else(wrapped)
}

/// A part the model spoke as blocks for a client; none for what a model does not speak.
pub(super) fn spoken(part: &Part) -> Vec<Block<'_>> {
    match &part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) => {
            vec![Block::Text { text: text.into(), cache_control: None }]
        }
        PartKind::Reasoning(reasoning) => vec![seal::for_client(reasoning)],
        PartKind::ToolCall(call) => {
            let sealed = call.signature.as_deref().map(seal::of_call);
            let id = ids::write(&call.id);
            let called = Block::ToolUse { id, name: &call.name, input: input(call), cache_control: None };
            sealed.into_iter().chain([called]).collect()
        }
        _ => Vec::new(),
    }
}
