//! What the registry's handle says to its actor. Owns no rule: every verb is a command with a record in it.

use actix::Message;

use super::catalogue::{Deployment, Provider};
use super::changes::Resealed;
use super::error::RegistryError;
use super::group::Group;
use super::prices::{Plan, Quote};
use crate::domain::{DeploymentId, Event, GroupId, ProviderId};

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct CreateProvider(pub(super) Provider, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct UpdateProvider(pub(super) Provider, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct ResealProviders(pub(super) Vec<Resealed>, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct DeleteProvider(pub(super) ProviderId, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct CreateDeployment(pub(super) Deployment, pub(super) Plan, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct UpdateDeployment(pub(super) Deployment, pub(super) Plan, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct DeleteDeployment(pub(super) DeploymentId, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct Requote(pub(super) Quote, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct CreateGroup(pub(super) Group, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct UpdateGroup(pub(super) Group, pub(super) Event);

#[derive(Message)]
#[rtype(result = "Result<(), RegistryError>")]
pub(super) struct DeleteGroup(pub(super) GroupId, pub(super) Event);
