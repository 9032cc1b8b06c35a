//! One's own account: what one is and may do, the session, and another password. Owns the page; the password is the API's.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::page;
use super::shell::Shell;
use super::shown::Moment;
use super::visitor::Visitor;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::routes::line::SignedIn;

#[derive(Template)]
#[template(path = "account/page.html")]
struct AccountPage {
    shell: Shell,
    /// Their account's id; `None` for the management token.
    id: Option<String>,
    display_name: String,
    has_password: bool,
    single_sign_on: Option<String>,
    projects: Vec<String>,
    permissions: Vec<&'static str>,
    since: Option<Moment>,
    ends: Option<Moment>,
    sessions: usize,
}

/// GET `/account`.
///
/// # Errors
/// If the page cannot be written.
pub async fn show(visitor: Visitor<SignedIn>, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    let (people, keys, now) = (gateway.admin.people(), gateway.admin.keys(), gateway.clock.now());
    let user = visitor.who.user.and_then(|id| people.user(id));
    let session = visitor.who.session.and_then(|id| people.session(id));
    let name = |id| keys.project(id).map_or_else(|| id.to_string(), |project| project.name.clone());
    let projects = user.and_then(|user| user.projects.as_ref()).into_iter().flatten();
    page::render(
        StatusCode::OK,
        &AccountPage {
            id: user.map(|user| user.id.to_string()),
            display_name: user.map(|user| user.display_name.clone()).unwrap_or_default(),
            has_password: user.is_some_and(|user| user.password.is_some()),
            single_sign_on: user.and_then(|user| Some(user.oidc.as_ref()?.issuer.clone())),
            projects: projects.copied().map(name).collect(),
            permissions: visitor.who.permissions().iter().map(|permission| permission.name()).collect(),
            since: session.map(|session| Moment::from(session.created_at)),
            ends: session.map(|session| Moment::from(session.ends_at)),
            sessions: people.sessions_of(visitor.who.user).filter(|session| now < session.expires_at).count(),
            shell: visitor.shell(),
        },
    )
}
