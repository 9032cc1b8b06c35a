//! Schemas: Google's subset of OpenAPI, read as a JSON schema.
//! Owns what differs in spelling: types in capitals, and bounds as strings. Members keep their order. Refuses to judge:
//! what is not known is carried.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::dialect::canonical::Json;
use crate::dialect::splice::json_string;

const BOUNDS: [&str; 6] = ["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"];

/// The JSON schema that a `parameters` or `responseSchema` means.
pub(super) fn read(schema: &Json) -> Json {
    Json::parse(&schema_text(schema)).unwrap_or_else(|| schema.clone())
}

fn schema_text(schema: &Json) -> String {
    let Some(members) = schema.read::<Ordered>() else { return schema.text().to_owned() };
    object(&members, |name, value| match name {
        "type" => lower(value),
        "properties" | "defs" | "$defs" => each(value),
        "items" | "additionalProperties" => schema_text(value),
        "anyOf" | "oneOf" | "allOf" | "prefixItems" => list(value),
        _ if BOUNDS.contains(&name) => bare_number(value),
        _ => value.text().to_owned(),
    })
}

/// An object whose every member is a schema.
fn each(schemas: &Json) -> String {
    let Some(members) = schemas.read::<Ordered>() else { return schemas.text().to_owned() };
    object(&members, |_, value| schema_text(value))
}

fn list(schemas: &Json) -> String {
    let Some(schemas) = schemas.read::<Vec<Json>>() else { return schemas.text().to_owned() };
    format!("[{}]", schemas.iter().map(schema_text).collect::<Vec<_>>().join(","))
}

fn object(members: &Ordered, write: impl Fn(&str, &Json) -> String) -> String {
    let members = members.0.iter().map(|(name, value)| format!("{}:{}", json_string(name), write(name, value)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn lower(name: &Json) -> String {
    match name.read::<String>().as_deref() {
        Some("STRING" | "NUMBER" | "INTEGER" | "BOOLEAN" | "ARRAY" | "OBJECT" | "NULL") => {
            name.text().to_ascii_lowercase()
        }
        _ => name.text().to_owned(),
    }
}

/// Google writes 64-bit numbers as strings.
fn bare_number(bound: &Json) -> String {
    let number = bound.read::<String>().and_then(|text| text.parse::<u64>().ok());
    number.map_or_else(|| bound.text().to_owned(), |number| number.to_string())
}

/// The members of an object in their order.
struct Ordered(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Ordered;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Ordered(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_lowered_where_they_are_types() {
        for (google, schema) in [
            (
                r#"{"type":"OBJECT","properties":{"type":{"type":"STRING","enum":["OBJECT"]},"b":{"type":"ARRAY","items":{"type":"INTEGER"},"maxItems":"5"}},"required":["type"]}"#,
                r#"{"type":"object","properties":{"type":{"type":"string","enum":["OBJECT"]},"b":{"type":"array","items":{"type":"integer"},"maxItems":5}},"required":["type"]}"#,
            ),
            (
                r#"{"anyOf":[{"type":"NULL"},{"type":"number"}],"default":{"type":"OBJECT"}}"#,
                r#"{"anyOf":[{"type":"null"},{"type":"number"}],"default":{"type":"OBJECT"}}"#,
            ),
            (r#"{"type":["STRING"],"items":7,"properties":[]}"#, r#"{"type":["STRING"],"items":7,"properties":[]}"#),
            ("true", "true"),
        ] {
            assert_eq!(read(&Json::parse(google).unwrap()).text(), schema);
        }
    }
}
