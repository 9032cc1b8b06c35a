//! The input: a text, or items. Owns how items become messages: what the model thought, said and called side by side is
//! one turn of it, and answers of tools side by side are one message. Refuses items that only OpenAI can go on from.

use std::collections::HashMap;

use super::{Node, content};
use crate::dialect::canonical::{Message, Part, PartKind, Reasoning, Role, ToolCall, ToolResult};
use crate::dialect::fault::RequestFault;
use crate::dialect::openai_responses::{output, seal};

const FOREIGN: &str =
    "is an item that only OpenAI can go on from; send messages, function calls, their outputs and reasoning";
/// The AI SDK refers to what it was given unless it is told that nothing is stored.
const REFERENCE: &str =
    "refers to an item stored at OpenAI, and the model's provider is another; send the item itself (store: false)";

/// Adds what the input says to `messages`.
pub(super) fn read(input: &Node<'_>, messages: &mut Vec<Message>) -> Result<(), RequestFault> {
    if input.is_string() {
        messages.push(message(Role::User, vec![Part::text(input.string()?)]));
        return Ok(());
    }
    let mut reader = Reader { messages, turn: Turn::Other, tools: HashMap::new(), signatures: HashMap::new() };
    input.list()?.iter().try_for_each(|item| reader.item(item))
}

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts, name: None }
}

/// What the last message is, and so which items go on with it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Assistant,
    Results,
    Other,
}

struct Reader<'m> {
    messages: &'m mut Vec<Message>,
    turn: Turn,
    /// Names of the tools called, by the calls' ids.
    tools: HashMap<String, String>,
    /// Signatures of calls that come later, by the calls' ids.
    signatures: HashMap<String, String>,
}

impl Reader<'_> {
    fn item(&mut self, item: &Node<'_>) -> Result<(), RequestFault> {
        let [kind, role, id] = item.members(&["type", "role", "id"])?;
        let id = id.map(|id| id.string()).transpose()?.unwrap_or_default();
        let kind = kind.map(|kind| kind.string()).transpose()?;
        match kind.as_deref() {
            Some("message") => self.message(item, &role.ok_or_else(|| item.lacks("role"))?),
            Some("function_call") => self.call(item),
            Some("function_call_output") => self.result(item),
            Some("reasoning") => self.reasoning(item),
            Some("item_reference") if output::is_made_up(&id) => Ok(()),
            Some("item_reference") => Err(item.unsupported(REFERENCE)),
            Some(_) => Err(item.unsupported(FOREIGN)),
            None => match role {
                Some(role) => self.message(item, &role),
                None => Err(item.unsupported(REFERENCE)),
            },
        }
    }

    fn message(&mut self, item: &Node<'_>, role: &Node<'_>) -> Result<(), RequestFault> {
        let [said] = item.members(&["content"])?;
        let parts = said.map(|said| content::read(&said)).transpose()?.unwrap_or_default();
        let role = match role.string()?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            "developer" => Role::Developer,
            _ => return Err(role.wrong("must be user, assistant, system or developer")),
        };
        if role == Role::Assistant {
            self.add(Turn::Assistant, parts);
        } else {
            self.turn = Turn::Other;
            self.messages.push(message(role, parts));
        }
        Ok(())
    }

    fn call(&mut self, item: &Node<'_>) -> Result<(), RequestFault> {
        let [call_id, name, arguments] = item.members(&["call_id", "name", "arguments"])?;
        let id = call_id.ok_or_else(|| item.lacks("call_id"))?.string()?;
        let name = name.ok_or_else(|| item.lacks("name"))?.string()?;
        let arguments = arguments.map(|arguments| arguments.string()).transpose()?.unwrap_or_default();
        self.tools.insert(id.clone(), name.clone());
        let signature = self.signatures.remove(&id);
        let call = ToolCall { id, name, arguments, signature };
        self.add(Turn::Assistant, vec![Part::of(PartKind::ToolCall(call))]);
        Ok(())
    }

    fn result(&mut self, item: &Node<'_>) -> Result<(), RequestFault> {
        let [call_id, answer] = item.members(&["call_id", "output"])?;
        let id = call_id.ok_or_else(|| item.lacks("call_id"))?.string()?;
        let parts = content::read(&answer.ok_or_else(|| item.lacks("output"))?)?;
        let name = self.tools.get(&id).cloned();
        let result = ToolResult { id, name, parts, is_error: false };
        self.add(Turn::Results, vec![Part::of(PartKind::ToolResult(result))]);
        Ok(())
    }

    /// Thinking that is nothing but an id says nothing to another provider and is left out.
    fn reasoning(&mut self, item: &Node<'_>) -> Result<(), RequestFault> {
        let [id, summary, thought, encrypted] = item.members(&["id", "summary", "content", "encrypted_content"])?;
        let encrypted = encrypted.map(|encrypted| encrypted.string()).transpose()?;
        if let Some((call, signature)) = encrypted.as_deref().and_then(seal::open_call) {
            self.signatures.insert(call.to_owned(), signature.to_owned());
            return Ok(());
        }
        let summary = texts(summary)?;
        let text = if summary.is_empty() { texts(thought)? } else { summary };
        let mut reasoning =
            Reasoning { text, id: id.map(|id| id.string()).transpose()?, signature: None, sealed: None };
        if let Some(encrypted) = encrypted.filter(|encrypted| !encrypted.is_empty()) {
            seal::open(encrypted, &mut reasoning);
        }
        if output::is_told(&reasoning) {
            self.add(Turn::Assistant, vec![Part::of(PartKind::Reasoning(reasoning))]);
        }
        Ok(())
    }

    /// Adds parts to the last message if it is of the same turn, else as a new one.
    fn add(&mut self, turn: Turn, parts: Vec<Part>) {
        let role = if turn == Turn::Assistant { Role::Assistant } else { Role::User };
        match self.messages.last_mut() {
            Some(last) if self.turn == turn => last.parts.extend(parts),
            _ => self.messages.push(message(role, parts)),
        }
        self.turn = turn;
    }
}

/// The texts of a list of summaries or of thinking.
fn texts(list: Option<Node<'_>>) -> Result<String, RequestFault> {
    let list = list.map(|list| list.list()).transpose()?.unwrap_or_default();
    let mut texts = Vec::new();
    for part in list {
        let [text] = part.members(&["text"])?;
        texts.push(text.ok_or_else(|| part.lacks("text"))?.string()?);
    }
    Ok(texts.join("\n\n"))
}
