//! Visitors: operators who signed in with a browser, known by the session in their cookie.
//! Owns the cookie. Refuses everybody else by sending them to the sign-in page: a handler that names a [`Visitor`] cannot
//! run without one.

use std::fmt;
use std::future::{Ready, ready};

use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{Payload, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};

use super::page;
use crate::admin::tokens::MANAGEMENT;
use crate::web::error::{Code, Problem};
use crate::web::extract::session::{Present, present};
use crate::web::front;

/// A browser keeps a cookie of this name to this host, this path and TLS.
const OVER_TLS: &str = "__Host-farthing_session";
/// Without TLS, which is only served on loopback, browsers take no cookie with that prefix.
const PLAIN: &str = "farthing_session";

/// An operator who has signed in.
#[derive(Debug, Clone)]
pub struct Visitor(pub Present);

/// Not signed in, or not any more.
#[derive(Debug, Clone, Copy)]
pub struct SignInFirst;

impl Visitor {
    /// Lets those look at a page who may see all that is on it.
    ///
    /// # Errors
    /// 403 for viewers of single projects.
    pub fn sees_all(&self) -> Result<(), Problem> {
        let sees_some = self.0.shown.user.as_ref().is_some_and(|user| user.projects.is_some());
        let message = "this page shows all projects, and the account sees some of them only; the API shows those";
        if sees_some { Err(Problem::new(Code::Forbidden, message)) } else { Ok(()) }
    }

    /// What they are called.
    pub fn name(&self) -> String {
        let user = self.0.shown.user.as_deref();
        user.map_or_else(|| MANAGEMENT.to_owned(), |user| user.name.to_string())
    }
}

impl FromRequest for Visitor {
    type Error = SignInFirst;
    type Future = Ready<Result<Self, SignInFirst>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(present(request).map(Self).map_err(|_| SignInFirst))
    }
}

impl fmt::Display for SignInFirst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not signed in")
    }
}

impl ResponseError for SignInFirst {
    fn status_code(&self) -> StatusCode {
        StatusCode::SEE_OTHER
    }

    fn error_response(&self) -> HttpResponse {
        page::see_other("/sign-in", None)
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
