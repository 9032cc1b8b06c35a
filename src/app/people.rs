//! The offline commands on accounts: `user create | list | passwd | unlock` without a server. Owns that they hold the data
//! directory meanwhile. Refuses to work beside a server: its accounts are asked of it.

use std::sync::Arc;

use actix::Arbiter;
use farthing_actors::domain::{Author, Clock, Event, Role, Secret, UserId};
use farthing_actors::sessions::{self, PasswordHash, Sessions, User, UserChanges};
use farthing_actors::supervisor::Supervisor;
use serde_json::{Value, json};

use super::parts::{self, Disk};
use super::{AppError, failed, installation, present};
use crate::config::Config;
use crate::security::Security;
use crate::security::passwords::{self, imported};
use crate::store::StoreError;
use crate::store::data_dir::DataDirLock;
use crate::store::sessions::SessionsTables;

/// What an offline command does.
pub enum UserOrder {
    /// Makes an account.
    Create {
        /// Its name.
        name: String,
        /// Its role.
        role: Role,
        /// Its password.
        password: NewPassword,
    },
    /// Gives an account another password.
    Passwd {
        /// Its name.
        name: String,
        /// The password.
        password: Secret,
    },
    /// Forgives an account every wrong guess.
    Unlock {
        /// Its name.
        name: String,
    },
    /// Shows every account.
    List,
}

/// What an account is made with.
pub enum NewPassword {
    /// A password.
    Plain(Secret),
    /// What another program made of one.
    Hashed(Secret),
}

/// Does it, and shows what there is then: one account, or a list. `None` if a server holds the data directory.
///
/// # Errors
/// If the database or the master key cannot be used, or the account may not be so.
pub fn offline_users(config: &Config, order: UserOrder) -> Result<Option<Value>, AppError> {
    if !matches!(order, UserOrder::Create { .. }) {
        present::database(config)?;
    }
    let _lock = match DataDirLock::acquire(&config.data_dir) {
        Ok(lock) => lock,
        Err(StoreError::InUse(_)) => return Ok(None),
        Err(error) => return Err(failed("data directory")(error)),
    };
    let disk = Disk::open(config)?;
    let security = Arc::new(installation::security(config, &disk.store)?);
    let done = actix::System::new().block_on(async {
        let supervisor = Supervisor::new(Clock::system(), Arc::new(|error| log::error!(error:%; "an actor ended")));
        let trail = parts::trail(&disk.store, (config, &security)).map_err(failed("audit trail"))?;
        let store = Arc::new(SessionsTables { store: Arc::clone(&disk.store), trail: Arc::new(trail) });
        let sessions = sessions::start(&supervisor, Arbiter::current(), store, config.session.0).await;
        let people = People { sessions: sessions.map_err(failed("sessions"))?, security: &security };
        let done = people.carry_out(order).await;
        supervisor.stop();
        done
    });
    disk.writer.stop().map_err(failed("journal writer"))?;
    done.map(Some)
}

struct People<'a> {
    sessions: Sessions,
    security: &'a Security,
}

impl People<'_> {
    async fn carry_out(&self, order: UserOrder) -> Result<Value, AppError> {
        match order {
            UserOrder::Create { name, role, password } => self.create(name, role, &password).await,
            UserOrder::Passwd { name, password } => {
                let id = self.id(&name)?;
                let changes = UserChanges { password: Some(self.hash(&password, &name)?), ..UserChanges::default() };
                let event = event("user.password", id);
                self.sessions.update_user(id, changes, (None, event)).await.map_err(failed("user"))?;
                self.shown(id)
            }
            UserOrder::Unlock { name } => {
                let id = self.id(&name)?;
                self.sessions.unlock(id, event("user.unlock", id)).await.map_err(failed("user"))?;
                self.shown(id)
            }
            UserOrder::List => {
                let people = self.sessions.snapshot().get();
                let users: Vec<_> = people.users().map(|user| view(user)).collect();
                Ok(json!({ "data": users, "next_cursor": null }))
            }
        }
    }

    async fn create(&self, name: String, role: Role, password: &NewPassword) -> Result<Value, AppError> {
        let (id, now) = (UserId::generate(), Clock::system().now());
        let password = match password {
            NewPassword::Plain(password) => self.hash(password, &name)?,
            NewPassword::Hashed(hash) => imported::taken_in(hash.expose()).map_err(failed("password hash"))?,
        };
        let password = Some(password);
        let user = User {
            id,
            name: name.into(),
            display_name: String::new(),
            role,
            password,
            projects: None,
            oidc: None,
            disabled_at: None,
            created_at: now,
            updated_at: now,
        };
        let event = event("user.create", id).and("role", role);
        self.sessions.create_user(user, event).await.map_err(failed("user"))?;
        self.shown(id)
    }

    fn hash(&self, password: &Secret, name: &str) -> Result<PasswordHash, AppError> {
        if let Some(reason) = passwords::fault(password, name) {
            return Err(AppError { part: "password", reason: reason.to_owned() });
        }
        self.security.hash_password(password).map_err(failed("password"))
    }

    fn id(&self, name: &str) -> Result<UserId, AppError> {
        let people = self.sessions.snapshot().get();
        let found = people.user_by_name(name).map(|user| user.id);
        found.ok_or_else(|| AppError { part: "user", reason: format!("there is no user {name:?}") })
    }

    fn shown(&self, id: UserId) -> Result<Value, AppError> {
        let people = self.sessions.snapshot().get();
        people.user(id).map(|user| view(user)).ok_or_else(|| AppError { part: "user", reason: "it is gone".to_owned() })
    }
}

/// Whoever may use the data directory may do this; on record it is the program.
fn event(action: &'static str, about: UserId) -> Event {
    Author::new("system", Clock::system().now()).does(action).about(about).and("by", "command line")
}

fn view(user: &User) -> Value {
    json!({
        "id": user.id,
        "name": user.name,
        "display_name": user.display_name,
        "role": user.role,
        "disabled": user.disabled_at.is_some(),
        "created_at": user.created_at.to_string(),
    })
}
