//! Tools and their choice: `tools` and `toolConfig`, both ways.
//! Owns declarations of functions and the modes of calling. Refuses the tools Google runs itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::read::{camel, list, typed, unknown};
use crate::dialect::canonical::{Conversation, Json, Tool, ToolChoice};
use crate::dialect::fault::RequestFault;
use crate::dialect::gemini::schema;

const CALLING: &str = "toolConfig.functionCallingConfig";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declarations {
    function_declarations: Vec<Declaration>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Declaration {
    #[serde(default)]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Google's subset of OpenAPI.
    #[serde(skip_serializing)]
    parameters: Option<Json>,
    #[serde(alias = "parameters_json_schema", skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<Json>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig {
    #[serde(alias = "function_calling_config")]
    function_calling_config: Option<Calling>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Calling {
    mode: Option<String>,
    #[serde(alias = "allowed_function_names", skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<Vec<String>>,
}

/// Reads `tools` and `toolConfig` into the conversation.
pub(super) fn read(
    tools: Option<&Json>,
    config: Option<&Json>,
    conversation: &mut Conversation,
) -> Result<(), RequestFault> {
    for (place, tool) in list(tools, "tools")?.iter().enumerate() {
        let members: BTreeMap<String, Option<Json>> = typed(tool, &format!("tools[{place}]"))?;
        for (name, value) in members.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            let field = format!("tools[{place}].{name}");
            if camel(name) != "functionDeclarations" {
                let why = "Google runs this tool itself; this model's provider has none like it";
                return Err(RequestFault::unsupported(&field, why));
            }
            read_declarations(value, &field, conversation)?;
        }
    }
    if let Some(config) = config {
        let others = unknown(config, "toolConfig.", &["functionCallingConfig"]);
        conversation.hints.extend(others);
        let config: ToolConfig = typed(config, "toolConfig")?;
        let calling = config.function_calling_config;
        conversation.tool_choice = calling.map_or(Ok(None), |calling| read_choice(calling, &mut conversation.hints))?;
    }
    Ok(())
}

fn read_declarations(json: &Json, field: &str, conversation: &mut Conversation) -> Result<(), RequestFault> {
    for (place, declaration) in list(Some(json), field)?.iter().enumerate() {
        let field = format!("{field}[{place}]");
        let known = ["name", "description", "parameters", "parametersJsonSchema"];
        conversation.hints.extend(unknown(declaration, &format!("{field}."), &known));
        let declaration: Declaration = typed(declaration, &field)?;
        if declaration.name.is_empty() {
            return Err(RequestFault::missing(&format!("{field}.name")));
        }
        let schemas =
            [("parameters", &declaration.parameters), ("parametersJsonSchema", &declaration.parameters_json_schema)];
        if let Some((name, _)) =
            schemas.iter().find(|(_, schema)| schema.as_ref().is_some_and(|json| !json.is_object()))
        {
            return Err(RequestFault::invalid_type(&format!("{field}.{name}"), "must be an object"));
        }
        conversation.tools.push(read_tool(declaration));
    }
    Ok(())
}

fn read_tool(declaration: Declaration) -> Tool {
    let schema = declaration.parameters_json_schema.or_else(|| declaration.parameters.as_ref().map(schema::read));
    let description = declaration.description.filter(|text| !text.is_empty());
    Tool { name: declaration.name, description, schema, strict: None, cache: None }
}

fn read_choice(calling: Calling, hints: &mut Vec<String>) -> Result<Option<ToolChoice>, RequestFault> {
    let mut names = calling.allowed_function_names.unwrap_or_default();
    let mode = calling.mode.unwrap_or_default().to_ascii_uppercase();
    let choice = match (mode.as_str(), names.len()) {
        ("ANY", 0) => ToolChoice::Required,
        ("ANY", 1) => ToolChoice::Tool(names.pop().unwrap_or_default()),
        ("ANY", _) => ToolChoice::OneOf(names),
        ("NONE", _) => ToolChoice::None,
        ("" | "AUTO" | "MODE_UNSPECIFIED" | "VALIDATED", 1..) => {
            let why = "names can only be given where a call must be made; set mode to ANY or declare fewer functions";
            return Err(RequestFault::unsupported(&format!("{CALLING}.allowedFunctionNames"), why));
        }
        ("" | "MODE_UNSPECIFIED", 0) => return Ok(None),
        ("AUTO", 0) => ToolChoice::Auto,
        ("VALIDATED", 0) => {
            hints.push(format!("{CALLING}.mode"));
            ToolChoice::Auto
        }
        _ => {
            let rule = "must be AUTO, ANY, NONE or VALIDATED";
            return Err(RequestFault::invalid_value(&format!("{CALLING}.mode"), rule));
        }
    };
    Ok(Some(choice))
}

/// The `tools` for a provider; `None` without any.
pub(super) fn write(tools: &[Tool]) -> Option<Json> {
    let declarations = tools.iter().map(|tool| Declaration {
        name: tool.name.clone(),
        description: tool.description.clone(),
        parameters: None,
        parameters_json_schema: tool.schema.clone(),
    });
    let function_declarations: Vec<_> = declarations.collect();
    (!tools.is_empty()).then(|| Json::of(&[Declarations { function_declarations }]))
}

/// The `toolConfig` for a provider.
pub(super) fn write_choice(choice: Option<&ToolChoice>) -> Option<Json> {
    let (mode, names) = match choice? {
        ToolChoice::Auto => ("AUTO", None),
        ToolChoice::None => ("NONE", None),
        ToolChoice::Required => ("ANY", None),
        ToolChoice::Tool(name) => ("ANY", Some(vec![name.clone()])),
        ToolChoice::OneOf(names) => ("ANY", Some(names.clone())),
    };
    let calling = Calling { mode: Some(mode.to_owned()), allowed_function_names: names };
    Some(Json::of(&ToolConfig { function_calling_config: Some(calling) }))
}
