//! The output of an answer: its items, read into parts and written from them.
//! Owns the three kinds every dialect has: messages, reasoning, function calls. Refuses the items of a provider's own
//! tools: they are skipped, and the text that follows from them stays.

use serde::Serialize;

use super::{elements, pick, seal, text, text_of};
use crate::dialect::canonical::{Json, Part, PartKind, Reasoning, ToolCall};

/// How the ids of thinking begin that are made up here. What they refer to is nowhere stored.
const MADE_UP: &str = "rs_farthing_";

/// An item as it was read.
#[derive(Debug, PartialEq)]
pub(super) enum Read {
    /// What the model says, by content index.
    Message(Vec<Spoken>),
    /// What it thinks.
    Reasoning(Reasoning),
    /// What it calls.
    Call(ToolCall),
    /// The id of a call that comes later, and its signature; see [`seal`].
    CallSignature(String, String),
    /// Anything else.
    Other,
}

/// One content part of a message.
#[derive(Debug, PartialEq)]
pub(super) enum Spoken {
    /// Text, and the probabilities of its tokens.
    Text(String, Vec<Json>),
    /// A refusal.
    Refusal(String),
    /// Anything else.
    Other,
}

/// Reads one item.
pub(super) fn read(item: &str) -> Read {
    match text_of(item, "type").as_str() {
        "message" => read_message(item),
        "reasoning" => read_reasoning(item),
        "function_call" => read_call(item),
        _ => Read::Other,
    }
}

fn read_message(item: &str) -> Read {
    let [content] = pick(item, &["content"]);
    match content.and_then(|content| content.string()) {
        Some(plain) => Read::Message(vec![Spoken::Text(plain, Vec::new())]),
        None => Read::Message(elements(content).into_iter().map(read_spoken).collect()),
    }
}

/// Reads one content part of a message.
pub(super) fn read_spoken(part: &str) -> Spoken {
    let [kind, said, refusal, log_probs] = pick(part, &["type", "text", "refusal", "logprobs"]);
    match text(kind).as_str() {
        "output_text" | "text" => {
            Spoken::Text(text(said), elements(log_probs).into_iter().filter_map(Json::parse).collect())
        }
        "refusal" => Spoken::Refusal(text(refusal)),
        _ => Spoken::Other,
    }
}

/// The summary is what OpenAI shows of the thinking; other servers show the thinking itself as content.
fn read_reasoning(item: &str) -> Read {
    let [id, summary, content, encrypted] = pick(item, &["id", "summary", "content", "encrypted_content"]);
    let encrypted = text(encrypted);
    if let Some((call, signature)) = seal::open_call(&encrypted) {
        return Read::CallSignature(call.to_owned(), signature.to_owned());
    }
    let texts = |list| elements(list).into_iter().map(|part| text_of(part, "text")).collect::<Vec<_>>();
    let summary = texts(summary).join("\n\n");
    let shown = if summary.is_empty() { texts(content).join("\n\n") } else { summary };
    let id = Some(text(id)).filter(|id| !id.is_empty());
    let mut reasoning = Reasoning { text: shown, id, ..Reasoning::default() };
    if !encrypted.is_empty() {
        seal::open(encrypted, &mut reasoning);
    }
    Read::Reasoning(reasoning)
}

fn read_call(item: &str) -> Read {
    let [id, call_id, name, arguments] = pick(item, &["id", "call_id", "name", "arguments"]);
    let given = [text(call_id), text(id)].into_iter().find(|id| !id.is_empty());
    let id = given.unwrap_or_else(|| new_id("call"));
    Read::Call(ToolCall { id, name: text(name), arguments: text(arguments), signature: None })
}

/// Whether a piece of thinking says anything outside the provider's storage: an id alone does not.
pub(super) fn is_told(reasoning: &Reasoning) -> bool {
    !reasoning.text.is_empty() || reasoning.sealed.is_some() || reasoning.signature.is_some()
}

/// Whether `id` is of thinking that came from here.
pub(super) fn is_made_up(id: &str) -> bool {
    id.starts_with(MADE_UP)
}

/// A new id, such as `msg_…`: unique, and in order of time.
pub(super) fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::now_v7().simple())
}

/// An item to write.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item {
    /// What the model says.
    Message { id: String, status: Status, role: &'static str, content: Vec<Content> },
    /// What it thinks.
    Reasoning {
        id: String,
        summary: Vec<Summary>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
        status: Status,
    },
    /// What it calls.
    FunctionCall { id: String, call_id: String, name: String, arguments: String, status: Status },
}

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    InProgress,
    Completed,
    Incomplete,
}

/// One content part of a message to write.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content {
    OutputText { text: String, annotations: [u8; 0], logprobs: Vec<Json> },
    Refusal { refusal: String },
}

/// Thinking to write, whole: a summary is the form clients show.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename = "summary_text")]
pub(super) struct Summary {
    pub(super) text: String,
}

impl Item {
    /// A message of the model.
    pub(super) fn message(content: Vec<Content>) -> Self {
        Self::Message { id: new_id("msg"), status: Status::InProgress, role: "assistant", content }
    }

    /// Thinking; `id` where the provider gave one.
    pub(super) fn reasoning(id: Option<String>, shown: &str, encrypted_content: Option<String>) -> Self {
        let id = id.unwrap_or_else(|| new_id(MADE_UP.trim_end_matches('_')));
        let summary = Some(shown).filter(|shown| !shown.is_empty()).map(|shown| Summary { text: shown.to_owned() });
        Self::Reasoning { id, summary: summary.into_iter().collect(), encrypted_content, status: Status::InProgress }
    }

    /// A call.
    pub(super) fn call(call: ToolCall) -> Self {
        let ToolCall { id: call_id, name, arguments, .. } = call;
        Self::FunctionCall { id: new_id("fc"), call_id, name, arguments, status: Status::InProgress }
    }

    /// The item before a call that carries the call's signature.
    pub(super) fn call_signature(signature: &str, call: &str) -> Self {
        Self::reasoning(None, "", Some(seal::close_call(signature, call)))
    }

    pub(super) fn status(&mut self) -> &mut Status {
        match self {
            Self::Message { status, .. } | Self::Reasoning { status, .. } | Self::FunctionCall { status, .. } => status,
        }
    }
}

impl Content {
    pub(super) fn text(text: String) -> Self {
        Self::OutputText { text, annotations: [], logprobs: Vec::new() }
    }
}

/// The items for a whole answer. Text and refusals that stand side by side are one message.
pub(super) fn items(parts: &[Part]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for part in parts {
        match &part.kind {
            PartKind::Text(text) => say(&mut items, Content::text(text.clone())),
            PartKind::Refusal(refusal) => say(&mut items, Content::Refusal { refusal: refusal.clone() }),
            PartKind::Reasoning(thought) => {
                let encrypted = seal::close(thought.signature.as_deref(), thought.sealed.as_deref());
                items.push(Item::reasoning(thought.id.clone(), &thought.text, encrypted));
            }
            PartKind::ToolCall(call) => {
                items.extend(call.signature.as_deref().map(|signature| Item::call_signature(signature, &call.id)));
                items.push(Item::call(call.clone()));
            }
            // No provider answers with these, and the dialect has no place for them.
            PartKind::Image { .. } | PartKind::Document { .. } | PartKind::Audio { .. } | PartKind::ToolResult(_) => {}
        }
    }
    items.iter_mut().for_each(|item| *item.status() = Status::Completed);
    items
}

fn say(items: &mut Vec<Item>, content: Content) {
    if let Some(Item::Message { content: said, .. }) = items.last_mut() {
        said.push(content);
    } else {
        items.push(Item::message(vec![content]));
    }
}
