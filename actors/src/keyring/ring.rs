//! The ring: projects, their virtual keys, and how a presented key becomes an authorised caller. Pure.
//! Owns the chain from a key to everything it is charged to. Refuses secrets: keys are known here by digest only.

use std::collections::{BTreeMap, HashMap};
use std::iter;
use std::sync::Arc;

use super::changes::Change;
use super::error::KeyringError;
pub use super::key::{AuthorizedKey, Former, KeyDigest, KeyState, VirtualKey};
use crate::domain::{Allowed, Budget, KeyId, Limits, ProjectId, ResponseCache, Timestamp, TokenId};

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
    /// Since when neither its keys nor those of projects below it may call.
    pub deactivated_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// All keys and projects at one moment. Its methods ask nobody; what may be changed about it is in
/// [`changes`](super::changes).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Keys {
    by_digest: HashMap<KeyDigest, Arc<AuthorizedKey>>,
    keys: BTreeMap<KeyId, Arc<AuthorizedKey>>,
    projects: BTreeMap<ProjectId, Arc<Project>>,
    /// Tokens that were taken back, until their own time is over.
    revoked: Arc<HashMap<TokenId, Timestamp>>,
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

    /// The same ring, which remembers these tokens as taken back, each until its own time is over.
    #[must_use]
    pub fn remembering(self, revoked: Vec<(TokenId, Timestamp)>) -> Self {
        Self { revoked: Arc::new(revoked.into_iter().collect()), ..self }
    }

    /// The key with this digest, or that had it before its last rotation, whatever its state.
    pub fn find(&self, digest: &KeyDigest) -> Option<&Arc<AuthorizedKey>> {
        self.by_digest.get(digest)
    }

    /// The key with this id, whatever its state.
    pub fn key(&self, id: KeyId) -> Option<&Arc<AuthorizedKey>> {
        self.keys.get(&id)
    }

    /// Whether the token with this id was taken back.
    pub fn is_revoked(&self, token: TokenId) -> bool {
        self.revoked.contains_key(&token)
    }

    /// How many tokens that were taken back are remembered.
    pub fn revoked_tokens(&self) -> usize {
        self.revoked.len()
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
        next.apply(change);
        next
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::SaveProject(project) => {
                self.projects.insert(project.id, Arc::new(project));
                // Every key below carries what it inherits; changes of projects are rare and keys are few.
                let keys: Vec<_> = self.keys().map(|key| key.key.clone()).collect();
                for key in keys {
                    self.insert(key);
                }
            }
            Change::RemoveProject(id) => drop(self.projects.remove(&id)),
            Change::SaveKey(key) => {
                self.insert(*key);
            }
            Change::SaveKeys(keys) => {
                for key in keys {
                    self.insert(key);
                }
            }
            Change::RevokeToken { token, until, at } => {
                let revoked = Arc::make_mut(&mut self.revoked);
                revoked.retain(|_, until| *until > at);
                revoked.insert(token, until);
            }
        }
    }

    /// Puts the key in, if its project is there.
    fn insert(&mut self, key: VirtualKey) -> bool {
        let mut lineage = self.lineage(key.project).map(|project| &**project);
        let Some(project) = lineage.next() else { return false };
        let key = Arc::new(AuthorizedKey::new(key, project, lineage));
        // What opened the key before opens nothing now, unless it still says so.
        if let Some(before) = self.keys.get(&key.key.id) {
            for digest in before.key.digests() {
                self.by_digest.remove(digest);
            }
        }
        for digest in key.key.digests() {
            self.by_digest.insert(*digest, Arc::clone(&key));
        }
        self.keys.insert(key.key.id, key);
        true
    }

    fn is_rooted(&self, id: ProjectId) -> bool {
        let mut lineage = self.lineage(id).take(MAX_DEPTH);
        lineage.any(|project| project.parent.is_none())
    }
}
