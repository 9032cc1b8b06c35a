//! Gemini's dialect as Google Vertex AI takes it.
//! Owns the one difference in a request: function calls and their results have no ids there, and one that has is refused.
//! Refuses to change anything else: which result belongs to which call is told by their order and names.

use bytes::Bytes;
use memchr::memmem;
use serde_json::value::RawValue;

use crate::dialect::ordered::Ordered;

/// Google reads members in either spelling.
const CALLS: [&str; 4] = ["functionCall", "functionResponse", "function_call", "function_response"];

/// The body without the ids of calls and results; the very same bytes where there are none.
pub fn without_ids(body: &Bytes) -> Bytes {
    if memmem::find(body, br#""id""#).is_none() {
        return body.clone();
    }
    let contents = |text: &str| each(text, |content| within(content, &["parts"], parts));
    let text = std::str::from_utf8(body).ok();
    let changed = text.and_then(|text| within(text, &["contents"], contents));
    changed.map_or_else(|| body.clone(), Bytes::from)
}

fn parts(text: &str) -> Option<String> {
    each(text, |part| within(part, &CALLS, without_id))
}

fn without_id(call: &str) -> Option<String> {
    let mut call = Ordered::read(call.as_bytes())?;
    call.remove(&["id"]);
    Some(call.write())
}

fn within(object: &str, names: &[&str], change: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut object = Ordered::read(object.as_bytes())?;
    object.change(names, change);
    Some(object.write())
}

fn each(list: &str, change: impl Fn(&str) -> Option<String>) -> Option<String> {
    let items: Vec<&RawValue> = serde_json::from_str(list).ok()?;
    let items = items.iter().map(|item| change(item.get()).unwrap_or_else(|| item.get().to_owned()));
    Some(format!("[{}]", items.collect::<Vec<_>>().join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_results_lose_their_ids_and_arguments_keep_theirs() {
        let body = concat!(
            r#"{"contents":[{"role":"model","parts":[{"text":"\"id\""},{"functionCall":{"id":"a","name":"f","args":{"id":1e2}}}]},"#,
            r#"{"role":"user","parts":[{"function_response":{"name":"f","id":"a","response":{"id":2}}}]}, 7],"id":3}"#
        );
        let told = concat!(
            r#"{"contents":[{"role":"model","parts":[{"text":"\"id\""},{"functionCall":{"name":"f","args":{"id":1e2}}}]},"#,
            r#"{"role":"user","parts":[{"function_response":{"name":"f","response":{"id":2}}}]},7],"id":3}"#
        );
        assert_eq!(without_ids(&Bytes::from_static(body.as_bytes())), told);
    }

    #[test]
    fn other_bodies_stay_as_they_are() {
        for body in [r#"{ "contents":[ {"parts":[{"text":"hi"}]}]}"#, r#"["id" ]"#, r#"{"id": "#] {
            assert_eq!(without_ids(&Bytes::from_static(body.as_bytes())), body);
        }
    }
}
