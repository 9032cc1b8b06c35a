//! `/api/users`: who may sign in. Owns the shape of an account on the wire. Refuses to show a password's hash.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{Role, Secret, UserId};
use farthing_actors::sessions::{People, User};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{given, read};
use super::list::{List, ListQuery, Page, query};
use super::{id, rfc3339, version};
use crate::admin::people::{Ranked, UserDraft, UserWish};
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::{ManageUsers, Operator, ViewUsers};

// Cannot be printed: it may hold a password in the clear, or its hash.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    name: String,
    password: Option<String>,
    /// Instead of a password, its hash from another program: `$pbkdf2-sha256$i=…,l=32$salt$hash`.
    password_hash: Option<String>,
    display_name: Option<String>,
    role: Role,
    projects: Option<Vec<String>>,
}

/// Absent fields stay; null shows all projects.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedUser {
    display_name: Option<String>,
    role: Option<Role>,
    #[serde(default, deserialize_with = "given")]
    projects: Option<Option<Vec<String>>>,
    disabled: Option<bool>,
}

// Cannot be printed: it holds a password in the clear.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    password: String,
}

/// How many sessions a new password ended.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PasswordSetView {
    sessions_ended: usize,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct UserView {
    id: UserId,
    name: String,
    display_name: String,
    role: Role,
    projects: Option<Vec<String>>,
    oidc: Option<OidcView>,
    has_password: bool,
    disabled: bool,
    locked: bool,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize, JsonSchema)]
struct OidcView {
    issuer: String,
    subject: String,
}

/// GET `/api/users`.
pub async fn list(
    _: Operator<ViewUsers>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: ListQuery = query(&request)?;
    let page = Page::new(asked.limit, asked.cursor.as_deref())?;
    let people = gateway.admin.people();
    let (users, next_cursor) = page.cut(people.users(), |user| user.id);
    let data = users.into_iter().map(|user| view(&gateway, &people, user)).collect();
    Ok(HttpResponse::Ok().json(List { data, next_cursor }))
}

/// POST `/api/users`.
pub async fn create(
    operator: Operator<ManageUsers>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: NewUser = read(&request, payload).await?;
    let user = gateway.admin.create_user(body.into(), ranked(&operator)).await?;
    Ok(HttpResponse::Created().insert_header(version(&*user)).json(view(&gateway, &gateway.admin.people(), &user)))
}

/// GET `/api/users/{id}`.
pub async fn show(
    _: Operator<ViewUsers>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let user = gateway.admin.user(id("user", &path)?)?;
    Ok(HttpResponse::Ok().insert_header(version(&*user)).json(view(&gateway, &gateway.admin.people(), &user)))
}

/// PATCH `/api/users/{id}`.
pub async fn change(
    operator: Operator<ManageUsers>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: ChangedUser = read(&request, payload).await?;
    let user = gateway.admin.change_user(id("user", &path)?, body.into(), ranked(&operator)).await?;
    Ok(HttpResponse::Ok().insert_header(version(&*user)).json(view(&gateway, &gateway.admin.people(), &user)))
}

/// DELETE `/api/users/{id}`.
pub async fn delete(
    operator: Operator<ManageUsers>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    gateway.admin.delete_user(id("user", &path)?, ranked(&operator)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// POST `/api/users/{id}/password`: another password; their sessions end.
pub async fn set_password(
    operator: Operator<ManageUsers>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: NewPassword = read(&request, payload).await?;
    let password = Secret::new(body.password);
    let ended = gateway.admin.set_password(id("user", &path)?, password, ranked(&operator)).await?;
    Ok(HttpResponse::Ok().json(PasswordSetView { sessions_ended: ended }))
}

/// POST `/api/users/{id}/unlock`: forgives every wrong guess.
pub async fn unlock(
    operator: Operator<ManageUsers>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let user = gateway.admin.unlock_user(id("user", &path)?, ranked(&operator)).await?;
    Ok(HttpResponse::Ok().insert_header(version(&*user)).json(view(&gateway, &gateway.admin.people(), &user)))
}

fn ranked<P>(operator: &Operator<P>) -> Ranked<'_> {
    Ranked { by: &operator.author, role: operator.who.rank() }
}

fn view(gateway: &Gateway, people: &People, user: &User) -> UserView {
    let keys = gateway.keyring.load();
    let name = |id| keys.project(id).map_or_else(|| id.to_string(), |project| project.name.clone());
    UserView {
        id: user.id,
        name: user.name.to_string(),
        display_name: user.display_name.clone(),
        role: user.role,
        projects: user.projects.as_ref().map(|projects| projects.iter().copied().map(name).collect()),
        oidc: user.oidc.clone().map(|oidc| OidcView { issuer: oidc.issuer, subject: oidc.subject }),
        has_password: user.password.is_some(),
        disabled: user.disabled_at.is_some(),
        locked: people.lockout().is_locked(user.id, gateway.clock.now()),
        created_at: rfc3339(user.created_at),
        updated_at: rfc3339(user.updated_at),
    }
}

impl From<NewUser> for UserDraft {
    fn from(body: NewUser) -> Self {
        Self {
            name: body.name,
            display_name: body.display_name.unwrap_or_default(),
            role: body.role,
            password: body.password.map(Secret::new),
            password_hash: body.password_hash.map(Secret::new),
            projects: body.projects,
        }
    }
}

impl From<ChangedUser> for UserWish {
    fn from(body: ChangedUser) -> Self {
        let ChangedUser { display_name, role, projects, disabled } = body;
        Self { display_name, role, projects, disabled }
    }
}
