//! The caller: an application's virtual key, found by its hash in the keyring's snapshot. Asks nobody.
//! Owns the four places a key may travel in. Refuses with 401, and says which of unknown, revoked and expired it is only
//! to somebody who holds the whole key.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use farthing_actors::keyring::ring::{AuthorizedKey, KeyState};

use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::strangers::{Attempt, Door};

/// An application that may call.
#[derive(Debug, Clone)]
pub struct Caller(pub Arc<AuthorizedKey>);

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(find(request))
    }
}

fn find(request: &HttpRequest) -> Result<Caller, Problem> {
    let gateway = request.app_data::<web::Data<Gateway>>().ok_or_else(|| Problem::plain(Code::Internal))?;
    let presented = presented(request).ok_or_else(|| Problem::plain(Code::MissingKey))?;
    let attempt = Attempt::begin(gateway, request, (Door::Application, presented))?;
    attempt.ended(recognise(gateway, presented))
}

fn recognise(gateway: &Gateway, presented: &str) -> Result<Caller, Problem> {
    let unknown = || Problem::plain(Code::InvalidKey);
    let digest = gateway.security.digest_presented(presented).ok_or_else(unknown)?;
    let keys = gateway.keyring.load();
    let key = keys.find(&digest).ok_or_else(unknown)?;
    match key.state(gateway.clock.now()) {
        KeyState::Active => Ok(Caller(Arc::clone(key))),
        KeyState::Revoked => Err(Problem::plain(Code::KeyRevoked)),
        KeyState::Expired => Err(Problem::plain(Code::KeyExpired)),
    }
}

/// The key as sent: `Authorization: Bearer`, `x-api-key`, `x-goog-api-key` or `?key=`.
fn presented(request: &HttpRequest) -> Option<&str> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    bearer(request).or_else(|| header("x-api-key")).or_else(|| header("x-goog-api-key")).or_else(|| query_key(request))
}

/// The bearer token of the request, if it has one.
pub(super) fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn query_key(request: &HttpRequest) -> Option<&str> {
    request.query_string().split('&').find_map(|pair| pair.strip_prefix("key="))
}
