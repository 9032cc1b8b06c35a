//! Users: who may sign in, as what, and how they are. Owns the list and the form that makes an account. Refuses to do anything:
//! every button is a form of the API's.

mod choices;
pub mod one;
mod row;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use farthing_actors::domain::Permission;
use serde::Deserialize;

use super::page;
use super::shell::Shell;
use super::visitor::Visitor;
use crate::web::Gateway;
use crate::web::error::Problem;
use crate::web::extract::operator::ViewUsers;
use crate::web::manage::list::{Page, query};
use choices::Choices;
use row::UserRow;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsersQuery {
    /// A part of a name.
    #[serde(default)]
    name: String,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "users/page.html")]
struct UsersPage {
    shell: Shell,
    wanted: String,
    rows: Vec<UserRow>,
    next: Option<String>,
    /// What a new account may be; `None` for whoever may make none.
    choices: Option<Choices>,
    has_single_sign_on: bool,
}

/// GET `/users`.
///
/// # Errors
/// 400 for a cursor that is none.
pub async fn show(
    visitor: Visitor<ViewUsers>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked: UsersQuery = query(&request)?;
    let (people, now) = (gateway.admin.people(), gateway.clock.now());
    let wanted = asked.name.trim().to_lowercase();
    let is_wanted = |text: &str| text.to_lowercase().contains(&wanted);
    let found = people.users().filter(|user| is_wanted(&user.name) || is_wanted(&user.display_name));
    let (users, next) = Page::new(None, asked.cursor.as_deref())?.cut(found, |user| user.id);
    let keys = gateway.admin.keys();
    let may = visitor.may(Permission::ManageUsers);
    page::render(
        StatusCode::OK,
        &UsersPage {
            rows: users.into_iter().map(|user| UserRow::new(user, (&people, now), &keys)).collect(),
            next,
            choices: may.then(|| Choices::below(visitor.who.rank(), &keys, None)),
            wanted: asked.name,
            has_single_sign_on: gateway.oidc.is_some(),
            shell: visitor.shell(),
        },
    )
}
