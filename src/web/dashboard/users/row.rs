//! An account as a row. Owns what is said of how it is.

use farthing_actors::domain::Timestamp;
use farthing_actors::keyring::ring::Keys;
use farthing_actors::sessions::{People, User};

use crate::web::dashboard::shown::Moment;

#[derive(Debug, Clone)]
pub(super) struct UserRow {
    pub id: String,
    pub name: String,
    pub display_name: String,
    pub role: &'static str,
    /// The names of the only projects they see; empty for all.
    pub projects: Vec<String>,
    /// How they sign in.
    pub by: &'static str,
    pub is_disabled: bool,
    pub is_locked: bool,
    /// How many sessions they have.
    pub sessions: usize,
    /// When one of them was last used.
    pub seen: Option<Moment>,
    pub created: Moment,
}

impl UserRow {
    pub(super) fn new(user: &User, (people, now): (&People, Timestamp), keys: &Keys) -> Self {
        let name = |id| keys.project(id).map_or_else(|| id.to_string(), |project| project.name.clone());
        let sessions: Vec<_> = people.sessions_of(Some(user.id)).filter(|it| now < it.expires_at).collect();
        Self {
            id: user.id.to_string(),
            name: user.name.to_string(),
            display_name: user.display_name.clone(),
            role: user.role.name(),
            projects: user.projects.iter().flatten().copied().map(name).collect(),
            by: match (&user.oidc, &user.password) {
                (Some(_), Some(_)) => "single sign-on or password",
                (Some(_), None) => "single sign-on",
                (None, Some(_)) => "password",
                (None, None) => "nothing yet",
            },
            is_disabled: user.disabled_at.is_some(),
            is_locked: people.lockout().is_locked(user.id, now),
            sessions: sessions.len(),
            seen: sessions.iter().map(|session| session.seen_at).max().map(Moment::from),
            created: Moment::from(user.created_at),
        }
    }
}
