//! The document held against the table, and its strictness against the types.

use serde_json::Value;

use super::{DOCUMENT, is_described, plain};
use crate::web::routes::table;

/// Every object that is called by `visit`, with the way to it.
fn walk(place: &str, value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    visit(place, value);
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, it)| walk(&format!("{place}/{name}"), it, visit)),
        Value::Array(items) => items.iter().for_each(|it| walk(place, it, visit)),
        _ => {}
    }
}

#[test]
fn every_route_of_the_api_is_described() {
    for line in table() {
        let there = &DOCUMENT["paths"][plain(line.path)][line.method.as_str().to_ascii_lowercase()];
        assert_eq!(there.is_null(), !is_described(&line), "{line:?}");
        assert!(!line.path.starts_with("/api/") || !there.is_null(), "{line:?} says not what it gives");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    walk("", &DOCUMENT, &mut |place, value| {
        if let Some(to) = value["$ref"].as_str() {
            assert!(DOCUMENT.pointer(to.trim_start_matches('#')).is_some(), "{place} refers to {to}");
        }
    });
}

#[test]
fn bodies_take_no_unknown_fields() {
    for (path, methods) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            if !body.is_null() && path.starts_with("/api/") {
                assert_eq!(body["additionalProperties"], false, "{method} {path}: {body}");
            }
        }
    }
}
