//! `/api/sessions`: who is signed in, and from where. Owns the shape of a session on the wire, and whose sessions somebody may
//! see and end: their own, and with `can_manage_sessions` those of everybody whom they may touch.

use actix_web::{HttpRequest, HttpResponse, web};
use farthing_actors::domain::{Permission, Role, SessionId, UserId};
use farthing_actors::sessions::{People, Session, Which};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{List, Page, query};
use super::{id, rfc3339};
use crate::admin::AdminError;
use crate::admin::people::Ranked;
use crate::admin::tokens::MANAGEMENT;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::Known;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionsQuery {
    /// A user's id, or `management`.
    user: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// How many sessions ended.
#[derive(Serialize, JsonSchema)]
pub(crate) struct EndedView {
    revoked: usize,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct SessionView {
    id: SessionId,
    user_id: Option<UserId>,
    user: String,
    role: Role,
    created_at: String,
    seen_at: String,
    expires_at: String,
    ends_at: String,
    client_ip: Option<String>,
    user_agent: String,
    current: bool,
}

/// GET `/api/sessions`: those that are not over.
///
/// # Errors
/// 401 for a stranger.
pub async fn list(known: Known, gateway: web::Data<Gateway>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked: SessionsQuery = query(&request)?;
    let page = Page::new(asked.limit, asked.cursor.as_deref())?;
    let wanted = asked.user.as_deref().map(whose).transpose()?;
    let (people, now) = (gateway.admin.people(), gateway.clock.now());
    let sees_all = known.who.may(Permission::ManageSessions);
    let chosen = people.sessions().filter(|session| now < session.expires_at);
    let chosen = chosen.filter(|session| sees_all || is_own(&known, session));
    let chosen = chosen.filter(|session| wanted.is_none_or(|wanted| session.user == wanted));
    let (chosen, next_cursor) = page.cut(chosen, |session| session.id);
    let data = chosen.into_iter().map(|session| SessionView::new(&people, session, &known)).collect();
    Ok(HttpResponse::Ok().json(List { data, next_cursor }))
}

/// DELETE `/api/sessions/{id}`.
///
/// # Errors
/// 404 if there is none that the caller may see; 403 if its person stands above them.
pub async fn end(known: Known, gateway: web::Data<Gateway>, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let people = gateway.admin.people();
    let session = people.session(id("session", &path)?).ok_or_else(|| AdminError::absent("session", &path))?;
    if !is_own(&known, session) {
        if !known.who.may(Permission::ManageSessions) {
            return Err(AdminError::absent("session", &path).into());
        }
        may_end(&known, role_of(&people, session.user))?;
    }
    ended(&gateway, &known, Which::One(session.id)).await
}

/// DELETE `/api/sessions?user=`: all of one person.
///
/// # Errors
/// 404 if there was none; 403 if the person stands above the caller.
pub async fn end_all(known: Known, gateway: web::Data<Gateway>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let asked: SessionsQuery = query(&request)?;
    let missing = || Problem::new(Code::MissingField, "user names whose sessions are to end").at("user");
    let user = whose(asked.user.as_deref().ok_or_else(missing)?)?;
    if user != known.who.user || user.is_none() {
        known.who.allow(Permission::ManageSessions)?;
        may_end(&known, role_of(&gateway.admin.people(), user))?;
    }
    ended(&gateway, &known, Which::Of(user)).await
}

async fn ended(gateway: &Gateway, known: &Known, which: Which) -> Result<HttpResponse, Problem> {
    let revoked = gateway.admin.end_sessions(which, "session.revoke", &known.author).await?;
    Ok(HttpResponse::Ok().json(EndedView { revoked }))
}

fn is_own(known: &Known, session: &Session) -> bool {
    known.who.session == Some(session.id) || (session.user.is_some() && session.user == known.who.user)
}

fn may_end(known: &Known, role: Role) -> Result<(), Problem> {
    Ok(Ranked { by: &known.author, role: known.who.rank() }.may_touch(role)?)
}

fn role_of(people: &People, user: Option<UserId>) -> Role {
    user.and_then(|id| people.user(id)).map_or(Role::Owner, |user| user.role)
}

fn whose(text: &str) -> Result<Option<UserId>, Problem> {
    if text == MANAGEMENT { Ok(None) } else { id("user", text).map(Some) }
}

impl SessionView {
    fn new(people: &People, session: &Session, known: &Known) -> Self {
        let user = session.user.and_then(|id| people.user(id));
        Self {
            id: session.id,
            user_id: session.user,
            user: user.map_or_else(|| MANAGEMENT.to_owned(), |user| user.name.to_string()),
            role: role_of(people, session.user),
            created_at: rfc3339(session.created_at),
            seen_at: rfc3339(session.seen_at),
            expires_at: rfc3339(session.expires_at),
            ends_at: rfc3339(session.ends_at),
            client_ip: session.seen.address.map(|address| address.to_string()),
            user_agent: session.seen.agent.to_string(),
            current: known.who.session == Some(session.id),
        }
    }
}
