//! Messages for Ollama: a text each, pictures beside it, calls and results of tools by name.
//! Owns how one canonical message becomes Ollama's. Refuses documents, sound, and pictures that are not here. Earlier thinking
//! is left out: it is nobody's who reads it.

use serde_json::{Map, Value, json};

use crate::dialect::canonical::{
    Feature, Json, Message, Part, PartKind, Role, Source, ToolCall, ToolResult, Unsupported,
};

/// All messages in order; results of tools are messages of their own, before the rest of the message that held them.
pub(super) fn write(messages: &[Message]) -> Result<Vec<Value>, Unsupported> {
    let mut written = Vec::with_capacity(messages.len());
    for message in messages {
        let mut said = Said::default();
        for part in &message.parts {
            match &part.kind {
                PartKind::ToolResult(result) => written.push(answered(result, messages)?),
                _ => said.take(part)?,
            }
        }
        let has_results = message.parts.iter().any(|part| matches!(part.kind, PartKind::ToolResult(_)));
        if !(has_results && said.is_nothing()) {
            written.push(said.written(message.role));
        }
    }
    Ok(written)
}

#[derive(Default)]
struct Said {
    texts: Vec<String>,
    images: Vec<String>,
    calls: Vec<Value>,
}

impl Said {
    fn take(&mut self, part: &Part) -> Result<(), Unsupported> {
        match &part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => self.texts.push(text.clone()),
            PartKind::Image { source, .. } => self.images.push(picture(source)?),
            PartKind::ToolCall(call) => self.calls.push(called(call, self.calls.len())),
            PartKind::Document { source: Source::Text(text), .. } => self.texts.push(text.clone()),
            PartKind::Document { .. } => {
                return Err(Unsupported::new(Feature::Documents, "Ollama takes text and pictures; send its text"));
            }
            PartKind::Audio { .. } => {
                return Err(Unsupported::new(Feature::Audio, "Ollama takes text and pictures; leave it out"));
            }
            PartKind::Reasoning(_) | PartKind::ToolResult(_) => {}
        }
        Ok(())
    }

    fn is_nothing(&self) -> bool {
        self.texts.is_empty() && self.images.is_empty() && self.calls.is_empty()
    }

    /// What a model said was streamed without gaps; what others say in several parts are paragraphs.
    fn written(self, role: Role) -> Value {
        let (role, gap) = match role {
            Role::System | Role::Developer => ("system", "\n\n"),
            Role::User => ("user", "\n\n"),
            Role::Assistant => ("assistant", ""),
        };
        let mut message =
            Map::from_iter([("role".to_owned(), json!(role)), ("content".to_owned(), json!(self.texts.join(gap)))]);
        if !self.images.is_empty() {
            message.insert("images".to_owned(), json!(self.images));
        }
        if !self.calls.is_empty() {
            message.insert("tool_calls".to_owned(), json!(self.calls));
        }
        Value::Object(message)
    }
}

fn picture(source: &Source) -> Result<String, Unsupported> {
    match source {
        Source::Inline { base64, .. } => Ok(base64.clone()),
        Source::Url(_) => Err(Unsupported::new(Feature::Urls, "Ollama fetches nothing; send the picture itself")),
        Source::File(_) => {
            Err(Unsupported::new(Feature::Files, "Ollama has no uploaded files; send the picture itself"))
        }
        Source::Text(_) => Err(Unsupported::new(Feature::Images, "a picture is no text")),
    }
}

/// Arguments are an object; what a model wrote instead is kept in one.
fn called(call: &ToolCall, index: usize) -> Value {
    let object = call.arguments_object().and_then(|object| Json::read::<Value>(&object));
    let arguments = object.unwrap_or_else(|| json!({"arguments": call.arguments}));
    json!({"id": call.id, "type": "function", "function": {"index": index, "name": call.name, "arguments": arguments}})
}

fn answered(result: &ToolResult, messages: &[Message]) -> Result<Value, Unsupported> {
    let mut texts = Vec::new();
    for part in &result.parts {
        match &part.kind {
            PartKind::Text(text) => texts.push(text.as_str()),
            _ => {
                let why = "Ollama takes the text of a tool's result; leave out the rest";
                return Err(Unsupported::new(Feature::ToolResultMedia, why));
            }
        }
    }
    let text = texts.join("\n\n");
    let text = if result.is_error { format!("Error: {text}") } else { text };
    let name = result.name.as_deref().or_else(|| name_of(&result.id, messages)).unwrap_or_default();
    Ok(json!({"role": "tool", "content": text, "tool_name": name, "tool_call_id": result.id}))
}

/// The tool that the call with this id asked for.
fn name_of<'a>(id: &str, messages: &'a [Message]) -> Option<&'a str> {
    let mut calls = messages.iter().flat_map(|message| &message.parts).filter_map(|part| match &part.kind {
        PartKind::ToolCall(call) => Some(call),
        _ => None,
    });
    calls.find(|call| call.id == id).map(|call| call.name.as_str())
}
