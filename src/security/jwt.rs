//! Management tokens: short-lived JWTs that name what their bearer may do.
//! Owns issuing and checking them (HS256 and nothing else). Refuses the system's clock: time is an argument.

pub(super) mod provider;

use std::time::Duration;

use farthing_actors::domain::{Timestamp, TokenId, UserId};
use farthing_actors::sessions::TokenMark;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::SecurityError;
use super::entropy::{NoEntropy, random};
use super::subkeys::{Label, Subkeys};

/// Whom the tokens are for; a token for anything else is not accepted here.
pub const AUDIENCE: &str = "farthing-management";

/// The longest a token may live.
pub const MAX_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Far more than any scope list needs; longer ones are refused unread.
pub(super) const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// What a token says. Times are Unix seconds, as JWTs have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who bears it.
    pub sub: String,
    /// The permissions it grants, by name.
    pub scope: Vec<String>,
    /// When it was issued.
    pub iat: i64,
    /// The first second in which it is no longer accepted.
    pub exp: i64,
    /// Its own identity: 128 random bits.
    pub jti: TokenId,
    /// Always [`AUDIENCE`].
    pub aud: String,
    /// Whose account made it, and whose role bounds it; absent if it was made with the management token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// The mark of the management token that it was made with, and ends with; absent if an account made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<TokenMark>,
}

/// Who makes a token, and ends it with themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// This account.
    Account(UserId),
    /// Whoever bears the management token with this mark.
    Management(TokenMark),
}

/// Why a token was not issued or not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It is no token of ours.
    #[error("the token is malformed")]
    Malformed,
    /// Signed in a way that is not accepted.
    #[error("the token is not signed with HS256")]
    Algorithm,
    /// The signature does not fit.
    #[error("the token's signature is wrong")]
    Signature,
    /// Made for another purpose.
    #[error("the token is not for farthing-management")]
    Audience,
    /// Too old.
    #[error("the token has expired")]
    Expired,
    /// Not a lifetime a token may have.
    #[error("a token's lifetime must be between one second and 30 days")]
    Lifetime,
    /// No identity could be made for it.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

impl From<jsonwebtoken::errors::Error> for TokenError {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidSignature => Self::Signature,
            ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => Self::Algorithm,
            ErrorKind::InvalidAudience => Self::Audience,
            _ => Self::Malformed,
        }
    }
}

/// Issues and checks tokens.
pub(super) struct Tokens {
    signing: EncodingKey,
    checking: DecodingKey,
    rules: Validation,
}

impl Tokens {
    pub(super) fn new(session: &Subkeys) -> Result<Self, SecurityError> {
        provider::install();
        let key = session.derive::<32>(Label::TOKENS)?;
        let (signing, checking) = (EncodingKey::from_secret(&*key), DecodingKey::from_secret(&*key));
        Ok(Self { signing, checking, rules: rules(AUDIENCE) })
    }

    /// A signed token, and what it says.
    pub(super) fn issue(
        &self,
        (subject, maker): (&str, Maker),
        scope: &[String],
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<(String, Claims), TokenError> {
        let iat = now.0.div_euclid(1_000);
        let seconds = i64::try_from(lifetime.as_secs()).map_err(|_| TokenError::Lifetime)?;
        if lifetime > MAX_LIFETIME || seconds == 0 {
            return Err(TokenError::Lifetime);
        }
        let jti = TokenId::from_u128(u128::from_be_bytes(*random()?));
        let (sub, scope, aud) = (subject.to_owned(), scope.to_vec(), AUDIENCE.to_owned());
        let (by, mark) = match maker {
            Maker::Account(id) => (Some(id), None),
            Maker::Management(mark) => (None, Some(mark)),
        };
        let claims = Claims { sub, scope, iat, exp: iat.saturating_add(seconds), jti, aud, by, mark };
        Ok((jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?, claims))
    }

    /// The claims of a token that is ours and has not expired.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.checking, &self.rules)?.claims;
        if now.0.div_euclid(1_000) >= claims.exp { Err(TokenError::Expired) } else { Ok(claims) }
    }
}

/// Everything the library may check; expiry is ours, because the library would ask the system's clock.
pub(super) fn rules(audience: &str) -> Validation {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.validate_exp = false;
    rules.set_audience(&[audience]);
    rules.set_required_spec_claims(&["exp", "aud", "sub"]);
    rules
}

#[cfg(test)]
mod tests;
