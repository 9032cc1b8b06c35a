//! The forms an answer comes in, and a body cut into events.

use serde_json::Value;

/// How an answer is wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Events,
    /// Gemini's stream without `alt=sse`.
    Array,
}

/// One event of a stream.
pub(super) struct Event {
    pub(super) name: Option<String>,
    /// Null for chat's end marker.
    pub(super) json: Value,
}

/// The events of a body; the elements, if it is an array.
pub(super) fn events(form: Form, body: &str) -> Vec<Event> {
    if form == Form::Array {
        let elements: Vec<Value> = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        return elements.into_iter().map(|json| Event { name: None, json }).collect();
    }
    assert!(body.ends_with("\n\n"), "a stream ends with an event's end: {body}");
    body.split("\n\n").filter(|event| !event.is_empty()).map(event).collect()
}

fn event(text: &str) -> Event {
    let (mut name, mut json) = (None, None);
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("event", value)) => name = Some(value.to_owned()),
            Some(("data", "[DONE]")) => json = Some(Value::Null),
            Some(("data", value)) => json = Some(serde_json::from_str(value).unwrap()),
            _ => panic!("no field of an event: {line}"),
        }
    }
    let json = json.unwrap_or_else(|| panic!("an event without data: {text}"));
    if let (Some(name), Some(kind)) = (&name, json["type"].as_str()) {
        assert_eq!(name, kind, "an event is called by its type");
    }
    Event { name, json }
}
