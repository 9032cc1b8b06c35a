//! The tools of a Responses request, and the choice among them. Owns their members.

use serde::Serialize;

use crate::dialect::canonical::{Json, Tool, ToolChoice};

/// A function the model may call.
#[derive(Serialize)]
#[serde(tag = "type", rename = "function")]
pub(super) struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: Option<&'a Json>,
    strict: bool,
}

/// Whether tools are called.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Choice<'a> {
    Word(&'static str),
    Named(Named<'a>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Named<'a> {
    Function { name: &'a str },
    AllowedTools { mode: &'static str, tools: Vec<Named<'a>> },
}

/// Responses makes tools strict that do not say; every other dialect does not, so it is always said.
pub(super) fn function(tool: &Tool) -> Function<'_> {
    Function {
        name: &tool.name,
        description: tool.description.as_deref(),
        parameters: tool.schema.as_ref(),
        strict: tool.strict.unwrap_or(false),
    }
}

pub(super) fn choice(choice: &ToolChoice) -> Choice<'_> {
    match choice {
        ToolChoice::Auto => Choice::Word("auto"),
        ToolChoice::None => Choice::Word("none"),
        ToolChoice::Required => Choice::Word("required"),
        ToolChoice::Tool(name) => Choice::Named(Named::Function { name }),
        ToolChoice::OneOf(names) => {
            let tools = names.iter().map(|name| Named::Function { name }).collect();
            Choice::Named(Named::AllowedTools { mode: "required", tools })
        }
    }
}
