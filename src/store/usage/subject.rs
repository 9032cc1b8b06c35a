//! Subjects: who used what where. Owns which subject a line belongs to, and the numbers rows know them by.
//! Refuses names of strangers: a request refused before a target was chosen has no model here.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use farthing_actors::domain::{KeyId, ProjectId, ProviderId, Scope};
use farthing_actors::ledger::entry::{Adjustment, Entry, Line};

use crate::store::StoreError;
use crate::store::schema::usage_subjects;

/// The number of all subjects together, whose sums are rows of their own. No subject is given it.
pub(in crate::store) const EVERYBODY: i64 = 0;
/// More than a busy gateway has at a time; beyond it the numbers are looked up again.
const MOST_KNOWN: usize = 50_000;

/// Project, key, model as the client named it, provider; absent where a line has none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::store) struct Subject {
    project: Option<ProjectId>,
    key: Option<KeyId>,
    model: Option<Arc<str>>,
    provider: Option<ProviderId>,
}

/// A subject as its row spells it; empty where it has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Queryable)]
pub struct SubjectName {
    /// The project's id.
    pub project: String,
    /// The key's id.
    pub key: String,
    /// The model as clients named it.
    pub model: String,
    /// The provider's id.
    pub provider: String,
}

/// The numbers of subjects, kept between batches.
#[derive(Default)]
pub(in crate::store) struct Numbers(HashMap<Subject, i64>);

impl Subject {
    /// The subject of `line`.
    pub(in crate::store) fn of(line: &Line) -> Self {
        match line {
            Line::Entry(entry) => Self::of_entry(entry),
            Line::Adjustment(adjustment) => Self::of_adjustment(adjustment),
        }
    }

    fn of_entry(entry: &Entry) -> Self {
        let target = entry.target.as_ref();
        Self {
            project: Some(entry.call.project),
            key: Some(entry.call.key),
            model: target.map(|_| Arc::clone(&entry.call.model)),
            provider: target.map(|target| target.provider),
        }
    }

    /// An adjustment is charged to the nearest project of its scopes.
    fn of_adjustment(adjustment: &Adjustment) -> Self {
        let mut subject = Self { project: None, key: None, model: None, provider: adjustment.provider };
        for scope in adjustment.scopes.iter().rev() {
            match scope {
                Scope::Key(key) => subject.key = Some(*key),
                Scope::Project(project) => subject.project = Some(*project),
                Scope::Run(_) => {}
            }
        }
        subject
    }

    /// As its row spells it.
    pub(in crate::store) fn name(&self) -> SubjectName {
        fn text(id: Option<&impl ToString>) -> String {
            id.map(ToString::to_string).unwrap_or_default()
        }
        SubjectName {
            project: text(self.project.as_ref()),
            key: text(self.key.as_ref()),
            model: text(self.model.as_ref()),
            provider: text(self.provider.as_ref()),
        }
    }
}

impl Numbers {
    /// The number of `subject`, which is given one if it has none.
    pub(super) fn of(&mut self, connection: &mut SqliteConnection, subject: &Subject) -> Result<i64, StoreError> {
        if let Some(number) = self.0.get(subject) {
            return Ok(*number);
        }
        if self.0.len() >= MOST_KNOWN {
            self.forget();
        }
        let name = subject.name();
        let number = match find(connection, &name)? {
            Some(number) => number,
            None => make(connection, &name)?,
        };
        self.0.insert(subject.clone(), number);
        Ok(number)
    }

    /// Forgets them all: what was given in a transaction that failed was not given.
    pub(in crate::store) fn forget(&mut self) {
        self.0.clear();
    }
}

/// Every subject by its number.
pub(in crate::store) fn names(connection: &mut SqliteConnection) -> Result<HashMap<i64, SubjectName>, StoreError> {
    let columns =
        (usage_subjects::project_id, usage_subjects::key_id, usage_subjects::model, usage_subjects::provider_id);
    let rows = usage_subjects::table.select((usage_subjects::id, columns)).load(connection)?;
    Ok(rows.into_iter().collect())
}

fn find(connection: &mut SqliteConnection, name: &SubjectName) -> Result<Option<i64>, StoreError> {
    let found = usage_subjects::table
        .filter(usage_subjects::project_id.eq(&name.project))
        .filter(usage_subjects::key_id.eq(&name.key))
        .filter(usage_subjects::model.eq(&name.model))
        .filter(usage_subjects::provider_id.eq(&name.provider))
        .select(usage_subjects::id);
    Ok(found.first(connection).optional()?)
}

fn make(connection: &mut SqliteConnection, name: &SubjectName) -> Result<i64, StoreError> {
    let row = (
        usage_subjects::project_id.eq(&name.project),
        usage_subjects::key_id.eq(&name.key),
        usage_subjects::model.eq(&name.model),
        usage_subjects::provider_id.eq(&name.provider),
    );
    Ok(diesel::insert_into(usage_subjects::table).values(row).returning(usage_subjects::id).get_result(connection)?)
}
