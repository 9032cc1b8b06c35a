//! The audit trail's words: who did what, from where, and what came of it.
//! Owns what an event says. Refuses secrets: details name things and fields, never a field's value.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::ids::{AuditId, ProjectId, RequestId};

/// Who acts, when and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Who: an operator's name, or the part of the program that did it.
    pub name: Arc<str>,
    /// When.
    pub at: Timestamp,
    /// From where.
    pub origin: Origin,
}

/// The request that somebody acts by; empty for what the program does by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Which request.
    pub request: Option<RequestId>,
    /// From which address.
    pub client_ip: Option<IpAddr>,
    /// With which program, by its own word.
    pub user_agent: Option<Arc<str>>,
    /// What was called: the method, and the route's pattern.
    pub endpoint: Option<(Arc<str>, Arc<str>)>,
    /// Which version of a thing it is about (`If-Match`), where it says so.
    pub expects: Option<Arc<str>>,
}

/// One event of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its identity.
    pub id: AuditId,
    /// Who did it, when and from where.
    pub author: Author,
    /// What was done: a noun, a dot and a verb, such as `project.create`.
    pub action: Arc<str>,
    /// The project concerned, if it is one.
    pub project: Option<ProjectId>,
    /// What came of it.
    pub result: Effect,
    /// What else an investigation needs, by name.
    pub details: Details,
}

/// Names and texts, in the order of the names.
pub type Details = BTreeMap<Arc<str>, Arc<str>>;

/// What came of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It was done.
    Success,
    /// It was not allowed, or made no sense.
    Refused,
    /// It should have been done, and could not be.
    Failure,
    /// It is about to be done; what came of it is another event.
    Attempted,
}

/// A text that is no [`Effect`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected success, refused, failure or attempted")]
pub struct UnknownEffect;

impl Author {
    /// Somebody whose request is not known.
    pub fn new(name: impl Into<Arc<str>>, at: Timestamp) -> Self {
        Self { name: name.into(), at, origin: Origin::default() }
    }

    /// Does `action`, such as `project.create`, with success.
    pub fn does(&self, action: impl Into<Arc<str>>) -> Event {
        let id = AuditId::generate();
        let (author, action, details) = (self.clone(), action.into(), Details::new());
        let event = Event { id, author, action, project: None, result: Effect::Success, details };
        match &self.origin.endpoint {
            Some((method, pattern)) => event.and("http_method", method).and("endpoint", pattern),
            None => event,
        }
    }
}

impl Event {
    /// The same event with one detail more.
    #[must_use]
    pub fn and(mut self, name: impl Into<Arc<str>>, text: impl fmt::Display) -> Self {
        self.details.insert(name.into(), text.to_string().into());
        self
    }

    /// The same event with the names of those that are true, if any is.
    #[must_use]
    pub fn changing(self, fields: &[(&str, bool)]) -> Self {
        let names: Vec<_> = fields.iter().filter(|(_, changed)| *changed).map(|(name, _)| *name).collect();
        if names.is_empty() { self } else { self.and("changed", names.join(" ")) }
    }

    /// The same event about the thing with this id.
    #[must_use]
    pub fn about(self, id: impl fmt::Display) -> Self {
        self.and("object", id)
    }

    /// The same event of a project.
    #[must_use]
    pub fn of(mut self, project: ProjectId) -> Self {
        self.project = Some(project);
        self
    }

    /// Another event that says the same.
    #[must_use]
    pub fn again(self) -> Self {
        Self { id: AuditId::generate(), ..self }
    }

    /// The same event with this result.
    #[must_use]
    pub fn ending(mut self, result: Effect) -> Self {
        self.result = result;
        self
    }
}

impl Effect {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Success, Self::Refused, Self::Failure, Self::Attempted];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failure => "failure",
            Self::Attempted => "attempted",
        }
    }
}

impl FromStr for Effect {
    type Err = UnknownEffect;

    fn from_str(text: &str) -> Result<Self, UnknownEffect> {
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or(UnknownEffect)
    }
}
