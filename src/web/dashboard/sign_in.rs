//! Signing in with the management token, and signing out.
//! Owns the form. Refuses forms of other sites, and says nothing about a wrong token but that it is wrong.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use farthing_actors::domain::{Effect, Role};
use serde::Deserialize;

use super::visitor::{cookie, no_cookie, session};
use super::{assets, origin, page};
use crate::admin::AdminError;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::author::{ANONYMOUS, author};
use crate::web::extract::body;
use crate::web::routes::line::Anybody;
use crate::web::strangers::{Attempt, Door};

/// Far more than a token needs.
const MAX_BYTES: usize = 16 * 1024;
/// Whoever holds the management token has no other name yet.
const NAME: &str = "management";
const WRONG: &str = "That is not the management token.";
const LATER: &str = "Too many sign-ins from this address were wrong. Wait a minute, and try again.";

#[derive(Template)]
#[template(path = "sign_in/page.html")]
struct SignInPage {
    assets: &'static str,
    refused: Option<&'static str>,
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
pub async fn show(_: Anybody, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if session(&request).is_some() {
        return Ok(page::see_other("/", None));
    }
    form(StatusCode::OK, None)
}

/// POST `/sign-in`.
///
/// # Errors
/// 403 for another site's form, or what its body is refused for. A wrong token is answered with the form.
pub async fn enter(
    _: Anybody,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    origin::own_form(&request)?;
    let body = body::read(&request, payload, MAX_BYTES).await?;
    let now = gateway.clock.now();
    let refused =
        || gateway.audit.note(author(&request, ANONYMOUS, now).does("session.create").ending(Effect::Refused));
    // Spaces around it come from pasting.
    let token = std::str::from_utf8(&body).map(presented).unwrap_or_default();
    let attempt = match Attempt::begin(&gateway, &request, (Door::Operator, token.trim())) {
        Ok(attempt) => attempt,
        Err(problem) => {
            refused();
            return later(&problem);
        }
    };
    if !gateway.security.is_management_token(token.trim()) {
        attempt.failed();
        refused();
        log::warn!("a sign-in was refused");
        return form(StatusCode::UNAUTHORIZED, Some(WRONG));
    }
    attempt.succeeded();
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
pub async fn leave(_: Anybody, gateway: web::Data<Gateway>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    origin::own_form(&request)?;
    if let Some(session) = session(&request) {
        gateway.audit.note(author(&request, &session.username, gateway.clock.now()).does("session.end"));
    }
    Ok(page::see_other("/sign-in", Some(no_cookie(&request))))
}

/// What the form holds.
fn presented(body: &str) -> String {
    web::Query::<SignInForm>::from_query(body).map(|form| form.into_inner().token).unwrap_or_default()
}

/// The form again, for somebody who must wait.
fn later(problem: &Problem) -> Result<HttpResponse, Problem> {
    log::warn!("a sign-in was refused unseen: too many from its address were wrong");
    let mut page = form(StatusCode::TOO_MANY_REQUESTS, Some(LATER))?;
    page.headers_mut().insert(RETRY_AFTER, problem.wait_in_seconds());
    Ok(page)
}

fn form(status: StatusCode, refused: Option<&'static str>) -> Result<HttpResponse, Problem> {
    page::render(status, &SignInPage { assets: assets::version(), refused })
}
