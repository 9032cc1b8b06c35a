//! What the keyring's handle says to its actor. Owns no rule: every verb is a command with a record in it.

use actix::Message;

use super::error::KeyringError;
use super::ring::{KeyDigest, Project, VirtualKey};
use crate::domain::{Event, KeyId, ProjectId, Timestamp, TokenId};

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

/// A key's new secret, known by its visible beginning and its digest, and until when the present one goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The new secret's visible beginning.
    pub prefix: String,
    /// The new secret's hash.
    pub digest: KeyDigest,
    /// When the present secret ends; at once, if absent.
    pub former_until: Option<Timestamp>,
}

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct RotateKey {
    pub(super) id: KeyId,
    pub(super) renewal: Renewal,
    pub(super) event: Event,
}

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct RevokeKey {
    pub(super) id: KeyId,
    pub(super) event: Event,
}

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct RevokeKeys {
    pub(super) project: ProjectId,
    pub(super) event: Event,
}

#[derive(Message)]
#[rtype(result = "Result<(), KeyringError>")]
pub(super) struct RevokeToken {
    pub(super) token: TokenId,
    pub(super) until: Timestamp,
    pub(super) event: Event,
}
