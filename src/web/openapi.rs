//! The HTTP interface as OpenAPI 3.1 at `/api/openapi.json`, and as a page at `/api/docs`.
//! Owns how the document is put together: routes come from their table, shapes from the types that are read and written,
//! refusals from the table of errors. Refuses to describe anything by hand, so it cannot say what the program does not do.

mod page;

use std::sync::LazyLock;

use actix_web::http::Method;
use actix_web::{HttpResponse, http::header};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::error::{Code, Problem};
use super::extract::operator::{Operator, ReadSettings};
use super::routes::line::{Content, JSON, Line, Needs, Tag};
use super::routes::table;
pub use page::show as page;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document(&table()));
static TEXT: LazyLock<String> = LazyLock::new(|| DOCUMENT.to_string());

const ABOUT: &str = "Lists take `limit` and `cursor` and give `data` and `next_cursor`, which is null on the last page. Unknown \
    fields and parameters are errors. Amounts are exact decimals in strings. Every refusal has the shape of `Error`; its `code` \
    is stable, its `request_id` is the header `x-farthing-request-id`, too.";

/// Where the refusals have the shape of `Error`.
const MANAGEMENT: &str = "/api/";
/// Refusals that any route of the management API may give.
const ANYWHERE: [u16; 10] = [400, 401, 403, 404, 408, 414, 429, 431, 500, 503];
/// Refusals of bodies.
const OF_BODIES: [u16; 2] = [413, 415];
/// The refusal of changes, and that of those that are about another version.
const OF_CHANGES: u16 = 409;
const OF_VERSIONS: u16 = 412;

/// GET `/api/openapi.json`.
///
/// # Errors
/// None of its own.
pub async fn show(_: Operator<ReadSettings>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, JSON)).body(TEXT.as_str()))
}

/// Describes shapes: bodies where they are used, answers by name.
struct Shapes {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Shapes {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.meta_schema = None;
                settings.definitions_path = "/components/schemas".into();
            })
        };
        let read = settings().for_deserialize().with(|settings| settings.inline_subschemas = true);
        Self { read: read.into_generator(), written: settings().for_serialize().into_generator() }
    }
}

/// The description of `lines`, pages left out: they are for people.
fn document(lines: &[Line]) -> Value {
    let mut shapes = Shapes::new();
    let mut paths: Map<String, Value> = Map::new();
    for line in lines.iter().filter(|line| is_described(line)) {
        let operation = operation(line, &mut shapes);
        let place = paths.entry(plain(line.path)).or_insert_with(|| json!({}));
        if let Some(operations) = place.as_object_mut() {
            operations.insert(line.method.as_str().to_ascii_lowercase(), operation);
        }
    }
    let mut schemas = shapes.written.take_definitions(true);
    schemas.insert("Error".to_owned(), error_shape());
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Farthing", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": refusals(),
            "securitySchemes": {
                "operator": { "type": "http", "scheme": "bearer", "description": "The management token, or a scoped one." },
                "key": { "type": "http", "scheme": "bearer", "description": "A virtual key." },
            },
        },
    })
}

fn is_described(line: &Line) -> bool {
    line.needs != Needs::SignedIn && !line.gives.is_empty() || line.path.starts_with("/v1")
}

/// The path as OpenAPI writes it: `{id:.+}` is `{id}`.
fn plain(path: &str) -> String {
    path.replace(":.+}", "}")
}

fn operation(line: &Line, shapes: &mut Shapes) -> Value {
    let id = format!("{} {}", line.method, plain(line.path));
    let mut operation = json!({ "operationId": id, "summary": line.about, "parameters": parameters(line, shapes) });
    let security = match line.needs {
        Needs::Can(_) | Needs::Known => json!([{ "operator": [] }]),
        Needs::Key => json!([{ "key": [] }]),
        Needs::Nothing | Needs::SignedIn => json!([]),
    };
    let more = [
        ("security", security),
        ("x-needs", json!(line.needs.to_string())),
        ("responses", responses(line, shapes)),
        ("requestBody", body(line, shapes)),
    ];
    if let Some(fields) = operation.as_object_mut() {
        let there = more.into_iter().filter(|(_, value)| !value.is_null());
        fields.extend(there.map(|(name, value)| (name.to_owned(), value)));
    }
    operation
}

fn parameters(line: &Line, shapes: &mut Shapes) -> Value {
    let in_path = names_in(line.path).map(
        |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }),
    );
    let mut parameters: Vec<_> = in_path.collect();
    if let Some(asks) = line.asks {
        let query = asks(&mut shapes.read).to_value();
        let required = query.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let required = |name: &String| required.iter().any(|it| it == name);
        let fields = query.get("properties").and_then(Value::as_object).into_iter().flatten();
        parameters.extend(fields.map(|(name, shape)| {
            json!({ "name": name, "in": "query", "required": required(name), "schema": never_null(shape.clone()) })
        }));
    }
    if line.tag == Some(Tag::Compared) {
        parameters.push(json!({
            "name": "If-Match", "in": "header", "required": false, "schema": { "type": "string" },
            "description": "The ETag of the version this is about; of another one nothing is changed.",
        }));
    }
    Value::Array(parameters)
}

/// The names in braces.
fn names_in(path: &str) -> impl Iterator<Item = &str> {
    let braced = path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    braced.map(|(name, _)| name.split_once(':').map_or(name, |(name, _)| name))
}

/// A parameter is there or not; it has no null.
fn never_null(mut shape: Value) -> Value {
    let null = json!("null");
    if let Some(kind) = shape.get_mut("type")
        && let Some(kinds) = kind.as_array_mut()
    {
        kinds.retain(|kind| *kind != null);
        if let [only] = kinds.as_slice() {
            *kind = only.clone();
        }
    }
    if let Some(names) = shape.get_mut("enum").and_then(Value::as_array_mut) {
        names.retain(|name| !name.is_null());
    }
    let is_null = |choice: &&Value| choice.get("type") == Some(&null);
    let choices = shape.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    match choices.filter(|choice| !is_null(choice)).collect::<Vec<_>>().as_slice() {
        [only] => (*only).clone(),
        _ => shape,
    }
}

fn body(line: &Line, shapes: &mut Shapes) -> Value {
    match line.takes {
        Some(content) => json!({ "required": true, "content": described(&content, &mut shapes.read) }),
        None if line.needs == Needs::Key && line.method == Method::POST => {
            json!({ "required": true, "content": { JSON: { "schema": { "type": "object" } } } })
        }
        None => Value::Null,
    }
}

fn described(content: &Content, generator: &mut SchemaGenerator) -> Value {
    let shape = content.shape.map_or_else(|| json!({ "type": "string" }), |shape| shape(generator).to_value());
    json!({ content.kind: { "schema": shape } })
}

fn responses(line: &Line, shapes: &mut Shapes) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    for (status, content) in &line.gives {
        let answer = responses.entry(status.to_string()).or_insert_with(|| json!({ "description": line.about }));
        if !content.kind.is_empty()
            && let Some(kinds) = described(content, &mut shapes.written).as_object()
        {
            let known = answer["content"].as_object().cloned().unwrap_or_default();
            answer["content"] = known.into_iter().chain(kinds.clone()).collect();
        }
        if line.tag.is_some() && *status != 204 {
            answer["headers"] = json!({ "ETag": { "schema": { "type": "string", "pattern": "^\"[0-9a-f]{32}\"$" } } });
        }
    }
    match line.needs {
        _ if line.path.starts_with(MANAGEMENT) => {
            for status in statuses(line) {
                let refusal = json!({ "$ref": format!("#/components/responses/{status}") });
                responses.entry(status.to_string()).or_insert(refusal);
            }
        }
        // In the dialect of the route, and with a provider's status where the fault is the client's.
        Needs::Key => {
            responses.entry("200").or_insert_with(|| json!({ "description": line.about }));
            responses.insert("default".to_owned(), json!({ "description": "A refusal, in the dialect of the route" }));
        }
        _ => {}
    }
    Value::Object(responses)
}

/// The statuses of the refusals a management route may give.
fn statuses(line: &Line) -> Vec<u16> {
    let of_bodies = line.takes.map_or(&[][..], |_| &OF_BODIES[..]);
    let of_changes = (line.method != Method::GET).then_some(OF_CHANGES);
    let of_versions = (line.tag == Some(Tag::Compared)).then_some(OF_VERSIONS);
    ANYWHERE.iter().chain(of_bodies).copied().chain(of_changes).chain(of_versions).collect()
}

/// Every refusal, by status, with what its codes mean.
fn refusals() -> Map<String, Value> {
    let mut refusals: Map<String, Value> = Map::new();
    for code in Code::ALL {
        let line = format!("`{}`: {}", code.name(), code.meaning());
        let refusal = refusals.entry(code.status().to_string()).or_insert_with(|| {
            json!({
                "description": "",
                "content": { JSON: { "schema": { "$ref": "#/components/schemas/Error" } } },
            })
        });
        let known = refusal["description"].as_str().unwrap_or_default();
        refusal["description"] = json!(if known.is_empty() { line } else { format!("{known}\n\n{line}") });
    }
    refusals
}

fn error_shape() -> Value {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
    json!({
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "code": { "type": "string", "enum": codes },
                    "message": { "type": "string" },
                    "request_id": { "type": "string", "pattern": "^req_[0-9a-f]{32}$" },
                    "details": { "type": "object" },
                },
                "required": ["code", "message", "request_id"],
            },
        },
        "required": ["error"],
    })
}

#[cfg(test)]
mod tests;
