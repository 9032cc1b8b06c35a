//! What may be changed in the ring, and why not. Pure: each verb takes a record and gives the change to save, or a refusal.
//! Owns every rule about projects and keys: names, parents, depth, fields, what stays for ever.

use std::sync::Arc;

use super::error::KeyringError;
use super::messages::Renewal;
use super::ring::{Former, Keys, MAX_DEPTH, Project, VirtualKey};
use crate::domain::{
    Allowed, Budget, Globs, KeyId, Limits, Parameters, ProjectId, ResponseCache, Timestamp, TokenId, name,
};

/// Far above any limit and far below what a row can hold.
const MAX_TOKENS_PER_MINUTE: u64 = 1_000_000_000_000;

/// A month: what is older than any answer should be.
const MAX_TTL_SECONDS: u32 = 31 * 24 * 60 * 60;

/// Tokens that were taken back and are not over; whoever takes back more should end the key, or change the session secret.
pub const MAX_REVOKED_TOKENS: usize = 100_000;

/// One accepted change, to be saved as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The project, new or instead of the one with its id.
    SaveProject(Project),
    /// No project with this id.
    RemoveProject(ProjectId),
    /// The key, new or instead of the one with its id.
    SaveKey(Box<VirtualKey>),
    /// Several keys, as [`Change::SaveKey`] each, all of them or none.
    SaveKeys(Vec<VirtualKey>),
    /// The token is accepted no more. It is remembered until its own time is over; those whose time is over `at` are not.
    RevokeToken {
        /// Which.
        token: TokenId,
        /// When its own time is over, at the latest.
        until: Timestamp,
        /// When it is taken back.
        at: Timestamp,
    },
}

type Decision = Result<Change, KeyringError>;

impl Keys {
    pub(super) fn create_project(&self, project: Project) -> Decision {
        if self.project(project.id).is_some() {
            return Err(KeyringError::Conflict("a project with this id exists already".to_owned()));
        }
        self.check_project(&project)?;
        Ok(Change::SaveProject(project))
    }

    pub(super) fn update_project(&self, mut project: Project) -> Decision {
        let present = self.project(project.id).ok_or(KeyringError::NotFound)?;
        project.created_at = present.created_at;
        self.check_project(&project)?;
        Ok(Change::SaveProject(project))
    }

    /// A key stays on record after it is revoked, because the books name it; so does its project.
    pub(super) fn delete_project(&self, id: ProjectId) -> Decision {
        self.project(id).ok_or(KeyringError::NotFound)?;
        let below = self.projects().filter(|project| project.parent == Some(id)).count();
        if below > 0 {
            let reason = format!("the project has {below} below it; move or delete those first");
            return Err(KeyringError::Conflict(reason));
        }
        let keys: Vec<_> = self.keys().filter(|key| key.key.project == id).collect();
        let revoked = keys.iter().filter(|key| key.key.revoked_at.is_some()).count();
        if !keys.is_empty() {
            let reason = format!(
                "the project has {} keys, {revoked} of them revoked; keys stay on record, so revoke them and keep the project",
                keys.len()
            );
            return Err(KeyringError::Conflict(reason));
        }
        Ok(Change::RemoveProject(id))
    }

    pub(super) fn create_key(&self, key: VirtualKey) -> Decision {
        if self.key(key.id).is_some() || self.find(&key.digest).is_some() {
            return Err(KeyringError::Conflict("a key with this id or digest exists already".to_owned()));
        }
        self.project(key.project).ok_or_else(|| KeyringError::invalid("project", "does not exist"))?;
        check_key(&key)?;
        self.check_models(&key)?;
        Ok(Change::SaveKey(Box::new(key)))
    }

    /// What identifies a key stays. Its revocation stays too: the caller may have read the key before it was revoked.
    pub(super) fn update_key(&self, key: VirtualKey) -> Decision {
        let present = &self.key(key.id).ok_or(KeyringError::NotFound)?.key;
        if key.project != present.project {
            return Err(KeyringError::invalid("project", "cannot be changed; create a key in the other project"));
        }
        let key = VirtualKey {
            prefix: present.prefix.clone(),
            digest: present.digest,
            former: present.former.clone(),
            revoked_at: present.revoked_at,
            created_at: present.created_at,
            created_by: present.created_by.clone(),
            ..key
        };
        check_key(&key)?;
        if key.allowed_models != present.allowed_models {
            self.check_models(&key)?;
        }
        Ok(Change::SaveKey(Box::new(key)))
    }

    /// A revoked key has no new secret: nothing takes its revocation back. Of the secrets before, only the last can go on.
    pub(super) fn rotate_key(&self, id: KeyId, renewal: Renewal) -> Decision {
        let Renewal { prefix, digest, former_until } = renewal;
        let present = &self.key(id).ok_or(KeyringError::NotFound)?.key;
        if present.revoked_at.is_some() {
            return Err(KeyringError::Conflict("the key is revoked; create another".to_owned()));
        }
        if self.find(&digest).is_some() {
            return Err(KeyringError::Conflict("a key with this digest exists already".to_owned()));
        }
        let former = former_until.map(|until| Former { prefix: present.prefix.clone(), digest: present.digest, until });
        Ok(Change::SaveKey(Box::new(VirtualKey { prefix, digest, former, ..present.clone() })))
    }

    pub(super) fn revoke_key(&self, id: KeyId, at: Timestamp) -> Decision {
        let present = &self.key(id).ok_or(KeyringError::NotFound)?.key;
        Ok(Change::SaveKey(Box::new(revoked(present, at))))
    }

    /// Every key of exactly this project that was not revoked yet.
    pub(super) fn revoke_keys(&self, project: ProjectId, at: Timestamp) -> Decision {
        self.project(project).ok_or(KeyringError::NotFound)?;
        let live = self.keys().filter(|key| key.key.project == project && key.key.revoked_at.is_none());
        Ok(Change::SaveKeys(live.map(|key| revoked(&key.key, at)).collect()))
    }

    /// A token that is revoked already stays so.
    pub(super) fn revoke_token(&self, token: TokenId, until: Timestamp, at: Timestamp) -> Decision {
        if !self.is_revoked(token) && self.revoked_tokens() >= MAX_REVOKED_TOKENS {
            let reason = format!("{MAX_REVOKED_TOKENS} tokens are revoked and not over yet; revoke their keys instead");
            return Err(KeyringError::Conflict(reason));
        }
        Ok(Change::RevokeToken { token, until, at })
    }

    /// A key may name no models that its projects withhold; what it may use is asked again at each call.
    fn check_models(&self, key: &VirtualKey) -> Result<(), KeyringError> {
        for project in self.lineage(key.project) {
            let beyond =
                key.allowed_models.0.iter().find(|pattern| *pattern != "*" && !project.allowed_models.covers(pattern));
            if let Some(pattern) = beyond {
                let reason = format!("{pattern:?} is not within what project {:?} allows", project.name);
                return Err(KeyringError::invalid("allowed_models", reason));
            }
        }
        Ok(())
    }

    fn check_project(&self, project: &Project) -> Result<(), KeyringError> {
        check_fields(&project.name, project.budget.as_ref(), project.limits, &project.allowed_models)?;
        check_cache(project.response_cache)?;
        if self.project_by_name(&project.name).is_some_and(|other| other.id != project.id) {
            return Err(KeyringError::NameTaken);
        }
        project.parent.map_or(Ok(()), |parent| self.check_parent(project.id, parent))
    }

    fn check_parent(&self, id: ProjectId, parent: ProjectId) -> Result<(), KeyringError> {
        let above: Vec<&Arc<Project>> = self.lineage(parent).collect();
        if above.is_empty() {
            return Err(KeyringError::invalid("parent", "does not exist"));
        }
        if above.iter().any(|project| project.id == id) {
            return Err(KeyringError::invalid("parent", "stands below this project or is the project itself"));
        }
        if above.len() + self.height(id) > MAX_DEPTH {
            return Err(KeyringError::invalid(
                "parent",
                format!("would make a chain of more than {MAX_DEPTH} projects"),
            ));
        }
        Ok(())
    }

    /// How many projects stand in the longest chain from this one downwards, itself included.
    fn height(&self, id: ProjectId) -> usize {
        let position = |project: &Arc<Project>| self.lineage(project.id).position(|above| above.id == id);
        self.projects().filter_map(position).max().unwrap_or(0) + 1
    }
}

fn revoked(key: &VirtualKey, at: Timestamp) -> VirtualKey {
    VirtualKey { revoked_at: key.revoked_at.or(Some(at)), ..key.clone() }
}

fn check_key(key: &VirtualKey) -> Result<(), KeyringError> {
    check_fields(&key.name, key.budget.as_ref(), key.limits, &key.allowed_models)?;
    if let Some(fault) = key.allowed_endpoints.as_ref().and_then(Globs::fault) {
        return Err(KeyringError::invalid("allowed_endpoints", fault));
    }
    if key.allowed_endpoints.as_ref().is_some_and(|paths| !paths.0.iter().all(|path| path.starts_with(['/', '*']))) {
        return Err(KeyringError::invalid("allowed_endpoints", "must be paths such as /v1/chat/*"));
    }
    if let Some(fault) = key.allowed_parameters.as_ref().and_then(Parameters::fault) {
        return Err(KeyringError::invalid("allowed_parameters", fault));
    }
    if key.expires_at.is_some_and(|end| end <= key.created_at) {
        return Err(KeyringError::invalid("expires_at", "must be later than the key's creation"));
    }
    Ok(())
}

fn check_fields(name: &str, budget: Option<&Budget>, limits: Limits, allowed: &Allowed) -> Result<(), KeyringError> {
    if let Some(reason) = name::fault(name) {
        return Err(KeyringError::invalid("name", reason));
    }
    if budget.is_some_and(|budget| budget.limit_usd.is_negative()) {
        return Err(KeyringError::invalid("budget.limit_usd", "must not be negative"));
    }
    check_limits(limits)?;
    if allowed.0.iter().any(|pattern| !is_pattern(pattern)) {
        return Err(KeyringError::invalid("allowed_models", "must be model names; a * may only stand at the end"));
    }
    Ok(())
}

fn check_limits(limits: Limits) -> Result<(), KeyringError> {
    const AT_LEAST_ONE: &str = "must be at least 1; leave it out for no limit";
    if limits.rpm == Some(0) {
        return Err(KeyringError::invalid("limits.rpm", AT_LEAST_ONE));
    }
    if limits.tpm == Some(0) {
        return Err(KeyringError::invalid("limits.tpm", AT_LEAST_ONE));
    }
    if limits.tpm.is_some_and(|tpm| tpm > MAX_TOKENS_PER_MINUTE) {
        return Err(KeyringError::invalid("limits.tpm", format!("must not exceed {MAX_TOKENS_PER_MINUTE}")));
    }
    if limits.concurrency == Some(0) {
        return Err(KeyringError::invalid("limits.concurrency", AT_LEAST_ONE));
    }
    Ok(())
}

fn check_cache(cache: Option<ResponseCache>) -> Result<(), KeyringError> {
    let sound = cache.is_none_or(|cache| (1..=MAX_TTL_SECONDS).contains(&cache.ttl_seconds));
    let reason = format!("must be between 1 and {MAX_TTL_SECONDS}; null keeps no answers");
    if sound { Ok(()) } else { Err(KeyringError::invalid("response_cache.ttl_seconds", reason)) }
}

fn is_pattern(pattern: &str) -> bool {
    let stem = pattern.strip_suffix('*').unwrap_or(pattern);
    !pattern.is_empty() && !stem.contains('*')
}
