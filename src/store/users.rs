//! The table `users`: a row for each account. Owns the spelling of an account in a row.
//! Refuses rules: the sessions actor has decided before anything comes here.

use diesel::prelude::*;
use farthing_actors::domain::{Timestamp, UserId};
use farthing_actors::sessions::{Oidc, PasswordHash, User};

use super::StoreError;
use super::columns::Row;
use super::schema::people::users;

/// One row, as read and as written.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
struct UserRow {
    id: String,
    name: String,
    display_name: String,
    role: String,
    password: Option<String>,
    projects: Option<String>,
    oidc_issuer: Option<String>,
    oidc_subject: Option<String>,
    disabled_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

/// Every account.
///
/// # Errors
/// If the database does not answer or a row is damaged.
pub fn load(connection: &mut SqliteConnection) -> Result<Vec<User>, StoreError> {
    let rows = users::table.select(UserRow::as_select()).order(users::id).load(connection)?;
    rows.into_iter().map(UserRow::into_user).collect()
}

/// Writes the account over the row with its id, or as a new one.
///
/// # Errors
/// If the database refuses it.
pub fn save(connection: &mut SqliteConnection, user: &User) -> Result<(), StoreError> {
    let row = UserRow::from(user);
    let insert = diesel::insert_into(users::table).values(&row);
    insert.on_conflict(users::id).do_update().set(&row).execute(connection)?;
    Ok(())
}

/// Removes the row; what refers to it goes with it.
///
/// # Errors
/// If the database does not answer.
pub fn remove(connection: &mut SqliteConnection, id: UserId) -> Result<(), StoreError> {
    diesel::delete(users::table.find(id.to_string())).execute(connection)?;
    Ok(())
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        let oidc = user.oidc.as_ref();
        Self {
            id: user.id.to_string(),
            name: user.name.to_string(),
            display_name: user.display_name.clone(),
            role: user.role.name().to_owned(),
            password: user.password.as_ref().map(|PasswordHash(hash)| hash.to_string()),
            projects: user.projects.as_ref().map(|projects| serde_json::json!(projects).to_string()),
            oidc_issuer: oidc.map(|oidc| oidc.issuer.clone()),
            oidc_subject: oidc.map(|oidc| oidc.subject.clone()),
            disabled_at: user.disabled_at.map(|at| at.0),
            created_at: user.created_at.0,
            updated_at: user.updated_at.0,
        }
    }
}

impl UserRow {
    fn into_user(self) -> Result<User, StoreError> {
        let row = Row { table: "users", id: &self.id };
        Ok(User {
            id: row.parse("id", &self.id)?,
            role: row.parse("role", &self.role)?,
            projects: self.projects.as_deref().map(|projects| row.json("projects", projects)).transpose()?,
            name: self.name.into(),
            display_name: self.display_name,
            password: self.password.map(|hash| PasswordHash(hash.into())),
            oidc: self.oidc_issuer.zip(self.oidc_subject).map(|(issuer, subject)| Oidc { issuer, subject }),
            disabled_at: self.disabled_at.map(Timestamp),
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        })
    }
}
