//! The registry: owns providers, deployments, groups and prices, and is their only writer.
//! A crash loses nothing: everything is read back from the store, and readers keep the last snapshot meanwhile.
//! Refuses to publish what is not saved, to alter a price that calls were booked at, and to judge health.

pub mod catalogue;
pub mod changes;
pub mod error;
pub mod group;
mod grouping;
mod handle;
mod messages;
pub mod routing;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix::{Actor, ActorContext, ArbiterHandle, Context, Handler};

pub use catalogue::{Candidate, Catalogue, Deployment, Provider};
pub use changes::{Change, PriceVersion};
pub use error::RegistryError;
pub use group::Group;
pub use handle::Registry;
pub use store::RegistryStore;

use crate::domain::PriceId;
use crate::error::SaveError;
use crate::snapshot::{Publisher, Snapshot};
use crate::supervisor::{StartError, Supervisor};
use messages::{
    CreateDeployment, CreateGroup, CreateProvider, DeleteDeployment, DeleteGroup, DeleteProvider, UpdateDeployment,
    UpdateGroup, UpdateProvider,
};

/// The shell: decides with the core, saves through the port, then publishes.
struct RegistryActor {
    /// The core: what readers see, and therefore what is saved.
    catalogue: Snapshot<Catalogue>,
    published: Publisher<Catalogue>,
    store: Arc<dyn RegistryStore>,
}

/// Starts the registry on `arbiter` with what `store` holds.
///
/// # Errors
/// If the store cannot be read or its records contradict each other.
pub async fn start(
    supervisor: &Supervisor,
    arbiter: ArbiterHandle,
    store: Arc<dyn RegistryStore>,
) -> Result<Registry, StartError> {
    // Made once, outside the factory: readers outlive every actor that publishes to them.
    let published = Publisher::new(Catalogue::default());
    let reader = published.reader();
    let factory = move || RegistryActor::load(Arc::clone(&store), published.clone());
    let mailbox = supervisor.start("registry", arbiter, factory).await?;
    Ok(Registry::new(mailbox, reader))
}

impl RegistryActor {
    fn load(store: Arc<dyn RegistryStore>, published: Publisher<Catalogue>) -> Result<Self, String> {
        let (providers, deployments) = store.load().map_err(|error| error.to_string())?;
        let groups = store.load_groups().map_err(|error| error.to_string())?;
        let catalogue = Catalogue::new(providers, deployments).and_then(|catalogue| catalogue.with_groups(groups));
        let catalogue = catalogue.map_err(|error| error.to_string())?;
        published.publish(catalogue);
        Ok(Self { catalogue: published.reader(), published, store })
    }

    fn carry_out(
        &mut self,
        decision: Result<Change, RegistryError>,
        context: &mut Context<Self>,
    ) -> Result<(), RegistryError> {
        let change = decision?;
        if let Err(error) = self.store.save(&change) {
            if matches!(error, SaveError::Unknown(_)) {
                // The successor reads what is true; this one would guess.
                context.stop();
            }
            return Err(error.into());
        }
        let changed = self.catalogue.load().with(change);
        self.published.publish(changed);
        Ok(())
    }
}

impl Actor for RegistryActor {
    type Context = Context<Self>;
}

impl Handler<CreateProvider> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, CreateProvider(provider): CreateProvider, context: &mut Self::Context) -> Self::Result {
        let decision = self.catalogue.load().create_provider(provider);
        self.carry_out(decision, context)
    }
}

impl Handler<UpdateProvider> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, UpdateProvider(provider): UpdateProvider, context: &mut Self::Context) -> Self::Result {
        let decision = self.catalogue.load().update_provider(provider);
        self.carry_out(decision, context)
    }
}

impl Handler<DeleteProvider> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, DeleteProvider(id): DeleteProvider, context: &mut Self::Context) -> Self::Result {
        let decision = self.catalogue.load().delete_provider(id);
        self.carry_out(decision, context)
    }
}

impl Handler<CreateDeployment> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, CreateDeployment(deployment): CreateDeployment, context: &mut Self::Context) -> Self::Result {
        let decision = self.catalogue.load().create_deployment(deployment, PriceId::generate());
        self.carry_out(decision, context)
    }
}

impl Handler<UpdateDeployment> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, message: UpdateDeployment, context: &mut Self::Context) -> Self::Result {
        let UpdateDeployment { deployment, at } = message;
        let decision = self.catalogue.load().update_deployment(deployment, PriceId::generate(), at);
        self.carry_out(decision, context)
    }
}

impl Handler<DeleteDeployment> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, DeleteDeployment(id): DeleteDeployment, context: &mut Self::Context) -> Self::Result {
        let decision = self.catalogue.load().delete_deployment(id);
        self.carry_out(decision, context)
    }
}

impl Handler<CreateGroup> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, CreateGroup(group): CreateGroup, context: &mut Self::Context) -> Self::Result {
        let decision = self.catalogue.load().create_group(group);
        self.carry_out(decision, context)
    }
}

impl Handler<UpdateGroup> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, UpdateGroup(group): UpdateGroup, context: &mut Self::Context) -> Self::Result {
        let decision = self.catalogue.load().update_group(group);
        self.carry_out(decision, context)
    }
}

impl Handler<DeleteGroup> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, DeleteGroup(id): DeleteGroup, context: &mut Self::Context) -> Self::Result {
        let decision = self.catalogue.load().delete_group(id);
        self.carry_out(decision, context)
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(RegistryActor);
