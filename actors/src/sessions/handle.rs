//! People and sessions as everybody else sees them: a snapshot to read and verbs to change it.
//! Hides messages and restarts. Refuses to hand out anything that could change the snapshot.

use core::net::IpAddr;

use super::SessionsActor;
use super::changes::Which;
use super::error::SessionsError;
use super::lockout::Verdict;
use super::messages::{
    Attempt, CreateFirstUser, CreateUser, DeleteUser, End, EndOfOtherTokens, Open, Rehash, Renew, Sweep, Touch, Unlock,
    UpdateUser,
};
use super::people::People;
use super::session::{Policy, Session, SessionDigest, TokenMark};
use super::user::{PasswordHash, User, UserChanges};
use crate::domain::{Event, SessionId, Timestamp, UserId};
use crate::error::ActorError;
use crate::mailbox::{Mailbox, Vitals};
use crate::snapshot::Snapshot;

/// Accounts and sign-ins. Cheap to clone.
///
/// Reading asks nobody: load [`Sessions::snapshot`] for each request. When a verb answers `Ok`, the change is durable and
/// every reader sees it. Verbs take the event that goes on record with the change, in one transaction, and fail with
/// [`SessionsError`].
#[derive(Clone)]
pub struct Sessions {
    mailbox: Mailbox<SessionsActor>,
    people: Snapshot<People>,
    policy: Policy,
}

impl Sessions {
    pub(super) fn new(mailbox: Mailbox<SessionsActor>, people: Snapshot<People>, policy: Policy) -> Self {
        Self { mailbox, people, policy }
    }

    /// Everybody and every session as last published; survives restarts of the actor.
    pub fn snapshot(&self) -> Snapshot<People> {
        self.people.clone()
    }

    /// How long sessions last and what binds them.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Adds a user.
    ///
    /// # Errors
    /// If the name is taken or a field is wrong.
    pub async fn create_user(&self, user: User, event: Event) -> Result<(), SessionsError> {
        self.mailbox.ask(CreateUser(user, event)).await?
    }

    /// Adds the first user there is: of two at once, one.
    ///
    /// # Errors
    /// If there is one already, or a field is wrong.
    pub async fn create_first_user(&self, user: User, event: Event) -> Result<(), SessionsError> {
        self.mailbox.ask(CreateFirstUser(user, event)).await?
    }

    /// Changes a user as of the event, and says how many sessions that ended; `keep` is not ended.
    ///
    /// # Errors
    /// If there is none, if they are the last owner, or a field is wrong.
    pub async fn update_user(
        &self,
        id: UserId,
        changes: UserChanges,
        (keep, event): (Option<SessionId>, Event),
    ) -> Result<usize, SessionsError> {
        self.mailbox.ask(UpdateUser { id, changes, keep, event }).await?
    }

    /// Puts another hash of the same password in the place of `former`; sessions go on.
    ///
    /// # Errors
    /// If there is no such user, or their password has changed meanwhile.
    pub async fn rehash(
        &self,
        id: UserId,
        (former, fresh): (PasswordHash, PasswordHash),
        event: Event,
    ) -> Result<(), SessionsError> {
        self.mailbox.ask(Rehash { id, former, fresh, event }).await?
    }

    /// Removes a user, and says how many sessions that ended.
    ///
    /// # Errors
    /// If there is none, or they are the last owner.
    pub async fn delete_user(&self, id: UserId, event: Event) -> Result<usize, SessionsError> {
        self.mailbox.ask(DeleteUser(id, event)).await?
    }

    /// Whether a password for this account is looked at. If it is, that counts as a failure until a session is opened from
    /// there. Asked for nobody too, so that a name that is known is answered no differently; then nothing is counted, and as much is
    /// written.
    ///
    /// # Errors
    /// If the actor does not answer; then none may be looked at.
    pub async fn attempt(
        &self,
        user: Option<UserId>,
        address: Option<IpAddr>,
        at: Timestamp,
    ) -> Result<Verdict, ActorError> {
        self.mailbox.ask(Attempt { user, address, at }).await
    }

    /// Opens a session. `proved` is when the account was last changed that its holder has proved to be theirs; `None` for the
    /// management token.
    ///
    /// # Errors
    /// [`SessionsError::NotFound`] if the account was changed since, or is gone; or it cannot be saved.
    pub async fn open(&self, session: Session, proved: Option<Timestamp>, event: Event) -> Result<(), SessionsError> {
        self.mailbox.ask(Open(session, proved, event)).await?
    }

    /// Gives a session another token, as of the event. The one before is good for half a minute more; not so if the session
    /// has `moved` to another address, where its holder has just shown the password. With another `password`, that is theirs in the
    /// same change, and their other sessions end. Says how many ended.
    ///
    /// # Errors
    /// If the session is over, or `presented` is not its token any more.
    pub async fn renew(
        &self,
        id: SessionId,
        (presented, fresh): (SessionDigest, SessionDigest),
        (moved, password): (Option<Option<IpAddr>>, Option<PasswordHash>),
        event: Event,
    ) -> Result<usize, SessionsError> {
        self.mailbox.ask(Renew { id, presented, fresh, moved, password, event }).await?
    }

    /// Ends sessions, and says how many.
    ///
    /// # Errors
    /// If there was none to end.
    pub async fn end(&self, which: Which, event: Event) -> Result<usize, SessionsError> {
        self.mailbox.ask(End(which, event)).await?
    }

    /// Ends the sessions of management tokens that are admitted no more, and says how many.
    ///
    /// # Errors
    /// If that cannot be saved.
    pub async fn end_of_other_tokens(&self, admitted: Vec<TokenMark>, event: Event) -> Result<usize, SessionsError> {
        self.mailbox.ask(EndOfOtherTokens(admitted, event)).await?
    }

    /// A session was used.
    pub fn touch(&self, id: SessionId, at: Timestamp) {
        self.mailbox.hint(Touch(id, at));
    }

    /// Forgives an account every failure.
    ///
    /// # Errors
    /// If there is none.
    pub async fn unlock(&self, id: UserId, event: Event) -> Result<(), SessionsError> {
        self.mailbox.ask(Unlock(id, event)).await?
    }

    /// Removes what is over and says how many sessions that were. Happens every quarter of an hour by itself.
    ///
    /// # Errors
    /// If the actor does not answer.
    pub async fn sweep(&self) -> Result<usize, ActorError> {
        self.mailbox.ask(Sweep).await
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
