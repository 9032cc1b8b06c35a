//! Session tokens: what a signed-in operator's browser carries, `base64url(payload).base64url(HMAC-SHA256)`.
//! Owns their payload, their absolute life, and the order of checks: size, signature, version, expiry.
//! Refuses to read a payload whose signature does not hold.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use farthing_actors::domain::{Role, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::SecurityError;
use super::entropy::{NoEntropy, random};
use super::subkeys::{Label, MacKey, Subkeys};

/// How long a session lasts, whatever happens in it.
pub const LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);

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
    /// When they signed in, in Unix seconds.
    pub iat: i64,
    /// The first moment at which the session is over, in Unix seconds.
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
    kid: String,
}

impl SessionTokens {
    pub(super) fn new(session: &Subkeys) -> Result<Self, SecurityError> {
        let mac = session.mac(Label::SESSIONS)?;
        // A payload is base64 text, so this message can be no payload.
        let [a, b, c, d, ..] = mac.tag(b"key id");
        Ok(Self { kid: format!("{:08x}", u32::from_be_bytes([a, b, c, d])), mac })
    }

    /// A signed token for a session that begins now.
    pub(super) fn issue(&self, username: &str, role: Role, now: Timestamp) -> Result<String, SessionError> {
        if username.len() > MAX_NAME_BYTES {
            return Err(SessionError::Name);
        }
        let session_id = format!("{:032x}", u128::from_be_bytes(*random()?));
        let (kid, username) = (self.kid.clone(), username.to_owned());
        let (iat, exp) = (seconds(now), seconds(now.plus(LIFETIME)));
        self.sign(&SessionClaims { v: VERSION, kid, session_id, username, role, iat, exp })
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
