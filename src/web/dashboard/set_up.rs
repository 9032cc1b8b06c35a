//! The first owner's form, which works while there is no account and for whoever has the code that `farthing init` told.
//! Owns the form. The code comes behind a `#`, which no browser sends: it is in no log on the way here; a script puts it into the
//! form, and without one people do. Refuses to say more of a code than that it is wrong.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use farthing_actors::domain::{Effect, Secret};
use serde::Deserialize;

use super::visitor::cookie;
use super::{origin, page};
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::author::{ANONYMOUS, author};
use crate::web::extract::body;
use crate::web::routes::line::Anybody;
use crate::web::strangers::{Attempt, Door};

const MAX_BYTES: usize = 16 * 1024;
const WRONG: &str = "This is not the code that farthing init told for this gateway's settings.";
const LATER: &str = "Too many wrong codes came from this address. Wait a minute, and try again.";
const BUSY: &str = "Too many people are signing in at once. Try again.";
const DIFFER: &str = "The two passwords are not the same.";

#[derive(Template)]
#[template(path = "set_up/page.html")]
struct SetUpPage<'a> {
    code: &'a str,
    name: &'a str,
    /// Where something is wrong, and what.
    fault: Option<(&'static str, String)>,
}

impl SetUpPage<'_> {
    fn is_wrong(&self, field: &str) -> bool {
        self.fault.as_ref().is_some_and(|(wrong, _)| *wrong == field)
    }
}

// Cannot be printed: it holds a secret in the clear.
#[derive(Default, Deserialize)]
struct SetUpForm {
    #[serde(default)]
    code: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

/// GET `/set-up`; sends to sign in when there are accounts.
///
/// # Errors
/// If the page cannot be written.
pub async fn show(_: Anybody, gateway: web::Data<Gateway>) -> Result<HttpResponse, Problem> {
    if gateway.admin.has_accounts() {
        return Ok(page::see_other("/sign-in", None));
    }
    form(StatusCode::OK, &SetUpForm::default(), None)
}

/// POST `/set-up`.
///
/// # Errors
/// 403 for another site's form, 409 if there is an account already. What is wrong with the form is answered with the form.
pub async fn make(
    _: Anybody,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    origin::own_form(&request)?;
    let body = body::read(&request, payload, MAX_BYTES).await?;
    let given = std::str::from_utf8(&body).map(read).unwrap_or_default();
    match made(&gateway, &request, &given).await {
        Ok(token) => Ok(page::see_other("/", Some(cookie(&request, token)))),
        Err(problem) => {
            let by = author(&request, ANONYMOUS, gateway.clock.now());
            let event = by.does("user.create").ending(Effect::Refused).and("by", "set-up code");
            gateway.audit.note(event.and("reason", problem.code.name()));
            refused(&given, problem)
        }
    }
}

async fn made(gateway: &web::Data<Gateway>, request: &HttpRequest, given: &SetUpForm) -> Result<String, Problem> {
    let code = given.code.trim();
    let attempt = Attempt::begin(gateway, request, (Door::Operator, code))?;
    if let Err(error) = gateway.admin.check_set_up_code(code) {
        attempt.failed();
        gateway.tally.sign_in_failed();
        return Err(error.into());
    }
    attempt.spared();
    if given.password != given.again {
        return Err(Problem::new(Code::InvalidValue, DIFFER).at("again"));
    }
    let by = author(request, ANONYMOUS, gateway.clock.now());
    let password = Secret::new(given.password.as_str());
    Ok(gateway.admin.make_first_owner(given.name.trim(), password, &by).await?.token)
}

fn read(body: &str) -> SetUpForm {
    web::Query::<SetUpForm>::from_query(body).map(web::Query::into_inner).unwrap_or_default()
}

/// The form again, with what was typed but for the passwords, and what is wrong.
fn refused(given: &SetUpForm, problem: Problem) -> Result<HttpResponse, Problem> {
    let (status, field, why) = match problem.code {
        Code::InvalidCredentials => (StatusCode::UNAUTHORIZED, "code", WRONG.to_owned()),
        Code::AddressLimited => (StatusCode::TOO_MANY_REQUESTS, "code", LATER.to_owned()),
        Code::SignInBusy => (StatusCode::SERVICE_UNAVAILABLE, "password", BUSY.to_owned()),
        Code::InvalidValue => (StatusCode::BAD_REQUEST, field(&problem), problem.message.clone()),
        _ => return Err(problem),
    };
    let mut page = form(status, given, Some((field, why)))?;
    if problem.retry_after.is_some() {
        page.headers_mut().insert(RETRY_AFTER, problem.wait_in_seconds());
    }
    Ok(page)
}

fn field(problem: &Problem) -> &'static str {
    match problem.param.as_deref() {
        Some("name") => "name",
        Some("again") => "again",
        _ => "password",
    }
}

fn form(status: StatusCode, given: &SetUpForm, fault: Option<(&'static str, String)>) -> Result<HttpResponse, Problem> {
    page::render(status, &SetUpPage { code: &given.code, name: &given.name, fault })
}
