//! What the keyring's handle says to its actor. Owns no rule: every verb is a command with a record in it.

use actix::Message;

use super::error::KeyringError;
use super::ring::{KeyDigest, Project, VirtualKey};
use crate::domain::{KeyId, ProjectId, Timestamp};

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct CreateProject(pub(super) Project);

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct UpdateProject(pub(super) Project);

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct DeleteProject(pub(super) ProjectId);

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct CreateKey(pub(super) VirtualKey);

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct UpdateKey(pub(super) VirtualKey);

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct RotateKey {
    pub(super) id: KeyId,
    pub(super) prefix: String,
    pub(super) digest: KeyDigest,
}

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct RevokeKey {
    pub(super) id: KeyId,
    pub(super) at: Timestamp,
}
