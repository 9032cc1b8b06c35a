//! Sign-ins by an identity provider's word: who of ours that is, and what they are from now on.
//! Owns the account behind a word: matched by issuer and subject and by nothing else, made at the first sign-in, and of the
//! role that the provider gives at each. Refuses whoever is disabled here, and to leave the gateway without an owner.

use std::sync::Arc;

use farthing_actors::domain::{Author, Role, UserId, name};
use farthing_actors::sessions::{Oidc, People, User, UserChanges};

use super::oidc::Arrived;
use super::sign_in::SignedIn;
use super::{Admin, AdminError};
use crate::security::oidc::Identity;

/// What an account is called after, the first that is there.
const CLAIMS: [&str; 3] = ["preferred_username", "email", "name"];
/// Leaves room for a number behind it.
const LONGEST: usize = 56;

impl Admin {
    /// Signs in whoever has arrived from the identity provider.
    ///
    /// # Errors
    /// [`AdminError::WrongCredentials`] if their account is disabled; if the last owner would be none any more, or it cannot be
    /// saved.
    pub async fn sign_in_vouched(&self, arrived: &Arrived, by: &Author) -> Result<SignedIn, AdminError> {
        let user = {
            let _one = self.changing.lock().await;
            let known = self.people().user_by_subject(&arrived.issuer, &arrived.identity.subject).cloned();
            let author = Author { name: "system".into(), ..by.clone() };
            match known {
                Some(user) if user.disabled_at.is_some() => return Err(AdminError::WrongCredentials),
                Some(user) if user.role == arrived.role => user,
                Some(user) => self.turn_into(&user, arrived.role, &author).await?,
                None => self.welcome(arrived, &author).await?,
            }
        };
        self.open_session(user, by).await
    }

    /// The account with the role that the provider gives now. Projects are for viewers alone.
    async fn turn_into(&self, user: &User, role: Role, author: &Author) -> Result<Arc<User>, AdminError> {
        let projects = (role != Role::Viewer).then_some(None);
        let changes = UserChanges { role: Some(role), projects, ..UserChanges::default() };
        let event = author.does("user.update").about(user.id).changing(&changes.names());
        let event = event.and("role", role).and("by", "identity provider");
        self.parts.sessions.update_user(user.id, changes, (None, event)).await?;
        self.user(user.id)
    }

    async fn welcome(&self, arrived: &Arrived, author: &Author) -> Result<Arc<User>, AdminError> {
        let Arrived { issuer, identity, role } = arrived;
        let id = UserId::generate();
        let said = identity.name.as_deref().map(str::trim).filter(|said| name::fault(said).is_none());
        let user = User {
            id,
            name: free_name(identity, &self.people()).into(),
            display_name: said.unwrap_or_default().to_owned(),
            role: *role,
            password: None,
            projects: None,
            oidc: Some(Oidc { issuer: issuer.clone(), subject: identity.subject.clone() }),
            disabled_at: None,
            created_at: author.at,
            updated_at: author.at,
        };
        let event = author.does("user.create").about(id).and("role", *role).and("by", "identity provider");
        self.parts.sessions.create_user(user, event).await?;
        self.user(id)
    }
}

/// A name that nobody has, like what the provider calls them. It never leads to an account that is there.
fn free_name(identity: &Identity, people: &People) -> String {
    let said = CLAIMS.iter().find_map(|claim| identity.says(claim).first().copied().and_then(plain));
    let base = said.unwrap_or_else(|| "user".to_owned());
    // "user-management" is nobody's name here; "management" is the token's.
    let base =
        if ["management", "system", "anonymous", "client"].contains(&&*base) { format!("user-{base}") } else { base };
    let numbered = (2..).map(|number: u32| format!("{base}-{number}"));
    let mut names = std::iter::once(base.clone()).chain(numbered);
    names.find(|name| people.user_by_name(name).is_none()).unwrap_or(base)
}

/// What of a text may be in a name; `None` if nothing.
fn plain(text: &str) -> Option<String> {
    let fits = |letter: &char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-@+".contains(*letter);
    let letters = text.trim().chars().map(|letter| if letter == ' ' { '.' } else { letter.to_ascii_lowercase() });
    let plain: String = letters.filter(fits).take(LONGEST).collect();
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_may_be_one() {
        for (said, name) in [
            ("Mia", Some("mia")),
            ("Mia Müller", Some("mia.mller")),
            ("mia@example.com", Some("mia@example.com")),
            ("<script>", Some("script")),
            ("日本", None),
            ("  ", None),
        ] {
            assert_eq!(plain(said).as_deref(), name, "{said}");
        }
        assert_eq!(plain(&"x".repeat(300)).map(|name| name.len()), Some(LONGEST));
    }
}
