//! Ordered: a JSON object as its members in their order, each value as its text.
//! Owns taking members out, adding some and changing the text of one; what is not touched keeps order and spelling.
//! Refuses to look into values.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::dialect::splice::json_string;

/// Names and the JSON text of their values.
pub(super) struct Ordered(Vec<(String, String)>);

impl Ordered {
    /// The object that `text` is; `None` if it is none.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// Takes out the members with these names.
    pub(super) fn remove(&mut self, names: &[&str]) {
        self.0.retain(|(name, _)| !names.contains(&name.as_str()));
    }

    /// Adds a last member, unless there is one of this name; `value` is JSON text.
    pub(super) fn add(&mut self, name: &str, value: String) {
        if !self.0.iter().any(|(known, _)| known == name) {
            self.0.push((name.to_owned(), value));
        }
    }

    /// Gives the members with these names the text that `change` makes of theirs.
    pub(super) fn change(&mut self, names: &[&str], change: impl Fn(&str) -> Option<String>) {
        for (_, value) in self.0.iter_mut().filter(|(name, _)| names.contains(&name.as_str())) {
            *value = change(value).unwrap_or_else(|| std::mem::take(value));
        }
    }

    /// The object's text.
    pub(super) fn write(&self) -> String {
        let members = self.0.iter().map(|(name, value)| format!("{}:{value}", json_string(name)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Ordered;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            members.push((name, value.get().to_owned()));
        }
        Ok(Ordered(members))
    }
}
