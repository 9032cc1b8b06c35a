//! The table of people and their sessions at one moment, and what a change makes of it. Pure.
//! Owns the lookups that every request needs. Refuses rules: what may be changed is in [`changes`](super::changes).

use core::net::IpAddr;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::lockout::{Failure, Lockout};
use super::session::{Session, SessionDigest};
use super::store::Stored;
use super::user::User;
use crate::domain::{SessionId, Timestamp, UserId};

/// One accepted change, saved as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The user, new or instead of the one with its id.
    pub user: Option<User>,
    /// No user with this id; what they had goes too.
    pub removed: Option<UserId>,
    /// The session, new or instead of the one with its id.
    pub session: Option<Session>,
    /// No sessions with these ids.
    pub ended: Vec<SessionId>,
    /// One more guess.
    pub failed: Option<Failure>,
    /// A guess that counts for nothing, because there is no such account or nobody looks at it: written and taken out again, so that it
    /// takes as long as one that does.
    pub feigned: Option<Failure>,
    /// No failures of this user, from this network or from any.
    pub forgiven: Option<(UserId, Option<IpAddr>)>,
    /// They signed in from there.
    pub familiar: Option<(UserId, IpAddr, Timestamp)>,
    /// Nothing is kept of failures before the first moment, nor of networks before the second.
    pub forgotten: Option<(Timestamp, Timestamp)>,
}

/// Everybody, and every session. Its methods ask nobody.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct People {
    users: BTreeMap<UserId, Arc<User>>,
    sessions: BTreeMap<SessionId, Arc<Session>>,
    by_digest: HashMap<SessionDigest, SessionId>,
    familiar: BTreeMap<(UserId, IpAddr), Timestamp>,
    lockout: Lockout,
}

impl People {
    /// The table of what is stored.
    pub fn new(stored: Stored) -> Self {
        let users = stored.users.into_iter().map(|user| (user.id, Arc::new(user))).collect();
        let mut people = Self { users, ..Self::default() };
        stored.sessions.into_iter().for_each(|session| people.insert(session));
        stored.failures.into_iter().for_each(|failure| people.lockout.add(failure));
        people.familiar = stored.familiar.into_iter().map(|(user, network, at)| ((user, network), at)).collect();
        people
    }

    /// The user with this id.
    pub fn user(&self, id: UserId) -> Option<&Arc<User>> {
        self.users.get(&id)
    }

    /// The user with this name.
    pub fn user_by_name(&self, name: &str) -> Option<&Arc<User>> {
        self.users().find(|user| &*user.name == name)
    }

    /// The user whom this issuer calls so.
    pub fn user_by_subject(&self, issuer: &str, subject: &str) -> Option<&Arc<User>> {
        let is = |user: &&Arc<User>| user.oidc.as_ref().is_some_and(|it| it.issuer == issuer && it.subject == subject);
        self.users().find(is)
    }

    /// Everybody, oldest account first.
    pub fn users(&self) -> impl DoubleEndedIterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// The session whose present or former token has this digest.
    pub fn find(&self, digest: &SessionDigest) -> Option<&Arc<Session>> {
        self.session(*self.by_digest.get(digest)?)
    }

    /// The session with this id.
    pub fn session(&self, id: SessionId) -> Option<&Arc<Session>> {
        self.sessions.get(&id)
    }

    /// Every session, oldest first.
    pub fn sessions(&self) -> impl DoubleEndedIterator<Item = &Arc<Session>> {
        self.sessions.values()
    }

    /// The sessions of this user, or of the management token.
    pub fn sessions_of(&self, user: Option<UserId>) -> impl Iterator<Item = &Arc<Session>> {
        self.sessions().filter(move |session| session.user == user)
    }

    /// Whether they have signed in from this network lately.
    pub fn is_familiar(&self, user: UserId, network: IpAddr) -> bool {
        self.familiar.contains_key(&(user, network))
    }

    /// Who has guessed how often.
    pub fn lockout(&self) -> &Lockout {
        &self.lockout
    }

    /// The table after `change`.
    #[must_use]
    pub fn with(&self, change: Change) -> Self {
        let mut next = self.clone();
        if let Some(user) = change.user {
            next.users.insert(user.id, Arc::new(user));
        }
        change.ended.iter().for_each(|id| next.remove(*id));
        if let Some(session) = change.session {
            next.remove(session.id);
            next.insert(session);
        }
        if let Some(failure) = change.failed {
            next.lockout.add(failure);
        }
        if let Some((user, network)) = change.forgiven {
            next.lockout.forgive(user, network);
        }
        if let Some((user, network, at)) = change.familiar {
            next.familiar.insert((user, network), at);
        }
        if let Some((failures, networks)) = change.forgotten {
            next.lockout.forget_before(failures);
            next.familiar.retain(|_, at| *at >= networks);
        }
        if let Some(id) = change.removed {
            next.users.remove(&id);
            next.lockout.forgive(id, None);
            next.familiar.retain(|(user, _), _| *user != id);
        }
        next
    }

    fn insert(&mut self, session: Session) {
        self.by_digest.insert(session.digest, session.id);
        if let Some((former, _)) = session.former {
            self.by_digest.insert(former, session.id);
        }
        self.sessions.insert(session.id, Arc::new(session));
    }

    fn remove(&mut self, id: SessionId) {
        self.sessions.remove(&id);
        self.by_digest.retain(|_, session| *session != id);
    }
}
