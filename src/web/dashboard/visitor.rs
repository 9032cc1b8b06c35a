//! Visitors: operators who signed in with a browser, known by the session in their cookie.
//! Owns the cookie. Refuses everybody else by sending them to the sign-in page: a handler that names a [`Visitor`] cannot
//! run without one.

use std::fmt;
use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{Payload, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, web};
use farthing_actors::domain::{Author, Permission};

use super::page;
use super::shell::Shell;
use crate::admin::tokens::MANAGEMENT;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::extract::operator::within_sight;
use crate::web::extract::who::{Who, by_session};
use crate::web::front;
use crate::web::routes::line::{Need, Needs};

/// A browser keeps a cookie of this name to this host, this path and TLS.
const OVER_TLS: &str = "__Host-farthing_session";
/// Without TLS, which is only served on loopback, browsers take no cookie with that prefix.
const PLAIN: &str = "farthing_session";

/// Somebody who has signed in with a browser and may see the page, whose line in the table names `N`.
#[derive(Debug, Clone)]
pub struct Visitor<N> {
    /// Who, when and from where.
    pub author: Author,
    /// What they are and see.
    pub who: Who,
    name: String,
    csrf: String,
    path: String,
    need: PhantomData<N>,
}

/// Why nobody is let in.
#[derive(Debug)]
pub enum Refusal {
    /// Not signed in, or not any more.
    SignInFirst,
    /// They may not see it, or something is wrong with us.
    Problem(Problem),
}

impl<N: Need> Visitor<N> {
    /// Whoever sent the request.
    ///
    /// # Errors
    /// If nobody is signed in, or they may not.
    pub fn of(request: &HttpRequest) -> Result<Self, Refusal> {
        let gateway = request.app_data::<web::Data<Gateway>>().ok_or_else(|| Problem::plain(Code::Internal))?;
        let (author, who, shown) = by_session(gateway, request).map_err(Refusal::of)?;
        if let Needs::Can(permission) = N::NEEDS {
            who.allow(permission)?;
        }
        within_sight(request, &who.sight)?;
        let name = shown.user.as_deref().map_or_else(|| MANAGEMENT.to_owned(), |user| user.name.to_string());
        let csrf = gateway.security.csrf(shown.session.id);
        Ok(Self { author, who, name, csrf, path: request.path().to_owned(), need: PhantomData })
    }

    /// What the page shows around itself.
    pub fn shell(&self) -> Shell {
        Shell::new(self.name.clone(), &self.who, self.csrf.clone(), &self.path)
    }

    /// Whether they may do this: what they may not is not shown.
    pub fn may(&self, permission: Permission) -> bool {
        self.who.may(permission)
    }
}

impl<N: Need> FromRequest for Visitor<N> {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Refusal {
    fn of(problem: Problem) -> Self {
        if problem.code == Code::Unauthorized { Self::SignInFirst } else { Self::Problem(problem) }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignInFirst => f.write_str("not signed in"),
            Self::Problem(problem) => problem.fmt(f),
        }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignInFirst => StatusCode::SEE_OTHER,
            Self::Problem(problem) => problem.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::SignInFirst => page::see_other("/sign-in", None),
            Self::Problem(problem) => problem.error_response(),
        }
    }
}

/// The cookie that a session's token is presented in.
pub fn presented(request: &HttpRequest) -> Option<Cookie<'static>> {
    request.cookie(name(request))
}

/// Gives the browser a token that it is to present from now on.
pub fn hand_over(request: &HttpRequest, response: &mut ServiceResponse, token: String) {
    if let Err(error) = response.response_mut().add_cookie(&cookie(request, token)) {
        log::error!(error:%; "a cookie could not be written");
    }
}

/// The cookie that carries `token` until the browser closes.
pub fn cookie(request: &HttpRequest, token: String) -> Cookie<'static> {
    closed(front::is_https(request), token)
}

/// The cookie that makes a browser forget the session.
pub fn no_cookie(request: &HttpRequest) -> Cookie<'static> {
    let mut cookie = cookie(request, String::new());
    cookie.make_removal();
    cookie
}

fn closed(over_tls: bool, token: String) -> Cookie<'static> {
    let cookie = Cookie::build(named(over_tls), token).path("/").http_only(true).same_site(SameSite::Strict);
    cookie.secure(over_tls).finish()
}

fn name(request: &HttpRequest) -> &'static str {
    named(front::is_https(request))
}

fn named(over_tls: bool) -> &'static str {
    if over_tls { OVER_TLS } else { PLAIN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn the_cookie_is_as_closed_as_the_connection_allows() {
        let set = |over_tls| closed(over_tls, "token".to_owned()).to_string();
        assert_eq!(set(false), "farthing_session=token; HttpOnly; SameSite=Strict; Path=/");
        assert_eq!(set(true), "__Host-farthing_session=token; HttpOnly; SameSite=Strict; Secure; Path=/");
        assert!(no_cookie(&TestRequest::default().to_http_request()).to_string().contains("Max-Age=0"));
    }
}
