//! Bodies of management requests: read whole, strictly, and small. Owns how a changed field is told from an absent one
//! and how an exact decimal is read. Refuses floating point between the wire and the ledger.

mod place;

use std::fmt::Display;
use std::str::FromStr;

use actix_web::{HttpRequest, web};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::web::error::{Code, Problem};
use crate::web::extract::body;
use place::field_at_end;

/// Far more than any object of this API needs.
const MAX_BYTES: usize = 256 * 1024;

/// The body as `T`.
///
/// # Errors
/// If it is too large, not JSON, or not a `T`; then the field is named.
pub(super) async fn read<T: DeserializeOwned>(request: &HttpRequest, payload: web::Payload) -> Result<T, Problem> {
    let json = body::read(request, payload, MAX_BYTES).await?;
    parse(&json)
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(json).map_err(|error| match error.is_data() {
        true => fault(&String::from_utf8_lossy(json), &error),
        false => Problem::new(Code::InvalidJson, error.to_string()),
    })
}

/// What is wrong with which field. The parser tells the first only, and where in the text it found out.
fn fault(json: &str, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let (code, is_absent) = match message {
        _ if message.starts_with("missing field") => (Code::MissingField, true),
        _ if message.starts_with("invalid type") => (Code::InvalidType, false),
        _ => (Code::InvalidValue, false),
    };
    let read = read_until(json, error);
    // A faulty last field is reported past the brace behind it, an absent one rightly so.
    let read = if is_absent { read } else { read.strip_suffix('}').unwrap_or(read) };
    let field = field_at_end(read);
    if field.is_empty() {
        return Problem::new(code, message);
    }
    Problem::new(code, format!("{field}: {message}")).at(field)
}

/// The text that the parser had read.
fn read_until<'a>(json: &'a str, error: &serde_json::Error) -> &'a str {
    let before: usize = json.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    json.get(..before.saturating_add(error.column())).unwrap_or(json)
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
    fn a_fault_names_its_field() {
        let fault = |json: &str| parse::<Shape>(json.as_bytes()).unwrap_err();
        for (json, code, message) in [
            (r#"{"name":7}"#, Code::InvalidType, "name: invalid type: integer `7`, expected a string"),
            (
                "{\n \"rate\":\n\"x\"}",
                Code::InvalidValue,
                "rate: expected a decimal amount of dollars such as \"25.00\"",
            ),
            (r#"{"nmae":"x"}"#, Code::InvalidValue, "nmae: unknown field `nmae`, expected `name` or `rate`"),
        ] {
            assert_eq!((fault(json).code, fault(json).message.as_str()), (code, message), "{json}");
        }
        assert_eq!(fault("{").code, Code::InvalidJson);
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
