//! What the keyring's handle says to its actor. Owns no rule: every verb is a command with a record in it.

use actix::Message;

use super::error::KeyringError;
use super::ring::{KeyDigest, Project, VirtualKey};
use crate::domain::{Event, KeyId, ProjectId};

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct CreateProject(pub(super) Project, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct UpdateProject(pub(super) Project, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct DeleteProject(pub(super) ProjectId, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct CreateKey(pub(super) VirtualKey, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct UpdateKey(pub(super) VirtualKey, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct RotateKey {
    pub(super) id: KeyId,
    pub(super) prefix: String,
    pub(super) digest: KeyDigest,
    pub(super) event: Event,
}

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct RevokeKey {
    pub(super) id: KeyId,
    pub(super) event: Event,
}
