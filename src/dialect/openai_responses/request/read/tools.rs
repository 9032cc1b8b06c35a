//! Tools and the choice among them. Owns functions; refuses the tools OpenAI runs itself, and tools without a schema.

use super::Node;
use crate::dialect::canonical::{Tool, ToolChoice};
use crate::dialect::fault::RequestFault;

const FOREIGN: &str =
    "is a tool that OpenAI runs or defines, and the model's provider is another; send tools of type function";

/// The tools and the choice. Which tools are allowed at all is said in the choice; it is the same as giving only those.
pub(super) fn read(body: &Node<'_>) -> Result<(Vec<Tool>, Option<ToolChoice>), RequestFault> {
    let [tools, choice] = body.members(&["tools", "tool_choice"])?;
    let tools = tools.map(|tools| tools.list()).transpose()?.unwrap_or_default();
    let mut tools = tools.iter().map(read_tool).collect::<Result<Vec<_>, _>>()?;
    let Some(choice) = choice else { return Ok((tools, None)) };
    if let Some(allowed) = only_allowed(&choice)? {
        tools.retain(|tool| allowed.contains(&tool.name));
        return Ok((tools, Some(ToolChoice::Auto)));
    }
    Ok((tools, Some(read_choice(&choice)?)))
}

fn read_tool(tool: &Node<'_>) -> Result<Tool, RequestFault> {
    let [kind, name, description, schema, strict] =
        tool.members(&["type", "name", "description", "parameters", "strict"])?;
    let kind = kind.ok_or_else(|| tool.lacks("type"))?;
    if kind.string()? != "function" {
        return Err(tool.unsupported(FOREIGN));
    }
    Ok(Tool {
        name: name.ok_or_else(|| tool.lacks("name"))?.string()?,
        description: description.map(|description| description.string()).transpose()?,
        schema: schema.map(|schema| schema.object()).transpose()?,
        strict: strict.map(|strict| strict.flag()).transpose()?,
        cache: None,
    })
}

/// The names of the only tools that may be called, where none must be.
fn only_allowed(choice: &Node<'_>) -> Result<Option<Vec<String>>, RequestFault> {
    if choice.is_string() {
        return Ok(None);
    }
    let [kind, mode] = choice.members(&["type", "mode"])?;
    let is_allowed = kind.map(|kind| kind.string()).transpose()?.is_some_and(|kind| kind == "allowed_tools");
    let must = mode.map(|mode| mode.string()).transpose()?.is_some_and(|mode| mode == "required");
    if is_allowed && !must { names(choice).map(Some) } else { Ok(None) }
}

fn read_choice(choice: &Node<'_>) -> Result<ToolChoice, RequestFault> {
    if choice.is_string() {
        return match choice.string()?.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "required" => Ok(ToolChoice::Required),
            _ => Err(choice.wrong("must be auto, none, required or an object")),
        };
    }
    let [kind, name] = choice.members(&["type", "name"])?;
    let kind = kind.ok_or_else(|| choice.lacks("type"))?;
    match kind.string()?.as_str() {
        "function" => name.ok_or_else(|| choice.lacks("name"))?.string().map(ToolChoice::Tool),
        "allowed_tools" => names(choice).map(ToolChoice::OneOf),
        _ => Err(choice.unsupported(FOREIGN)),
    }
}

fn names(choice: &Node<'_>) -> Result<Vec<String>, RequestFault> {
    let [tools] = choice.members(&["tools"])?;
    let tools = tools.ok_or_else(|| choice.lacks("tools"))?.list()?;
    let name = |tool: &Node<'_>| {
        let [kind, name] = tool.members(&["type", "name"])?;
        let kind = kind.map(|kind| kind.string()).transpose()?.unwrap_or_default();
        let known = kind == "function" || kind.is_empty();
        known.then_some(name).ok_or_else(|| tool.unsupported(FOREIGN))?.ok_or_else(|| tool.lacks("name"))?.string()
    };
    tools.iter().map(name).collect()
}
