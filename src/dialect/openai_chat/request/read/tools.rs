//! The tools of a request and whether they are called, under today's names and the legacy ones.
//! Owns functions. Refuses the tools a provider runs itself, by name.

use super::super::typed::{self, Outcome, within};
use super::{Body, content};
use crate::dialect::canonical::{Conversation, Tool, ToolChoice};
use crate::dialect::fault::RequestFault;
use crate::dialect::fields;
use crate::dialect::members::Member;

/// Fills in tools, choice and whether several may be called at once.
pub(super) fn read(body: &mut Body<'_>, conversation: &mut Conversation) -> Outcome<()> {
    if let Some(tools) = body.take("tools") {
        conversation.tools = typed::each("tools", tools, tool)?;
    }
    if let Some(functions) = body.take("functions") {
        let mut legacy = typed::each("functions", functions, |text| function(typed::entry(text, &FUNCTION)?))?;
        conversation.tools.append(&mut legacy);
    }
    conversation.tool_choice = match (body.take("tool_choice"), body.take("function_call")) {
        (Some(choice), _) => Some(choice_of(choice)?),
        (None, Some(legacy)) => Some(legacy_choice(legacy)?),
        (None, None) => None,
    };
    let parallel = body.take("parallel_tool_calls");
    conversation.parallel_tools = parallel.map(|flag| fields::flag("parallel_tool_calls", Some(flag))).transpose()?;
    Ok(())
}

const FUNCTION: [&str; 4] = ["name", "description", "parameters", "strict"];

fn tool(text: &str) -> Outcome<Tool> {
    let [kind, member, cache] = typed::entry(text, &["type", "function", "cache_control"])?;
    let kind = typed::optional("type", kind)?.unwrap_or_else(|| "function".to_owned());
    if kind != "function" {
        let why = format!("tools of type {kind:?} are run by the provider or have no schema; offer a function instead");
        return Err(RequestFault::unsupported("type", &why));
    }
    let member = member.ok_or_else(|| RequestFault::missing("function"))?;
    let read = typed::object("function", member, &FUNCTION)?;
    let tool = function(read).map_err(|fault| within("function", fault))?;
    Ok(Tool { cache: content::mark(cache), ..tool })
}

fn function([name, description, parameters, strict]: [Option<Member<'_>>; 4]) -> Outcome<Tool> {
    Ok(Tool {
        name: typed::required("name", name)?,
        description: typed::optional("description", description)?,
        schema: typed::json("parameters", parameters)?,
        strict: strict.map(|strict| fields::flag("strict", Some(strict))).transpose()?,
        cache: None,
    })
}

fn choice_of(choice: Member<'_>) -> Outcome<ToolChoice> {
    if choice.is_string() {
        return word("tool_choice", &typed::text("tool_choice", choice)?);
    }
    let [kind, function, allowed] = typed::object("tool_choice", choice, &["type", "function", "allowed_tools"])?;
    let read = || match (typed::optional("type", kind)?.as_deref(), function, allowed) {
        (Some("function") | None, Some(function), _) => named(function).map(ToolChoice::Tool),
        (Some("allowed_tools"), _, Some(allowed)) => one_of(allowed),
        (Some("function"), None, _) => Err(RequestFault::missing("function")),
        (Some("allowed_tools"), _, None) => Err(RequestFault::missing("allowed_tools")),
        (None, None, _) => Err(RequestFault::missing("type")),
        _ => Err(RequestFault::unsupported("type", "choose a function, or allowed_tools with functions")),
    };
    read().map_err(|fault| within("tool_choice", fault))
}

/// `any` is Mistral's word for `required`.
fn word(name: &str, word: &str) -> Outcome<ToolChoice> {
    match word {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "required" | "any" => Ok(ToolChoice::Required),
        _ => Err(RequestFault::invalid_value(name, "must be auto, none, required, or an object that names a function")),
    }
}

fn legacy_choice(choice: Member<'_>) -> Outcome<ToolChoice> {
    if choice.is_string() {
        return word("function_call", &typed::text("function_call", choice)?);
    }
    let [name] = typed::object("function_call", choice, &["name"])?;
    typed::required("name", name).map(ToolChoice::Tool).map_err(|fault| within("function_call", fault))
}

fn named(function: Member<'_>) -> Outcome<String> {
    let [name] = typed::object("function", function, &["name"])?;
    typed::required("name", name).map_err(|fault| within("function", fault))
}

/// The canonical form has "at least one of these" and no "one of these or none".
fn one_of(allowed: Member<'_>) -> Outcome<ToolChoice> {
    let [mode, tools] = typed::object("allowed_tools", allowed, &["mode", "tools"])?;
    let read = || {
        if typed::required("mode", mode)? != "required" {
            let why = "this model's provider knows only required; list the allowed tools alone in tools instead";
            return Err(RequestFault::unsupported("mode", why));
        }
        let tools = tools.ok_or_else(|| RequestFault::missing("tools"))?;
        typed::each("tools", tools, |text| {
            let [function] = typed::entry(text, &["function"])?;
            named(function.ok_or_else(|| RequestFault::missing("function"))?)
        })
    };
    read().map(ToolChoice::OneOf).map_err(|fault| within("allowed_tools", fault))
}
