//! Virtual keys: made, changed and revoked. Owns what a new one is made of and the one moment its secret is seen.
//! Refuses to keep a secret, and to remove a key: the books name it for ever.

use std::sync::Arc;
use std::time::Duration;

use farthing_actors::domain::clock::DAY;
use farthing_actors::domain::{
    Allowed, Author, Budget, Globs, KeyId, Limits, Money, Parameters, ProjectId, Scope, Secret, Timestamp,
};
use farthing_actors::keyring::Renewal;
use farthing_actors::keyring::habits::Use;
use farthing_actors::keyring::ring::{AuthorizedKey, VirtualKey};

use super::budgets::{BudgetChange, CapChange};
use super::etag::expect;
use super::{Admin, AdminError, Tagged};
use crate::background;
use crate::store::{StoreError, key_uses};

/// A month: who needs two secrets for longer needs two keys.
const MAX_OVERLAP: Duration = Duration::from_hours(30 * 24);

/// How long keys live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyTerms {
    /// Days of a key whose maker does not say.
    pub default_days: u32,
    /// The most days that may be asked for; for ever is another matter.
    pub max_days: u32,
}

/// What `POST …/revoke-keys` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokedKeys {
    /// Those that worked until then.
    pub revoked: usize,
    /// Those that had been revoked before.
    pub already: usize,
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct KeyDraft {
    /// The project that is charged, by name or id.
    pub project: String,
    /// What people call it.
    pub name: String,
    /// Days until it expires, or never; [`KeyTerms::default_days`] if absent.
    pub expires_in_days: Option<Option<u32>>,
    /// Its own budget, if it has one.
    pub budget: Option<Budget>,
    /// Its own traffic limits.
    pub limits: Limits,
    /// The models it may use, within its project's.
    pub allowed_models: Allowed,
    /// The paths it may call; all if absent.
    pub allowed_endpoints: Option<Globs>,
    /// The values that named parameters may have.
    pub allowed_parameters: Option<Parameters>,
    /// How many requests it may ever have.
    pub max_requests: Option<u64>,
    /// What one run of an agent may cost.
    pub run_limit: Option<Money>,
}

/// What changes about a key; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct KeyChanges {
    /// Its name.
    pub name: Option<String>,
    /// Days from now until it expires, or never.
    pub expires_in_days: Option<Option<u32>>,
    /// Its budget, or none.
    pub budget: Option<Option<Budget>>,
    /// All its limits.
    pub limits: Option<Limits>,
    /// All its models.
    pub allowed_models: Option<Allowed>,
    /// All its paths, or any.
    pub allowed_endpoints: Option<Option<Globs>>,
    /// All its parameters' values, or any.
    pub allowed_parameters: Option<Option<Parameters>>,
    /// How many requests it may ever have, or any number.
    pub max_requests: Option<Option<u64>>,
    /// What one run may cost, or anything.
    pub run_limit: Option<Option<Money>>,
}

impl KeyChanges {
    fn names(&self) -> [(&'static str, bool); 9] {
        [
            ("name", self.name.is_some()),
            ("expires_in_days", self.expires_in_days.is_some()),
            ("budget", self.budget.is_some()),
            ("limits", self.limits.is_some()),
            ("allowed_models", self.allowed_models.is_some()),
            ("allowed_endpoints", self.allowed_endpoints.is_some()),
            ("allowed_parameters", self.allowed_parameters.is_some()),
            ("max_requests", self.max_requests.is_some()),
            ("run_limit_usd", self.run_limit.is_some()),
        ]
    }
}

/// A key with the secret that is seen this once.
#[derive(Debug)]
pub struct IssuedKey {
    /// The key.
    pub key: Arc<AuthorizedKey>,
    /// Its secret.
    pub secret: Secret,
}

impl Admin {
    /// The key with this id, whatever its state.
    ///
    /// # Errors
    /// If there is none.
    pub fn key(&self, id: KeyId) -> Result<Arc<AuthorizedKey>, AdminError> {
        self.keys().key(id).cloned().ok_or_else(|| AdminError::absent("key", id))
    }

    /// Makes a key; its budget is enforced before anybody can use it.
    ///
    /// # Errors
    /// If the project is missing, or as the keyring refuses.
    pub async fn create_key(&self, draft: KeyDraft, by: &Author) -> Result<IssuedKey, AdminError> {
        let project = self.find_project(&draft.project).map(|project| project.id);
        let missing = || AdminError::invalid("project", format!("{:?} does not exist", draft.project));
        let project = project.ok_or_else(missing)?;
        let (key, secret) = self.minted(project, draft, by)?;
        let (id, scope) = (key.id, Scope::Key(key.id));
        let budget = key.budget.clone().map(|after| BudgetChange { scope, before: None, after: Some(after) });
        let cap = key.max_requests.map(|after| CapChange { scope, before: None, after: Some(after) });
        let _one = self.changing.lock().await;
        let event = by.does("key.create").of(project).about(id).and("token_id", self.parts.naming.of(secret.expose()));
        self.with_terms((budget, cap), self.parts.keyring.create_key(key, event)).await?;
        Ok(IssuedKey { key: self.key(id)?, secret })
    }

    /// Changes a key.
    ///
    /// # Errors
    /// If there is none, or as the keyring refuses.
    pub async fn change_key(
        &self,
        id: KeyId,
        changes: KeyChanges,
        by: &Author,
    ) -> Result<Arc<AuthorizedKey>, AdminError> {
        let _one = self.changing.lock().await;
        let present = self.key(id)?;
        expect(by, &present.etag())?;
        let key = self.changed_key(&present.key, &changes)?;
        let event = by.does("key.update").of(key.project).about(id).changing(&changes.names());
        let (before, scope) = (&present.key, Scope::Key(id));
        let budget = changes.budget.map(|after| BudgetChange { scope, before: before.budget.clone(), after });
        let cap = changes.max_requests.map(|after| CapChange { scope, before: before.max_requests, after });
        self.with_terms((budget, cap), self.parts.keyring.update_key(key, event)).await?;
        self.key(id)
    }

    /// Gives a key another secret; id, budget and spend stay. The present secret goes on for `overlap`, so that whoever has
    /// it has time to change; one that was replaced before ends at once.
    ///
    /// # Errors
    /// If there is none, it is revoked, or the overlap is longer than 30 days.
    pub async fn rotate_key(&self, id: KeyId, overlap: Duration, by: &Author) -> Result<IssuedKey, AdminError> {
        if overlap > MAX_OVERLAP {
            return Err(AdminError::invalid("overlap_hours", "must be between 0 and 720"));
        }
        let _one = self.changing.lock().await;
        let project = self.key(id)?.key.project;
        let minted = self.parts.security.mint()?;
        let event =
            by.does("key.rotate").of(project).about(id).and("token_id", self.parts.naming.of(minted.secret.expose()));
        let event = event.and("overlap_hours", overlap.as_secs() / 3_600);
        let former_until = (!overlap.is_zero()).then(|| by.at.plus(overlap));
        let renewal = Renewal { prefix: minted.prefix, digest: minted.digest, former_until };
        self.parts.keyring.rotate_key(id, renewal, event).await?;
        Ok(IssuedKey { key: self.key(id)?, secret: minted.secret })
    }

    /// Ends a key for good. Its budget stays with it: calls in flight are still settled against it.
    ///
    /// # Errors
    /// If there is none.
    pub async fn revoke_key(&self, id: KeyId, by: &Author) -> Result<Arc<AuthorizedKey>, AdminError> {
        let _one = self.changing.lock().await;
        let project = self.key(id)?.key.project;
        self.parts.keyring.revoke_key(id, by.does("key.revoke").of(project).about(id)).await?;
        self.key(id)
    }

    /// Ends every key of exactly this project that still works: all of them or none.
    ///
    /// # Errors
    /// If there is no such project, or as the keyring fails.
    pub async fn revoke_project_keys(&self, id: ProjectId, by: &Author) -> Result<RevokedKeys, AdminError> {
        let _one = self.changing.lock().await;
        self.project(id)?;
        let keys = self.keys();
        let (ended, live): (Vec<_>, Vec<_>) =
            keys.keys().filter(|key| key.key.project == id).partition(|key| key.key.revoked_at.is_some());
        let done = RevokedKeys { revoked: live.len(), already: ended.len() };
        let event = by.does("project.revoke_keys").of(id).about(id).and("revoked", done.revoked);
        self.parts.keyring.revoke_keys(id, event).await?;
        Ok(done)
    }

    /// Saves where keys were used from, and that they were.
    ///
    /// # Errors
    /// If the database does not answer; then nothing was saved.
    pub async fn save_key_uses(&self, uses: Vec<(KeyId, Use)>) -> Result<(), AdminError> {
        if uses.is_empty() {
            return Ok(());
        }
        let (store, now) = (Arc::clone(self.parts.trail.store()), self.parts.clock.now());
        let work = move || store.change(|connection| key_uses::add(connection, &uses, now));
        Ok(background::run(work).await.map_err(StoreError::from)??)
    }

    fn minted(&self, project: ProjectId, draft: KeyDraft, by: &Author) -> Result<(VirtualKey, Secret), AdminError> {
        let minted = self.parts.security.mint()?;
        let now = self.parts.clock.now();
        let key = VirtualKey {
            id: KeyId::generate(),
            project,
            name: draft.name,
            prefix: minted.prefix,
            digest: minted.digest,
            former: None,
            budget: draft.budget,
            limits: draft.limits,
            allowed_models: draft.allowed_models,
            allowed_endpoints: draft.allowed_endpoints,
            allowed_parameters: draft.allowed_parameters,
            max_requests: draft.max_requests.map(countable).transpose()?,
            run_limit: draft.run_limit.map(payable).transpose()?,
            expires_at: self.expiry(now, draft.expires_in_days.unwrap_or(Some(self.parts.key_terms.default_days)))?,
            revoked_at: None,
            created_at: now,
            created_by: Some(by.name.to_string()),
        };
        Ok((key, minted.secret))
    }

    fn changed_key(&self, present: &VirtualKey, changes: &KeyChanges) -> Result<VirtualKey, AdminError> {
        let mut key = present.clone();
        if let Some(days) = changes.expires_in_days {
            key.expires_at = self.expiry(self.parts.clock.now(), days)?;
        }
        if let Some(budget) = &changes.budget {
            key.budget.clone_from(budget);
        }
        if let Some(allowed) = &changes.allowed_models {
            key.allowed_models.clone_from(allowed);
        }
        if let Some(paths) = &changes.allowed_endpoints {
            key.allowed_endpoints.clone_from(paths);
        }
        if let Some(values) = &changes.allowed_parameters {
            key.allowed_parameters.clone_from(values);
        }
        if let Some(max) = changes.max_requests {
            key.max_requests = max.map(countable).transpose()?;
        }
        if let Some(limit) = changes.run_limit {
            key.run_limit = limit.map(payable).transpose()?;
        }
        key.name = changes.name.clone().unwrap_or(key.name);
        key.limits = changes.limits.unwrap_or(key.limits);
        Ok(key)
    }

    fn expiry(&self, now: Timestamp, days: Option<u32>) -> Result<Option<Timestamp>, AdminError> {
        days.map(|days| days_after(now, days, self.parts.key_terms.max_days)).transpose()
    }
}

/// A cap that its column can hold.
fn countable(max: u64) -> Result<u64, AdminError> {
    let fits = i64::try_from(max).is_ok();
    fits.then_some(max).ok_or_else(|| AdminError::invalid("max_requests", format!("must be at most {}", i64::MAX)))
}

fn payable(limit: Money) -> Result<Money, AdminError> {
    let sound = !limit.is_negative();
    sound.then_some(limit).ok_or_else(|| AdminError::invalid("run_limit_usd", "must not be negative"))
}

fn days_after(now: Timestamp, days: u32, most: u32) -> Result<Timestamp, AdminError> {
    if !(1..=most).contains(&days) {
        let reason = format!("must be between 1 and {most}, or null for a key without an end");
        return Err(AdminError::invalid("expires_in_days", reason));
    }
    Ok(now.plus(DAY.saturating_mul(days)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_now_up_to_the_most() {
        assert_eq!(days_after(Timestamp(1_000), 30, 30).unwrap(), Timestamp(1_000 + 30 * 86_400_000));
        for days in [0, 31, u32::MAX] {
            let refused = days_after(Timestamp(0), days, 30).unwrap_err().to_string();
            assert!(refused.starts_with("expires_in_days "), "{refused}");
        }
    }
}
