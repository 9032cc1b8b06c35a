//! Users: the people who may sign in. Owns what an account is made of and which accounts are sound.
//! Refuses passwords: an account has the hash of one, which cannot be printed.

use std::fmt;
use std::sync::Arc;

use super::error::SessionsError;
use crate::domain::{ProjectId, Role, Timestamp, UserId, name};

/// Longest name, in characters: it is part of every session token.
const MAX_NAME: usize = 64;

/// Somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// What they sign in with: lower case, unique.
    pub name: Arc<str>,
    /// What others read.
    pub display_name: String,
    /// What they are.
    pub role: Role,
    /// The hash of their password; without one they cannot sign in with a password.
    pub password: Option<PasswordHash>,
    /// The only projects a viewer sees; `None` for all.
    pub projects: Option<Vec<ProjectId>>,
    /// Who vouches for them, and under which name there.
    pub oidc: Option<Oidc>,
    /// Since when they may not sign in.
    pub disabled_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An account elsewhere that signs in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// The issuer's address.
    pub issuer: String,
    /// The issuer's name for the person.
    pub subject: String,
}

/// What a password is checked against. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub Arc<str>);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(****)")
    }
}

/// What changes about a user; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChanges {
    /// What others read.
    pub display_name: Option<String>,
    /// What they are.
    pub role: Option<Role>,
    /// What they see.
    pub projects: Option<Option<Vec<ProjectId>>>,
    /// Whether they are kept out.
    pub disabled: Option<bool>,
    /// The hash of a new password.
    pub password: Option<PasswordHash>,
}

impl UserChanges {
    /// Which fields change, by name.
    pub fn names(&self) -> [(&'static str, bool); 5] {
        [
            ("display_name", self.display_name.is_some()),
            ("role", self.role.is_some()),
            ("projects", self.projects.is_some()),
            ("disabled", self.disabled.is_some()),
            ("password", self.password.is_some()),
        ]
    }

    /// Whether what their sessions may do, or who may have them, is another matter afterwards.
    pub(super) fn ends_sessions(&self, user: &User) -> bool {
        self.password.is_some()
            || self.disabled == Some(true)
            || self.role.is_some_and(|role| role != user.role)
            || self.projects.as_ref().is_some_and(|projects| *projects != user.projects)
    }
}

impl User {
    /// Whether they are an owner who is let in.
    pub fn is_acting_owner(&self) -> bool {
        self.role == Role::Owner && self.disabled_at.is_none()
    }

    /// The account with these changes, made at `at`.
    pub(super) fn changed(&self, changes: UserChanges, at: Timestamp) -> Self {
        let disabled_at = match changes.disabled {
            Some(true) => self.disabled_at.or(Some(at)),
            Some(false) => None,
            None => self.disabled_at,
        };
        Self {
            display_name: changes.display_name.unwrap_or_else(|| self.display_name.clone()),
            role: changes.role.unwrap_or(self.role),
            projects: changes.projects.unwrap_or_else(|| self.projects.clone()),
            password: changes.password.or_else(|| self.password.clone()),
            disabled_at,
            updated_at: at,
            ..self.clone()
        }
    }

    pub(super) fn check(&self) -> Result<(), SessionsError> {
        let letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-@+".contains(letter);
        if self.name.is_empty() || self.name.len() > MAX_NAME || !self.name.chars().all(letter) {
            let reason = "must be 1 to 64 of a-z, 0-9 and . _ - @ +";
            return Err(SessionsError::invalid("name", reason));
        }
        if matches!(&*self.name, "management" | "system" | "anonymous" | "client") {
            return Err(SessionsError::invalid("name", "is reserved"));
        }
        if let Some(reason) = name::fault(&self.display_name).filter(|_| !self.display_name.is_empty()) {
            return Err(SessionsError::invalid("display_name", reason));
        }
        if self.projects.is_some() && self.role != Role::Viewer {
            return Err(SessionsError::invalid("projects", "can be given to viewers only; every other role sees all"));
        }
        Ok(())
    }
}
