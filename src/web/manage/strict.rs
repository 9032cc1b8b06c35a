//! Lists in the place of objects: serde takes them, and reads the fields by their order. Owns their refusal, by the shape that
//! the type says it has. Refuses nothing else: whatever else is wrong the typed reader says.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::web::error::{Code, Problem};

/// What a shape says only of objects.
const OF_OBJECTS: [&str; 2] = ["properties", "additionalProperties"];

/// Checks that `body` has no list where a `T` has an object.
///
/// # Errors
/// 400, naming the place.
pub(super) fn check<T: JsonSchema>(body: &[u8]) -> Result<(), Problem> {
    // Nearly every body has none at all.
    let Some(value) = body.contains(&b'[').then(|| serde_json::from_slice::<Value>(body).ok()).flatten() else {
        return Ok(());
    };
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).for_deserialize();
    let shape = settings.into_generator().subschema_for::<T>().to_value();
    match misplaced(&shape, &value) {
        None => Ok(()),
        Some(place) if place.is_empty() => Err(Problem::new(Code::InvalidValue, "expected an object, found a list")),
        Some(place) => {
            Err(Problem::new(Code::InvalidValue, format!("{place}: expected an object, found a list")).at(&place))
        }
    }
}

/// The place of the first list that should be an object.
fn misplaced(shape: &Value, value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => match ways(shape).find(|way| way.get("items").is_some()) {
            Some(list) => items.iter().find_map(|item| misplaced(&list["items"], item)),
            // An object without fields, too.
            None => ways(shape).any(|way| OF_OBJECTS.iter().any(|word| way.get(word).is_some())).then(String::new),
        },
        Value::Object(fields) => {
            let object = ways(shape).find(|way| way.get("properties").is_some())?;
            let inside = fields.iter().find_map(|(name, field)| {
                let shape = object["properties"].get(name)?;
                Some((name, misplaced(shape, field)?))
            });
            inside.map(|(name, rest)| if rest.is_empty() { name.clone() } else { format!("{name}.{rest}") })
        }
        _ => None,
    }
}

/// The shape itself, and those it may have instead.
fn ways(shape: &Value) -> impl Iterator<Item = &Value> {
    let others = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|name| shape[name].as_array()).flatten();
    std::iter::once(shape).chain(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Inside {
        number: Option<u32>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Body {
        one: Option<Inside>,
        many: Vec<Inside>,
        texts: Option<Vec<String>>,
    }

    #[test]
    fn a_list_is_no_object_wherever_it_is() {
        for sound in [r#"{"one":{"number":1},"many":[{}],"texts":["a"]}"#, r#"{"one":null}"#, "{", r#"{"other":[1]}"#] {
            assert!(check::<Body>(sound.as_bytes()).is_ok(), "{sound}");
        }
        for (body, place) in
            [(r#"{"one":[1]}"#, Some("one")), (r#"{"many":[{},[2]]}"#, Some("many")), (r"[null]", None)]
        {
            assert_eq!(check::<Body>(body.as_bytes()).unwrap_err().param.as_deref(), place, "{body}");
        }
    }
}
