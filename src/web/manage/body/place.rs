//! Places: which field of a JSON text a fault is at, so that an error can name it. Pure.
//! Owns nothing but that walk. Refuses to judge the text: it was parsed already, up to the fault.

use std::str::Chars;

/// An object or an array that is open at some place.
enum Open {
    Object { field: String, awaits_field: bool },
    Array,
}

/// The field that ends `json`, the text up to a fault, such as `budget.limit_usd`; empty at the outermost level.
pub(super) fn field_at_end(json: &str) -> String {
    let mut open = Vec::new();
    let mut rest = json.chars();
    while let Some(next) = rest.next() {
        match next {
            '{' => open.push(Open::Object { field: String::new(), awaits_field: true }),
            '[' => open.push(Open::Array),
            '}' | ']' => drop(open.pop()),
            ',' | ':' => await_field(open.last_mut(), next == ','),
            '"' => name_field(open.last_mut(), string(&mut rest)),
            _ => {}
        }
    }
    let fields = open.into_iter().filter_map(|open| match open {
        Open::Object { field, .. } if !field.is_empty() => Some(field),
        Open::Object { .. } | Open::Array => None,
    });
    fields.collect::<Vec<_>>().join(".")
}

fn await_field(open: Option<&mut Open>, awaited: bool) {
    if let Some(Open::Object { awaits_field, .. }) = open {
        *awaits_field = awaited;
    }
}

fn name_field(open: Option<&mut Open>, text: String) {
    if let Some(Open::Object { field, awaits_field: true }) = open {
        *field = text;
    }
}

/// The rest of a string after its opening quote, escapes as they stand.
fn string(rest: &mut Chars<'_>) -> String {
    let mut text = String::new();
    while let Some(next) = rest.next() {
        match next {
            '"' => break,
            '\\' => text.extend([next].into_iter().chain(rest.next())),
            _ => text.push(next),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_the_one_the_text_ends_in() {
        for (json, field) in [
            (r#"{"budget":{"limit_usd":"many""#, "budget.limit_usd"),
            (r#"{"budget":{"limit_usd":"1","window":"x"}"#, "budget"),
            (r#"{"a":{"b":1},"kind":"no"#, "kind"),
            (r#"{"dialects":["openai_chat","x""#, "dialects"),
            (r#"{"na\"me":"{\"x\":","#, r#"na\"me"#),
            (r#"{"unknown""#, "unknown"),
            ("{}", ""),
            ("[1,2", ""),
        ] {
            assert_eq!(field_at_end(json), field, "{json}");
        }
    }
}
