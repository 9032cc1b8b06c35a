//! Tools for a provider. Owns their shape and the choice's; refuses nothing: chat has a place for every choice.

use serde::Serialize;
use serde_json::{Value, json};

use crate::dialect::canonical::{self, Json, ToolChoice};

/// A tool.
#[derive(Serialize)]
pub(super) struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'a> Tool<'a> {
    /// The shape of `tool`.
    pub(super) fn of(tool: &'a canonical::Tool) -> Self {
        let function = Function {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters: tool.schema.as_ref(),
            strict: tool.strict,
        };
        Self { kind: "function", function }
    }
}

/// Whether tools are called.
pub(super) fn choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Tool(name) => named(name),
        ToolChoice::OneOf(names) => {
            let tools: Vec<Value> = names.iter().map(|name| named(name)).collect();
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": tools}})
        }
    }
}

fn named(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name}})
}
