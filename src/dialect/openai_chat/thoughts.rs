//! Thinking, as compatible servers add it to chat: `reasoning_content` (DeepSeek, xAI, vLLM, Z.ai), `reasoning` (Groq,
//! OpenRouter, Cerebras, Ollama) and OpenRouter's `reasoning_details`, whose entries carry signatures and encrypted
//! parts.
//! Owns both directions. Refuses to guess a seal's origin; the entry says it:
//!
//! - An entry with a `format` is a provider's, which takes it back only whole. It travels through the canonical form,
//!   and so through any client's dialect, as base64 of itself without its text, in the place of its signature or sealed
//!   part.
//! - An entry without one is ours: another dialect's seal, written for a chat client, read back as what it was.
//! - Thinking that came as `reasoning_content` gets a seal of the same form that says so, since DeepSeek wants it back
//!   with the results of tools and other providers refuse it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::parts;
use crate::dialect::canonical::{Part, PartKind, Piece, Reasoning};
use crate::dialect::members::{self, Member};

/// The type of the seal on thinking that came as a plain member.
const PLAIN: &str = "reasoning_content";

/// One entry of `reasoning_details`.
type Entry = Map<String, Value>;

/// What a provider is given back of its own thinking.
#[derive(Debug, Default)]
pub(super) struct Returned {
    /// For `reasoning_content`.
    pub(super) content: Option<String>,
    /// For `reasoning_details`.
    pub(super) details: Vec<Value>,
}

/// The thinking in a message: text, then seals, in order. Text under several names counts once.
pub(super) fn pieces(message: &str) -> Vec<Piece> {
    let object = members::read(message, &["reasoning_content", "reasoning", "reasoning_details"]);
    let Ok([content, reasoning, details]) = object.map(members::Members::present) else { return Vec::new() };
    let text = |member: Option<Member<'_>>| member.and_then(|member| member.string()).filter(|text| !text.is_empty());
    let entries = details.map(entries).unwrap_or_default();
    let mut found = Vec::new();
    if entries.iter().all(|entry| words(entry).is_empty()) {
        found.extend(text(content).or_else(|| text(reasoning)).map(Piece::Reasoning));
    }
    for entry in entries {
        let words = words(&entry);
        found.extend((!words.is_empty()).then(|| Piece::Reasoning(words.to_owned())));
        found.extend(seal(entry));
    }
    found
}

/// Whether the thinking in a message came as `reasoning_content` alone.
pub(super) fn is_plain(message: &str) -> bool {
    let object = members::read(message, &["reasoning_content", "reasoning_details"]);
    object.is_ok_and(
        |object| matches!(object.present(), [Some(content), None] if content.is_string() && content.text != "\"\""),
    )
}

/// The thinking in a message as parts.
pub(super) fn read(message: &str) -> Vec<Reasoning> {
    let thought = |part: Part| match part.kind {
        PartKind::Reasoning(thought) => Some(thought),
        _ => None,
    };
    parts::gather(pieces(message)).into_iter().filter_map(thought).collect()
}

/// The seal that says thinking came as `reasoning_content`.
pub(super) fn plain_seal() -> Piece {
    let entry = Entry::from_iter([("type".to_owned(), Value::from(PLAIN))]);
    Piece::Sealed { signature: Some(pack(&entry)), sealed: None, id: None }
}

/// What a client is shown of the seals on its thinking, so that it can send them back. Empty where there is none. The
/// first entry's place is `first`.
pub(super) fn told(thoughts: &[&Reasoning], first: usize) -> Vec<Value> {
    if thoughts.iter().all(|thought| thought.signature.is_none() && thought.sealed.is_none()) {
        return Vec::new();
    }
    let entries = thoughts.iter().flat_map(|thought| entries_of(thought));
    entries.zip(first..).map(|(entry, index)| indexed(entry, index)).collect()
}

/// The entry for more text of thinking in a stream; those of one place are put together, with their signature.
pub(super) fn shown(text: &str, place: usize) -> Value {
    json!({"type": "reasoning.text", "text": text, "index": place})
}

/// What a provider gets of thinking: what it gave itself. Seals of others and thinking without a seal are left out,
/// since many chat servers refuse members they do not know.
pub(super) fn returned<'a>(thoughts: impl IntoIterator<Item = &'a Reasoning>) -> Returned {
    let mut returned = Returned::default();
    for thought in thoughts {
        let kept = [&thought.signature, &thought.sealed].into_iter().flatten().filter_map(|seal| unpack(seal));
        for entry in kept {
            if kind(&entry) == PLAIN {
                returned.content.get_or_insert_default().push_str(&thought.text);
            } else {
                returned.details.push(Value::Object(with_words(entry, &thought.text)));
            }
        }
    }
    returned
}

/// Whether a seal is one of this dialect's: only a provider that speaks chat takes it back.
pub fn is_seal(seal: &str) -> bool {
    unpack(seal).is_some()
}

fn entries(details: Member<'_>) -> Vec<Entry> {
    let list: Vec<&RawValue> = serde_json::from_str(details.text).unwrap_or_default();
    list.iter().filter_map(|entry| serde_json::from_str(entry.get()).ok()).collect()
}

fn kind(entry: &Entry) -> &str {
    string(entry, "type").unwrap_or_default()
}

fn string<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    entry.get(name).and_then(Value::as_str)
}

/// The readable text of an entry.
fn words(entry: &Entry) -> &str {
    string(entry, "text").or_else(|| string(entry, "summary")).unwrap_or_default()
}

/// The seal an entry carries.
fn seal(entry: Entry) -> Option<Piece> {
    let own = |name| string(&entry, name).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
    let (signature, sealed, id) = (own("signature"), own("data"), own("id"));
    if signature.is_none() && sealed.is_none() {
        return None;
    }
    if own("format").is_none() {
        return Some(Piece::Sealed { signature, sealed, id });
    }
    let packed = pack(&without_words(entry));
    let (signature, sealed) = if sealed.is_some() { (None, Some(packed)) } else { (Some(packed), None) };
    Some(Piece::Sealed { signature, sealed, id })
}

fn without_words(mut entry: Entry) -> Entry {
    entry.remove("text");
    entry.remove("summary");
    entry
}

fn with_words(mut entry: Entry, words: &str) -> Entry {
    if kind(&entry) == "reasoning.text" {
        entry.insert("text".to_owned(), Value::from(words));
    }
    entry
}

fn pack(entry: &Entry) -> String {
    STANDARD.encode(Value::Object(entry.clone()).to_string())
}

/// The entry that a seal is, if it is one of this dialect.
fn unpack(seal: &str) -> Option<Entry> {
    let json = STANDARD.decode(seal).ok().filter(|json| json.starts_with(b"{"))?;
    let entry: Entry = serde_json::from_slice(&json).ok()?;
    let is_ours = kind(&entry).starts_with("reasoning.") || kind(&entry) == PLAIN;
    is_ours.then_some(entry)
}

/// Thinking as entries, without their places.
fn entries_of(thought: &Reasoning) -> Vec<Value> {
    let Reasoning { text, signature, sealed, id } = thought;
    let mut entries = Vec::new();
    let summed_up = sealed.is_some() && signature.is_none();
    match signature {
        Some(signature) => entries.push(json!({"type": "reasoning.text", "text": text, "signature": signature})),
        None if text.is_empty() => {}
        None if summed_up => entries.push(json!({"type": "reasoning.summary", "summary": text})),
        None => entries.push(json!({"type": "reasoning.text", "text": text})),
    }
    entries.extend(sealed.as_ref().map(|sealed| json!({"type": "reasoning.encrypted", "data": sealed})));
    if let (Some(id), Some(last)) = (id, entries.last_mut().and_then(Value::as_object_mut)) {
        last.insert("id".to_owned(), Value::from(id.as_str()));
    }
    entries
}

/// Clients that put streamed lists together ask every entry for its place.
fn indexed(mut entry: Value, index: usize) -> Value {
    if let Some(entry) = entry.as_object_mut() {
        entry.insert("index".to_owned(), Value::from(index));
    }
    entry
}

#[cfg(test)]
mod tests;
