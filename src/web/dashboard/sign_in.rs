//! Signing in with a form, and signing out. Owns the form. Refuses forms of other sites, and says nothing about a refusal but
//! that the name or the password is wrong.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use farthing_actors::domain::Effect;
use farthing_actors::sessions::Which;
use serde::Deserialize;

use super::visitor::{cookie, no_cookie};
use super::{origin, page};
use crate::admin::oidc::Oidc;
use crate::admin::sign_in::called;
use crate::admin::tokens::MANAGEMENT;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::author::{ANONYMOUS, author};
use crate::web::extract::body;
use crate::web::extract::session::present;
use crate::web::manage::session;
use crate::web::routes::line::Anybody;

/// Far more than a token needs.
const MAX_BYTES: usize = 16 * 1024;
const WRONG: &str = "The name or the password is wrong.";
const LATER: &str = "Too many sign-ins from this address were wrong. Wait a minute, and try again.";
const BUSY: &str = "Too many people are signing in at once. Try again.";

#[derive(Template)]
#[template(path = "sign_in/page.html")]
struct SignInPage<'a> {
    refused: Option<&'static str>,
    /// Who it is from, as it was typed.
    name: &'a str,
    /// What the button says that leads to the identity provider.
    single_sign_on: Option<&'a str>,
    /// Whether nobody has an account yet.
    is_new: bool,
}

// Cannot be printed: it holds a secret in the clear.
#[derive(Default, Deserialize)]
struct SignInForm {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    /// The management token, where a form has no name to go with it.
    #[serde(default)]
    token: String,
}

/// GET `/sign-in`.
///
/// # Errors
/// If the page cannot be written.
pub async fn show(_: Anybody, gateway: web::Data<Gateway>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if present(&request).is_ok() {
        return Ok(page::see_other("/", None));
    }
    form(&gateway, (StatusCode::OK, None), "")
}

/// POST `/sign-in`.
///
/// # Errors
/// 403 for another site's form, or what its body is refused for. A wrong password is answered with the form.
pub async fn enter(
    _: Anybody,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    origin::own_form(&request)?;
    let body = body::read(&request, payload, MAX_BYTES).await?;
    let form = std::str::from_utf8(&body).map(read).unwrap_or_default();
    match session::sign_in(&gateway, &request, form.presented()).await {
        Ok(fresh) => Ok(page::see_other("/", Some(cookie(&request, fresh.token)))),
        Err(problem) => {
            let by = author(&request, ANONYMOUS, gateway.clock.now());
            gateway.audit.note(by.does("session.create").ending(Effect::Refused));
            log::warn!(error = problem.code.name(); "a sign-in was refused");
            refused(&gateway, &form.username, problem)
        }
    }
}

/// POST `/sign-out`.
///
/// # Errors
/// 403 for another site's form.
pub async fn leave(_: Anybody, gateway: web::Data<Gateway>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    origin::own_form(&request)?;
    if let Ok(present) = present(&request) {
        let by = author(&request, &called(present.shown.user.as_deref()), gateway.clock.now());
        gateway.admin.end_sessions(Which::One(present.shown.session.id), "session.end", &by).await?;
    }
    Ok(page::see_other("/sign-in", Some(no_cookie(&request))))
}

fn read(body: &str) -> SignInForm {
    web::Query::<SignInForm>::from_query(body).map(web::Query::into_inner).unwrap_or_default()
}

impl SignInForm {
    /// Who it says it is from, and by which secret. Spaces around the management token come from pasting.
    fn presented(&self) -> (&str, &str) {
        match self.username.trim() {
            name if !name.is_empty() && name != MANAGEMENT => (name, &self.password),
            _ if self.token.is_empty() => (MANAGEMENT, self.password.trim()),
            _ => (MANAGEMENT, self.token.trim()),
        }
    }
}

/// The form again with the name that was typed, for somebody who was refused. A password is typed anew.
fn refused(gateway: &Gateway, name: &str, problem: Problem) -> Result<HttpResponse, Problem> {
    let (status, why) = match problem.code {
        Code::InvalidCredentials => (StatusCode::UNAUTHORIZED, WRONG),
        Code::AddressLimited => (StatusCode::TOO_MANY_REQUESTS, LATER),
        Code::SignInBusy => (StatusCode::SERVICE_UNAVAILABLE, BUSY),
        _ => return Err(problem),
    };
    let mut page = form(gateway, (status, Some(why)), name)?;
    if problem.retry_after.is_some() {
        page.headers_mut().insert(RETRY_AFTER, problem.wait_in_seconds());
    }
    Ok(page)
}

/// The form for somebody whom the identity provider did not bring in.
///
/// # Errors
/// If the page cannot be written.
pub(super) fn again(gateway: &Gateway, status: StatusCode, why: &'static str) -> Result<HttpResponse, Problem> {
    form(gateway, (status, Some(why)), "")
}

fn form(
    gateway: &Gateway,
    (status, refused): (StatusCode, Option<&'static str>),
    name: &str,
) -> Result<HttpResponse, Problem> {
    let single_sign_on = gateway.oidc.as_ref().map(Oidc::label);
    let is_new = !gateway.admin.has_accounts();
    // Where nobody has an account, there is one name to sign in by.
    let name = if is_new && name.is_empty() { MANAGEMENT } else { name };
    page::render(status, &SignInPage { refused, name, single_sign_on, is_new })
}
