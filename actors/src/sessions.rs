//! The sessions actor: owns the people who may sign in and their sign-ins, and is the only writer of both, because a change of
//! somebody's role ends their sessions in the same transaction.
//! A crash loses nothing but when sessions were last used: everything is read back from the store, and readers keep the last
//! snapshot meanwhile. Refuses to publish what is not saved, and to know a password or a token.

mod changes;
pub mod error;
mod handle;
pub mod lockout;
mod messages;
mod people;
mod session;
mod store;
#[cfg(test)]
mod tests;
mod user;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ArbiterHandle, AsyncContext, Context, Handler};

pub use changes::Which;
pub use error::SessionsError;
pub use handle::Sessions;
pub use lockout::{Failure, Verdict};
pub use people::{Change, People};
pub use session::{FORMER_LASTS, Judgement, Policy, Seen, Session, SessionDigest, TokenMark, network};
pub use store::{SessionsStore, Stored};
pub use user::{Oidc, PasswordHash, User, UserChanges};

use crate::domain::{Author, Clock, Event};
use crate::error::SaveError;
use crate::snapshot::{Publisher, Snapshot};
use crate::supervisor::{StartError, Supervisor};
use messages::{
    Attempt, CreateFirstUser, CreateUser, DeleteUser, End, EndOfOtherTokens, Open, Rehash, Renew, Sweep, Touch, Unlock,
    UpdateUser,
};

/// How often sessions are removed that are over.
const SWEEP_EVERY: Duration = Duration::from_secs(15 * 60);

/// The shell: decides with the core, saves through the port, then publishes.
struct SessionsActor {
    people: Snapshot<People>,
    published: Publisher<People>,
    store: Arc<dyn SessionsStore>,
    policy: Policy,
    clock: Clock,
}

/// Starts it on `arbiter` with what `store` holds.
///
/// # Errors
/// If the store cannot be read.
pub async fn start(
    supervisor: &Supervisor,
    arbiter: ArbiterHandle,
    store: Arc<dyn SessionsStore>,
    policy: Policy,
) -> Result<Sessions, StartError> {
    // Made once, outside the factory: readers outlive every actor that publishes to them.
    let published = Publisher::new(People::default());
    let reader = published.reader();
    let clock = supervisor.clock();
    let factory = move || {
        let (published, clock) = (published.clone(), clock.clone());
        published.publish(People::new(store.load().map_err(|error| error.to_string())?));
        Ok(SessionsActor { people: published.reader(), published, store: Arc::clone(&store), policy, clock })
    };
    let mailbox = supervisor.start("sessions", arbiter, factory).await?;
    Ok(Sessions::new(mailbox, reader, policy))
}

impl SessionsActor {
    fn carry_out(
        &mut self,
        change: Change,
        event: Option<&Event>,
        context: &mut Context<Self>,
    ) -> Result<usize, SessionsError> {
        if let Err(error) = self.store.save(&change, event) {
            if matches!(error, SaveError::Unknown(_)) {
                // The successor reads what is true; this one would guess.
                context.stop();
            }
            return Err(error.into());
        }
        let ended = change.ended.len();
        let changed = self.people.load().with(change);
        self.published.publish(changed);
        Ok(ended)
    }

    fn sweep(&mut self, context: &mut Context<Self>) -> usize {
        let now = self.clock.now();
        let change = self.people.load().sweep(now);
        let count = change.ended.len();
        let event = Author::new("system", now).does("session.sweep").and("count", count);
        let saved = self.carry_out(change, Some(&event).filter(|_| count > 0), context);
        saved.unwrap_or_else(|error| {
            log::error!(error:%; "sessions that are over cannot be removed; trying again later");
            0
        })
    }
}

impl Actor for SessionsActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.run_interval(SWEEP_EVERY, |actor, context| {
            actor.sweep(context);
        });
    }
}

impl Handler<CreateUser> for SessionsActor {
    type Result = Result<(), SessionsError>;

    fn handle(&mut self, CreateUser(user, event): CreateUser, context: &mut Self::Context) -> Self::Result {
        let change = self.people.load().create_user(user)?;
        self.carry_out(change, Some(&event), context).map(drop)
    }
}

impl Handler<CreateFirstUser> for SessionsActor {
    type Result = Result<(), SessionsError>;

    fn handle(&mut self, CreateFirstUser(user, event): CreateFirstUser, context: &mut Self::Context) -> Self::Result {
        let change = self.people.load().create_first_user(user)?;
        self.carry_out(change, Some(&event), context).map(drop)
    }
}

impl Handler<UpdateUser> for SessionsActor {
    type Result = Result<usize, SessionsError>;

    fn handle(&mut self, message: UpdateUser, context: &mut Self::Context) -> Self::Result {
        let UpdateUser { id, changes, keep, event } = message;
        let change = self.people.load().update_user(id, changes, (keep, event.author.at))?;
        self.carry_out(change, Some(&event), context)
    }
}

impl Handler<Rehash> for SessionsActor {
    type Result = Result<(), SessionsError>;

    fn handle(&mut self, message: Rehash, context: &mut Self::Context) -> Self::Result {
        let Rehash { id, former, fresh, event } = message;
        let change = self.people.load().rehash(id, &former, fresh)?;
        self.carry_out(change, Some(&event), context).map(drop)
    }
}

impl Handler<DeleteUser> for SessionsActor {
    type Result = Result<usize, SessionsError>;

    fn handle(&mut self, DeleteUser(id, event): DeleteUser, context: &mut Self::Context) -> Self::Result {
        let change = self.people.load().delete_user(id)?;
        self.carry_out(change, Some(&event), context)
    }
}

impl Handler<Attempt> for SessionsActor {
    type Result = actix::MessageResult<Attempt>;

    fn handle(&mut self, Attempt { user, address, at }: Attempt, context: &mut Self::Context) -> Self::Result {
        let (verdict, change) = self.people.load().attempt(user, address, at);
        // Whatever comes of it, something is written: time must not tell whether the account is there.
        if let Err(error) = self.carry_out(change.clone(), None, context)
            && change.failed.is_some()
        {
            log::error!(error:%; "a guess at a password is not on disk; it counts until the next restart");
            self.published.publish(self.people.load().with(change));
        }
        actix::MessageResult(verdict)
    }
}

impl Handler<Open> for SessionsActor {
    type Result = Result<(), SessionsError>;

    fn handle(&mut self, Open(session, proved, event): Open, context: &mut Self::Context) -> Self::Result {
        let change = self.people.load().open(session, proved, &self.policy)?;
        self.carry_out(change, Some(&event), context).map(drop)
    }
}

impl Handler<Renew> for SessionsActor {
    type Result = Result<usize, SessionsError>;

    fn handle(&mut self, message: Renew, context: &mut Self::Context) -> Self::Result {
        let Renew { id, presented, fresh, moved, password, event } = message;
        let (people, now) = (self.people.load(), event.author.at);
        let change = people.renew(id, (presented, fresh), moved, (&self.policy, now))?;
        let change = match password {
            Some(password) => people.with_password(change, password, now)?,
            None => change,
        };
        self.carry_out(change, Some(&event), context)
    }
}

impl Handler<End> for SessionsActor {
    type Result = Result<usize, SessionsError>;

    fn handle(&mut self, End(which, event): End, context: &mut Self::Context) -> Self::Result {
        let change = self.people.load().end(which)?;
        self.carry_out(change, Some(&event), context)
    }
}

impl Handler<EndOfOtherTokens> for SessionsActor {
    type Result = Result<usize, SessionsError>;

    fn handle(&mut self, message: EndOfOtherTokens, context: &mut Self::Context) -> Self::Result {
        let EndOfOtherTokens(admitted, event) = message;
        let change = self.people.load().end_of_other_tokens(&admitted);
        // Nothing ended is nothing to record.
        if change.ended.is_empty() { Ok(0) } else { self.carry_out(change, Some(&event), context) }
    }
}

impl Handler<Touch> for SessionsActor {
    type Result = ();

    fn handle(&mut self, Touch(id, at): Touch, context: &mut Self::Context) {
        let change = self.people.load().touch(id, at);
        if let Some(change) = change
            && let Err(error) = self.carry_out(change, None, context)
        {
            log::warn!(error:%; "when a session was last used is not on disk");
        }
    }
}

impl Handler<Unlock> for SessionsActor {
    type Result = Result<(), SessionsError>;

    fn handle(&mut self, Unlock(id, event): Unlock, context: &mut Self::Context) -> Self::Result {
        let change = self.people.load().unlock(id)?;
        self.carry_out(change, Some(&event), context).map(drop)
    }
}

impl Handler<Sweep> for SessionsActor {
    type Result = usize;

    fn handle(&mut self, _: Sweep, context: &mut Self::Context) -> usize {
        self.sweep(context)
    }
}

#[cfg(feature = "testing")]
crate::testing::dies_on_demand!(SessionsActor);
