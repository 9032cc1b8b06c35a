//! OIDC: who an identity provider says somebody is, and whether it was really asked.
//! Owns the checks of an ID token (OpenID Connect Core 3.1.3.7) and, in [`flow`], those of the way there and back.
//! Refuses every algorithm but RS256 and ES256, every key that the provider does not publish, clocks and the network.

pub mod discovery;
pub mod flow;

use std::time::Duration;

use farthing_actors::domain::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::jwt::provider;

/// Far more than a token with many groups needs.
const MAX_TOKEN_BYTES: usize = 64 * 1024;
/// How far the provider's clock may be from ours.
const SKEW: Duration = Duration::from_secs(60);
const MAX_SUBJECT: usize = 255;

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who issued it.
    pub issuer: &'a str,
    /// Whom it is for: us, as the provider knows us.
    pub client_id: &'a str,
    /// What we sent along when we asked.
    pub nonce: &'a str,
}

/// Who somebody is, by the provider's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The provider's name for them, which never changes; good with the issuer only.
    pub subject: String,
    /// What people call them, if it says so: not unique, and not to be trusted as a name.
    pub name: Option<String>,
    claims: Map<String, Value>,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OidcError {
    /// It is no ID token.
    #[error("the identity token is malformed")]
    Malformed,
    /// Signed in a way that is not accepted.
    #[error("the identity token is not signed with RS256 or ES256")]
    Algorithm,
    /// By a key that the provider does not publish; perhaps a new one.
    #[error("the identity token is signed with a key that the provider does not publish")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the identity token's signature is wrong")]
    Signature,
    /// From another provider.
    #[error("the identity token is from another issuer")]
    Issuer,
    /// For another application.
    #[error("the identity token is for another application")]
    Audience,
    /// For another sign-in.
    #[error("the identity token is for another sign-in")]
    Nonce,
    /// Too old, or of the future.
    #[error("the identity token is not of now; compare the clocks")]
    Time,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
    azp: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl From<jsonwebtoken::errors::Error> for OidcError {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidSignature => Self::Signature,
            ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => Self::Algorithm,
            ErrorKind::InvalidAudience => Self::Audience,
            ErrorKind::InvalidIssuer => Self::Issuer,
            _ => Self::Malformed,
        }
    }
}

/// Who `token` says somebody is, if one of `keys` signed it and it says what is expected.
///
/// # Errors
/// Why it is not accepted. [`OidcError::UnknownKey`] may be mended by fetching the keys again.
pub fn identify(token: &str, keys: &JwkSet, expected: Expected<'_>, now: Timestamp) -> Result<Identity, OidcError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(OidcError::Malformed);
    }
    provider::install();
    let header = jsonwebtoken::decode_header(token)?;
    let key = find(keys, header.kid.as_deref(), header.alg)?;
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &rules(header.alg, expected))?.claims;
    check(&claims, expected, now)?;
    let name = ["name", "preferred_username", "email"].iter().find_map(|name| claims.rest.get(*name)?.as_str());
    let name = name.map(str::to_owned);
    Ok(Identity { subject: claims.sub, name, claims: claims.rest })
}

impl Identity {
    /// What a claim says: a text, or a list of them. A name with dots leads into objects.
    pub fn says(&self, claim: &str) -> Vec<&str> {
        // Some providers have names with dots in them, such as URLs.
        let found = self.claims.get(claim).or_else(|| {
            let (first, rest) = claim.split_once('.')?;
            rest.split('.').try_fold(self.claims.get(first)?, |value, name| value.get(name))
        });
        match found {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// The published key that made a signature. Of a header without a name, the only one that could have.
fn find(keys: &JwkSet, kid: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, OidcError> {
    if !matches!(algorithm, Algorithm::RS256 | Algorithm::ES256) {
        return Err(OidcError::Algorithm);
    }
    let named = |key: &&Jwk| kid.is_none_or(|kid| key.common.key_id.as_deref() == Some(kid));
    let mut fit = keys.keys.iter().filter(named).filter(|key| fits(key, algorithm));
    match (fit.next(), fit.next()) {
        (Some(key), None) => Ok(DecodingKey::from_jwk(key)?),
        _ => Err(OidcError::UnknownKey),
    }
}

/// Whether a key is of the algorithm's kind and for signatures: a public key is never taken for a secret.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let signs = key.common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature);
    let (named, kind) = match algorithm {
        Algorithm::RS256 => (KeyAlgorithm::RS256, matches!(key.algorithm, AlgorithmParameters::RSA(_))),
        _ => {
            let curve = |curve: &EllipticCurve| *curve == EllipticCurve::P256;
            let fits = matches!(&key.algorithm, AlgorithmParameters::EllipticCurve(key) if curve(&key.curve));
            (KeyAlgorithm::ES256, fits)
        }
    };
    signs && kind && key.common.key_algorithm.is_none_or(|own| own == named)
}

fn rules(algorithm: Algorithm, expected: Expected<'_>) -> Validation {
    let mut rules = Validation::new(algorithm);
    // Times are ours to check: the library would ask the system's clock.
    rules.validate_exp = false;
    rules.set_audience(&[expected.client_id]);
    rules.set_issuer(&[expected.issuer]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules
}

fn check(claims: &Claims, expected: Expected<'_>, now: Timestamp) -> Result<(), OidcError> {
    if claims.sub.is_empty() || claims.sub.len() > MAX_SUBJECT {
        return Err(OidcError::Malformed);
    }
    let alone = match &claims.aud {
        Audience::One(only) => only == expected.client_id,
        Audience::Many(all) => all.len() == 1,
    };
    // Made for several, it must say which of them asked.
    match claims.azp.as_deref() {
        Some(azp) if azp != expected.client_id => return Err(OidcError::Audience),
        None if !alone => return Err(OidcError::Audience),
        _ => {}
    }
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return Err(OidcError::Nonce);
    }
    let (now, skew) = (now.0.div_euclid(1_000), i64::try_from(SKEW.as_secs()).unwrap_or(0));
    let over = now >= claims.exp.saturating_add(skew);
    let early = claims.iat.max(claims.nbf.unwrap_or(claims.iat)) > now.saturating_add(skew);
    if over || early { Err(OidcError::Time) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
