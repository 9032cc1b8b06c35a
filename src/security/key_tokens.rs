//! Tokens of keys: short-lived JWTs by which a browser calls with a key that it never sees.
//! Owns issuing and checking them, under a key of their own: no other token counts as one, nor one as any other. Refuses to
//! say what a key may do: a token names its key, and less than that.

use std::time::Duration;

use farthing_actors::domain::{Allowed, KeyId, Timestamp, TokenId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::SecurityError;
use super::entropy::random;
use super::jwt::{MAX_TOKEN_BYTES, TokenError, provider, rules};
use super::subkeys::{Label, Subkeys};

/// Whom these tokens are for.
pub const AUDIENCE: &str = "farthing-application";

/// The shortest and the longest that a token may live.
pub const LIFETIMES: std::ops::RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(86_400);

/// What a token grants, within its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyGrant {
    /// The key it calls with.
    pub key: KeyId,
    /// The models it may use, among those the key may.
    pub models: Option<Allowed>,
    /// How many requests it may have.
    pub max_requests: Option<u64>,
}

/// What a token says. Times are Unix seconds, as JWTs have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyClaims {
    /// The key it calls with.
    pub sub: KeyId,
    /// When it was issued.
    pub iat: i64,
    /// The first second in which it is no longer accepted.
    pub exp: i64,
    /// Its own identity: 128 random bits.
    pub jti: TokenId,
    /// Always [`AUDIENCE`].
    pub aud: String,
    /// The models it may use, among those the key may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Allowed>,
    /// How many requests it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_requests: Option<u64>,
}

/// Issues and checks them.
pub(super) struct KeyTokens {
    signing: EncodingKey,
    checking: DecodingKey,
    rules: Validation,
}

impl KeyTokens {
    pub(super) fn new(session: &Subkeys) -> Result<Self, SecurityError> {
        provider::install();
        let key = session.derive::<32>(Label::KEY_TOKENS)?;
        let (signing, checking) = (EncodingKey::from_secret(&*key), DecodingKey::from_secret(&*key));
        Ok(Self { signing, checking, rules: rules(AUDIENCE) })
    }

    /// A signed token, and what it says.
    pub(super) fn issue(
        &self,
        grant: KeyGrant,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<(String, KeyClaims), TokenError> {
        let seconds = i64::try_from(lifetime.as_secs()).map_err(|_| TokenError::Lifetime)?;
        if !LIFETIMES.contains(&lifetime) {
            return Err(TokenError::Lifetime);
        }
        let KeyGrant { key: sub, models, max_requests } = grant;
        let (iat, jti) = (now.0.div_euclid(1_000), TokenId::from_u128(u128::from_be_bytes(*random()?)));
        let claims = KeyClaims {
            sub,
            iat,
            exp: iat.saturating_add(seconds),
            jti,
            aud: AUDIENCE.to_owned(),
            models,
            max_requests,
        };
        Ok((jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?, claims))
    }

    /// What a token says that is ours and has not expired.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<KeyClaims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let claims = jsonwebtoken::decode::<KeyClaims>(token, &self.checking, &self.rules)?.claims;
        if now.0.div_euclid(1_000) >= claims.exp { Err(TokenError::Expired) } else { Ok(claims) }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;
    use crate::security::jwt::{Maker, Tokens};

    const NOW: Timestamp = Timestamp(1_800_000_000_500);

    fn tokens(secret: u8) -> KeyTokens {
        KeyTokens::new(&Subkeys::of(&[secret; 32])).unwrap()
    }

    fn grant() -> KeyGrant {
        let models = Some(Allowed(vec!["gpt-4o*".to_owned()]));
        KeyGrant { key: KeyId::from_u128(7), models, max_requests: Some(3) }
    }

    #[test]
    fn a_token_says_what_was_granted_until_its_time_is_over() {
        let (token, claims) = tokens(7).issue(grant(), Duration::from_secs(60), NOW).unwrap();
        assert_eq!(tokens(7).verify(&token, NOW), Ok(claims.clone()));
        let said = KeyGrant { key: claims.sub, models: claims.models, max_requests: claims.max_requests };
        assert_eq!((said, claims.exp - claims.iat), (grant(), 60));
        assert!(tokens(7).verify(&token, Timestamp(1_800_000_059_999)).is_ok());
        assert_eq!(tokens(7).verify(&token, Timestamp(1_800_000_060_000)), Err(TokenError::Expired));
        assert_eq!(tokens(8).verify(&token, NOW), Err(TokenError::Signature));
        for wrong in [0, 59, 86_401] {
            let refused = tokens(7).issue(grant(), Duration::from_secs(wrong), NOW).map(drop);
            assert_eq!(refused, Err(TokenError::Lifetime), "{wrong}");
        }
    }

    #[test]
    fn no_token_counts_for_another_purpose() {
        let management = Tokens::new(&Subkeys::of(&[7; 32])).unwrap();
        let (of_key, _) = tokens(7).issue(grant(), Duration::from_secs(60), NOW).unwrap();
        let (of_operator, _) =
            management.issue(("ci", Maker::Management([5; 8])), &[], Duration::from_secs(60), NOW).unwrap();
        assert_eq!(management.verify(&of_key, NOW), Err(TokenError::Signature));
        assert_eq!(tokens(7).verify(&of_operator, NOW), Err(TokenError::Signature));
        // Signed with the right key and said to be for somebody else.
        let (_, claims) = tokens(7).issue(grant(), Duration::from_secs(60), NOW).unwrap();
        let other = KeyClaims { aud: super::super::jwt::AUDIENCE.to_owned(), ..claims };
        let signed = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &other, &tokens(7).signing).unwrap();
        assert_eq!(tokens(7).verify(&signed, NOW), Err(TokenError::Audience));
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let body = of_key.split('.').nth(1).unwrap();
        assert!(tokens(7).verify(&format!("{none}.{body}."), NOW).is_err());
    }

    proptest! {
        #[test]
        fn one_bit_is_enough_to_be_refused(bit in 0_usize..8, at in any::<prop::sample::Index>()) {
            let (token, _) = tokens(7).issue(grant(), Duration::from_secs(60), NOW).unwrap();
            let mut bytes = token.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            // The last letter of a part has bits that say nothing; base64 refuses them all the same.
            if let Ok(altered) = String::from_utf8(bytes) {
                prop_assert!(tokens(7).verify(&altered, NOW).is_err(), "{token} {altered}");
            }
        }
    }
}
