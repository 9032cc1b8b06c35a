//! What the registry's handle says to its actor. Owns no rule: every verb is a command with a record in it.

use actix::Message;

use super::catalogue::{Deployment, Provider};
use super::error::RegistryError;
use crate::domain::{DeploymentId, ProviderId, Timestamp};

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
