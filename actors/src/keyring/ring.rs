//! The ring: projects, their virtual keys, and how a presented key becomes an authorised caller. Pure.
//! Owns the chain from a key to everything it is charged to. Refuses secrets: keys are known here by digest only.

use std::collections::{BTreeMap, HashMap};
use std::iter;
use std::sync::Arc;

use super::changes::Change;
use super::error::KeyringError;
use crate::domain::{Allowed, Budget, KeyId, Limits, Money, ProjectId, ResponseCache, Scope, Timestamp};

/// The keyed hash of a presented key: the only form in which a key is kept.
pub type KeyDigest = [u8; 32];

/// How many projects may stand above one another.
pub const MAX_DEPTH: usize = 8;

/// Who is charged: a project, perhaps below another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its unique name.
    pub name: String,
    /// The project above it.
    pub parent: Option<ProjectId>,
    /// Its budget, if it has one.
    pub budget: Option<Budget>,
    /// Its traffic limits.
    pub limits: Limits,
    /// The models its keys may use.
    pub allowed_models: Allowed,
    /// Whether its answers are given again; those of projects below it are their own affair.
    pub response_cache: Option<ResponseCache>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The secret an application presents, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualKey {
    /// Its id.
    pub id: KeyId,
    /// The project it belongs to.
    pub project: ProjectId,
    /// What people call it.
    pub name: String,
    /// The visible beginning, such as `sk-ft-ab12cd34`.
    pub prefix: String,
    /// The hash it is found by.
    pub digest: KeyDigest,
    /// Its own budget, if it has one.
    pub budget: Option<Budget>,
    /// Its own traffic limits.
    pub limits: Limits,
    /// The models it may use, within its project's.
    pub allowed_models: Allowed,
    /// How many requests it may ever have.
    pub max_requests: Option<u64>,
    /// What one run of an agent may cost.
    pub run_limit: Option<Money>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether a key may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It may.
    Active,
    /// It was taken back.
    Revoked,
    /// Its time is over.
    Expired,
}

/// A key with everything a call needs to know about it. Shared by reference, never changed. Whether it may call is
/// [`AuthorizedKey::state`]'s answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizedKey {
    /// The key.
    pub key: VirtualKey,
    /// Its project.
    pub project: Project,
    /// Everything its calls are charged to: the key, its project, that project's parents.
    pub scopes: Arc<[Scope]>,
    /// The traffic limits that apply, one for each scope that has any.
    pub limits: Arc<[(Scope, Limits)]>,
    /// The lists of allowed models that apply, without those that allow everything.
    pub allowed: Arc<[Allowed]>,
    /// Whether any scope has a budget that is enforced, so that every call needs a price and an output cap.
    pub budgeted: bool,
}

impl AuthorizedKey {
    /// A key in its `project`, which stands below `parents`, nearest first.
    pub fn new<'a>(key: VirtualKey, project: &'a Project, parents: impl IntoIterator<Item = &'a Project>) -> Self {
        let mut scopes = vec![Scope::Key(key.id)];
        let mut limits = vec![(Scope::Key(key.id), key.limits)];
        let mut allowed = vec![key.allowed_models.clone()];
        let mut budgeted = key.budget.as_ref().is_some_and(Budget::is_enforced);
        for project in iter::once(project).chain(parents) {
            scopes.push(Scope::Project(project.id));
            limits.push((Scope::Project(project.id), project.limits));
            allowed.push(project.allowed_models.clone());
            budgeted |= project.budget.as_ref().is_some_and(Budget::is_enforced);
        }
        limits.retain(|(_, limits)| !limits.is_unlimited());
        allowed.retain(|list| !list.0.iter().any(|pattern| pattern == "*"));
        let project = project.clone();
        Self { key, project, scopes: scopes.into(), limits: limits.into(), allowed: allowed.into(), budgeted }
    }

    /// Whether the key may call at `now`. A revoked key stays revoked when it has expired as well.
    pub fn state(&self, now: Timestamp) -> KeyState {
        if self.key.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.key.expires_at.is_some_and(|end| now >= end) {
            KeyState::Expired
        } else {
            KeyState::Active
        }
    }

    /// Whether the key, its project and every project above allow `model`.
    pub fn admits(&self, model: &str) -> bool {
        self.allowed.iter().all(|list| list.admits(model))
    }
}

/// All keys and projects at one moment. Its methods ask nobody; what may be changed about it is in
/// [`changes`](super::changes).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Keys {
    by_digest: HashMap<KeyDigest, Arc<AuthorizedKey>>,
    keys: BTreeMap<KeyId, Arc<AuthorizedKey>>,
    projects: BTreeMap<ProjectId, Arc<Project>>,
}

impl Keys {
    /// The ring made of these records.
    ///
    /// # Errors
    /// If a project's parents are missing, too many or circular, or a key's project is missing.
    pub fn new(projects: Vec<Project>, keys: Vec<VirtualKey>) -> Result<Self, KeyringError> {
        let projects = projects.into_iter().map(|project| (project.id, Arc::new(project))).collect();
        let mut ring = Self { projects, ..Self::default() };
        if let Some(id) = ring.projects.keys().find(|id| !ring.is_rooted(**id)) {
            return Err(KeyringError::Conflict(format!(
                "the parents of project {id} are missing, circular or too many"
            )));
        }
        for key in keys {
            let (id, project) = (key.id, key.project);
            if !ring.insert(key) {
                return Err(KeyringError::Conflict(format!("key {id} belongs to project {project}, which is missing")));
            }
        }
        Ok(ring)
    }

    /// The key with this digest, whatever its state.
    pub fn find(&self, digest: &KeyDigest) -> Option<&Arc<AuthorizedKey>> {
        self.by_digest.get(digest)
    }

    /// The key with this id, whatever its state.
    pub fn key(&self, id: KeyId) -> Option<&Arc<AuthorizedKey>> {
        self.keys.get(&id)
    }

    /// Every key, revoked ones included, oldest first.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Arc<AuthorizedKey>> {
        self.keys.values()
    }

    /// The project with this id.
    pub fn project(&self, id: ProjectId) -> Option<&Arc<Project>> {
        self.projects.get(&id)
    }

    /// The project with this name.
    pub fn project_by_name(&self, name: &str) -> Option<&Arc<Project>> {
        self.projects().find(|project| project.name == name)
    }

    /// Every project, oldest first.
    pub fn projects(&self) -> impl DoubleEndedIterator<Item = &Arc<Project>> {
        self.projects.values()
    }

    /// The project and those above it, nearest first; never more than [`MAX_DEPTH`] and one, even in a circle.
    pub fn lineage(&self, id: ProjectId) -> impl Iterator<Item = &Arc<Project>> {
        let above = |project: &&Arc<Project>| project.parent.and_then(|parent| self.project(parent));
        iter::successors(self.project(id), above).take(MAX_DEPTH + 1)
    }

    /// This ring after `change`.
    pub(super) fn with(&self, change: Change) -> Self {
        let mut next = self.clone();
        match change {
            Change::SaveProject(project) => {
                next.projects.insert(project.id, Arc::new(project));
                // Every key below carries what it inherits; changes of projects are rare and keys are few.
                for key in self.keys() {
                    next.insert(key.key.clone());
                }
            }
            Change::RemoveProject(id) => {
                next.projects.remove(&id);
            }
            Change::SaveKey(key) => {
                next.insert(key);
            }
        }
        next
    }

    /// Puts the key in, if its project is there.
    fn insert(&mut self, key: VirtualKey) -> bool {
        let mut lineage = self.lineage(key.project).map(|project| &**project);
        let Some(project) = lineage.next() else { return false };
        let key = Arc::new(AuthorizedKey::new(key, project, lineage));
        // The key's former secret, if it had another, no longer opens anything.
        if let Some(former) = self.keys.get(&key.key.id) {
            self.by_digest.remove(&former.key.digest);
        }
        self.by_digest.insert(key.key.digest, Arc::clone(&key));
        self.keys.insert(key.key.id, key);
        true
    }

    fn is_rooted(&self, id: ProjectId) -> bool {
        let mut lineage = self.lineage(id).take(MAX_DEPTH);
        lineage.any(|project| project.parent.is_none())
    }
}
