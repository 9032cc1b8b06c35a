//! The keyring: owns projects and virtual keys, and is the only writer of both.
//! A crash loses nothing: everything is read back from the store, and readers keep the last snapshot meanwhile.
//! Refuses to publish what is not saved, to know a key's secret, and to forget a key that was ever given out.

pub mod changes;
pub mod error;
pub mod habits;
mod handle;
pub mod key;
mod messages;
pub mod ring;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix::{Actor, ActorContext, ArbiterHandle, Context, Handler};

pub use changes::Change;
pub use error::KeyringError;
pub use handle::Keyring;
pub use messages::Renewal;
pub use ring::{AuthorizedKey, Former, KeyDigest, KeyState, Keys, Project, VirtualKey};
pub use store::{KeyringStore, Loaded};

use crate::domain::Event;
use crate::error::SaveError;
use crate::snapshot::{Publisher, Snapshot};
use crate::supervisor::{StartError, Supervisor};
use messages::{
    CreateKey, CreateProject, DeleteProject, RevokeKey, RevokeKeys, RevokeToken, RotateKey, UpdateKey, UpdateProject,
};

/// The shell: decides with the core, saves through the port, then publishes.
struct KeyringActor {
    /// The core: what readers see, and therefore what is saved.
    keys: Snapshot<Keys>,
    published: Publisher<Keys>,
    store: Arc<dyn KeyringStore>,
}

/// Starts the keyring on `arbiter` with what `store` holds.
///
/// # Errors
/// If the store cannot be read or its records contradict each other.
pub async fn start(
    supervisor: &Supervisor,
    arbiter: ArbiterHandle,
    store: Arc<dyn KeyringStore>,
) -> Result<Keyring, StartError> {
    // Made once, outside the factory: readers outlive every actor that publishes to them.
    let published = Publisher::new(Keys::default());
    let reader = published.reader();
    let factory = move || KeyringActor::load(Arc::clone(&store), published.clone());
    let mailbox = supervisor.start("keyring", arbiter, factory).await?;
    Ok(Keyring::new(mailbox, reader))
}

impl KeyringActor {
    fn load(store: Arc<dyn KeyringStore>, published: Publisher<Keys>) -> Result<Self, String> {
        let loaded = store.load().map_err(|error| error.to_string())?;
        let keys = Keys::new(loaded.projects, loaded.keys).map_err(|error| error.to_string())?;
        let keys = keys.remembering(loaded.revoked);
        published.publish(keys);
        Ok(Self { keys: published.reader(), published, store })
    }

    fn carry_out(
        &mut self,
        decision: Result<Change, KeyringError>,
        event: &Event,
        context: &mut Context<Self>,
    ) -> Result<(), KeyringError> {
        let change = decision?;
        if let Err(error) = self.store.save(&change, event) {
            if matches!(error, SaveError::Unknown(_)) {
                // The successor reads what is true; this one would guess.
                context.stop();
            }
            return Err(error.into());
        }
        let changed = self.keys.load().with(change);
        self.published.publish(changed);
        Ok(())
    }
}

impl Actor for KeyringActor {
    type Context = Context<Self>;
}

impl Handler<CreateProject> for KeyringActor {
    type Result = Result<(), KeyringError>;

    fn handle(&mut self, CreateProject(project, event): CreateProject, context: &mut Self::Context) -> Self::Result {
        let decision = self.keys.load().create_project(project);
        self.carry_out(decision, &event, context)
    }
}

impl Handler<UpdateProject> for KeyringActor {
    type Result = Result<(), KeyringError>;

    fn handle(&mut self, UpdateProject(project, event): UpdateProject, context: &mut Self::Context) -> Self::Result {
        let decision = self.keys.load().update_project(project);
        self.carry_out(decision, &event, context)
    }
}

impl Handler<DeleteProject> for KeyringActor {
    type Result = Result<(), KeyringError>;

    fn handle(&mut self, DeleteProject(id, event): DeleteProject, context: &mut Self::Context) -> Self::Result {
        let decision = self.keys.load().delete_project(id);
        self.carry_out(decision, &event, context)
    }
}

impl Handler<CreateKey> for KeyringActor {
    type Result = Result<(), KeyringError>;

    fn handle(&mut self, CreateKey(key, event): CreateKey, context: &mut Self::Context) -> Self::Result {
        let decision = self.keys.load().create_key(key);
        self.carry_out(decision, &event, context)
    }
}

impl Handler<UpdateKey> for KeyringActor {
    type Result = Result<(), KeyringError>;

    fn handle(&mut self, UpdateKey(key, event): UpdateKey, context: &mut Self::Context) -> Self::Result {
        let decision = self.keys.load().update_key(key);
        self.carry_out(decision, &event, context)
    }
}

impl Handler<RotateKey> for KeyringActor {
    type Result = Result<(), KeyringError>;

    fn handle(&mut self, message: RotateKey, context: &mut Self::Context) -> Self::Result {
        let RotateKey { id, renewal, event } = message;
        let decision = self.keys.load().rotate_key(id, renewal);
        self.carry_out(decision, &event, context)
    }
}

impl Handler<RevokeKey> for KeyringActor {
    type Result = Result<(), KeyringError>;

    fn handle(&mut self, RevokeKey { id, event }: RevokeKey, context: &mut Self::Context) -> Self::Result {
        let decision = self.keys.load().revoke_key(id, event.author.at);
        self.carry_out(decision, &event, context)
    }
}

impl Handler<RevokeKeys> for KeyringActor {
    type Result = Result<(), KeyringError>;

    fn handle(&mut self, RevokeKeys { project, event }: RevokeKeys, context: &mut Self::Context) -> Self::Result {
        let decision = self.keys.load().revoke_keys(project, event.author.at);
        self.carry_out(decision, &event, context)
    }
}

impl Handler<RevokeToken> for KeyringActor {
    type Result = Result<(), KeyringError>;

    fn handle(&mut self, message: RevokeToken, context: &mut Self::Context) -> Self::Result {
        let RevokeToken { token, until, event } = message;
        let decision = self.keys.load().revoke_token(token, until, event.author.at);
        self.carry_out(decision, &event, context)
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(KeyringActor);
