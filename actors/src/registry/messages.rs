//! What the registry's handle says to its actor. Owns no rule: every verb is a command with a record in it.

use actix::Message;

use super::catalogue::{Deployment, Provider};
use super::error::RegistryError;
use super::group::Group;
use crate::domain::{DeploymentId, GroupId, ProviderId, Timestamp};

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct CreateProvider(pub(super) Provider);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct UpdateProvider(pub(super) Provider);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct DeleteProvider(pub(super) ProviderId);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct CreateDeployment(pub(super) Deployment);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct UpdateDeployment {
    pub(super) deployment: Deployment,
    pub(super) at: Timestamp,
}

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct DeleteDeployment(pub(super) DeploymentId);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct CreateGroup(pub(super) Group);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct UpdateGroup(pub(super) Group);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct DeleteGroup(pub(super) GroupId);
