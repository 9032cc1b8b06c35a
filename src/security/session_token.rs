//! Session tokens: what a signed-in operator's browser carries, `base64url(payload).base64url(HMAC-SHA256)`.
//! Owns their payload, and the order of checks: size, signature, version, expiry. Whoever passes them is looked up in the store,
//! which has the last word. Refuses to read a payload whose signature does not hold.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use farthing_actors::domain::{Role, SessionId, Timestamp};
use farthing_actors::sessions::SessionDigest;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::SecurityError;
use super::entropy::{NoEntropy, random};
use super::subkeys::{Label, MacKey, Subkeys};

/// Three times what the longest name needs; more is not a token of ours.
const MAX_BYTES: usize = 1_024;
/// A longer name could make a token that is refused for its size.
const MAX_NAME_BYTES: usize = 256;
/// The payload's form; a changed one gets the next number.
const VERSION: u8 = 1;

/// The payload: who signed in, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionClaims {
    /// The payload's form.
    pub v: u8,
    /// Which key signed it, for the day there are two.
    pub kid: String,
    /// 128 random bits in hexadecimal.
    pub session_id: String,
    /// Who.
    pub username: String,
    /// What they are.
    pub role: Role,
    /// When the token was made, in Unix seconds.
    pub iat: i64,
    /// The first moment at which the token is over, in Unix seconds.
    pub exp: i64,
}

/// Why a session was not issued or is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SessionError {
    /// Not a token of ours by its form.
    #[error("not a session token; sign in again")]
    Malformed,
    /// Altered, made for something else, or signed before the session secret changed.
    #[error("the session's signature does not hold; sign in again")]
    Signature,
    /// Of a form this version does not read.
    #[error("the session is of another version; sign in again")]
    Version,
    /// Its time is over.
    #[error("the session is over; sign in again")]
    Expired,
    /// The name does not fit.
    #[error("the name is longer than 256 bytes; choose a shorter one")]
    Name,
    /// No session could be made.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// Issues and checks session tokens.
pub(super) struct SessionTokens {
    mac: MacKey,
    ids: MacKey,
    csrf: MacKey,
    kid: String,
}

/// A token for a browser, and what its session is found by.
#[derive(Debug)]
pub struct IssuedSession {
    /// The token; it is not kept.
    pub token: String,
    /// What the session is found by.
    pub digest: SessionDigest,
}

impl SessionTokens {
    pub(super) fn new(session: &Subkeys) -> Result<Self, SecurityError> {
        let mac = session.mac(Label::SESSIONS)?;
        // A payload is base64 text, so this message can be no payload.
        let [a, b, c, d, ..] = mac.tag(b"key id");
        let kid = format!("{:08x}", u32::from_be_bytes([a, b, c, d]));
        Ok(Self { kid, mac, ids: session.mac(Label::SESSION_IDS)?, csrf: session.mac(Label::CSRF)? })
    }

    /// A signed token, made at `now`, of a session that is over at `end` unless it is used.
    pub(super) fn issue(
        &self,
        username: &str,
        role: Role,
        (now, end): (Timestamp, Timestamp),
    ) -> Result<IssuedSession, SessionError> {
        if username.len() > MAX_NAME_BYTES {
            return Err(SessionError::Name);
        }
        let session_id = format!("{:032x}", u128::from_be_bytes(*random()?));
        let digest = self.ids.tag(session_id.as_bytes());
        let (kid, username) = (self.kid.clone(), username.to_owned());
        let (iat, exp) = (seconds(now), seconds(end));
        let token = self.sign(&SessionClaims { v: VERSION, kid, session_id, username, role, iat, exp })?;
        Ok(IssuedSession { token, digest })
    }

    /// What the session of these claims is found by.
    fn digest(&self, claims: &SessionClaims) -> SessionDigest {
        self.ids.tag(claims.session_id.as_bytes())
    }

    /// The claims of a token that is ours and not over, and what its session is found by.
    pub(super) fn found(&self, token: &str, now: Timestamp) -> Result<(SessionClaims, SessionDigest), SessionError> {
        let claims = self.verify(token, now)?;
        let digest = self.digest(&claims);
        Ok((claims, digest))
    }

    /// What a page of this session must send with every change.
    pub(super) fn csrf(&self, session: SessionId) -> String {
        URL_SAFE_NO_PAD.encode(self.csrf.tag(session.to_string().as_bytes()))
    }

    /// Whether it is that, in time that does not depend on where they differ.
    pub(super) fn is_csrf(&self, session: SessionId, presented: &str) -> bool {
        let tag = URL_SAFE_NO_PAD.decode(presented).ok().and_then(|tag| <[u8; 32]>::try_from(tag).ok());
        tag.is_some_and(|tag| self.csrf.verifies(session.to_string().as_bytes(), &tag))
    }

    /// The claims of a token that is ours and not over.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<SessionClaims, SessionError> {
        if token.len() > MAX_BYTES {
            return Err(SessionError::Malformed);
        }
        let (payload, tag) = token.split_once('.').ok_or(SessionError::Malformed)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok().and_then(|tag| <[u8; 32]>::try_from(tag).ok());
        if !self.mac.verifies(payload.as_bytes(), &tag.ok_or(SessionError::Malformed)?) {
            return Err(SessionError::Signature);
        }
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| SessionError::Malformed)?;
        let Versioned { v } = serde_json::from_slice(&payload).map_err(|_| SessionError::Malformed)?;
        if v != VERSION {
            return Err(SessionError::Version);
        }
        let claims: SessionClaims = serde_json::from_slice(&payload).map_err(|_| SessionError::Malformed)?;
        if seconds(now) >= claims.exp { Err(SessionError::Expired) } else { Ok(claims) }
    }

    fn sign(&self, claims: &SessionClaims) -> Result<String, SessionError> {
        let json = serde_json::to_vec(claims).map_err(|_| SessionError::Malformed)?;
        let payload = URL_SAFE_NO_PAD.encode(json);
        let tag = URL_SAFE_NO_PAD.encode(self.mac.tag(payload.as_bytes()));
        Ok(format!("{payload}.{tag}"))
    }
}

/// What every version of the payload has.
#[derive(Deserialize)]
struct Versioned {
    v: u8,
}

fn seconds(moment: Timestamp) -> i64 {
    moment.0.div_euclid(1_000)
}

#[cfg(test)]
mod tests;
