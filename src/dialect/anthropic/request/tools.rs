//! Tools and the choice among them, both directions.
//! Owns functions. Refuses the tools Anthropic runs itself or has trained its models on: no other provider has them.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::mark;
use super::read::Hints;
use crate::dialect::anthropic::block::CacheControl;
use crate::dialect::canonical::{Conversation, Feature, Json, Tool, ToolChoice, Unsupported};
use crate::dialect::fault::RequestFault;
use crate::dialect::members;
use crate::dialect::node::Node;
use crate::dialect::splice::Splice;

/// A tool as it comes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawTool<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    description: Option<String>,
    input_schema: Option<Json>,
    strict: Option<bool>,
    #[serde(borrow)]
    input_examples: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_control: Option<&'a RawValue>,
}

pub(super) fn read(tools: &Node<'_>, hints: &mut Hints) -> Result<Vec<Tool>, RequestFault> {
    tools.list()?.iter().map(|place| read_one(place, hints)).collect()
}

fn read_one(place: &Node<'_>, hints: &mut Hints) -> Result<Tool, RequestFault> {
    let tool: RawTool<'_> = place.read()?;
    if let Some(kind) = tool.kind.filter(|kind| kind != "custom") {
        let why = format!("the provider of this model has no tool {kind}; give functions with an input_schema only");
        return Err(RequestFault::unsupported(&place.below("type"), &why));
    }
    if tool.input_schema.as_ref().is_some_and(|schema| !schema.is_object()) {
        return Err(RequestFault::invalid_type(&place.below("input_schema"), "must be an object"));
    }
    hints.note_if(tool.input_examples.is_some(), || place.below("input_examples"));
    Ok(Tool {
        name: tool.name.ok_or_else(|| RequestFault::missing(&place.below("name")))?,
        description: tool.description,
        schema: tool.input_schema,
        strict: tool.strict,
        cache: mark::read(place, tool.cache_control)?,
    })
}

/// A choice as it comes and as it is written.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Choice<'a> {
    #[serde(rename = "type")]
    kind: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

/// The choice, and whether several tools may be called at once.
pub(super) fn read_choice(place: &Node<'_>) -> Result<(Option<ToolChoice>, Option<bool>), RequestFault> {
    let choice: Choice<'_> = place.read()?;
    let parallel = choice.disable_parallel_tool_use.map(|disabled| !disabled);
    let named = || choice.name.as_deref().ok_or_else(|| RequestFault::missing(&place.below("name")));
    let read = match choice.kind.as_ref() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Tool(named()?.to_owned()),
        _ => return Err(RequestFault::invalid_value(&place.below("type"), "must be auto, any, tool or none")),
    };
    Ok((Some(read), parallel))
}

/// A tool as it is written.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

pub(super) fn write(tool: &Tool) -> Written<'_> {
    Written {
        name: &tool.name,
        description: tool.description.as_deref(),
        input_schema: schema(tool.schema.as_ref()),
        strict: tool.strict,
        cache_control: CacheControl::of(tool.cache),
    }
}

/// A schema Anthropic takes: it must call itself an object, which others leave out where it goes without saying.
fn schema(schema: Option<&Json>) -> Json {
    let none = || Json::of(&serde_json::json!({ "type": "object", "properties": {} }));
    let Some(schema) = schema.filter(|schema| schema.is_object()) else { return none() };
    let typed = members::read(schema.text(), &["type"]).is_ok_and(|object| object.values.iter().any(Option::is_some));
    if typed {
        return schema.clone();
    }
    let body = Bytes::copy_from_slice(schema.text().as_bytes());
    let mut splice = Splice::new(&body);
    splice.insert(0..body.len(), "type", "\"object\"");
    std::str::from_utf8(&splice.finish()).ok().and_then(Json::object).unwrap_or_else(none)
}

/// The choice as it is written; nothing where there are no tools, for Anthropic refuses it there.
pub(super) fn write_choice(conversation: &Conversation) -> Result<Option<Choice<'_>>, Unsupported> {
    let single = (conversation.parallel_tools == Some(false)).then_some(true);
    if conversation.tools.is_empty() || (conversation.tool_choice.is_none() && single.is_none()) {
        return Ok(None);
    }
    let (kind, name) = match conversation.tool_choice.as_ref().unwrap_or(&ToolChoice::Auto) {
        ToolChoice::Auto => ("auto", None),
        ToolChoice::Required => ("any", None),
        ToolChoice::None => ("none", None),
        ToolChoice::Tool(name) => ("tool", Some(name)),
        ToolChoice::OneOf(names) => match names.as_slice() {
            [name] => ("tool", Some(name)),
            _ => return Err(Unsupported::new(Feature::ToolChoice, "let the model choose one tool, any, or name one")),
        },
    };
    // Anthropic knows no such member where no tool is called.
    let disable_parallel_tool_use = single.filter(|_| kind != "none");
    Ok(Some(Choice { kind: kind.into(), name: name.map(Into::into), disable_parallel_tool_use }))
}
