//! What may be changed about people and sessions, and why not. Pure: each verb gives the change to save, or a refusal.
//! Owns every rule: names, the last owner, whose sessions end with what, how many there are, when a token is renewed.

use core::net::IpAddr;
use std::sync::Arc;

use super::error::SessionsError;
use super::lockout::{FAMILIAR, Failure, REMEMBERED, Verdict};
use super::people::{Change, People};
use super::session::{Policy, Session, SessionDigest, TokenMark, network};
use super::user::{PasswordHash, User, UserChanges};
use crate::domain::{SessionId, Timestamp, UserId};

/// Sessions that leave in one sweep of the table.
const SWEPT_AT_ONCE: usize = 500;

/// Whose guesses are that are at no account.
const NOBODY: UserId = UserId::from_u128(0);

/// Which sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// Every one of this user, or of the management token.
    Of(Option<UserId>),
}

type Decision = Result<Change, SessionsError>;

impl People {
    pub(super) fn create_user(&self, user: User) -> Decision {
        user.check()?;
        if self.user(user.id).is_some() || self.user_by_name(&user.name).is_some() {
            return Err(SessionsError::NameTaken);
        }
        if user.oidc.as_ref().is_some_and(|it| self.user_by_subject(&it.issuer, &it.subject).is_some()) {
            return Err(SessionsError::SubjectTaken);
        }
        Ok(Change { user: Some(user), ..Change::default() })
    }

    /// The first account there is, and none if there is one already.
    pub(super) fn create_first_user(&self, user: User) -> Decision {
        if self.users().next().is_some() {
            return Err(SessionsError::NotFirst);
        }
        self.create_user(user)
    }

    /// A change of what somebody may do, or of their password, ends their sessions, but for the one they do it in.
    pub(super) fn update_user(
        &self,
        id: UserId,
        changes: UserChanges,
        (keep, at): (Option<SessionId>, Timestamp),
    ) -> Decision {
        let present = self.user(id).ok_or(SessionsError::NotFound)?;
        let ends = changes.ends_sessions(present);
        let user = present.changed(changes, at);
        user.check()?;
        if present.is_acting_owner() && !user.is_acting_owner() && self.is_last_owner(id) {
            return Err(SessionsError::LastOwner);
        }
        let others = self.sessions_of(Some(id)).map(|session| session.id).filter(|session| Some(*session) != keep);
        let ended = if ends { others.collect() } else { Vec::new() };
        Ok(Change { user: Some(user), ended, ..Change::default() })
    }

    /// Another hash of the same password: nobody's session ends. Not if the password has changed meanwhile.
    pub(super) fn rehash(&self, id: UserId, former: &PasswordHash, fresh: PasswordHash) -> Decision {
        let present = self.user(id).filter(|user| user.password.as_ref() == Some(former));
        let present = present.ok_or(SessionsError::NotFound)?;
        Ok(Change { user: Some(User { password: Some(fresh), ..User::clone(present) }), ..Change::default() })
    }

    pub(super) fn delete_user(&self, id: UserId) -> Decision {
        let present = self.user(id).ok_or(SessionsError::NotFound)?;
        if present.is_acting_owner() && self.is_last_owner(id) {
            return Err(SessionsError::LastOwner);
        }
        let ended = self.sessions_of(Some(id)).map(|session| session.id).collect();
        Ok(Change { removed: Some(id), ended, ..Change::default() })
    }

    /// Whether a password is looked at; if it is, that counts as a failure until [`People::open`] takes it back. Where it is not, or
    /// there is no such user, nothing is counted, and as much is written.
    pub(super) fn attempt(&self, user: Option<UserId>, address: Option<IpAddr>, at: Timestamp) -> (Verdict, Change) {
        let network = network(address, 64);
        let familiar = user.is_some_and(|user| self.is_familiar(user, network));
        let failure = Failure { user: user.unwrap_or(NOBODY), network, familiar, at };
        let verdict = if user.is_some() { self.lockout().verdict(&failure) } else { Verdict::Look };
        let counts = user.is_some() && verdict == Verdict::Look;
        let [failed, feigned] = [counts, !counts].map(|is_so| is_so.then_some(failure));
        (verdict, Change { failed, feigned, ..Change::default() })
    }

    /// A new session, in the place of the oldest if there are too many. Not if the account was changed since its holder proved
    /// who they are: what they showed may be good no more, and the sessions that it opened have ended already.
    pub(super) fn open(&self, session: Session, proved: Option<Timestamp>, policy: &Policy) -> Decision {
        let is_welcome =
            |id| self.user(id).is_some_and(|user| user.disabled_at.is_none() && Some(user.updated_at) == proved);
        if !session.user.is_none_or(is_welcome) {
            return Err(SessionsError::NotFound);
        }
        let mut present: Vec<_> = self.sessions_of(session.user).map(|it| (it.created_at, it.id)).collect();
        present.sort_unstable();
        let surplus = present.len().saturating_add(1).saturating_sub(policy.per_user);
        let ended = present.into_iter().take(surplus).map(|(_, id)| id).collect();
        let (network, at) = (network(session.seen.address, 64), session.created_at);
        let forgiven = session.user.map(|user| (user, Some(network)));
        let familiar = session.user.map(|user| (user, network, at));
        Ok(Change { session: Some(session), ended, forgiven, familiar, ..Change::default() })
    }

    /// A new token for the session, if `presented` is its present one; from another network, if its holder has just shown
    /// the password there.
    pub(super) fn renew(
        &self,
        id: SessionId,
        (presented, fresh): (SessionDigest, SessionDigest),
        moved: Option<Option<IpAddr>>,
        (policy, now): (&Policy, Timestamp),
    ) -> Decision {
        let session = self.session(id).filter(|session| session.digest == presented && now < session.expires_at);
        let mut session = session.ok_or(SessionsError::NotFound)?.renewed(fresh, (policy, now));
        let mut change = Change::default();
        if let Some(address) = moved {
            if network(session.seen.address, 48) != network(address, 48) {
                // What the password opened from elsewhere is open here, and not there any more.
                session.former = None;
            }
            session.seen.address = address;
            let network = network(address, 64);
            change.forgiven = session.user.map(|user| (user, Some(network)));
            change.familiar = session.user.map(|user| (user, network, now));
        }
        change.session = Some(session);
        Ok(change)
    }

    /// The change of a session, and another password for whose it is: their other sessions end, and this one goes on.
    pub(super) fn with_password(&self, change: Change, password: PasswordHash, at: Timestamp) -> Decision {
        let session = change.session.as_ref().ok_or(SessionsError::NotFound)?;
        let changes = UserChanges { password: Some(password), ..UserChanges::default() };
        let user = session.user.ok_or(SessionsError::NotFound)?;
        let Change { user, ended, .. } = self.update_user(user, changes, (Some(session.id), at))?;
        Ok(Change { user, ended, ..change })
    }

    pub(super) fn end(&self, which: Which) -> Decision {
        let ended: Vec<_> = match which {
            Which::One(id) => self.session(id).map(|session| session.id).into_iter().collect(),
            Which::Of(user) => self.sessions_of(user).map(|session| session.id).collect(),
        };
        if ended.is_empty() {
            return Err(SessionsError::NotFound);
        }
        Ok(Change { ended, ..Change::default() })
    }

    /// Ends the sessions of management tokens that are not among those that are admitted.
    pub(super) fn end_of_other_tokens(&self, admitted: &[TokenMark]) -> Change {
        let is_over = |session: &&Arc<Session>| session.opened_by.is_none_or(|mark| !admitted.contains(&mark));
        let ended = self.sessions_of(None).filter(is_over).map(|session| session.id).collect();
        Change { ended, ..Change::default() }
    }

    /// The session, used now.
    pub(super) fn touch(&self, id: SessionId, at: Timestamp) -> Option<Change> {
        let session = self.session(id).filter(|session| session.seen_at < at)?;
        let session = Session { seen_at: at, ..Session::clone(session) };
        Some(Change { session: Some(session), ..Change::default() })
    }

    pub(super) fn unlock(&self, id: UserId) -> Decision {
        self.user(id).ok_or(SessionsError::NotFound)?;
        Ok(Change { forgiven: Some((id, None)), ..Change::default() })
    }

    /// Removes what is over.
    pub(super) fn sweep(&self, now: Timestamp) -> Change {
        let over = self.sessions().filter(|session| now >= session.expires_at || now >= session.ends_at);
        let ended = over.map(|session| session.id).take(SWEPT_AT_ONCE).collect();
        Change { ended, forgotten: Some((now.before(REMEMBERED), now.before(FAMILIAR))), ..Change::default() }
    }

    fn is_last_owner(&self, id: UserId) -> bool {
        !self.users().any(|user| user.id != id && user.is_acting_owner())
    }
}
