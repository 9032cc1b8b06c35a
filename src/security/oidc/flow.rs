//! The way to an identity provider and back: what is sent along, and what must come back with it.
//! Owns state, nonce and PKCE verifier of one sign-in, which travel in a signed cookie and are good for ten minutes. Refuses
//! to keep them: a browser that does not bring its cookie has not begun here.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use farthing_actors::domain::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::discovery::Endpoints;
use crate::security::SecurityError;
use crate::security::entropy::{NoEntropy, random};
use crate::security::subkeys::{Label, MacKey, Subkeys};

/// How long somebody may take at the provider's.
pub const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// More than a cookie of ours ever has.
const MAX_COOKIE: usize = 1_024;

/// One sign-in that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Where the browser goes.
    pub location: String,
    /// What the cookie holds.
    pub cookie: String,
}

/// What only this sign-in knows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// Comes back in the query.
    state: String,
    /// Comes back in the token.
    pub nonce: String,
    /// Proves to the provider who asks for the token.
    pub verifier: String,
    /// The second in which it is over.
    until: i64,
}

/// Why the way back is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FlowError {
    /// There is no cookie of ours, or not as we made it.
    #[error("this sign-in was not begun here; begin again")]
    NotBegun,
    /// It took too long.
    #[error("this sign-in took more than ten minutes; begin again")]
    TooLate,
    /// The query is of another sign-in.
    #[error("this is the answer to another sign-in; begin again")]
    State,
}

/// What we are called there, and what for.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    /// Our name at the provider's.
    pub id: &'a str,
    /// What is asked for, separated by spaces; `openid` among it.
    pub scopes: &'a str,
    /// Where the provider sends the browser back to.
    pub redirect_uri: &'a str,
}

/// Begins sign-ins and recognises their ends.
pub struct Flow(MacKey);

impl Flow {
    /// # Errors
    /// If its key cannot be derived.
    pub(in crate::security) fn new(session: &Subkeys) -> Result<Self, SecurityError> {
        Ok(Self(session.mac(Label::OIDC)?))
    }

    /// Begins a sign-in.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn begin(&self, at: &Endpoints, client: Client<'_>, now: Timestamp) -> Result<Begun, NoEntropy> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (state, nonce, verifier) = (text(&*random::<16>()?), text(&*random::<16>()?), text(&*random::<32>()?));
        let challenge = text(&Sha256::digest(&verifier));
        let mark = if at.authorization.contains('?') { '&' } else { '?' };
        let location = format!(
            "{}{mark}response_type=code&client_id={}&redirect_uri={}&scope={}&state={state}&nonce={nonce}\
             &code_challenge={challenge}&code_challenge_method=S256",
            at.authorization,
            encoded(client.id),
            encoded(client.redirect_uri),
            encoded(client.scopes),
        );
        let until = now.plus(PATIENCE).0.div_euclid(1_000);
        Ok(Begun { location, cookie: self.sealed(&Pending { state, nonce, verifier, until }) })
    }

    /// The sign-in that `cookie` began, if the provider's answer with `state` is to it.
    ///
    /// # Errors
    /// Why it is not.
    pub fn end(&self, cookie: &str, state: &str, now: Timestamp) -> Result<Pending, FlowError> {
        let pending = self.opened(cookie).ok_or(FlowError::NotBegun)?;
        // Both are digested first, so that time does not tell how much of it is right.
        if Sha256::digest(&pending.state) != Sha256::digest(state) {
            return Err(FlowError::State);
        }
        if now.0.div_euclid(1_000) >= pending.until { Err(FlowError::TooLate) } else { Ok(pending) }
    }

    fn sealed(&self, pending: &Pending) -> String {
        let body = URL_SAFE_NO_PAD.encode(serde_json::json!(pending).to_string());
        let tag = URL_SAFE_NO_PAD.encode(self.0.tag(body.as_bytes()));
        format!("{body}.{tag}")
    }

    fn opened(&self, cookie: &str) -> Option<Pending> {
        let (body, tag) = cookie.split_once('.').filter(|_| cookie.len() <= MAX_COOKIE)?;
        let tag: [u8; 32] = URL_SAFE_NO_PAD.decode(tag).ok()?.try_into().ok()?;
        let body = Some(body).filter(|body| self.0.verifies(body.as_bytes(), &tag))?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()
    }
}

/// The form by which a code becomes a token.
pub fn token_form(code: &str, pending: &Pending, client: Client<'_>) -> String {
    format!(
        "grant_type=authorization_code&code={}&redirect_uri={}&client_id={}&code_verifier={}",
        encoded(code),
        encoded(client.redirect_uri),
        encoded(client.id),
        pending.verifier,
    )
}

/// Percent-encoded for a query or a form.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn flow(secret: u8) -> Flow {
        Flow::new(&Subkeys::of(&[secret; 32])).unwrap()
    }

    fn begun() -> Begun {
        let at = Endpoints {
            authorization: "https://id.example/authorize?tenant=a".to_owned(),
            token: "https://id.example/token".to_owned(),
            keys: "https://id.example/keys".to_owned(),
        };
        let client = Client {
            id: "far thing",
            scopes: "openid email",
            redirect_uri: "https://gw.example/sign-in/oidc/callback",
        };
        flow(7).begin(&at, client, NOW).unwrap()
    }

    fn parameter(location: &str, name: &str) -> String {
        let pairs = location.split_once('?').unwrap().1.split('&');
        pairs.filter_map(|pair| pair.split_once('=')).find(|(own, _)| *own == name).unwrap().1.to_owned()
    }

    #[test]
    fn a_sign_in_ends_where_it_began_with_what_was_sent_along() {
        let begun = begun();
        let of = |name| parameter(&begun.location, name);
        assert!(
            begun
                .location
                .starts_with("https://id.example/authorize?tenant=a&response_type=code&client_id=far%20thing&")
        );
        assert_eq!(of("redirect_uri"), "https%3A%2F%2Fgw.example%2Fsign-in%2Foidc%2Fcallback");
        assert_eq!((of("scope").as_str(), of("code_challenge_method").as_str()), ("openid%20email", "S256"));
        let pending = flow(7).end(&begun.cookie, &of("state"), NOW).unwrap();
        assert_eq!(pending.nonce, of("nonce"));
        assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(&pending.verifier)), of("code_challenge"));
        assert!(pending.verifier.len() >= 43, "RFC 7636 4.1");
        assert_ne!(begun.cookie, super::tests::begun().cookie);
    }

    #[test]
    fn whoever_did_not_begin_here_or_in_time_does_not_end_here() {
        let begun = begun();
        let state = parameter(&begun.location, "state");
        let end = |cookie: &str, state: &str, now| flow(7).end(cookie, state, now).map(drop);
        assert_eq!(end(&begun.cookie, &state, Timestamp(NOW.0 + 599_999)), Ok(()));
        assert_eq!(end(&begun.cookie, &state, Timestamp(NOW.0 + 600_000)), Err(FlowError::TooLate));
        for other in ["", "x", &parameter(&super::tests::begun().location, "state")] {
            assert_eq!(end(&begun.cookie, other, NOW), Err(FlowError::State), "{other}");
        }
        assert_eq!(flow(8).end(&begun.cookie, &state, NOW).map(drop), Err(FlowError::NotBegun));
        for cookie in ["", ".", "a.b", &"x".repeat(2_000)] {
            assert_eq!(end(cookie, &state, NOW), Err(FlowError::NotBegun), "{cookie}");
        }
    }

    proptest! {
        #[test]
        fn a_cookie_that_was_altered_began_nothing(at in any::<prop::sample::Index>(), bit in 0_usize..7) {
            let begun = begun();
            let mut bytes = begun.cookie.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let altered = String::from_utf8(bytes).unwrap();
            let state = parameter(&begun.location, "state");
            prop_assert_eq!(flow(7).end(&altered, &state, NOW).map(drop), Err(FlowError::NotBegun));
        }
    }
}
