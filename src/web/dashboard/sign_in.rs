//! Signing in with the management token, and signing out.
//! Owns the form. Refuses forms of other sites, and says nothing about a wrong token but that it is wrong.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use farthing_actors::domain::Effect;
use serde::Deserialize;

use super::visitor::{cookie, no_cookie, session};
use super::{assets, origin, page};
use crate::admin::AdminError;
use crate::security::Role;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::author::{ANONYMOUS, author};
use crate::web::extract::body;

/// Far more than a token needs.
const MAX_BYTES: usize = 16 * 1024;
/// Whoever holds the management token has no other name yet.
const NAME: &str = "management";

#[derive(Template)]
#[template(path = "sign_in/page.html")]
struct SignInPage {
    assets: &'static str,
    refused: bool,
}

// Cannot be printed: it holds a secret in the clear.
#[derive(Deserialize)]
struct SignInForm {
    #[serde(default)]
    token: String,
}

/// GET `/sign-in`.
///
/// # Errors
/// If the page cannot be written.
pub async fn show(request: HttpRequest) -> Result<HttpResponse, Problem> {
    if session(&request).is_some() {
        return Ok(page::see_other("/", None));
    }
    form(StatusCode::OK, false)
}

/// POST `/sign-in`.
///
/// # Errors
/// 403 for another site's form, or what its body is refused for. A wrong token is answered with the form.
pub async fn enter(
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    origin::own_form(&request)?;
    let body = body::read(&request, payload, MAX_BYTES).await?;
    let now = gateway.clock.now();
    if !std::str::from_utf8(&body).is_ok_and(|body| is_right(&gateway, body)) {
        log::warn!("a sign-in was refused");
        gateway.audit.note(author(&request, ANONYMOUS, now).does("session.create").ending(Effect::Refused));
        return form(StatusCode::UNAUTHORIZED, true);
    }
    let token = gateway.security.issue_session(NAME, Role::Owner, now).map_err(|error| {
        log::error!(error:% = error; "no session could be issued");
        Problem::plain(Code::Internal)
    })?;
    gateway.audit.record(author(&request, NAME, now).does("session.create")).await.map_err(AdminError::from)?;
    Ok(page::see_other("/", Some(cookie(&request, token))))
}

/// POST `/sign-out`.
///
/// # Errors
/// 403 for another site's form.
pub async fn leave(gateway: web::Data<Gateway>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    origin::own_form(&request)?;
    if let Some(session) = session(&request) {
        gateway.audit.note(author(&request, &session.username, gateway.clock.now()).does("session.end"));
    }
    Ok(page::see_other("/sign-in", Some(no_cookie(&request))))
}

/// Whether the form holds the management token. Spaces around it come from pasting.
fn is_right(gateway: &Gateway, body: &str) -> bool {
    let form = web::Query::<SignInForm>::from_query(body);
    form.is_ok_and(|form| gateway.security.is_management_token(form.token.trim()))
}

fn form(status: StatusCode, refused: bool) -> Result<HttpResponse, Problem> {
    page::render(status, &SignInPage { assets: assets::version(), refused })
}
