//! The keyring as everybody else sees it: a snapshot to read and verbs to change it.
//! Hides messages and restarts. Refuses to hand out anything that could change the snapshot.

use super::KeyringActor;
use super::error::KeyringError;
use super::messages::{
    CreateKey, CreateProject, DeleteProject, Renewal, RevokeKey, RevokeKeys, RevokeToken, RotateKey, UpdateKey,
    UpdateProject,
};
use super::ring::{Keys, Project, VirtualKey};
use crate::domain::{Event, KeyId, ProjectId, Timestamp, TokenId};
use crate::mailbox::{Mailbox, Vitals};
use crate::snapshot::Snapshot;

/// Projects and virtual keys. Cheap to clone.
///
/// Reading asks nobody: take [`Keyring::snapshot`] once and load it for each request. When a verb answers `Ok`, the
/// change is durable and every reader sees it.
///
/// Every verb takes the event that goes on record with the change, in one transaction, and fails with [`KeyringError`]. [`KeyringError::Actor`] is passing; after its `Gone` kind, and after
/// [`KeyringError::Store`] that says so, the change may have been made.
#[derive(Clone)]
pub struct Keyring {
    mailbox: Mailbox<KeyringActor>,
    keys: Snapshot<Keys>,
}

impl Keyring {
    pub(super) fn new(mailbox: Mailbox<KeyringActor>, keys: Snapshot<Keys>) -> Self {
        Self { mailbox, keys }
    }

    /// All keys and projects as last published; survives restarts of the actor.
    pub fn snapshot(&self) -> Snapshot<Keys> {
        self.keys.clone()
    }

    /// Adds a project.
    ///
    /// # Errors
    /// If its name is taken, its parent is missing or too deep, or a field is wrong.
    pub async fn create_project(&self, project: Project, event: Event) -> Result<(), KeyringError> {
        self.mailbox.ask(CreateProject(project, event)).await?
    }

    /// Replaces the project with this id; the time it was made stays.
    ///
    /// # Errors
    /// As [`Keyring::create_project`], or if there is none, or if it would stand below itself.
    pub async fn update_project(&self, project: Project, event: Event) -> Result<(), KeyringError> {
        self.mailbox.ask(UpdateProject(project, event)).await?
    }

    /// Removes a project that nothing refers to.
    ///
    /// # Errors
    /// If a project stands below it or it ever had a key: the books name both.
    pub async fn delete_project(&self, id: ProjectId, event: Event) -> Result<(), KeyringError> {
        self.mailbox.ask(DeleteProject(id, event)).await?
    }

    /// Adds a key.
    ///
    /// # Errors
    /// If its project is missing or a field is wrong.
    pub async fn create_key(&self, key: VirtualKey, event: Event) -> Result<(), KeyringError> {
        self.mailbox.ask(CreateKey(key, event)).await?
    }

    /// Replaces name, budget, limits, models and expiry of the key with this id. What identifies it stays, and so does
    /// its revocation: only [`Keyring::revoke_key`] sets that, and nothing takes it back.
    ///
    /// # Errors
    /// If there is none, if it would move to another project, or a field is wrong.
    pub async fn update_key(&self, key: VirtualKey, event: Event) -> Result<(), KeyringError> {
        self.mailbox.ask(UpdateKey(key, event)).await?
    }

    /// Gives a key another secret. The present one goes on as long as `renewal` says, the one before it ends at once.
    ///
    /// # Errors
    /// If there is none, or it is revoked.
    pub async fn rotate_key(&self, id: KeyId, renewal: Renewal, event: Event) -> Result<(), KeyringError> {
        self.mailbox.ask(RotateKey { id, renewal, event }).await?
    }

    /// Ends a key for good, as of the event; revoked again, it keeps its first moment. The record stays.
    ///
    /// # Errors
    /// If there is none.
    pub async fn revoke_key(&self, id: KeyId, event: Event) -> Result<(), KeyringError> {
        self.mailbox.ask(RevokeKey { id, event }).await?
    }

    /// Ends every key of exactly this project, as of the event: all of them or none.
    ///
    /// # Errors
    /// If there is no such project.
    pub async fn revoke_keys(&self, project: ProjectId, event: Event) -> Result<(), KeyringError> {
        self.mailbox.ask(RevokeKeys { project, event }).await?
    }

    /// Ends a token, of whichever purpose, whose own time is over `until` then at the latest.
    ///
    /// # Errors
    /// If too many are revoked.
    pub async fn revoke_token(&self, token: TokenId, until: Timestamp, event: Event) -> Result<(), KeyringError> {
        self.mailbox.ask(RevokeToken { token, until, event }).await?
    }

    /// How the actor is, for the system page.
    pub fn vitals(&self) -> Vitals {
        self.mailbox.vitals()
    }

    /// Kills the actor and waits for its successor, to prove what a crash loses.
    #[cfg(feature = "testing")]
    pub async fn crash(&self) {
        crate::testing::crash(&self.mailbox).await;
    }
}
