//! One account: what it is, where it is signed in, and what may be done with it. Owns which of that is offered to whom.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use farthing_actors::domain::{Permission, Timestamp};
use farthing_actors::sessions::{Oidc, People, User};

use super::choices::Choices;
use super::row::UserRow;
use crate::admin::{AdminError, Tagged};
use crate::web::Gateway;
use crate::web::dashboard::page;
use crate::web::dashboard::sessions::SessionRow;
use crate::web::dashboard::shell::Shell;
use crate::web::dashboard::visitor::Visitor;
use crate::web::error::Problem;
use crate::web::extract::operator::ViewUsers;

#[derive(Template)]
#[template(path = "users/one.html")]
struct UserPage {
    shell: Shell,
    row: UserRow,
    /// Where ending a session leads.
    back: String,
    oidc: Option<Oidc>,
    has_password: bool,
    /// Which version of the account this is.
    version: String,
    /// Whether it is the visitor's own.
    is_own: bool,
    /// What it may become; `None` for whoever may not touch it.
    choices: Option<Choices>,
    /// Where it is signed in; nothing for whoever may not see that.
    sessions: Vec<SessionRow>,
    sees_sessions: bool,
}

/// GET `/users/{id}`.
///
/// # Errors
/// 404 if there is none.
pub async fn show(
    visitor: Visitor<ViewUsers>,
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let absent = || AdminError::absent("user", path.as_str());
    let user = gateway.admin.user(path.parse().map_err(|_| absent())?)?;
    let (people, keys, now) = (gateway.admin.people(), gateway.admin.keys(), gateway.clock.now());
    let rank = visitor.who.rank();
    let may_touch = visitor.may(Permission::ManageUsers) && rank.stands_above(user.role);
    let is_own = visitor.who.user == Some(user.id);
    let sees_sessions = is_own || visitor.may(Permission::ManageSessions);
    page::render(
        StatusCode::OK,
        &UserPage {
            back: format!("/users/{}", user.id),
            row: UserRow::new(&user, (&people, now), &keys),
            oidc: user.oidc.clone(),
            has_password: user.password.is_some(),
            version: user.etag().to_string(),
            is_own,
            choices: may_touch.then(|| Choices::below(rank, &keys, Some(&user))),
            sessions: if sees_sessions { sessions(&visitor, (&user, now), &people) } else { Vec::new() },
            sees_sessions,
            shell: visitor.shell(),
        },
    )
}

fn sessions(visitor: &Visitor<ViewUsers>, (user, now): (&User, Timestamp), people: &People) -> Vec<SessionRow> {
    let own = people.sessions_of(Some(user.id)).filter(|session| now < session.expires_at);
    own.map(|session| SessionRow::new(session, people, (&visitor.who, true))).collect()
}
