//! Groups: one model name for several models, and how one of them is chosen.
//! Owns the record and the conditions of its rules, in tables as on the wire. Refuses to choose: that is
//! [`routing`](super::routing)'s.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::classifier::Classifier;
use super::routing::Situation;
use crate::domain::{GroupId, Strategy, Timestamp};

/// A name that stands for several models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// The model as clients name it; no model and no other group has this name.
    pub name: Arc<str>,
    /// How it chooses.
    pub strategy: Strategy,
    /// Who rates requests, where it chooses by that.
    pub classifier: Option<Classifier>,
    /// Among what, in order.
    pub targets: Vec<Target>,
    /// The model or group whose calls it decides about in the shadow, without serving them.
    pub shadows: Option<Arc<str>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One choice of a group. In JSON `{"model": …}` or `{"group": …}`, with `weight` and `when`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
#[schemars(with = "Written")]
pub struct Target {
    /// What it is.
    pub to: To,
    /// Its share, where the group goes by shares.
    pub weight: u32,
    /// What a request must be for it, where the group goes by rules; `None` is any.
    pub when: Option<When>,
}

/// A model or a group, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// Every deployment of this model.
    Model(Arc<str>),
    /// Whatever this group chooses.
    Group(Arc<str>),
}

/// What a request must be; all that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Its prompt is estimated at so many tokens or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_input_tokens: Option<u64>,
    /// Its prompt is estimated at so many tokens or fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_input_tokens: Option<u64>,
    /// Whether it has pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<bool>,
    /// Whether it offers tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<bool>,
    /// It has one of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What was said last contains one of these words, in large or small letters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
}

/// A target as it is written.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<Arc<str>>,
    #[serde(default = "usual_weight")]
    weight: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    when: Option<When>,
}

impl To {
    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::Model(name) | Self::Group(name) => name,
        }
    }
}

impl When {
    /// Why the request meets the conditions, in words; `None` if it does not.
    pub(super) fn reason(&self, by: &dyn Situation) -> Option<String> {
        let mut reasons = Vec::new();
        reasons.extend(switch(self.images, || by.has_images(), "images")?);
        reasons.extend(switch(self.tools, || by.has_tools(), "tools")?);
        if self.min_input_tokens.is_some() || self.max_input_tokens.is_some() {
            let (least, most) = (self.min_input_tokens.unwrap_or(0), self.max_input_tokens.unwrap_or(u64::MAX));
            let tokens = by.input_tokens();
            (least..=most).contains(&tokens).then(|| reasons.push(format!("{tokens} input tokens")))?;
        }
        reasons.extend(one_of(&self.tags, |tag| by.is_tagged(tag), "tag")?);
        reasons.extend(one_of(&self.keywords, |word| by.mentions(word), "keyword")?);
        Some(if reasons.is_empty() { "any request".to_owned() } else { reasons.join(", ") })
    }
}

/// `None` if the condition is there and fails; without a reason if it is not there.
fn switch(wanted: Option<bool>, is: impl Fn() -> bool, what: &str) -> Option<Option<String>> {
    let Some(wanted) = wanted else { return Some(None) };
    (is() == wanted).then(|| Some(if wanted { what.to_owned() } else { format!("no {what}") }))
}

/// The same for a list of which one must hold.
fn one_of(list: &[String], holds: impl Fn(&str) -> bool, what: &str) -> Option<Option<String>> {
    if list.is_empty() {
        return Some(None);
    }
    list.iter().find(|item| holds(item)).map(|item| Some(format!("{what} {item}")))
}

impl TryFrom<Written> for Target {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let to = match (written.model, written.group) {
            (Some(name), None) => To::Model(name),
            (None, Some(name)) => To::Group(name),
            _ => return Err("a target names either a model or a group"),
        };
        Ok(Self { to, weight: written.weight, when: written.when })
    }
}

impl From<Target> for Written {
    fn from(target: Target) -> Self {
        let (model, group) = match target.to {
            To::Model(name) => (Some(name), None),
            To::Group(name) => (None, Some(name)),
        };
        Self { model, group, weight: target.weight, when: target.when }
    }
}

fn usual_weight() -> u32 {
    1
}
