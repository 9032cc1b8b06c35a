//! Accounts: made, changed and removed. Owns who may do that to whom: nobody touches an account that stands above them, nor
//! gives a role that does. Refuses the other rules: names and the last owner are the sessions actor's questions.

use std::sync::Arc;

use farthing_actors::domain::{Author, ProjectId, Role, Secret, Timestamp, UserId};
use farthing_actors::sessions::{User, UserChanges};

use super::etag::expect;
use super::{Admin, AdminError, Tagged};
use crate::security::passwords::imported;

/// An account to be made.
#[derive(Debug, Clone)]
pub struct UserDraft {
    /// What they sign in with.
    pub name: String,
    /// What others read.
    pub display_name: String,
    /// What they are.
    pub role: Role,
    /// Their password, if they have one.
    pub password: Option<Secret>,
    /// Instead of it, what another program made of it.
    pub password_hash: Option<Secret>,
    /// The only projects they see, by name or id; `None` for all.
    pub projects: Option<Vec<String>>,
}

/// What changes about an account; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UserWish {
    /// What others read.
    pub display_name: Option<String>,
    /// What they are.
    pub role: Option<Role>,
    /// The only projects they see, by name or id, or all.
    pub projects: Option<Option<Vec<String>>>,
    /// Whether they are kept out.
    pub disabled: Option<bool>,
}

/// Who does something: by name on record, and by role.
#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    /// Who, when and from where.
    pub by: &'a Author,
    /// What they are.
    pub role: Role,
}

impl Admin {
    /// The account with this id.
    ///
    /// # Errors
    /// If there is none.
    pub fn user(&self, id: UserId) -> Result<Arc<User>, AdminError> {
        self.people().user(id).cloned().ok_or_else(|| AdminError::absent("user", id))
    }

    /// Makes an account.
    ///
    /// # Errors
    /// If its role stands above the author's, the password is too easy, or a field is wrong.
    pub async fn create_user(&self, draft: UserDraft, who: Ranked<'_>) -> Result<Arc<User>, AdminError> {
        who.may_touch(draft.role)?;
        let user = self.account(draft, who.by.at).await?;
        let (id, event) = (user.id, who.by.does("user.create").about(user.id).and("role", user.role));
        let is_imported = user.password.as_ref().is_some_and(|hash| imported::rounds(hash) > 0);
        let event = if is_imported { event.and("password", "from elsewhere") } else { event };
        self.parts.sessions.create_user(user, event).await?;
        self.user(id)
    }

    /// The account that a draft describes, which nobody has yet.
    pub(super) async fn account(&self, draft: UserDraft, now: Timestamp) -> Result<User, AdminError> {
        let password = match (draft.password, draft.password_hash) {
            (Some(password), None) => {
                self.check_password("password", &password, &draft.name)?;
                Some(self.hash(password).await?)
            }
            (None, Some(hash)) => {
                let taken = imported::taken_in(hash.expose());
                Some(taken.map_err(|reason| AdminError::invalid("password_hash", reason))?)
            }
            (None, None) => None,
            (Some(_), Some(_)) => return Err(AdminError::invalid("password_hash", "cannot stand beside a password")),
        };
        Ok(User {
            id: UserId::generate(),
            name: draft.name.into(),
            display_name: draft.display_name,
            role: draft.role,
            password,
            projects: draft.projects.map(|projects| self.project_ids(&projects)).transpose()?,
            oidc: None,
            disabled_at: None,
            created_at: now,
            updated_at: now,
        })
    }

    /// Changes an account. If what they may do changes, their sessions end.
    ///
    /// # Errors
    /// If there is none, it stands above the author, it is another version, it is the last owner's, or a field is wrong.
    pub async fn change_user(&self, id: UserId, wish: UserWish, who: Ranked<'_>) -> Result<Arc<User>, AdminError> {
        let _one = self.changing.lock().await;
        let present = self.user(id)?;
        who.may_touch(present.role)?;
        expect(who.by, &present.etag())?;
        wish.role.map_or(Ok(()), |role| who.may_touch(role))?;
        let projects = match wish.projects {
            Some(Some(projects)) => Some(Some(self.project_ids(&projects)?)),
            Some(None) => Some(None),
            None => None,
        };
        let (display_name, role, disabled) = (wish.display_name, wish.role, wish.disabled);
        let changes = UserChanges { display_name, role, projects, disabled, password: None };
        let event = who.by.does("user.update").about(id).changing(&changes.names());
        self.parts.sessions.update_user(id, changes, (None, event)).await?;
        self.user(id)
    }

    /// Gives somebody another password, and ends their sessions. Says how many.
    ///
    /// # Errors
    /// If there is none, it stands above the author, or the password is too easy.
    pub async fn set_password(&self, id: UserId, password: Secret, who: Ranked<'_>) -> Result<usize, AdminError> {
        let user = self.user(id)?;
        who.may_touch(user.role)?;
        self.check_password("password", &password, &user.name)?;
        let changes = UserChanges { password: Some(self.hash(password).await?), ..UserChanges::default() };
        let _one = self.changing.lock().await;
        who.may_touch(self.user(id)?.role)?;
        let event = who.by.does("user.password").about(id);
        Ok(self.parts.sessions.update_user(id, changes, (None, event)).await?)
    }

    /// Removes an account, and ends its sessions.
    ///
    /// # Errors
    /// If there is none, it stands above the author, it is another version, or it is the last owner's.
    pub async fn delete_user(&self, id: UserId, who: Ranked<'_>) -> Result<(), AdminError> {
        let _one = self.changing.lock().await;
        let present = self.user(id)?;
        who.may_touch(present.role)?;
        expect(who.by, &present.etag())?;
        self.parts.sessions.delete_user(id, who.by.does("user.delete").about(id)).await?;
        Ok(())
    }

    /// Forgives an account every wrong guess.
    ///
    /// # Errors
    /// If there is none, or it stands above the author.
    pub async fn unlock_user(&self, id: UserId, who: Ranked<'_>) -> Result<Arc<User>, AdminError> {
        who.may_touch(self.user(id)?.role)?;
        self.parts.sessions.unlock(id, who.by.does("user.unlock").about(id)).await?;
        self.user(id)
    }

    fn project_ids(&self, wanted: &[String]) -> Result<Vec<ProjectId>, AdminError> {
        let found = |wanted: &String| {
            let project = self.find_project(wanted).map(|project| project.id);
            project.ok_or_else(|| AdminError::invalid("projects", format!("{wanted:?} does not exist")))
        };
        wanted.iter().map(found).collect()
    }
}

impl Ranked<'_> {
    /// Whether they may make, change or remove somebody of this role.
    ///
    /// # Errors
    /// If that role stands above theirs, or beside it.
    pub fn may_touch(&self, role: Role) -> Result<(), AdminError> {
        if self.role.stands_above(role) {
            return Ok(());
        }
        Err(AdminError::AboveRank(format!("the role {} may not touch accounts of the role {role}", self.role)))
    }
}
