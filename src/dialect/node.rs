//! Nodes: a request's JSON with the path to it, so that a fault names the member at fault.
//! Owns the paths and the checks of types. Refuses to know what a member means.

use std::str::FromStr;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::canonical::Json;
use crate::dialect::fault::RequestFault;
use crate::dialect::members;

/// One value of a request.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    path: String,
    text: &'a str,
}

type Members<'a, const N: usize> = [Option<Node<'a>>; N];

impl<'a> Node<'a> {
    /// The body itself.
    pub(super) fn root(text: &'a str) -> Self {
        Self { path: String::new(), text }
    }

    /// The member `name` of the body.
    pub(super) fn at(name: &str, value: &'a RawValue) -> Self {
        Self { path: name.to_owned(), text: value.get() }
    }

    /// The member `name` of it, read before.
    pub(super) fn member(&self, name: &str, value: &'a RawValue) -> Self {
        Self { path: self.below(name), text: value.get() }
    }

    /// Where it stands, such as `input[2].content`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Named members of the object it is; `null` counts as absent.
    pub(super) fn members<const N: usize>(&self, names: &[&'static str; N]) -> Result<Members<'a, N>, RequestFault> {
        let object = members::read(self.text, names).map_err(|_| self.wrong_type("must be an object"))?;
        if let Some(name) = object.duplicate {
            return Err(RequestFault::invalid_value(&self.below(name), "is given twice; send it once"));
        }
        let mut nodes = [const { None }; N];
        for ((node, member), name) in nodes.iter_mut().zip(object.present()).zip(names) {
            *node = member.map(|member| Self { path: self.below(name), text: member.text });
        }
        Ok(nodes)
    }

    /// The names of all members of the object it is.
    pub(super) fn names(&self) -> Vec<String> {
        let all: Option<std::collections::BTreeMap<String, serde::de::IgnoredAny>> = self.value();
        all.unwrap_or_default().into_keys().collect()
    }

    /// The elements of the array it is.
    pub(super) fn list(&self) -> Result<Vec<Self>, RequestFault> {
        let list: Vec<&'a RawValue> = self.value().ok_or_else(|| self.wrong_type("must be an array"))?;
        let nodes = list.into_iter().enumerate();
        Ok(nodes.map(|(place, text)| Self { path: format!("{}[{place}]", self.path), text: text.get() }).collect())
    }

    /// Whether it is a string.
    pub(super) fn is_string(&self) -> bool {
        self.text.starts_with('"')
    }

    /// The string it is.
    pub(super) fn string(&self) -> Result<String, RequestFault> {
        self.value().ok_or_else(|| self.wrong_type("must be a string"))
    }

    /// What it is as a `T`; the fault says what is wrong in it.
    pub(super) fn read<T: Deserialize<'a>>(&self) -> Result<T, RequestFault> {
        serde_json::from_str(self.text)
            .map_err(|fault| RequestFault::invalid_type(&self.path, &format!("is not as the API has it: {fault}")))
    }

    /// The flag it is.
    pub(super) fn flag(&self) -> Result<bool, RequestFault> {
        self.value().ok_or_else(|| self.wrong_type("must be true or false"))
    }

    /// The whole number it is.
    pub(super) fn whole(&self) -> Result<u64, RequestFault> {
        self.value().ok_or_else(|| self.wrong_type("must be a whole number"))
    }

    /// The number it is, as it is written.
    pub(super) fn number(&self) -> Result<serde_json::Number, RequestFault> {
        serde_json::Number::from_str(self.text).map_err(|_| self.wrong_type("must be a number"))
    }

    /// The object it is, as it is written.
    pub(super) fn object(&self) -> Result<Json, RequestFault> {
        Json::object(self.text).ok_or_else(|| self.wrong_type("must be an object"))
    }

    /// A member of it that must be there and is not.
    pub(super) fn lacks(&self, name: &str) -> RequestFault {
        RequestFault::missing(&self.below(name))
    }

    /// Its value is not allowed.
    pub(super) fn wrong(&self, rule: &str) -> RequestFault {
        RequestFault::invalid_value(&self.path, rule)
    }

    /// It has a meaning other dialects have no place for.
    pub(super) fn unsupported(&self, why: &str) -> RequestFault {
        RequestFault::unsupported(&self.path, why)
    }

    fn wrong_type(&self, rule: &str) -> RequestFault {
        let path = if self.path.is_empty() { "the body" } else { &self.path };
        RequestFault::invalid_type(path, rule)
    }

    /// Where a member of it stands.
    pub(super) fn below(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn value<T: Deserialize<'a>>(&self) -> Option<T> {
        serde_json::from_str(self.text).ok()
    }
}
