//! Sessions: who is signed in, from where and with what. Owns the list: one's own, or with the permission everybody's. Refuses to
//! end any: the API does, by forms.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use farthing_actors::domain::{Permission, Role, UserId};
use farthing_actors::sessions::{People, Session};
use serde::Deserialize;

use super::shell::Shell;
use super::shown::Moment;
use super::visitor::Visitor;
use super::{agent, page};
use crate::admin::AdminError;
use crate::admin::tokens::MANAGEMENT;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::who::Who;
use crate::web::manage::list::{Page, query};
use crate::web::routes::line::SignedIn;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionsQuery {
    /// A user's id, or `management`.
    #[serde(default)]
    user: String,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "sessions/page.html")]
struct SessionsPage {
    shell: Shell,
    sees_all: bool,
    rows: Vec<SessionRow>,
    /// Whose, if it is one person's, and their name.
    only: Option<(String, String)>,
    /// Whether all of that person's may be ended.
    may_end_all: bool,
    next: Option<String>,
    idle_minutes: u64,
}

/// A session as a row.
#[derive(Debug, Clone)]
pub(super) struct SessionRow {
    pub id: String,
    /// Their id, or `management`.
    pub whose: String,
    pub user: String,
    pub since: Moment,
    pub seen: Moment,
    pub ends: Moment,
    pub address: String,
    pub agent: String,
    /// The same in a few words.
    pub program: String,
    pub is_current: bool,
    /// Whether the visitor may end it.
    pub may_end: bool,
}

/// GET `/sessions`.
///
/// # Errors
/// 400 for a cursor that is none, 404 for a user who is none.
pub async fn show(
    visitor: Visitor<SignedIn>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: SessionsQuery = query(&request)?;
    let (people, now) = (gateway.admin.people(), gateway.clock.now());
    let sees_all = visitor.may(Permission::ManageSessions);
    let wanted = wanted(&asked.user)?;
    let chosen = people.sessions().filter(|it| now < it.expires_at && (sees_all || is_own(&visitor.who, it)));
    let chosen = chosen.filter(|session| wanted.is_none_or(|wanted| session.user == wanted));
    let (chosen, next) = Page::new(None, asked.cursor.as_deref())?.cut(chosen, |session| session.id);
    let rows: Vec<_> = chosen.into_iter().map(|it| SessionRow::new(it, &people, (&visitor.who, sees_all))).collect();
    page::render(
        StatusCode::OK,
        &SessionsPage {
            may_end_all: wanted.is_some() && !rows.is_empty() && rows.iter().all(|row| row.may_end),
            only: wanted.map(|user| (asked.user.clone(), called(&people, user))),
            rows,
            sees_all,
            next,
            idle_minutes: gateway.admin.session_policy().idle.as_secs() / 60,
            shell: visitor.shell(),
        },
    )
}

impl SessionRow {
    /// The row for `who`, who sees and ends everybody's below them, or their own alone.
    pub(super) fn new(session: &Session, people: &People, (who, sees_all): (&Who, bool)) -> Self {
        let role = session.user.and_then(|id| people.user(id)).map_or(Role::Owner, |user| user.role);
        let manages = sees_all && who.may(Permission::ManageSessions) && who.rank().stands_above(role);
        Self {
            id: session.id.to_string(),
            whose: session.user.map_or_else(|| MANAGEMENT.to_owned(), |id| id.to_string()),
            user: called(people, session.user),
            since: Moment::from(session.created_at),
            seen: Moment::from(session.seen_at),
            ends: Moment::from(session.ends_at),
            address: session.seen.address.map_or_else(|| "unknown".to_owned(), |address| address.to_string()),
            agent: session.seen.agent.to_string(),
            program: agent::short(&session.seen.agent),
            is_current: who.session == Some(session.id),
            may_end: manages || is_own(who, session),
        }
    }
}

fn is_own(who: &Who, session: &Session) -> bool {
    who.session == Some(session.id) || (session.user.is_some() && session.user == who.user)
}

fn called(people: &People, user: Option<UserId>) -> String {
    user.and_then(|id| people.user(id)).map_or_else(|| MANAGEMENT.to_owned(), |user| user.name.to_string())
}

/// Whose sessions are wanted: everybody's if nobody is named, those of the management token if it is.
fn wanted(text: &str) -> Result<Option<Option<UserId>>, Problem> {
    match text {
        "" => Ok(None),
        MANAGEMENT => Ok(Some(None)),
        text => Ok(Some(Some(text.parse().map_err(|_| AdminError::absent("user", text))?))),
    }
}
