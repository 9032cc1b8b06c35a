//! JSON that is carried, not understood: a tool's schema, a call's arguments.
//! Owns the text as it came, member order and spelling of numbers included. Refuses text that is not JSON.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// One JSON value as its text.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The value that `text` is, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str::<Box<RawValue>>(text).ok().map(Self)
    }

    /// The object that `text` is, if it is one.
    pub fn object(text: &str) -> Option<Self> {
        Self::parse(text).filter(Self::is_object)
    }

    /// Any value of ours as JSON; `null` for what cannot be one.
    pub fn of(value: &impl Serialize) -> Self {
        let text = serde_json::value::to_raw_value(value).ok();
        text.map_or_else(|| Self(RawValue::NULL.to_owned()), Self)
    }

    /// The text, without whitespace around it.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        self.text().starts_with('{')
    }

    /// The value it holds as `T`, if it is one.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.text()).ok()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Json {}

/// Shows the size, never the text: prompts do not belong in logs.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.text().len())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_as_it_came() {
        let text = r#"{"b":1e2, "a":[]}"#;
        let json = Json::object(text).unwrap();
        assert_eq!(json.text(), text);
        assert_eq!(serde_json::to_string(&json).unwrap(), text);
        assert!(Json::object("[]").is_none() && Json::parse("{").is_none());
    }
}
