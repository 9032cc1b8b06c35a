//! Tables: JSON from the server as aligned columns, and one object as a list of names and values.
//! Owns their look. Refuses to hide what it does not know: a detail shows every field the server sent.

use farthing_actors::domain::Timestamp;
use serde_json::Value;

use super::output::{Reply, harmless};

/// A column: its heading, and where its value is in each object (a JSON pointer).
pub(super) type Column = (&'static str, &'static str);

const GAP: &str = "  ";
const ABSENT: &str = "-";

/// One object from the server, as JSON and as a list of its fields.
pub(super) fn shown(json: Value) -> Reply {
    Reply { text: detail(&json), json }
}

/// A list from the server, as JSON and as a table.
pub(super) fn listed(json: Value, columns: &[Column], none: &str) -> Reply {
    Reply { text: list(&json, columns, none), json }
}

/// The objects of `{"data": […]}` as a table with a heading; a sentence if there are none.
fn list(answer: &Value, columns: &[Column], none: &str) -> String {
    list_of(answer.get("data").unwrap_or(&Value::Null), columns, none)
}

/// As [`list`], of an array.
pub(super) fn list_of(items: &Value, columns: &[Column], none: &str) -> String {
    let rows = items.as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return format!("{none}\n");
    }
    let heading = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
    let cells = rows.iter().map(|row| columns.iter().map(|(_, pointer)| at(row, pointer)).collect());
    align(&std::iter::once(heading).chain(cells).collect::<Vec<_>>())
}

/// Every field of an object, one per line; nested ones by their path.
pub(super) fn detail(object: &Value) -> String {
    let mut rows = Vec::new();
    flatten("", object, &mut rows);
    align(&rows)
}

fn at(row: &Value, pointer: &str) -> String {
    row.pointer(pointer).map_or_else(|| ABSENT.to_owned(), |value| cell(pointer, value))
}

fn flatten(path: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| flatten(&below(key), value, rows)),
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            items.iter().enumerate().for_each(|(index, item)| flatten(&below(&(index + 1).to_string()), item, rows));
        }
        value => rows.push(vec![harmless(path), cell(path, value)]),
    }
}

fn cell(path: &str, value: &Value) -> String {
    match value {
        Value::Null => ABSENT.to_owned(),
        Value::String(text) => harmless(text),
        Value::Number(number) => match number.as_i64().filter(|_| is_moment(path)) {
            Some(millis) => Timestamp(millis).to_string(),
            None => number.to_string(),
        },
        Value::Array(items) => items.iter().map(|item| cell(path, item)).collect::<Vec<_>>().join(", "),
        other => harmless(&other.to_string()),
    }
}

/// Moments travel as Unix milliseconds; their names end the same way everywhere.
fn is_moment(path: &str) -> bool {
    let name = path.rsplit(['/', '.']).next().unwrap_or(path);
    name == "time" || ["_at", "_start", "_end"].iter().any(|ending| name.ends_with(ending))
}

fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| letters(cell)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let padded =
        |(cell, width): (&String, &usize)| format!("{cell}{}", " ".repeat(width.saturating_sub(letters(cell))));
    let line = row.iter().zip(widths).map(padded).collect::<Vec<_>>().join(GAP);
    format!("{}\n", line.trim_end())
}

fn letters(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_aligned_and_the_absent_is_marked() {
        let answer = json!({"data": [
            {"name": "a", "budget": {"limit_usd": "25.00"}, "created_at": 0},
            {"name": "längst", "budget": null, "allowed": ["x", "y"]},
        ]});
        let columns =
            [("NAME", "/name"), ("BUDGET", "/budget/limit_usd"), ("MODELS", "/allowed"), ("MADE", "/created_at")];
        let expected = "NAME    BUDGET  MODELS  MADE\n\
                        a       25.00   -       1970-01-01T00:00:00.000Z\n\
                        längst  -       x, y    -\n";
        assert_eq!(list(&answer, &columns, "none"), expected);
        assert_eq!(list(&json!({"data": []}), &columns, "none yet"), "none yet\n");
    }

    #[test]
    fn a_detail_shows_every_field() {
        let object = json!({"id": "req_1", "tries": [{"at": 1}, {"at": 2}], "usage": {"input": 3}, "end": null});
        assert_eq!(
            detail(&object),
            "end          -\nid           req_1\ntries.1.at   1\ntries.2.at   2\nusage.input  3\n"
        );
    }

    #[test]
    fn a_server_cannot_steer_the_terminal() {
        let text = detail(&json!({"name": "\u{1b}[2Jgone\r\n"}));
        assert!(!text.trim_end_matches('\n').chars().any(char::is_control), "{text:?}");
    }
}
