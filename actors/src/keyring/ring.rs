//! The ring: projects, their virtual keys, and how a presented key becomes an authorised caller. Pure.
//! Owns the chain from a key to everything it is charged to. Refuses secrets: keys are known here by digest only.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{Allowed, Budget, KeyId, Limits, ProjectId, Scope, Timestamp};

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
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A key that may call now, with everything a call needs to know about it. Shared by reference, never changed.
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
    /// Whether any scope has a budget, so that every call needs a price and an output cap.
    pub budgeted: bool,
}

/// All keys and projects, as last published.
#[derive(Debug, Default)]
pub struct Keys {
    by_digest: HashMap<KeyDigest, Arc<AuthorizedKey>>,
    projects: HashMap<ProjectId, Arc<Project>>,
}
