//! The messages of a request.
//! Owns what each role's message holds. Results of tools become parts of a user's message, and those that follow each
//! other parts of one, since providers of other dialects want all answers to one turn together. Refuses unknown roles.

use super::super::typed::{self, Outcome};
use super::content;
use super::ids::Ids;
use crate::dialect::canonical::{Message, Part, PartKind, Role, ToolCall, ToolResult};
use crate::dialect::fault::RequestFault;
use crate::dialect::members::Member;
use crate::dialect::openai_chat::{calls, thoughts};

/// The members of every role's message that are read. What providers add to their answers and get back with the history
/// (`annotations`, `audio`, `id`) says nothing to another provider.
struct Read<'a> {
    content: Option<Member<'a>>,
    name: Option<String>,
    refusal: Option<Member<'a>>,
    tool_calls: Option<Member<'a>>,
    tool_call_id: Option<Member<'a>>,
    function_call: Option<Member<'a>>,
    cache: Option<Member<'a>>,
    text: &'a str,
}

/// All messages in order.
pub(super) fn read(messages: Option<Member<'_>>) -> Outcome<Vec<Message>> {
    let messages = messages.ok_or_else(|| RequestFault::missing("messages"))?;
    let (mut ids, mut told, mut after_result) = (Ids::default(), Vec::<Message>::new(), false);
    typed::each("messages", messages, |text| {
        let (role, read) = open(text)?;
        let is_result = matches!(role.as_str(), "tool" | "function");
        let mut message = read.message(&role, &mut ids)?;
        match told.last_mut().filter(|_| is_result && after_result) {
            Some(last) => last.parts.append(&mut message.parts),
            None => told.push(message),
        }
        after_result = is_result;
        Ok(())
    })?;
    Ok(told)
}

fn open(text: &str) -> Outcome<(String, Read<'_>)> {
    const MEMBERS: [&str; 8] =
        ["role", "content", "name", "refusal", "tool_calls", "tool_call_id", "function_call", "cache_control"];
    let [role, content, name, refusal, tool_calls, tool_call_id, function_call, cache] = typed::entry(text, &MEMBERS)?;
    let name = typed::optional("name", name)?;
    let role = typed::required("role", role)?;
    Ok((role, Read { content, name, refusal, tool_calls, tool_call_id, function_call, cache, text }))
}

impl Read<'_> {
    fn message(self, role: &str, ids: &mut Ids) -> Outcome<Message> {
        let role = match role {
            "system" => Role::System,
            "developer" => Role::Developer,
            "user" => Role::User,
            "assistant" => return self.answer(ids),
            "tool" | "function" => return self.result(ids),
            _ => {
                let rule = "must be system, developer, user, assistant or tool";
                return Err(RequestFault::invalid_value("role", rule));
            }
        };
        let mut parts = content::read(self.content.ok_or_else(|| RequestFault::missing("content"))?)?;
        self.mark(&mut parts);
        Ok(Message { role, parts, name: self.name })
    }

    /// A marker on the message (LiteLLM) marks its last part.
    fn mark(&self, parts: &mut [Part]) {
        if let Some(last) = parts.last_mut() {
            last.cache = last.cache.or(content::mark(self.cache));
        }
    }

    /// An earlier answer of the model: thinking, text, refusal, calls.
    fn answer(self, ids: &mut Ids) -> Outcome<Message> {
        let mut parts: Vec<Part> =
            thoughts::read(self.text).into_iter().map(|thought| Part::of(PartKind::Reasoning(thought))).collect();
        let content = self.content.map(content::read).transpose()?.unwrap_or_default();
        parts.extend(content.into_iter().filter(|part| part.as_text() != Some("")));
        let refusal = typed::optional("refusal", self.refusal)?.filter(|refusal| !refusal.is_empty());
        parts.extend(refusal.map(|refusal| Part::of(PartKind::Refusal(refusal))));
        if let Some(list) = self.tool_calls {
            let read = typed::each("tool_calls", list, |entry| call(entry, ids))?;
            parts.extend(read.into_iter().map(|call| Part::of(PartKind::ToolCall(call))));
        }
        if let Some(legacy) = self.function_call {
            let function = function("function_call", legacy)?;
            parts.push(Part::of(PartKind::ToolCall(named(None, function, ids))));
        }
        self.mark(&mut parts);
        Ok(Message { role: Role::Assistant, parts, name: self.name })
    }

    fn result(self, ids: &mut Ids) -> Outcome<Message> {
        let mut parts = self.content.map(content::read).transpose()?.unwrap_or_default();
        self.mark(&mut parts);
        let id = typed::optional("tool_call_id", self.tool_call_id)?.unwrap_or_default();
        let (id, name) = ids.answered(id, self.name);
        if id.is_empty() {
            return Err(RequestFault::missing("tool_call_id"));
        }
        // A marker on the result's only text marks the result: that is where other dialects have one.
        let cache = parts.last_mut().and_then(|part| part.cache.take());
        let result = ToolResult { id, name, parts, is_error: false };
        Ok(Message { role: Role::User, parts: vec![Part { kind: PartKind::ToolResult(result), cache }], name: None })
    }
}

/// One of `tool_calls`.
fn call(text: &str, ids: &mut Ids) -> Outcome<ToolCall> {
    let [id, kind, member, extra] = typed::entry(text, &["id", "type", "function", "extra_content"])?;
    if typed::optional("type", kind)?.is_some_and(|kind| kind != "function") {
        let why = "only calls of functions can be sent to this model's provider";
        return Err(RequestFault::unsupported("type", why));
    }
    let function = function("function", member.ok_or_else(|| RequestFault::missing("function"))?)?;
    let signature = calls::signature(extra);
    Ok(ToolCall { signature, ..named(typed::optional("id", id)?, function, ids) })
}

/// Name and arguments of a called function. Arguments that came as an object are kept as their text.
fn function(outer: &str, member: Member<'_>) -> Outcome<(String, String)> {
    let [name, arguments] = typed::object(outer, member, &["name", "arguments"])?;
    let name = typed::required("name", name).map_err(|fault| typed::within(outer, fault))?;
    Ok((name, arguments.map(calls::arguments).unwrap_or_default()))
}

fn named(id: Option<String>, (name, arguments): (String, String), ids: &mut Ids) -> ToolCall {
    ToolCall { id: ids.call(id, &name), name, arguments, signature: None }
}
