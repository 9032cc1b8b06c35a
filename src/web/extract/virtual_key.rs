//! The caller: an application's virtual key, found by its hash in the keyring's snapshot. Asks nobody.
//! Owns the four places a key, or a token of one, may travel in, and the paths it may call. Refuses with 401, and says which of unknown, revoked
//! and expired it is only to somebody who holds the whole key; with 403 where the key is good and the call is not its own.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use farthing_actors::keyring::ring::{AuthorizedKey, KeyState};

use crate::security::TokenError;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::strangers::{Attempt, Door};

const JWT: &str = "eyJ";
const REPLACED: &str = "this secret was replaced, and its time is over; use the key's new one";

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
    let recognised = recognise(gateway, presented).and_then(|caller| {
        caller.check(gateway, request.path())?;
        Ok(caller)
    });
    match &recognised {
        // It is a good key, which is kept out for another reason than being wrong.
        Err(problem) if problem.code.status() == 403 => attempt.succeeded(),
        Err(_) => attempt.failed(),
        Ok(caller) => {
            attempt.succeeded();
            gateway.uses.note(caller.0.key.id, gateway.strangers.source(request), request);
        }
    }
    recognised
}

fn recognise(gateway: &Gateway, presented: &str) -> Result<Caller, Problem> {
    // No key begins so, and every JWT does.
    if presented.starts_with(JWT) {
        return recognise_token(gateway, presented);
    }
    let unknown = || Problem::plain(Code::InvalidKey);
    let digest = gateway.security.digest_presented(presented).ok_or_else(unknown)?;
    let keys = gateway.keyring.load();
    let key = keys.find(&digest).ok_or_else(unknown)?;
    let now = gateway.clock.now();
    if key.state(now) != KeyState::Revoked && key.key.has_replaced(&digest, now) {
        return Err(Problem::new(Code::KeyExpired, REPLACED));
    }
    Ok(Caller(Arc::clone(key)))
}

/// The key that a token is of, within what the token grants.
fn recognise_token(gateway: &Gateway, presented: &str) -> Result<Caller, Problem> {
    let claims = gateway.security.verify_key_token(presented, gateway.clock.now()).map_err(|error| match error {
        TokenError::Expired => Problem::new(Code::KeyExpired, "the token's time is over; ask for another"),
        _ => Problem::plain(Code::InvalidKey),
    })?;
    let keys = gateway.keyring.load();
    let key = keys.key(claims.sub).ok_or_else(|| Problem::plain(Code::InvalidKey))?;
    if claims.max_requests.is_some() && !gateway.admin.token_counts().knows(claims.jti) {
        // Issued by a database that was restored from before.
        return Err(Problem::plain(Code::InvalidKey));
    }
    Ok(Caller(Arc::new(key.by(claims.jti, claims.models))))
}

impl Caller {
    /// Whether the key may call `path` now: asked when it is recognised, and again when a body has come that was long on its
    /// way, so that what an operator takes back is gone at once.
    ///
    /// # Errors
    /// 401 or 403, saying which it is.
    pub fn check(&self, gateway: &Gateway, path: &str) -> Result<(), Problem> {
        let keys = gateway.keyring.load();
        // Taken from what is published now: what the request was recognised by may be older.
        let key = keys.key(self.0.key.id).unwrap_or(&self.0);
        match key.state(gateway.clock.now()) {
            KeyState::Active => {}
            KeyState::Revoked => return Err(Problem::plain(Code::KeyRevoked)),
            KeyState::Expired => return Err(Problem::plain(Code::KeyExpired)),
            KeyState::Inactive => return Err(Problem::plain(Code::ProjectInactive)),
        }
        if self.0.token.is_some_and(|token| keys.is_revoked(token)) {
            return Err(Problem::new(Code::KeyRevoked, "the token was revoked; ask for another"));
        }
        match key.key.allowed_endpoints.as_ref().filter(|allowed| !allowed.admits(path)) {
            None => Ok(()),
            Some(allowed) => {
                let message = format!("the key may not call {path}; it may call {}", listed(&allowed.0));
                Err(Problem::new(Code::EndpointNotAllowed, message))
            }
        }
    }
}

impl Caller {
    /// Counts one request against the token that it came by, if that ends after a number of them.
    ///
    /// # Errors
    /// 402 if it has had them all.
    pub fn take(&self, gateway: &Gateway) -> Result<(), Problem> {
        match self.0.token.is_none_or(|token| gateway.admin.token_counts().take(token)) {
            true => Ok(()),
            false => {
                Err(Problem::new(Code::InsufficientQuota, "the token has had all of its requests; ask for another"))
            }
        }
    }
}

/// What a list allows, in words.
pub(in crate::web) fn listed(patterns: &[String]) -> String {
    if patterns.is_empty() { "nothing".to_owned() } else { patterns.join(", ") }
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
