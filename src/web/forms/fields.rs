//! Fields: what was typed into a form, and the JSON it means. Owns the names: dots nest, numbers between dots make lists, and
//! what follows a colon is the kind. Refuses to judge a value: what is no number stays text, and the API says what is wrong.
//!
//! | name | means |
//! |---|---|
//! | `name` | a text; left out where nothing was typed |
//! | `limits.rpm:int` | a whole number inside `limits` |
//! | `enabled:bool` | true for `true` and `on` |
//! | `allowed_models:list` | texts between commas or line ends; fields of one name add up |
//! | `keywords:lines` | texts, one a line |
//! | `warn_percent:ints` | whole numbers between commas |
//! | `budget:null` | null, whatever was typed |
//! | `prices:json` | JSON as it is |
//! | `limits.rpm:int?` | as without the mark, but null where nothing was typed |
//! | `budget.limit_usd:text!` | a text; where nothing was typed, all of `budget` is left out |
//! | `targets.0.model` | inside the first item of the list `targets`; `places.rs` says when it is another |
//! | `targets.0:choice` | `model=gpt-4o` is the text `gpt-4o` as `model` inside `targets.0` |
//! | `targets.0:choice!` | the same; where nothing was chosen, all of `targets.0` is left out |

use serde_json::{Map, Value};

use super::places::Places;

/// The kind of a field whose value says which member it is.
const CHOICE: &str = "choice";

/// What was typed, in the form's order, and where it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// The form's own address.
    pub action: String,
    fields: Vec<(String, String)>,
}

impl Typed {
    /// Fields sent to `action`.
    pub fn new(action: &str, fields: Vec<(String, String)>) -> Self {
        Self { action: action.to_owned(), fields }
    }

    /// What steers: the field `_name`, if it says something.
    pub fn control(&self, name: &str) -> Option<&str> {
        let is_it = |field: &str| field.strip_prefix('_') == Some(name);
        self.fields.iter().find(|(field, _)| is_it(field)).map(|(_, value)| value.as_str()).filter(|it| !it.is_empty())
    }

    /// All fields as they came.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The JSON it means.
    pub fn body(&self) -> Value {
        let places = Places::of(self.fields());
        let (mut body, mut left_out) = (Map::new(), Vec::new());
        for (name, text) in self.fields().filter(|(name, _)| !name.starts_with('_')) {
            let (path, kind) = name.split_once(':').unwrap_or((name, "text"));
            let (kind, is_core) = kind.strip_suffix('!').map_or((kind, false), |kind| (kind, true));
            let path = places.of_now(path);
            let found =
                if kind == CHOICE { chosen(&path, text) } else { value(kind, text).map(|it| (path.clone(), it)) };
            match found {
                Some((path, value)) => put(&mut body, &path, value),
                None if is_core => left_out.push(if kind == CHOICE { path } else { object_of(&path) }),
                None => {}
            }
        }
        left_out.iter().for_each(|path| leave_out(&mut body, path));
        listed(Value::Object(body))
    }
}

/// The field's path without its kind.
pub fn path_of(name: &str) -> &str {
    name.split_once(':').map_or(name, |(path, _)| path)
}

/// What was chosen, and where it goes.
fn chosen(path: &str, text: &str) -> Option<(String, Value)> {
    let (member, name) = text.split_once('=')?;
    Some((format!("{path}.{member}"), name.into()))
}

fn value(kind: &str, text: &str) -> Option<Value> {
    let or_null = kind.strip_suffix('?');
    let value = typed(or_null.unwrap_or(kind), text);
    if or_null.is_some() { value.or(Some(Value::Null)) } else { value }
}

fn typed(kind: &str, text: &str) -> Option<Value> {
    let trimmed = text.trim();
    match kind {
        "null" => Some(Value::Null),
        "bool" => Some(Value::Bool(matches!(trimmed, "on" | "true"))),
        _ if trimmed.is_empty() => None,
        "int" => Some(whole(trimmed)),
        "list" => Some(parts(trimmed).collect()),
        "lines" => Some(trimmed.lines().map(str::trim).filter(|line| !line.is_empty()).collect()),
        "ints" => Some(parts(trimmed).map(whole).collect()),
        "json" => Some(serde_json::from_str(trimmed).unwrap_or_else(|_| trimmed.into())),
        _ => Some(text.into()),
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty())
}

fn whole(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| text.into(), Value::from)
}

fn put(object: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('.') else {
        match (object.get_mut(path), value) {
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (_, value) => drop(object.insert(path.to_owned(), value)),
        }
        return;
    };
    let below = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(below) = below {
        put(below, rest, value);
    }
}

/// The path of the object that the field at `path` is in.
fn object_of(path: &str) -> String {
    path.rsplit_once('.').map_or_else(String::new, |(object, _)| object.to_owned())
}

/// Takes out what is at `path`, and what is empty without it.
fn leave_out(object: &mut Map<String, Value>, path: &str) {
    let Some((first, rest)) = path.split_once('.') else { return drop(object.remove(path)) };
    if let Some(Value::Object(below)) = object.get_mut(first) {
        leave_out(below, rest);
        if below.is_empty() {
            object.remove(first);
        }
    }
}

/// Objects whose names are all numbers, as the lists they stand for.
fn listed(value: Value) -> Value {
    let Value::Object(object) = value else { return value };
    let is_list = !object.is_empty() && object.keys().all(|name| name.parse::<u16>().is_ok());
    let below = object.into_iter().map(|(name, value)| (name, listed(value)));
    if !is_list {
        return Value::Object(below.collect());
    }
    let mut items: Vec<(u16, Value)> = below.map(|(name, value)| (name.parse().unwrap_or_default(), value)).collect();
    items.sort_by_key(|(place, _)| *place);
    items.into_iter().map(|(_, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(fields: &[(&str, &str)]) -> Value {
        Typed::new("/forms/api/x", fields.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect()).body()
    }

    #[test]
    fn fields_become_the_json_they_mean() {
        let cases = [
            (&[("name", "a b "), ("parent", "")][..], json!({ "name": "a b " })),
            (&[("limits.rpm:int", " 60 "), ("limits.tpm:int", "")], json!({ "limits": { "rpm": 60 } })),
            (&[("limits.rpm:int", "many")], json!({ "limits": { "rpm": "many" } })),
            (&[("enabled:bool", "false"), ("enabled:bool", "on")], json!({ "enabled": true })),
            (&[("m:list", "a, b\n\nc"), ("m:list", "d")], json!({ "m": ["a", "b", "c", "d"] })),
            (&[("k:lines", "no, wrong\r\n\n b ")], json!({ "k": ["no, wrong", "b"] })),
            (&[("w:ints", "80, 95,x")], json!({ "w": [80, 95, "x"] })),
            (&[("budget:null", "x"), ("p:text?", ""), ("n:int?", "3")], json!({ "budget": null, "p": null, "n": 3 })),
            (&[("p:json", "{\"a\":[1]}"), ("q:json", "{")], json!({ "p": { "a": [1] }, "q": "{" })),
            (&[("t.1.m", "b"), ("t.0.m", "a")], json!({ "t": [{ "m": "a" }, { "m": "b" }] })),
            (&[("b.limit:text!", ""), ("b.window", "day"), ("name", "a")], json!({ "name": "a" })),
            (&[("b.limit:text!", "5"), ("b.window", "day")], json!({ "b": { "limit": "5", "window": "day" } })),
            (&[("_csrf", "x"), ("_next", "/keys")], json!({})),
            (&[("t.0:choice!", "model=a=b"), ("t.0.w:int", "2")], json!({ "t": [{ "model": "a=b", "w": 2 }] })),
            (
                &[("t.0.w:int", "2"), ("t.0:choice!", ""), ("t.1:choice!", "group=g")],
                json!({ "t": [{ "group": "g" }] }),
            ),
            (&[("t.0:choice!", ""), ("t.0.w:int", "2")], json!({})),
            (
                &[("t.0.n", "a"), ("_place.t.0", "2"), ("t.1.n", "b"), ("_place.t.1", "1")],
                json!({ "t": [{ "n": "b" }, { "n": "a" }] }),
            ),
            (&[("a", "text"), ("a.b", "lost")], json!({ "a": "text" })),
        ];
        for (fields, expected) in cases {
            assert_eq!(body(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn what_steers_is_told_from_what_is_sent() {
        let typed =
            Typed::new("/forms/api/x", vec![("_next".into(), "/keys".into()), ("_reveal".into(), String::new())]);
        assert_eq!(
            [typed.control("next"), typed.control("reveal"), typed.control("csrf")],
            [Some("/keys"), None, None]
        );
    }
}
