//! Bodies of management requests: read whole, strictly, and small. Owns how a changed field is told from an absent one
//! and how an exact decimal is read. Refuses floating point between the wire and the ledger.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use actix_web::{HttpRequest, web};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::strict;
use crate::web::error::Problem;
use crate::web::extract::body;

/// Far more than any object of this API needs.
const MAX_BYTES: usize = 256 * 1024;

/// An exact decimal as bodies take it: described as what [`decimal`] reads.
pub(super) struct Decimal;

impl JsonSchema for Decimal {
    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"], "pattern": r"^-?[0-9]+(\.[0-9]+)?$" })
    }
}

/// The body as `T`.
///
/// # Errors
/// If it is too large, not JSON, or not a `T`; then the field is named.
pub(super) async fn read<T: DeserializeOwned + JsonSchema>(
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<T, Problem> {
    let body = body::read(request, payload, MAX_BYTES).await?;
    let read = body::json(&body)?;
    strict::check::<T>(&body).map(|()| read)
}

/// As [`read`]; no body at all, or null, is the default.
///
/// # Errors
/// As [`read`].
pub(super) async fn read_or_default<T: DeserializeOwned + JsonSchema + Default>(
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<T, Problem> {
    let body = body::read(request, payload, MAX_BYTES).await?;
    if body.trim_ascii().is_empty() {
        Ok(T::default())
    } else {
        let read = body::json::<Option<T>>(&body)?;
        strict::check::<T>(&body).map(|()| read.unwrap_or_default())
    }
}

/// What the body of a route says that takes none.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Reads the body of a request whose route takes none, so that nothing somebody says is passed over: it is absent, empty, null or `{}`.
///
/// # Errors
/// As [`read`]; 400 for any field.
pub(in crate::web) async fn read_nothing(request: &HttpRequest, payload: web::Payload) -> Result<(), Problem> {
    read_or_default::<Nothing>(request, payload).await.map(drop)
}

/// A field that is there, perhaps as null; with `default`, an absent one is `None`.
///
/// # Errors
/// If the value is not a `T`.
pub(super) fn given<'de, T, D>(field: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(field).map(Some)
}

/// An exact decimal, as a JSON string or a JSON number, read by its characters.
///
/// # Errors
/// If it is neither, or not a `T`.
pub(super) fn decimal<'de, T, D>(field: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    exact(Box::<RawValue>::deserialize(field)?.get()).map_err(D::Error::custom)
}

/// As [`decimal`], where null is `None`.
///
/// # Errors
/// As [`decimal`].
pub(super) fn optional_decimal<'de, T, D>(field: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let raw = Box::<RawValue>::deserialize(field)?;
    if raw.get() == "null" { Ok(None) } else { exact(raw.get()).map(Some).map_err(D::Error::custom) }
}

/// As [`optional_decimal`], where an absent one is told from null, with `default`.
///
/// # Errors
/// As [`decimal`].
pub(super) fn given_decimal<'de, T, D>(field: D) -> Result<Option<Option<T>>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    optional_decimal(field).map(Some)
}

fn exact<T: FromStr<Err: Display>>(json: &str) -> Result<T, String> {
    let string = json.starts_with('"').then(|| serde_json::from_str::<String>(json));
    let text = string.transpose().map_err(|error| error.to_string())?;
    let text = text.as_deref().unwrap_or(json);
    text.parse().map_err(|error: T::Err| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use farthing_actors::domain::Rate;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        #[serde(default, deserialize_with = "given")]
        name: Option<Option<String>>,
        #[serde(default, deserialize_with = "optional_decimal")]
        rate: Option<Rate>,
    }

    fn shape(json: &str) -> Result<Shape, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn an_absent_field_is_not_a_null_one() {
        assert_eq!(shape("{}").unwrap().name, None);
        assert_eq!(shape(r#"{"name":null}"#).unwrap().name, Some(None));
        assert_eq!(shape(r#"{"name":"x"}"#).unwrap().name, Some(Some("x".to_owned())));
        assert!(shape(r#"{"nmae":"x"}"#).is_err());
    }

    #[test]
    fn decimals_are_exact_whether_quoted_or_not() {
        for json in [r#"{"rate":"0.075"}"#, r#"{"rate":0.075}"#, r#"{"rate": 0.0750 }"#] {
            assert_eq!(shape(json).unwrap().rate.unwrap().to_string(), "0.075", "{json}");
        }
        assert_eq!(shape(r#"{"rate":0.000000000001}"#).unwrap().rate.unwrap().to_string(), "0.000000000001");
        assert_eq!(shape(r#"{"rate":null}"#).unwrap().rate, None);
        for json in [r#"{"rate":1e-3}"#, r#"{"rate":-1}"#, r#"{"rate":""}"#, r#"{"rate":true}"#, r#"{"rate":{}}"#] {
            assert!(shape(json).is_err(), "{json}");
        }
    }
}
