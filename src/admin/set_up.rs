//! The first owner: made by whoever holds the code that `farthing init` told, while there is no account.
//! Owns the order of its checks. Refuses to know whether it is the first: the sessions actor does, so that of two at once
//! there is one.

use farthing_actors::domain::{Author, Role, Secret};

use super::people::UserDraft;
use super::sign_in::SignedIn;
use super::{Admin, AdminError};

impl Admin {
    /// Whether anybody has an account.
    pub fn has_accounts(&self) -> bool {
        self.people().users().next().is_some()
    }

    /// Whether this is the code of this installation.
    ///
    /// # Errors
    /// [`AdminError::WrongCredentials`] if it is not.
    pub fn check_set_up_code(&self, code: &str) -> Result<(), AdminError> {
        if self.parts.security.is_set_up_code(code) { Ok(()) } else { Err(AdminError::WrongCredentials) }
    }

    /// Makes the first owner, and signs them in. Whoever asks has shown the code.
    ///
    /// # Errors
    /// If there is an account already, the password is too easy, or the name is none.
    pub async fn make_first_owner(&self, name: &str, password: Secret, by: &Author) -> Result<SignedIn, AdminError> {
        let draft = UserDraft {
            name: name.to_owned(),
            display_name: String::new(),
            role: Role::Owner,
            password: Some(password),
            password_hash: None,
            projects: None,
        };
        let user = self.account(draft, by.at).await?;
        let id = user.id;
        let by_system = Author { name: "system".into(), ..by.clone() };
        let event = by_system.does("user.create").about(id).and("role", Role::Owner).and("by", "set-up code");
        self.parts.sessions.create_first_user(user, event).await?;
        self.open_session(self.user(id)?, by).await
    }
}
