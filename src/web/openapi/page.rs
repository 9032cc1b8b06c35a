//! `/api/docs`: the same description, for people. Owns how a shape is told in a line for each field.
//! Refuses scripts: it is written whole on the server.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use serde_json::Value;

use super::DOCUMENT;
use crate::web::dashboard::page;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::{Operator, ReadSettings};

#[derive(Template)]
#[template(path = "api/page.html")]
struct DocsPage {
    about: String,
    operations: Vec<Operation>,
    codes: &'static [Code],
}

struct Operation {
    anchor: String,
    method: String,
    path: String,
    needs: String,
    about: String,
    parameters: Vec<Field>,
    body: Vec<Field>,
    answers: Vec<Answer>,
}

struct Answer {
    status: String,
    kinds: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    kind: String,
    required: bool,
    about: String,
}

/// GET `/api/docs`.
///
/// # Errors
/// If the page cannot be written.
pub async fn show(_: Operator<ReadSettings>) -> Result<HttpResponse, Problem> {
    let about = DOCUMENT.pointer("/info/description").and_then(Value::as_str).unwrap_or_default().replace('`', "");
    let page = DocsPage { about, operations: operations(), codes: Code::ALL };
    let mut answer = page::render(StatusCode::OK, &page)?;
    page::guard(answer.headers_mut());
    Ok(answer)
}

fn operations() -> Vec<Operation> {
    let paths = DOCUMENT.get("paths").and_then(Value::as_object).into_iter().flatten();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| Operation::new(path, method, operation))
        })
        .collect()
}

impl Operation {
    fn new(path: &str, method: &str, operation: &Value) -> Self {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let answers = operation["responses"].as_object().into_iter().flatten();
        let own = |(status, _): &(&String, &Value)| matches!(status.as_str(), "200" | "201" | "202" | "204" | "503");
        Self {
            anchor: format!("{method}{}", path.replace(['/', '{', '}', '.'], "-")),
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            needs: text(&operation["x-needs"]),
            about: text(&operation["summary"]),
            parameters: parameters.map(Field::of_parameter).collect(),
            body: fields(json_of(&operation["requestBody"])),
            answers: answers.filter(own).filter(|(_, it)| it["$ref"].is_null()).map(Answer::new).collect(),
        }
    }
}

impl Answer {
    fn new((status, answer): (&String, &Value)) -> Self {
        let kinds = answer["content"].as_object().into_iter().flatten().map(|(kind, _)| kind.as_str());
        Self { status: status.clone(), kinds: kinds.collect::<Vec<_>>().join(", "), fields: fields(json_of(answer)) }
    }
}

impl Field {
    fn of_parameter(parameter: &Value) -> Self {
        Self {
            name: text(&parameter["name"]),
            kind: kind(&parameter["schema"]),
            required: parameter["required"] == true,
            about: parameter.pointer("/schema/description").map(text).unwrap_or_default(),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('`', "")
}

/// The shape of what is JSON in a body or an answer.
fn json_of(content: &Value) -> &Value {
    resolved(content.pointer("/content/application~1json/schema").unwrap_or(&Value::Null))
}

/// The shape itself where it is only named.
fn resolved(shape: &Value) -> &Value {
    let named = shape["$ref"].as_str().and_then(|place| DOCUMENT.pointer(place.trim_start_matches('#')));
    named.unwrap_or(shape)
}

fn fields(shape: &Value) -> Vec<Field> {
    let required = |name: &str| shape["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name));
    let fields = shape["properties"].as_object().into_iter().flatten();
    fields
        .map(|(name, field)| Field {
            name: name.clone(),
            kind: kind(field),
            required: required(name),
            about: text(&field["description"]),
        })
        .collect()
}

/// A type in words: `string`, `integer or null`, `list of ProviderView`, `one of open, closed`.
fn kind(shape: &Value) -> String {
    if let Some(place) = shape["$ref"].as_str() {
        return match resolved(shape)["properties"] {
            Value::Null => kind(resolved(shape)),
            _ => place.rsplit('/').next().unwrap_or_default().to_owned(),
        };
    }
    if let Some(names) = shape["enum"].as_array() {
        let names: Vec<_> = names.iter().map(|name| name.as_str().unwrap_or("null")).collect();
        return format!("one of {}", names.join(", "));
    }
    if let Some(name) = shape["const"].as_str() {
        return name.to_owned();
    }
    if let Some(choices) = shape["anyOf"].as_array().or_else(|| shape["oneOf"].as_array()) {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match (&shape["type"], &shape["items"]) {
        (Value::String(name), items) if name == "array" => format!("list of {}", kind(items)),
        (Value::String(name), _) => name.clone(),
        (Value::Array(names), _) => names.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    }
}
