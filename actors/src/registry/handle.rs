//! The registry as everybody else sees it: a snapshot to read and verbs to change it.
//! Hides messages and restarts. Refuses to hand out anything that could change the snapshot.

use super::RegistryActor;
use super::catalogue::{Catalogue, Deployment, Provider};
use super::changes::Resealed;
use super::error::RegistryError;
use super::group::Group;
use super::messages::{
    CreateDeployment, CreateGroup, CreateProvider, DeleteDeployment, DeleteGroup, DeleteProvider, Requote,
    ResealProviders, UpdateDeployment, UpdateGroup, UpdateProvider,
};
use super::prices::{Plan, Quote};
use crate::domain::{DeploymentId, Event, GroupId, ProviderId};
use crate::mailbox::{Mailbox, Vitals};
use crate::snapshot::Snapshot;

/// Providers, deployments and prices. Cheap to clone.
///
/// Reading asks nobody: take [`Registry::snapshot`] once and load it for each request. When a verb answers `Ok`, the
/// change is durable and every reader sees it.
///
/// Every verb takes the event that goes on record with the change, in one transaction, and fails with [`RegistryError`]. [`RegistryError::Actor`] is passing; after its `Gone` kind, and after
/// [`RegistryError::Store`] that says so, the change may have been made.
#[derive(Clone)]
pub struct Registry {
    mailbox: Mailbox<RegistryActor>,
    catalogue: Snapshot<Catalogue>,
}

impl Registry {
    pub(super) fn new(mailbox: Mailbox<RegistryActor>, catalogue: Snapshot<Catalogue>) -> Self {
        Self { mailbox, catalogue }
    }

    /// All providers and deployments as last published; survives restarts of the actor.
    pub fn snapshot(&self) -> Snapshot<Catalogue> {
        self.catalogue.clone()
    }

    /// Adds a provider.
    ///
    /// # Errors
    /// If its name is taken or a field is wrong.
    pub async fn create_provider(&self, provider: Provider, event: Event) -> Result<(), RegistryError> {
        self.mailbox.ask(CreateProvider(provider, event)).await?
    }

    /// Replaces the provider with this id. The time it was made stays; `updated_at` always moves forward, because
    /// caches are keyed by it.
    ///
    /// # Errors
    /// As [`Registry::create_provider`], or if there is none.
    pub async fn update_provider(&self, provider: Provider, event: Event) -> Result<(), RegistryError> {
        self.mailbox.ask(UpdateProvider(provider, event)).await?
    }

    /// Puts keys in place that were sealed anew. A provider whose key is another by now, or that is gone, is passed over;
    /// `updated_at` stays, because the keys are the same.
    ///
    /// # Errors
    /// If they were not saved.
    pub async fn reseal_providers(&self, keys: Vec<Resealed>, event: Event) -> Result<(), RegistryError> {
        self.mailbox.ask(ResealProviders(keys, event)).await?
    }

    /// Removes a provider without deployments.
    ///
    /// # Errors
    /// If there is none, or deployments use it.
    pub async fn delete_provider(&self, id: ProviderId, event: Event) -> Result<(), RegistryError> {
        self.mailbox.ask(DeleteProvider(id, event)).await?
    }

    /// Adds a deployment; its price, if it has one, becomes a new version in force from now on, and so does a planned one
    /// from its moment. The ids of versions are chosen by the registry, whatever the record says.
    ///
    /// # Errors
    /// If its provider is missing, a field is wrong, the plan's moment has passed, or the same deployment is there already.
    pub async fn create_deployment(
        &self,
        deployment: Deployment,
        plan: Plan,
        event: Event,
    ) -> Result<(), RegistryError> {
        self.mailbox.ask(CreateDeployment(deployment, plan, event)).await?
    }

    /// Replaces the deployment with this id; the time it was made stays. A price that differs becomes a new version in
    /// force from now on, an equal one keeps its version; what becomes of a planned price is `plan`'s to say, whatever the
    /// record has.
    ///
    /// # Errors
    /// As [`Registry::create_deployment`], or if there is none.
    pub async fn update_deployment(
        &self,
        deployment: Deployment,
        plan: Plan,
        event: Event,
    ) -> Result<(), RegistryError> {
        self.mailbox.ask(UpdateDeployment(deployment, plan, event)).await?
    }

    /// Puts a list's price in force, where a list may say it.
    ///
    /// # Errors
    /// If there is no such deployment, an operator set its price, or it has another one than the quote was compared with.
    pub async fn requote(&self, quote: Quote, event: Event) -> Result<(), RegistryError> {
        self.mailbox.ask(Requote(quote, event)).await?
    }

    /// Removes a deployment. The versions of its price stay, because the books name them; a planned one is withdrawn.
    ///
    /// # Errors
    /// If there is none, or a group needs it.
    pub async fn delete_deployment(&self, id: DeploymentId, event: Event) -> Result<(), RegistryError> {
        self.mailbox.ask(DeleteDeployment(id, event)).await?
    }

    /// Adds a group.
    ///
    /// # Errors
    /// If its name is a model's or another group's, a target is missing, a field is wrong, or groups would stand inside one
    /// another without end.
    pub async fn create_group(&self, group: Group, event: Event) -> Result<(), RegistryError> {
        self.mailbox.ask(CreateGroup(group, event)).await?
    }

    /// Replaces the group with this id; the time it was made stays.
    ///
    /// # Errors
    /// As [`Registry::create_group`], if there is none, or if it would lose a name that another group uses.
    pub async fn update_group(&self, group: Group, event: Event) -> Result<(), RegistryError> {
        self.mailbox.ask(UpdateGroup(group, event)).await?
    }

    /// Removes a group.
    ///
    /// # Errors
    /// If there is none, or another group uses it.
    pub async fn delete_group(&self, id: GroupId, event: Event) -> Result<(), RegistryError> {
        self.mailbox.ask(DeleteGroup(id, event)).await?
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
