//! One key: what it is, what it may do with everything above it, and whether it may call at a moment. Pure.
//! Owns the chain from a key to everything it is charged to. Refuses secrets: a key is known here by digest only.

use std::iter;
use std::sync::Arc;

use super::ring::Project;
use crate::domain::{Allowed, Budget, Globs, KeyId, Limits, Money, Parameters, ProjectId, Scope, Timestamp, TokenId};

/// The keyed hash of a presented key: the only form in which a key is kept.
pub type KeyDigest = [u8; 32];

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
    /// The secret it had before its last rotation, as long as that still opens it.
    pub former: Option<Former>,
    /// Its own budget, if it has one.
    pub budget: Option<Budget>,
    /// Its own traffic limits.
    pub limits: Limits,
    /// The models it may use, within its project's.
    pub allowed_models: Allowed,
    /// The paths it may call; all if absent.
    pub allowed_endpoints: Option<Globs>,
    /// The values that the parameters named here may have.
    pub allowed_parameters: Option<Parameters>,
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
    /// Who made it, as the audit trail calls them.
    pub created_by: Option<String>,
}

/// A secret that was replaced and still opens its key for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// Its visible beginning.
    pub prefix: String,
    /// The hash it is found by.
    pub digest: KeyDigest,
    /// When it ends.
    pub until: Timestamp,
}

impl VirtualKey {
    /// Everything the key is found by.
    pub fn digests(&self) -> impl Iterator<Item = &KeyDigest> {
        iter::once(&self.digest).chain(self.former.iter().map(|former| &former.digest))
    }

    /// Whether the secret with this hash opens the key no more, because another took its place.
    pub fn has_replaced(&self, digest: &KeyDigest, now: Timestamp) -> bool {
        self.former.as_ref().is_some_and(|former| former.digest == *digest && now >= former.until)
    }
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
    /// Its project, or one above that, is deactivated.
    Inactive,
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
    /// Whether its project, or one above that, is deactivated.
    pub inactive: bool,
    /// The token by which it is used, if it is not used itself.
    pub token: Option<TokenId>,
}

impl AuthorizedKey {
    /// A key in its `project`, which stands below `parents`, nearest first.
    pub fn new<'a>(key: VirtualKey, project: &'a Project, parents: impl IntoIterator<Item = &'a Project>) -> Self {
        let mut scopes = vec![Scope::Key(key.id)];
        let mut limits = vec![(Scope::Key(key.id), key.limits)];
        let mut allowed = vec![key.allowed_models.clone()];
        let mut budgeted = key.budget.as_ref().is_some_and(Budget::is_enforced);
        let mut inactive = false;
        for project in iter::once(project).chain(parents) {
            scopes.push(Scope::Project(project.id));
            limits.push((Scope::Project(project.id), project.limits));
            allowed.push(project.allowed_models.clone());
            budgeted |= project.budget.as_ref().is_some_and(Budget::is_enforced);
            inactive |= project.deactivated_at.is_some();
        }
        limits.retain(|(_, limits)| !limits.is_unlimited());
        allowed.retain(|list| !list.0.iter().any(|pattern| pattern == "*"));
        let project = project.clone();
        Self {
            key,
            project,
            scopes: scopes.into(),
            limits: limits.into(),
            allowed: allowed.into(),
            budgeted,
            inactive,
            token: None,
        }
    }

    /// Whether the key may call at `now`. A revoked key stays revoked when it has expired as well.
    pub fn state(&self, now: Timestamp) -> KeyState {
        if self.key.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.key.expires_at.is_some_and(|end| now >= end) {
            KeyState::Expired
        } else if self.inactive {
            KeyState::Inactive
        } else {
            KeyState::Active
        }
    }

    /// The same key as it is used by `token`, which may use those of `models` that the key may.
    #[must_use]
    pub fn by(&self, token: TokenId, models: Option<Allowed>) -> Self {
        let allowed = self.allowed.iter().cloned().chain(models).collect();
        Self { allowed, token: Some(token), ..self.clone() }
    }

    /// Whether the key, its project and every project above allow `model`.
    pub fn admits(&self, model: &str) -> bool {
        self.allowed.iter().all(|list| list.admits(model))
    }
}
