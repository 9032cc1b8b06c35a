//! Signing in with an identity provider: its document and keys as they are now, and a code turned into who somebody is.
//! Owns how long they are kept, and how rarely a key that is not among them is looked for. Refuses to let anybody in: it
//! says who somebody is and which role that gives.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use farthing_actors::domain::{Clock, Role, Secret};
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use thiserror::Error;

use crate::security::oidc::discovery::{self, DiscoveryError, Endpoints};
use crate::security::oidc::flow::{Begun, Client, FlowError, PATIENCE, Pending, encoded, token_form};
use crate::security::oidc::{self, Expected, Identity, OidcError};
use crate::security::{NoEntropy, Security};
use crate::upstream::client;
use crate::upstream::guard::{Address, AddressError};

/// How long a document and its keys are good.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// How soon the keys are fetched again for a token that none of them signed.
const AGAIN: Duration = Duration::from_secs(60);
/// How many states that came back are remembered. The provider takes each code once, too.
const MOST_USED: usize = 4_096;

/// What is known of the provider, and how to ask it.
pub struct Oidc {
    terms: OidcTerms,
    security: Arc<Security>,
    clock: Clock,
    known: ArcSwapOption<Known>,
    /// The states that came back, and until when they would be taken: each is taken once.
    used: ArcSwap<VecDeque<(Duration, String)>>,
}

/// What role the values of a claim give.
pub type RoleOf = Box<dyn Fn(&[&str]) -> Option<Role> + Send + Sync>;

/// Who the provider is and what its words mean here.
pub struct OidcTerms {
    /// The provider.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// What proves that it is us.
    pub client_secret: Option<Secret>,
    /// What is asked for, separated by spaces.
    pub scopes: String,
    /// The claim that tells the role.
    pub role_claim: String,
    /// What role its values give.
    pub role_of: RoleOf,
    /// What the button says.
    pub label: String,
}

struct Known {
    endpoints: Endpoints,
    keys: JwkSet,
    fetched: Duration,
}

/// Somebody who has proved who they are, and may come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// Who says so.
    pub issuer: String,
    /// Who they are; good with the issuer only.
    pub identity: Identity,
    /// What they are here.
    pub role: Role,
}

/// Why somebody does not come in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignInError {
    /// The way back is not the way there.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The token is not accepted.
    #[error(transparent)]
    Token(#[from] OidcError),
    /// The provider knows them, and they have no role here.
    #[error("the identity provider gives no role here; oidc.roles and oidc.default_role say which would")]
    NoRole,
    /// The provider's document is of no use.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// The provider has an address that may not be called.
    #[error("an address of the identity provider is refused: {0}")]
    Address(#[from] AddressError),
    /// The provider did not answer as it should.
    #[error("the identity provider did not answer: {0}")]
    Unreachable(String),
    /// The system has no randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

impl Oidc {
    /// Asks nobody yet.
    pub fn new(terms: OidcTerms, security: Arc<Security>, clock: Clock) -> Self {
        Self { terms, security, clock, known: ArcSwapOption::empty(), used: ArcSwap::default() }
    }

    /// What the button says.
    pub fn label(&self) -> &str {
        &self.terms.label
    }

    /// Begins a sign-in that comes back to `redirect_uri`.
    ///
    /// # Errors
    /// If the provider does not answer or the system has no randomness.
    pub async fn begin(&self, redirect_uri: &str) -> Result<Begun, SignInError> {
        let known = self.known().await?;
        Ok(self.security.oidc_flow().begin(&known.endpoints, self.client(redirect_uri), self.clock.now())?)
    }

    /// Who came back to `redirect_uri` with `code` and `state`, in the sign-in that `cookie` began.
    ///
    /// # Errors
    /// Why they do not come in.
    pub async fn end(
        &self,
        cookie: &str,
        (code, state): (&str, &str),
        redirect_uri: &str,
    ) -> Result<Arrived, SignInError> {
        let pending = self.security.oidc_flow().end(cookie, state, self.clock.now())?;
        self.use_up(state)?;
        let known = self.known().await?;
        let token = self.exchange(&known, (code, &pending), redirect_uri).await?;
        let identity = match self.identify(&token, &known, &pending) {
            Err(OidcError::UnknownKey) => {
                let anew = self.anew(&known).await?;
                self.identify(&token, &anew, &pending)?
            }
            identified => identified?,
        };
        let role = (self.terms.role_of)(&identity.says(&self.terms.role_claim)).ok_or(SignInError::NoRole)?;
        Ok(Arrived { issuer: self.terms.issuer.clone(), identity, role })
    }

    /// Takes a state that came back, which nobody else can take from then on.
    fn use_up(&self, state: &str) -> Result<(), FlowError> {
        let now = self.clock.monotonic();
        let before = self.used.rcu(|used| {
            let alive = used.iter().filter(|(until, _)| *until > now);
            let mut left: VecDeque<_> = alive.filter(|(_, other)| other != state).cloned().collect();
            left.truncate(MOST_USED);
            left.push_front((now.saturating_add(PATIENCE), state.to_owned()));
            left
        });
        let again = before.iter().any(|(until, other)| *until > now && other == state);
        if again { Err(FlowError::State) } else { Ok(()) }
    }

    fn identify(&self, token: &str, known: &Known, pending: &Pending) -> Result<Identity, OidcError> {
        let OidcTerms { issuer, client_id, .. } = &self.terms;
        let expected = Expected { issuer, client_id, nonce: &pending.nonce };
        oidc::identify(token, &known.keys, expected, self.clock.now())
    }

    async fn exchange(
        &self,
        known: &Known,
        (code, pending): (&str, &Pending),
        redirect_uri: &str,
    ) -> Result<String, SignInError> {
        let form = token_form(code, pending, self.client(redirect_uri));
        let secret = self.terms.client_secret.as_ref();
        // RFC 6749 2.3.1: both are encoded before they are joined.
        let basic = secret.map(|secret| (encoded(&self.terms.client_id), encoded(secret.expose())));
        let basic = basic.as_ref().map(|(id, secret)| (id.as_str(), secret.as_str()));
        let answer = client::submit(&self.beside(&known.endpoints.token)?, form, basic).await;
        let answer = answer.map_err(|error| SignInError::Unreachable(error.to_string()))?;
        let answer: Result<TokenAnswer, _> = serde_json::from_slice(&answer);
        Ok(answer.map_err(|_| OidcError::Malformed)?.id_token)
    }

    fn client<'a>(&'a self, redirect_uri: &'a str) -> Client<'a> {
        Client { id: &self.terms.client_id, scopes: &self.terms.scopes, redirect_uri }
    }

    async fn known(&self) -> Result<Arc<Known>, SignInError> {
        let now = self.clock.monotonic();
        match self.known.load_full().filter(|known| now.saturating_sub(known.fetched) < KEPT) {
            Some(known) => Ok(known),
            None => self.fetch().await,
        }
    }

    /// The keys again, unless that was a moment ago.
    async fn anew(&self, known: &Arc<Known>) -> Result<Arc<Known>, SignInError> {
        let age = self.clock.monotonic().saturating_sub(known.fetched);
        if age < AGAIN { Ok(Arc::clone(known)) } else { self.fetch().await }
    }

    /// An address that the provider's document names. It may be on a private network only if the provider itself is there.
    fn beside(&self, text: &str) -> Result<Address, AddressError> {
        Address::parse(text, Address::written(&self.terms.issuer)?.is_private())
    }

    async fn fetch(&self) -> Result<Arc<Known>, SignInError> {
        let fetched = self.clock.monotonic();
        let issuer = &self.terms.issuer;
        let document = format!("{}{}", issuer.trim_end_matches('/'), discovery::PATH);
        let endpoints = discovery::read(&get(&Address::written(&document)?).await?, issuer)?;
        self.beside(endpoints.authorization.split('?').next().unwrap_or_default())?;
        let keys = serde_json::from_slice(&get(&self.beside(&endpoints.keys)?).await?);
        let keys = keys.map_err(|error| DiscoveryError::Malformed(error.to_string()))?;
        let known = Arc::new(Known { endpoints, keys, fetched });
        self.known.store(Some(Arc::clone(&known)));
        Ok(known)
    }
}

async fn get(address: &Address) -> Result<Bytes, SignInError> {
    client::fetch(address).await.map_err(|error| SignInError::Unreachable(error.to_string()))
}

#[cfg(test)]
mod tests;
