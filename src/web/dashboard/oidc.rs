//! Signing in with an identity provider: the way there and the way back. Owns the cookie that binds the two to one browser.
//! Refuses to be asked where there is no provider, tells strangers little of why one is refused, and sets the session's cookie
//! with a page of ours: a browser does not send a cookie for our site alone along a redirect that began at another's.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use farthing_actors::domain::Effect;
use serde::Deserialize;

use super::visitor::cookie;
use super::{page, sign_in};
use crate::admin::oidc::{Oidc, SignInError};
use crate::security::oidc::flow::PATIENCE;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::author::{ANONYMOUS, author};
use crate::web::front;
use crate::web::routes::line::Anybody;
use crate::web::strangers::{Attempt, Door};

const BACK: &str = "/sign-in/oidc/callback";
const OVER_TLS: &str = "__Host-farthing_oidc";
const PLAIN: &str = "farthing_oidc";

const AWAY: &str = "The identity provider cannot be asked now. Try again later; the log says why.";
const NOT_TAKEN: &str = "The identity provider's answer is not accepted. Begin again; the log says why.";
const REFUSED: &str = "The identity provider did not sign you in. Begin again.";
const NO_ROLE: &str = "The identity provider knows you, and gives you no role here. Ask whoever runs this gateway.";
const DISABLED: &str = "Your account is disabled. Ask whoever runs this gateway.";
const HELD: &str = "You could not be signed in now. Ask whoever runs this gateway; the log says why.";
const LATER: &str = "Too many sign-ins from this address were wrong. Wait a minute, and try again.";

#[derive(Template)]
#[template(path = "sign_in/arrived.html")]
struct ArrivedPage;

/// What the provider sends along with the browser.
#[derive(Default, Deserialize)]
struct Answer {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

/// GET `/sign-in/oidc`.
///
/// # Errors
/// 404 where there is no provider.
pub async fn begin(_: Anybody, gateway: web::Data<Gateway>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let oidc = provider(&gateway)?;
    match oidc.begin(&back(&request)).await {
        Ok(begun) => {
            let mut answer = HttpResponse::SeeOther();
            Ok(answer.insert_header((LOCATION, begun.location)).cookie(kept(&request, begun.cookie)).finish())
        }
        Err(error) => {
            log::error!(error:%; "the identity provider cannot be asked");
            sign_in::again(&gateway, StatusCode::BAD_GATEWAY, AWAY)
        }
    }
}

/// GET `/sign-in/oidc/callback`. Whatever comes of it, the browser forgets that it has begun.
///
/// # Errors
/// 404 where there is no provider, and what keeps a session from being saved.
pub async fn end(_: Anybody, gateway: web::Data<Gateway>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let oidc = provider(&gateway)?;
    let answer = web::Query::<Answer>::from_query(request.query_string());
    let answer = answer.map(web::Query::into_inner).unwrap_or_default();
    let mut response = match admitted(&gateway, &request, (oidc, &answer)).await {
        Ok(token) => {
            let mut page = page::render(StatusCode::OK, &ArrivedPage)?;
            added(&mut page, &cookie(&request, token))?;
            page
        }
        Err(Refusal(status, why)) => {
            let by = author(&request, ANONYMOUS, gateway.clock.now());
            gateway.audit.note(by.does("session.create").ending(Effect::Refused).and("by", "identity provider"));
            gateway.tally.sign_in_failed();
            sign_in::again(&gateway, status, why)?
        }
    };
    let mut forgotten = kept(&request, String::new());
    forgotten.make_removal();
    added(&mut response, &forgotten)?;
    Ok(response)
}

/// A status, and what somebody who was refused may know.
struct Refusal(StatusCode, &'static str);

/// The token of a new session for whoever came back.
async fn admitted(
    gateway: &web::Data<Gateway>,
    request: &HttpRequest,
    (oidc, answer): (&Oidc, &Answer),
) -> Result<String, Refusal> {
    let attempt = Attempt::begin(gateway, request, (Door::Operator, &answer.state));
    let attempt = attempt.map_err(|_| Refusal(StatusCode::TOO_MANY_REQUESTS, LATER))?;
    let begun = request.cookie(named(request)).map(|cookie| cookie.value().to_owned()).unwrap_or_default();
    let arrived = match oidc.end(&begun, (&answer.code, &answer.state), &back(request)).await {
        Ok(arrived) => arrived,
        Err(error) => {
            log::warn!(error:%; "a sign-in by the identity provider was refused");
            let refusal = refusal(&error);
            if refusal.0.is_client_error() {
                attempt.failed();
            } else {
                attempt.spared();
            }
            return Err(refusal);
        }
    };
    let by = author(request, ANONYMOUS, gateway.clock.now());
    match gateway.admin.sign_in_vouched(&arrived, &by).await.map_err(Problem::from) {
        Ok(fresh) => {
            attempt.spared();
            Ok(fresh.token)
        }
        Err(problem) if problem.code == Code::InvalidCredentials => {
            attempt.failed();
            Err(Refusal(StatusCode::FORBIDDEN, DISABLED))
        }
        Err(problem) => {
            attempt.spared();
            log::error!(error = problem.message.as_str(); "somebody whom the identity provider vouches for could not be let in");
            Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, HELD))
        }
    }
}

fn refusal(error: &SignInError) -> Refusal {
    match error {
        SignInError::Flow(_) => Refusal(StatusCode::UNAUTHORIZED, REFUSED),
        SignInError::Token(_) => Refusal(StatusCode::UNAUTHORIZED, NOT_TAKEN),
        SignInError::NoRole => Refusal(StatusCode::FORBIDDEN, NO_ROLE),
        SignInError::Discovery(_)
        | SignInError::Address(_)
        | SignInError::Unreachable(_)
        | SignInError::NoEntropy(_) => Refusal(StatusCode::BAD_GATEWAY, AWAY),
    }
}

fn provider(gateway: &Gateway) -> Result<&Oidc, Problem> {
    gateway.oidc.as_ref().ok_or_else(|| Problem::plain(Code::NotFound))
}

fn back(request: &HttpRequest) -> String {
    format!("{}{BACK}", front::own_origin(request))
}

fn added(response: &mut HttpResponse, cookie: &Cookie<'_>) -> Result<(), Problem> {
    response.add_cookie(cookie).map_err(|error| {
        log::error!(error:%; "a cookie could not be written");
        Problem::plain(Code::Internal)
    })
}

/// The cookie of a sign-in that has begun. It comes back with a browser that another site sends, so it is Lax.
fn kept(request: &HttpRequest, value: String) -> Cookie<'static> {
    let age = Duration::try_from(PATIENCE).unwrap_or(Duration::ZERO);
    let cookie = Cookie::build(named(request), value).path("/").http_only(true).same_site(SameSite::Lax);
    cookie.secure(front::is_https(request)).max_age(age).finish()
}

fn named(request: &HttpRequest) -> &'static str {
    if front::is_https(request) { OVER_TLS } else { PLAIN }
}
