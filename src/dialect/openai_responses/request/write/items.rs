//! The input of a Responses request, from the canonical messages.
//! Owns which part becomes an item of its own and which stands in a message; what stands in one is [`super::content`].

use serde::Serialize;

use super::content::{Content, content};
use crate::dialect::canonical::{Feature, Message, Part, PartKind, Reasoning, Role, ToolResult, Unsupported};
use crate::dialect::openai_responses::output::Summary;

/// The longest id of a call that OpenAI takes.
const MAX_CALL_ID: usize = 64;

/// What messages become.
#[derive(Default)]
pub(super) struct Items {
    pub(super) instructions: Option<String>,
    pub(super) input: Vec<Input>,
    pub(super) ignored: Vec<Feature>,
    /// Ids of calls that are longer than OpenAI takes.
    long: Vec<String>,
}

/// An item of the input.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Input {
    Message {
        role: &'static str,
        content: Vec<Content>,
    },
    Reasoning {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        summary: Vec<Summary>,
        encrypted_content: String,
    },
    FunctionCall {
        call_id: String,
        name: String,
        arguments: String,
    },
    FunctionCallOutput {
        call_id: String,
        output: Answer,
    },
}

/// What a tool answered.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Text(String),
    Parts(Vec<Content>),
}

/// Writes messages. Leading text of the system is the `instructions`; what instructs later is a developer's message.
pub(super) fn write(messages: &[Message]) -> Result<Items, Unsupported> {
    let mut items = Items::default();
    let leading = messages.split_first().filter(|(first, _)| first.role == Role::System);
    let instructions = leading.and_then(|(first, rest)| Some((all_text(&first.parts)?, first, rest)));
    let rest = match instructions {
        Some((text, first, rest)) => {
            items.instructions = Some(text);
            items.note(first);
            rest
        }
        None => messages,
    };
    rest.iter().try_for_each(|message| items.message(message))?;
    // There must be an input: instructions alone are said as a developer's.
    if items.input.is_empty()
        && let Some(text) = items.instructions.take()
    {
        items.input.push(Input::Message { role: "developer", content: vec![Content::InputText { text }] });
    }
    if items.input.is_empty() {
        return Err(Unsupported::new(Feature::EmptyPrompt, "there must be a message that says something"));
    }
    Ok(items)
}

/// The texts of parts that are nothing but text.
fn all_text(parts: &[Part]) -> Option<String> {
    parts.iter().map(Part::as_text).collect::<Option<Vec<_>>>().map(|texts| texts.join("\n\n"))
}

impl Items {
    fn message(&mut self, message: &Message) -> Result<(), Unsupported> {
        self.note(message);
        let role = match message.role {
            Role::System | Role::Developer => "developer",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let mut said = Vec::new();
        for part in &message.parts {
            if let Some(content) = content(part, message.role)? {
                said.push(content);
                continue;
            }
            self.say(role, &mut said);
            let item = self.item(part)?;
            self.input.extend(item);
        }
        self.say(role, &mut said);
        Ok(())
    }

    /// Ends a message; what comes next is an item of its own.
    fn say(&mut self, role: &'static str, said: &mut Vec<Content>) {
        if !said.is_empty() {
            self.input.push(Input::Message { role, content: std::mem::take(said) });
        }
    }

    /// A part that is an item of its own. Thinking is accepted back only sealed, and only as OpenAI sealed it:
    /// signatures of other providers, and thinking without a seal, stay out.
    fn item(&mut self, part: &Part) -> Result<Option<Input>, Unsupported> {
        match &part.kind {
            PartKind::ToolCall(call) => {
                let arguments = if call.arguments.is_empty() { "{}".to_owned() } else { call.arguments.clone() };
                let (call_id, name) = (self.call_id(&call.id), call.name.clone());
                Ok(Some(Input::FunctionCall { call_id, name, arguments }))
            }
            PartKind::ToolResult(result) => {
                let (call_id, output) = (self.call_id(&result.id), answer(result)?);
                Ok(Some(Input::FunctionCallOutput { call_id, output }))
            }
            PartKind::Reasoning(Reasoning { text, sealed: Some(sealed), id, .. }) => {
                let summary = Some(text).filter(|text| !text.is_empty()).map(|text| Summary { text: text.clone() });
                let (summary, encrypted_content) = (summary.into_iter().collect(), sealed.clone());
                Ok(Some(Input::Reasoning { id: id.clone(), summary, encrypted_content }))
            }
            _ => Ok(None),
        }
    }

    /// The id of a call, as it is; a longer one by its number among those, which is the same for the call and its
    /// answer, and the same in later turns. No answer repeats it, so there is nothing to map back.
    fn call_id(&mut self, id: &str) -> String {
        if id.len() <= MAX_CALL_ID {
            return id.to_owned();
        }
        let known = self.long.iter().position(|long| long == id);
        let number = known.unwrap_or_else(|| {
            self.long.push(id.to_owned());
            self.long.len().saturating_sub(1)
        });
        format!("call_long_{number}")
    }

    /// Notes what the dialect has no place for.
    fn note(&mut self, message: &Message) {
        let marked = message.parts.iter().any(|part| part.cache.is_some());
        for (feature, present) in [(Feature::Names, message.name.is_some()), (Feature::CacheMarks, marked)] {
            if present && !self.ignored.contains(&feature) {
                self.ignored.push(feature);
            }
        }
    }
}

/// What a tool answered; a text alone is a string.
fn answer(result: &ToolResult) -> Result<Answer, Unsupported> {
    if let [only] = &result.parts[..]
        && let Some(text) = only.as_text()
    {
        return Ok(Answer::Text(text.to_owned()));
    }
    let mut parts = Vec::new();
    for part in &result.parts {
        if matches!(part.kind, PartKind::Audio { .. }) {
            return Err(Unsupported::new(Feature::ToolResultMedia, "a tool may answer with text, pictures and files"));
        }
        parts.extend(content(part, Role::User)?);
    }
    Ok(if parts.is_empty() { Answer::Text(String::new()) } else { Answer::Parts(parts) })
}
