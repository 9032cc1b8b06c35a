//! The session a request shows in its cookie. Owns the order of checks: the signature before the store, and the store has the
//! last word. Refuses to adopt what it does not know, and ends a session that somebody else shows.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage, HttpRequest, web};
use farthing_actors::sessions::{Judgement, Session, User};

use super::author::author;
use crate::admin::sign_in::{Shown, called, seen};
use crate::security::SessionClaims;
use crate::web::Gateway;
use crate::web::dashboard::visitor;
use crate::web::error::{Code, Problem};

/// How exactly it is kept when a session was last used.
const TOUCH_EVERY: Duration = Duration::from_secs(60);
const DOOR: &str = "/api/session";
/// What a page says that brings its figures up to date by itself: nobody has done anything.
const REFRESH: &str = "x-farthing-refresh";

/// A session that is let in.
#[derive(Debug, Clone)]
pub struct Present {
    /// The session, its token and its person.
    pub shown: Shown,
    /// Whether the request comes from another network, so that it may only read.
    pub elsewhere: bool,
}

/// A session whose token is to be renewed when the request is over.
struct Stale(Shown);

/// A session that somebody else holds, and by what it was seen: it ends before the request is answered.
struct Stolen(Shown, &'static str);

/// The session of the request's cookie.
///
/// # Errors
/// 401 if it has none, or none that is let in.
pub fn present(request: &HttpRequest) -> Result<Present, Problem> {
    let gateway = request.app_data::<web::Data<Gateway>>().ok_or_else(|| Problem::plain(Code::Internal))?;
    let cookie = visitor::presented(request).ok_or_else(|| Problem::plain(Code::Unauthorized))?;
    let now = gateway.clock.now();
    let (claims, digest) = gateway.security.verify_session(cookie.value(), now).map_err(|error| refused(&error))?;
    let over = || Problem::new(Code::Unauthorized, "the session is over; sign in again");
    let people = gateway.people.load();
    let session = people.find(&digest).cloned().ok_or_else(over)?;
    let user = session.user.map(|id| people.user(id).cloned().ok_or_else(over)).transpose()?;
    let shown = Shown { session, digest, user };
    let by = author(request, &called(shown.user.as_deref()), now);
    let policy = gateway.admin.session_policy();
    let judgement = shown.session.judge(&digest, &seen(&by), (policy, now));
    if !is_as_told(&claims, shown.user.as_deref()) {
        request.extensions_mut().insert(Stolen(shown, "its token says another name or role"));
        return Err(over());
    }
    match judgement {
        Judgement::Over => return Err(over()),
        Judgement::Stolen => {
            request.extensions_mut().insert(Stolen(shown, "it came from another program or address"));
            return Err(over());
        }
        Judgement::Fine { .. } if is_refresh(request) => {}
        Judgement::Fine { stale: true } => drop(request.extensions_mut().insert(Stale(shown.clone()))),
        Judgement::Fine { stale: false } | Judgement::Elsewhere => {}
    }
    if !is_refresh(request) {
        touch(gateway, &shown.session);
    }
    Ok(Present { shown, elsewhere: judgement == Judgement::Elsewhere })
}

/// Whether a page asks by itself; then the session ends when it would have without.
fn is_refresh(request: &HttpRequest) -> bool {
    *request.method() == Method::GET && request.headers().contains_key(REFRESH)
}

/// Whether the request is about the session itself: it may be confirmed and ended from anywhere.
pub fn is_door(request: &HttpRequest) -> bool {
    request.path().strip_prefix(DOOR).is_some_and(|rest| rest.is_empty() || rest == "/password")
}

/// What a request leaves to be done about its session before it is answered: it ends if somebody else holds it, and gets a new
/// token if more than half of the present one's time was over.
pub async fn conclude(response: &mut ServiceResponse) {
    let request = response.request().clone();
    let is_due = {
        let known = request.extensions();
        known.contains::<Stolen>() || known.contains::<Stale>()
    };
    if is_due {
        // Boxed: requests of applications, which have no session, should not carry the room for it.
        Box::pin(end_or_renew(request, response)).await;
    }
}

async fn end_or_renew(request: HttpRequest, response: &mut ServiceResponse) {
    let stolen = request.extensions_mut().remove::<Stolen>();
    if let (Some(Stolen(shown, why)), Some(gateway)) = (stolen, request.app_data::<web::Data<Gateway>>()) {
        let by = author(&request, &called(shown.user.as_deref()), gateway.clock.now());
        gateway.admin.end_stolen_session(&shown, why, &by).await;
    }
    renew(request, response).await;
}

async fn renew(request: HttpRequest, response: &mut ServiceResponse) {
    let Some(Stale(shown)) = request.extensions_mut().remove::<Stale>() else { return };
    let Some(gateway) = request.app_data::<web::Data<Gateway>>() else { return };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS || response.response().cookies().next().is_some() {
        return;
    }
    let by = author(&request, &called(shown.user.as_deref()), gateway.clock.now());
    match gateway.admin.renew_session(&shown, &by).await {
        Ok(Some(token)) => visitor::hand_over(&request, response, token),
        // Another request of the same browser was faster, or has just ended the session.
        Ok(None) => {}
        Err(error) => log::warn!(error:%; "a session could not be renewed; the next request tries again"),
    }
}

/// The store knows who they are; a token of ours that says something else is not the one we gave.
fn is_as_told(claims: &SessionClaims, user: Option<&User>) -> bool {
    user.is_none_or(|user| *user.name == *claims.username && user.role == claims.role)
}

fn touch(gateway: &Gateway, session: &Arc<Session>) {
    let now = gateway.clock.now();
    if now >= session.seen_at.plus(TOUCH_EVERY) {
        gateway.admin.touch_session(session.id, now);
    }
}

fn refused(error: &crate::security::SessionError) -> Problem {
    Problem::new(Code::Unauthorized, error.to_string())
}
