//! Groups: what usage is broken down by, and what each group is called. Owns the columns a group has in tables.
//! Names are of today; what has gone meanwhile has its id alone.

use std::collections::BTreeMap;

use farthing_actors::keyring::ring::Keys;
use farthing_actors::registry::catalogue::Catalogue;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::books::{Figures, SubjectName};

/// What usage is broken down by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::web) enum Group {
    Day,
    Project,
    Key,
    Model,
    Provider,
}

impl Group {
    /// All of them, in the order of an export's columns.
    pub(in crate::web) const ALL: &'static [Self] = &[Self::Day, Self::Project, Self::Key, Self::Model, Self::Provider];

    /// The columns it has in an export.
    pub(in crate::web) fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Day => &["day"],
            Self::Project => &["project_id", "project"],
            Self::Key => &["key_id", "key"],
            Self::Model => &["model"],
            Self::Provider => &["provider_id", "provider"],
        }
    }

    /// What identifies the group of a subject on a day.
    pub(in crate::web) fn id<'a>(self, day: &'a str, subject: &'a SubjectName) -> &'a str {
        match self {
            Self::Day => day,
            Self::Project => &subject.project,
            Self::Key => &subject.key,
            Self::Model => &subject.model,
            Self::Provider => &subject.provider,
        }
    }
}

/// Where today's names are.
pub(in crate::web) struct Names<'a> {
    pub(in crate::web) keys: &'a Keys,
    pub(in crate::web) catalogue: &'a Catalogue,
}

impl Names<'_> {
    /// What people call the thing of this id; `None` if it has no name but its id, or is gone.
    pub(in crate::web) fn of(&self, group: Group, id: &str) -> Option<String> {
        match group {
            Group::Project => self.keys.project(id.parse().ok()?).map(|project| project.name.clone()),
            Group::Key => self.keys.key(id.parse().ok()?).map(|found| found.key.name.clone()),
            Group::Provider => self.catalogue.provider(id.parse().ok()?).map(|provider| provider.name.clone()),
            Group::Model | Group::Day => None,
        }
    }
}

/// The sums of subjects by the ids of `groups`, on `day`.
pub(in crate::web) fn sum_by(
    groups: &[Group],
    day: &str,
    subjects: &BTreeMap<SubjectName, Figures>,
) -> BTreeMap<Vec<String>, Figures> {
    let mut sums: BTreeMap<Vec<String>, Figures> = BTreeMap::new();
    for (subject, figures) in subjects {
        let ids = groups.iter().map(|group| group.id(day, subject).to_owned()).collect();
        *sums.entry(ids).or_default() += *figures;
    }
    sums
}
