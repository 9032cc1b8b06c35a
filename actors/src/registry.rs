//! The registry: owns providers, deployments, groups and prices, and is their only writer.
//! A crash loses nothing: everything is read back from the store, and readers keep the last snapshot meanwhile.
//! Refuses to publish what is not saved, to alter a price that calls were booked at, and to judge health.
//!
//! A planned price is saved when it is planned and takes over by the clock: readers see it from its moment on, whether or
//! not the disk takes the note of it then. Whoever starts after that moment sees it at once.

pub mod catalogue;
pub mod changes;
pub mod classifier;
pub mod error;
pub mod group;
mod grouping;
mod handle;
mod messages;
pub mod prices;
pub mod routing;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ArbiterHandle, AsyncContext, Context, Handler, SpawnHandle};

pub use catalogue::{Candidate, Catalogue, Deployment, Provider};
pub use changes::{Change, Resealed};
pub use error::RegistryError;
pub use group::Group;
pub use handle::Registry;
pub use prices::{Plan, PriceRecord, PriceVersion, Quote, Withdrawal, unversioned};
pub use store::RegistryStore;

use crate::domain::{Author, Clock, Event, Timestamp};
use crate::error::SaveError;
use crate::snapshot::{Publisher, Snapshot};
use crate::supervisor::{StartError, Supervisor};
use messages::{
    CreateDeployment, CreateGroup, CreateProvider, DeleteDeployment, DeleteGroup, DeleteProvider, Requote,
    ResealProviders, UpdateDeployment, UpdateGroup, UpdateProvider,
};

/// Nobody waits longer for a plan's moment without looking at the clock, which may have been set meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The shell: decides with the core, saves through the port, then publishes.
struct RegistryActor {
    /// The core: what readers see, and therefore what is saved.
    catalogue: Snapshot<Catalogue>,
    published: Publisher<Catalogue>,
    store: Arc<dyn RegistryStore>,
    clock: Clock,
    /// Waits for the next plan's moment.
    timer: Option<SpawnHandle>,
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
    let clock = supervisor.clock();
    let factory = move || RegistryActor::load(Arc::clone(&store), published.clone(), clock.clone());
    let mailbox = supervisor.start("registry", arbiter, factory).await?;
    Ok(Registry::new(mailbox, reader))
}

impl RegistryActor {
    fn load(store: Arc<dyn RegistryStore>, published: Publisher<Catalogue>, clock: Clock) -> Result<Self, String> {
        let (providers, deployments) = store.load().map_err(|error| error.to_string())?;
        let groups = store.load_groups().map_err(|error| error.to_string())?;
        let catalogue = Catalogue::new(providers, deployments).and_then(|catalogue| catalogue.with_groups(groups));
        let mut catalogue = catalogue.map_err(|error| error.to_string())?;
        // Before anybody reads a price whose time is over.
        for change in catalogue.due(clock.now()) {
            note(&*store, &change, clock.now());
            catalogue = catalogue.with(change);
        }
        published.publish(catalogue);
        Ok(Self { catalogue: published.reader(), published, store, clock, timer: None })
    }

    /// Carries out what `decide` makes of the catalogue as it is now, with `event` on record.
    fn change(
        &mut self,
        event: &Event,
        decide: impl FnOnce(&Catalogue) -> Result<Change, RegistryError>,
        context: &mut Context<Self>,
    ) -> Result<(), RegistryError> {
        self.take_over();
        let decision = decide(&self.catalogue.load());
        let outcome = decision.and_then(|change| self.carry_out(change, event, context));
        self.await_next_moment(context);
        outcome
    }

    fn carry_out(&mut self, change: Change, event: &Event, context: &mut Context<Self>) -> Result<(), RegistryError> {
        if let Err(error) = self.store.save(&change, event) {
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

    /// Puts in force what is due.
    fn take_over(&mut self) {
        for change in self.catalogue.load().due(self.clock.now()) {
            let changed = self.catalogue.load().with(change.clone());
            self.published.publish(changed);
            note(&*self.store, &change, self.clock.now());
        }
    }

    fn await_next_moment(&mut self, context: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            context.cancel_future(timer);
        }
        let Some(moment) = self.catalogue.load().next_moment() else { return };
        let wait = Duration::from_millis(moment.millis_since(self.clock.now())).min(LOOK_EVERY);
        self.timer = Some(context.run_later(wait, |actor, context| {
            actor.timer = None;
            actor.take_over();
            actor.await_next_moment(context);
        }));
    }
}

/// Writes down that a plan took over. The plan itself is saved already, so a disk that refuses loses nothing.
fn note(store: &dyn RegistryStore, change: &Change, now: Timestamp) {
    let Change::SaveDeployment { deployment, .. } = change else { return };
    let price = deployment.price.as_deref().map(|(id, _)| id.to_string());
    log::info!(deployment:% = deployment.id, price = price.as_deref(); "a planned price is in force");
    let event = Author::new("system", now).does("price.take_over").about(deployment.id);
    if let Err(error) = store.save(change, &event) {
        log::warn!(deployment:% = deployment.id, error:%; "it could not be noted that a planned price is in force");
    }
}

impl Actor for RegistryActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.await_next_moment(context);
    }
}

impl Handler<CreateProvider> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, CreateProvider(provider, event): CreateProvider, context: &mut Self::Context) -> Self::Result {
        self.change(&event, |catalogue| catalogue.create_provider(provider), context)
    }
}

impl Handler<UpdateProvider> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, UpdateProvider(provider, event): UpdateProvider, context: &mut Self::Context) -> Self::Result {
        self.change(&event, |catalogue| catalogue.update_provider(provider), context)
    }
}

impl Handler<ResealProviders> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, ResealProviders(keys, event): ResealProviders, context: &mut Self::Context) -> Self::Result {
        self.change(&event, |catalogue| Ok(catalogue.reseal_providers(keys)), context)
    }
}

impl Handler<DeleteProvider> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, DeleteProvider(id, event): DeleteProvider, context: &mut Self::Context) -> Self::Result {
        self.change(&event, |catalogue| catalogue.delete_provider(id), context)
    }
}

impl Handler<CreateDeployment> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, message: CreateDeployment, context: &mut Self::Context) -> Self::Result {
        let CreateDeployment(deployment, plan, event) = message;
        self.change(&event, |catalogue| catalogue.create_deployment(deployment, (plan, &event.author)), context)
    }
}

impl Handler<UpdateDeployment> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, message: UpdateDeployment, context: &mut Self::Context) -> Self::Result {
        let UpdateDeployment(deployment, plan, event) = message;
        self.change(&event, |catalogue| catalogue.update_deployment(deployment, (plan, &event.author)), context)
    }
}

impl Handler<Requote> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, message: Requote, context: &mut Self::Context) -> Self::Result {
        let Requote(quote, event) = message;
        self.change(&event, |catalogue| catalogue.requote(quote, &event.author), context)
    }
}

impl Handler<DeleteDeployment> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, message: DeleteDeployment, context: &mut Self::Context) -> Self::Result {
        let DeleteDeployment(id, event) = message;
        self.change(&event, |catalogue| catalogue.delete_deployment(id, &event.author), context)
    }
}

impl Handler<CreateGroup> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, CreateGroup(group, event): CreateGroup, context: &mut Self::Context) -> Self::Result {
        self.change(&event, |catalogue| catalogue.create_group(group), context)
    }
}

impl Handler<UpdateGroup> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, UpdateGroup(group, event): UpdateGroup, context: &mut Self::Context) -> Self::Result {
        self.change(&event, |catalogue| catalogue.update_group(group), context)
    }
}

impl Handler<DeleteGroup> for RegistryActor {
    type Result = Result<(), RegistryError>;

    fn handle(&mut self, DeleteGroup(id, event): DeleteGroup, context: &mut Self::Context) -> Self::Result {
        self.change(&event, |catalogue| catalogue.delete_group(id), context)
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(RegistryActor);
