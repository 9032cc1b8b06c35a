//! The form of the answer and the effort for it, both directions: `output_config`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::read::Hints;
use super::thinking;
use crate::dialect::canonical::{Effort, Feature, Format, Json, Unsupported};
use crate::dialect::fault::RequestFault;
use crate::dialect::node::Node;

/// A schema has no name in this dialect, and must have one in others.
const NAME: &str = "answer";

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawOutput<'a> {
    effort: Option<String>,
    #[serde(borrow)]
    format: Option<&'a RawValue>,
    #[serde(borrow)]
    task_budget: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawFormat {
    #[serde(rename = "type")]
    kind: String,
    schema: Option<Json>,
}

/// The effort and the format; the format has an older name at the top.
pub(super) fn read<'a>(
    output_config: Option<&'a RawValue>,
    output_format: Option<&'a RawValue>,
    hints: &mut Hints,
) -> Result<(Option<Effort>, Format), RequestFault> {
    let older = output_format.map(|format| Node::at("output_format", format));
    let output = output_config.map(|output| Node::at("output_config", output));
    let Some(output) = output else { return Ok((None, read_format(older)?)) };
    let members: RawOutput<'_> = output.read()?;
    hints.note_if(members.task_budget.is_some(), || output.below("task_budget"));
    let word = members.effort.as_deref();
    let effort = word.map(|word| thinking::read_effort(word, "output_config.effort")).transpose()?;
    let format = members.format.map(|format| output.member("format", format)).or(older);
    Ok((effort, read_format(format)?))
}

fn read_format(place: Option<Node<'_>>) -> Result<Format, RequestFault> {
    let Some(place) = place else { return Ok(Format::Text) };
    let format: RawFormat = place.read()?;
    if format.kind != "json_schema" {
        return Err(RequestFault::invalid_value(&place.below("type"), "must be json_schema"));
    }
    let schema = format.schema.ok_or_else(|| RequestFault::missing(&place.below("schema")))?;
    if !schema.is_object() {
        return Err(RequestFault::invalid_type(&place.below("schema"), "must be an object"));
    }
    Ok(Format::Schema { name: NAME.to_owned(), description: None, schema, strict: Some(true) })
}

/// `output_config` as it is written.
#[derive(Serialize)]
pub(super) struct Output<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Schema<'a>>,
}

#[derive(Serialize)]
struct Schema<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: &'a Json,
}

/// `output_config`, unless it would say nothing.
pub(super) fn write<'a>(effort: Option<&'static str>, format: &'a Format) -> Result<Option<Output<'a>>, Unsupported> {
    let format = schema(format)?;
    Ok((effort.is_some() || format.is_some()).then_some(Output { effort, format }))
}

fn schema(format: &Format) -> Result<Option<Schema<'_>>, Unsupported> {
    match format {
        Format::Text => Ok(None),
        Format::Json => Err(Unsupported::new(Feature::JsonObject, "give the JSON a schema")),
        Format::Schema { schema, .. } => Ok(Some(Schema { kind: "json_schema", schema })),
    }
}
