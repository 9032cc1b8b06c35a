//! Signing in and what follows: one routine for whoever comes, by a form or by the API. Owns its order: how often somebody may
//! guess, the password, a new session under a new id. Refuses to say why a sign-in failed: unknown, wrong, disabled and
//! waiting are one answer, and take the same time.

use std::net::IpAddr;
use std::sync::Arc;

use farthing_actors::domain::{Author, Effect, Role, Secret, SessionId, Timestamp, UserId};
use farthing_actors::sessions::{
    Failure, PasswordHash, People, Policy, Seen, Session, SessionDigest, SessionsError, TokenMark, User, Verdict,
    Which, network,
};

use super::hashing::Turn;
use super::tokens::MANAGEMENT;
use super::{Admin, AdminError};
use crate::security::passwords::{self, imported};

/// Far above any password, so that nobody makes us hash megabytes.
const MOST_BYTES: usize = 4 * 128;

/// Somebody who has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// What the browser is to keep; it is not kept here.
    pub token: String,
    /// Their session.
    pub session: Session,
    /// Who; `None` for the management token.
    pub user: Option<Arc<User>>,
}

/// A session as a request has shown it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The session.
    pub session: Arc<Session>,
    /// By which of its tokens.
    pub digest: SessionDigest,
    /// Whose; `None` for the management token.
    pub user: Option<Arc<User>>,
}

/// What somebody is called in sessions and on record.
pub fn called(user: Option<&User>) -> String {
    user.map_or_else(|| MANAGEMENT.to_owned(), |user| format!("user:{}", user.name))
}

/// From where an author acts.
pub fn seen(by: &Author) -> Seen {
    Seen::new(by.origin.user_agent.as_deref().unwrap_or_default(), by.origin.client_ip)
}

impl Admin {
    /// Signs somebody in by name and password. `by` is whoever asks.
    ///
    /// # Errors
    /// [`AdminError::WrongCredentials`], whatever was wrong; or that too many wait.
    pub async fn sign_in(&self, name: &str, password: Secret, by: &Author) -> Result<SignedIn, AdminError> {
        let user = self.people().user_by_name(name).cloned();
        let user = self.has_password(user, password, by).await?;
        self.open_session(user, by).await
    }

    /// Signs in whoever holds the management token.
    ///
    /// # Errors
    /// [`AdminError::WrongCredentials`] if it is not that.
    pub async fn sign_in_by_token(&self, token: &str, by: &Author) -> Result<SignedIn, AdminError> {
        if !self.parts.security.is_management_token(token) {
            return Err(AdminError::WrongCredentials);
        }
        self.open(None, Some(self.parts.security.token_mark(token)), by).await
    }

    /// Ends the sessions of management tokens that are admitted no more. Says how many.
    ///
    /// # Errors
    /// If that cannot be saved.
    pub async fn end_sessions_of_former_tokens(&self) -> Result<usize, AdminError> {
        let admitted = self.parts.security.admitted_marks().to_vec();
        let event = self.system().does("session.revoke").about(MANAGEMENT).and("reason", "another management token");
        Ok(self.parts.sessions.end_of_other_tokens(admitted, event).await?)
    }

    /// Opens a session for somebody who has proved to be `user` as that account is here, under an id that nobody had before.
    ///
    /// # Errors
    /// [`AdminError::WrongCredentials`] if the account has changed since; or it cannot be saved.
    pub async fn open_session(&self, user: Arc<User>, by: &Author) -> Result<SignedIn, AdminError> {
        self.open(Some(user), None, by).await
    }

    async fn open(
        &self,
        user: Option<Arc<User>>,
        opened_by: Option<TokenMark>,
        by: &Author,
    ) -> Result<SignedIn, AdminError> {
        let (policy, now) = (self.parts.sessions.policy(), by.at);
        let ends_at = now.plus(policy.absolute);
        let expires_at = policy.expires_at(now, ends_at);
        let (name, role) = carried(user.as_deref());
        let issued = self.parts.security.issue_session(&name, role, (now, expires_at))?;
        let session = Session {
            id: SessionId::generate(),
            user: user.as_ref().map(|user| user.id),
            digest: issued.digest,
            former: None,
            seen: seen(by),
            created_at: now,
            issued_at: now,
            seen_at: now,
            expires_at,
            ends_at,
            opened_by,
        };
        let by = Author { name: called(user.as_deref()).into(), ..by.clone() };
        let (proved, event) = (user.as_ref().map(|user| user.updated_at), by.does("session.create").about(session.id));
        self.parts.sessions.open(session.clone(), proved, event).await.map_err(|error| match error {
            // What was proved is not true any more.
            SessionsError::NotFound => AdminError::WrongCredentials,
            error => error.into(),
        })?;
        Ok(SignedIn { token: issued.token, session, user })
    }

    /// A new token for a session of which more than half is over; `None` if somebody was faster or it is over by now.
    ///
    /// # Errors
    /// If it cannot be saved.
    pub async fn renew_session(&self, shown: &Shown, by: &Author) -> Result<Option<String>, AdminError> {
        match self.renewed(shown, (None, None), by.clone()).await {
            Ok((token, _)) => Ok(Some(token)),
            Err(AdminError::People(SessionsError::NotFound)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lets somebody go on in their session from where they are now, because they know the password; with `new` that is theirs from
    /// then on, and their other sessions end. Gives the session's new token, and how many others ended. All of it is done or nothing:
    /// a browser that is refused keeps its token.
    ///
    /// # Errors
    /// As [`Admin::sign_in`]; if the new password is too easy, or whoever's session it is has none.
    pub async fn confirm_session(
        &self,
        shown: &Shown,
        (password, new): (Secret, Option<Secret>),
        by: &Author,
    ) -> Result<(String, usize), AdminError> {
        new.as_ref().map_or(Ok(()), |new| self.check_own_password(shown, new))?;
        // Its turn comes first: a guess that is counted is one that a right password takes back.
        let turn = new.as_ref().map(|_| self.hashing.turn()).transpose()?;
        match &shown.user {
            Some(user) => drop(self.has_password(Some(Arc::clone(user)), password, by).await?),
            None if self.parts.security.is_management_token(password.expose()) => {}
            None => return Err(AdminError::WrongCredentials),
        }
        let new = match new.zip(turn) {
            Some((new, turn)) => Some(self.hash_in(turn, new).await?),
            None => None,
        };
        self.renewed(shown, (Some(by.origin.client_ip), new), by.clone()).await
    }

    /// Whether somebody may have this as their new password.
    fn check_own_password(&self, shown: &Shown, new: &Secret) -> Result<(), AdminError> {
        let user = shown.user.as_ref();
        let user =
            user.ok_or_else(|| AdminError::invalid("new_password", "cannot be given to the management token"))?;
        self.check_password("new_password", new, &user.name)
    }

    /// Ends a session, or all of somebody. Says how many.
    ///
    /// # Errors
    /// If there was none to end.
    pub async fn end_sessions(&self, which: Which, action: &'static str, by: &Author) -> Result<usize, AdminError> {
        let event = by.does(action);
        let event = match which {
            Which::One(id) => event.about(id),
            Which::Of(Some(user)) => event.about(user),
            Which::Of(None) => event.about(MANAGEMENT),
        };
        Ok(self.parts.sessions.end(which, event).await?)
    }

    /// Ends a session that somebody else holds, and puts that on record.
    pub async fn end_stolen_session(&self, shown: &Shown, why: &'static str, by: &Author) {
        let event = by.does("session.hijack").about(shown.session.id).and("reason", why).ending(Effect::Refused);
        match self.parts.sessions.end(Which::One(shown.session.id), event).await {
            Ok(_) => log::warn!(reason = why; "a session was ended, because somebody else holds its token"),
            // It ended meanwhile.
            Err(SessionsError::NotFound) => {}
            Err(error) => {
                log::error!(error:%; "a session that somebody else holds could not be ended; it stays refused to them")
            }
        }
    }

    /// How long sessions last and what binds them.
    pub fn session_policy(&self) -> &Policy {
        self.parts.sessions.policy()
    }

    /// A session was used.
    pub fn touch_session(&self, id: SessionId, at: Timestamp) {
        self.parts.sessions.touch(id, at);
    }

    /// Everybody, and every session, as last published.
    pub fn people(&self) -> Arc<People> {
        self.parts.sessions.snapshot().get()
    }

    /// The user whose password this is. Does the same work whether there is such a user or not.
    async fn has_password(
        &self,
        user: Option<Arc<User>>,
        password: Secret,
        by: &Author,
    ) -> Result<Arc<User>, AdminError> {
        let user = user.filter(|user| user.disabled_at.is_none());
        let hash = user.as_ref().filter(|user| self.is_welcome(user.id, by)).and_then(|user| user.password.clone());
        let short = password.expose().len() <= MOST_BYTES;
        let password = if short { password } else { Secret::new("") };
        let (security, rounds) = (Arc::clone(&self.parts.security), self.rounds());
        let (shown, compared) = (password.clone(), hash.clone());
        // Before anything is counted: whoever is not looked at has not guessed.
        let good = self.hashing.turn()?.run(move || security.is_password(&shown, compared.as_ref(), rounds));
        // Beside each other: that a guess is written down must not make the answer later where there is such a name.
        let (looked, good) = tokio::join!(self.is_looked_at(user.as_deref(), by), good);
        let (looked, good) = (looked?, good?);
        let user = user.filter(|_| looked && good && short).ok_or(AdminError::WrongCredentials)?;
        if let Some(hash) = hash.filter(|hash| imported::rounds(hash) > 0) {
            self.rehash((&user, hash), password, by).await;
        }
        Ok(user)
    }

    /// What the dearest hash from elsewhere takes that anybody has who is let in: every sign-in does as much, so that its time does not tell
    /// who has one.
    fn rounds(&self) -> u32 {
        let people = self.people();
        let let_in = people.users().filter(|user| user.disabled_at.is_none());
        let_in.filter_map(|user| user.password.as_ref()).map(imported::rounds).max().unwrap_or(0)
    }

    /// Puts a hash of ours in the place of one from elsewhere, whose owner has just shown the password.
    async fn rehash(&self, (user, former): (&User, PasswordHash), password: Secret, by: &Author) {
        let by = Author { name: called(Some(user)).into(), ..by.clone() };
        let done = match self.hash(password).await {
            Ok(fresh) => {
                let event = by.does("user.rehash").about(user.id);
                self.parts.sessions.rehash(user.id, (former, fresh), event).await.map_err(AdminError::from)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            log::warn!(error:%; "a password stays under its hash from elsewhere; the next sign-in tries again");
        }
    }

    /// Whether a guess would be looked at, as far as is published. It is compared with nothing otherwise; what counts is the
    /// word of the owner of guesses, who is asked meanwhile and writes it down.
    fn is_welcome(&self, user: UserId, by: &Author) -> bool {
        let (people, network) = (self.people(), network(by.origin.client_ip, 64));
        let familiar = people.is_familiar(user, network);
        people.lockout().verdict(&Failure { user, network, familiar, at: by.at }) == Verdict::Look
    }

    /// The word of the owner of guesses, who is asked whether there is such a user or not: while nobody answers, that is all
    /// there is to say of any name.
    async fn is_looked_at(&self, user: Option<&User>, by: &Author) -> Result<bool, AdminError> {
        let verdict = self.parts.sessions.attempt(user.map(|user| user.id), by.origin.client_ip, by.at).await;
        Ok(verdict.map_err(SessionsError::Actor)? == Verdict::Look)
    }

    async fn renewed(
        &self,
        shown: &Shown,
        (moved, password): (Option<Option<IpAddr>>, Option<PasswordHash>),
        by: Author,
    ) -> Result<(String, usize), AdminError> {
        let (policy, session) = (self.parts.sessions.policy(), &shown.session);
        let (name, role) = carried(shown.user.as_deref());
        let end = policy.expires_at(by.at, session.ends_at);
        let issued = self.parts.security.issue_session(&name, role, (by.at, end))?;
        let by = Author { name: called(shown.user.as_deref()).into(), ..by };
        let event = match (&shown.user, &password) {
            (Some(user), Some(_)) => by.does("user.password").about(user.id).and("session", session.id),
            _ => by.does(if moved.is_some() { "session.confirm" } else { "session.refresh" }).about(session.id),
        };
        let digests = (shown.digest, issued.digest);
        let ended = self.parts.sessions.renew(session.id, digests, (moved, password), event).await?;
        Ok((issued.token, ended))
    }

    pub(super) async fn hash(&self, password: Secret) -> Result<PasswordHash, AdminError> {
        self.hash_in(self.hashing.turn()?, password).await
    }

    async fn hash_in(&self, turn: Turn, password: Secret) -> Result<PasswordHash, AdminError> {
        let security = Arc::clone(&self.parts.security);
        Ok(turn.run(move || security.hash_password(&password)).await??)
    }

    pub(super) fn check_password(&self, field: &'static str, password: &Secret, name: &str) -> Result<(), AdminError> {
        passwords::fault(password, name).map_or(Ok(()), |reason| Err(AdminError::invalid(field, reason)))
    }
}

/// What a token says of its holder.
fn carried(user: Option<&User>) -> (String, Role) {
    user.map_or_else(|| (MANAGEMENT.to_owned(), Role::Owner), |user| (user.name.to_string(), user.role))
}
