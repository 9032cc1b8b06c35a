//! Requests read into their canonical form.
//! Owns contents and instructions, and the pairing of results with calls. Refuses what no other dialect has, by the
//! path of the member: video, code that Google runs, cached contents.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{settings, tools};
use crate::dialect::canonical::{Conversation, Json, Message, Part, PartKind, Role, ToolResult};
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::gemini::calls::{self, Pairing};
use crate::dialect::gemini::seal::Seal;
use crate::dialect::gemini::wire::{self, Content, FunctionResponse};
use crate::dialect::gemini::{Side, media, parts};

/// The members that are read; `model` is what `countTokens` repeats of the path.
const KNOWN: [&str; 10] = [
    "systemInstruction",
    "contents",
    "tools",
    "toolConfig",
    "generationConfig",
    "safetySettings",
    "serviceTier",
    "labels",
    "cachedContent",
    "model",
];

/// The conversation a body asks for, output cap and number of choices left to the caller.
pub(super) fn conversation(body: &[u8]) -> Result<Conversation, RequestFault> {
    let body: Json = serde_json::from_slice(body).map_err(|fault| RequestFault::invalid_json(&fault.to_string()))?;
    fields::refuse_unknown(body.text(), |name| KNOWN.contains(&camel(name).as_str()))?;
    let body: wire::Body = body_of(&body)?;
    if body.cached_content.is_some() {
        let why = "contents cached at Google cannot be read by this model's provider; send them in contents";
        return Err(RequestFault::unsupported("cachedContent", why));
    }
    let mut conversation = Conversation::default();
    if body.safety_settings.as_ref().is_some_and(|settings| settings.text() != "[]") {
        conversation.hints.push("safetySettings".to_owned());
    }
    conversation.settings.service_tier = body.service_tier.map(|tier| settings::read_tier(&tier));
    conversation.settings.metadata = body.labels;
    settings::read(body.generation_config.as_ref(), &mut conversation)?;
    tools::read(body.tools.as_ref(), body.tool_config.as_ref(), &mut conversation)?;
    if let Some(instruction) = &body.system_instruction {
        conversation.messages.extend(read_instruction(instruction)?);
    }
    let mut pairing = Pairing::default();
    for (place, content) in list(body.contents.as_ref(), "contents")?.iter().enumerate() {
        Place { place, pairing: &mut pairing }.message(content, &mut conversation.messages)?;
    }
    if conversation.messages.iter().all(|message| message.role.instructs()) {
        return Err(RequestFault::invalid_value("contents", "must say something; send a part with text"));
    }
    Ok(conversation)
}

fn body_of(body: &Json) -> Result<wire::Body, RequestFault> {
    serde_json::from_str(body.text()).map_err(|fault| {
        let message = format!("the body cannot be read as the Gemini API has it: {fault}");
        RequestFault { message, param: None, code: "invalid_type" }
    })
}

/// `json` as a `T`; `field` names it in the fault.
pub(super) fn typed<'a, T: Deserialize<'a>>(json: &'a Json, field: &str) -> Result<T, RequestFault> {
    let wrong = |fault| RequestFault::invalid_type(field, &format!("cannot be read as the Gemini API has it: {fault}"));
    serde_json::from_str(json.text()).map_err(wrong)
}

/// The elements of an array; none where it is absent.
pub(super) fn list(json: Option<&Json>, field: &str) -> Result<Vec<Json>, RequestFault> {
    json.map_or_else(|| Ok(Vec::new()), |json| typed(json, field))
}

/// The members of an object that are not `known`, in either spelling, with `prefix` before each name.
pub(super) fn unknown(object: &Json, prefix: &str, known: &[&str]) -> Vec<String> {
    let members = object.read::<BTreeMap<String, Option<IgnoredAny>>>().unwrap_or_default();
    let given = members.into_iter().filter(|(name, value)| value.is_some() && !known.contains(&camel(name).as_str()));
    given.map(|(name, _)| format!("{prefix}{name}")).collect()
}

/// A member's name in Google's first spelling: `top_k` is `topK`.
pub(super) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let capital = letters.next().map(|letter| letter.to_ascii_uppercase());
        name + &capital.into_iter().chain(letters).collect::<String>()
    })
}

fn read_instruction(instruction: &Json) -> Result<Option<Message>, RequestFault> {
    let field = "systemInstruction";
    let content: Content<Json> = typed(instruction, field)?;
    let mut texts = Vec::new();
    for part in content.parts.iter().flatten() {
        let part: wire::Part = typed(part, field)?;
        let text = part.text.ok_or_else(|| RequestFault::unsupported(field, "only text can instruct this model"))?;
        texts.extend((!text.is_empty()).then(|| Part::text(text)));
    }
    Ok((!texts.is_empty()).then_some(Message { role: Role::System, parts: texts, name: None }))
}

/// One content of the request.
struct Place<'a> {
    place: usize,
    pairing: &'a mut Pairing,
}

impl Place<'_> {
    /// Adds what the content says. It goes on with the message before it if the speaker is the same: clients keep each
    /// chunk of a streamed turn as a content of its own, parallel calls among them.
    fn message(mut self, content: &Json, messages: &mut Vec<Message>) -> Result<(), RequestFault> {
        let field = format!("contents[{}]", self.place);
        let content: Content<Json> = typed(content, &field)?;
        let role = read_role(content.role.as_deref(), &field)?;
        let before = messages.pop_if(|last| last.role == role && !role.instructs());
        let mut message = before.unwrap_or_else(|| Message { role, parts: Vec::new(), name: None });
        for (number, part) in content.parts.iter().flatten().enumerate() {
            let field = format!("{field}.parts[{number}]");
            let part: wire::Part = typed(part, &field)?;
            self.part(part, number, &field, &mut message.parts)?;
        }
        messages.extend(Some(message).filter(|message| !message.parts.is_empty()));
        Ok(())
    }

    fn part(
        &mut self,
        part: wire::Part,
        number: usize,
        field: &str,
        parts: &mut Vec<Part>,
    ) -> Result<(), RequestFault> {
        let seal = Seal::read(part.thought_signature.as_deref(), Side::Client);
        if let Some(text) = part.text {
            parts::add_text(parts, text, part.thought == Some(true), seal);
            return Ok(());
        }
        let kind = if let Some(call) = part.function_call {
            let call = parts::read_call(call, seal, || calls::placed(self.place, number));
            self.pairing.note(&call);
            PartKind::ToolCall(call)
        } else if let Some(response) = part.function_response {
            PartKind::ToolResult(self.result(response, number, field)?)
        } else {
            read_media(part, field)?
        };
        parts.push(Part::of(kind));
        Ok(())
    }

    fn result(&mut self, response: FunctionResponse, number: usize, field: &str) -> Result<ToolResult, RequestFault> {
        let id = calls::given(response.id);
        let answered = self.pairing.answer(id.as_deref(), &response.name);
        let id = answered.or(id).unwrap_or_else(|| calls::placed(self.place, number));
        let (text, is_error) = response.response.as_ref().map_or_else(Default::default, read_output);
        let mut parts = vec![Part::text(text)];
        for part in response.parts.into_iter().flatten() {
            parts.push(Part::of(read_media(part, &format!("{field}.functionResponse.parts"))?));
        }
        Ok(ToolResult { id, name: Some(response.name).filter(|name| !name.is_empty()), parts, is_error })
    }
}

fn read_role(role: Option<&str>, field: &str) -> Result<Role, RequestFault> {
    match role {
        Some("model") => Ok(Role::Assistant),
        None | Some("" | "user" | "function") => Ok(Role::User),
        Some("system") => Ok(Role::System),
        Some(_) => Err(RequestFault::invalid_value(&format!("{field}.role"), "must be user or model")),
    }
}

fn read_media(part: wire::Part, field: &str) -> Result<PartKind, RequestFault> {
    let (name, kind) = match (part.inline_data, part.file_data) {
        (Some(blob), _) => ("inlineData", media::read_blob(blob)),
        (None, Some(file)) => ("fileData", media::read_file(file)),
        (None, None) => {
            let why =
                "this model's provider has no place for such a part; send text, media, or a function's call or result";
            return Err(RequestFault::unsupported(field, why));
        }
    };
    let why = "this model's provider has no place for media of this type; it takes pictures, sound and documents";
    kind.ok_or_else(|| RequestFault::unsupported(&format!("{field}.{name}"), why))
}

/// What a function gave back, and whether that is an error. Google's libraries put a plain text in the only member of
/// an object; any other object is the text of its JSON.
fn read_output(response: &Json) -> (String, bool) {
    let members = response.read::<BTreeMap<String, Json>>().unwrap_or_default();
    let only = members.iter().next().filter(|_| members.len() == 1);
    let plain = only.and_then(|(name, value)| Some((name.as_str(), value.read::<String>()?)));
    match plain {
        Some(("error", text)) => (text, true),
        Some(("output" | "result" | "content" | "return_value", text)) => (text, false),
        _ => (response.text().to_owned(), false),
    }
}
