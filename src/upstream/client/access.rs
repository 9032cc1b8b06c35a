//! A provider as one worker reaches it, until the provider is changed: its connections, its addresses, its key.
//! Owns how a key travels. Refuses to keep what an operator has changed: whoever asks compares versions.

use std::cell::Cell;
use std::sync::Arc;

use awc::ClientRequest;
use awc::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use farthing_actors::domain::{Clock, Dialect, Timestamp};
use farthing_actors::registry::catalogue::Provider;

use super::carriage::Carriage;
use super::exchange::exchange;
use super::resolver::{SystemNames, connector};
use super::{KeyVault, Uri, pool};
use crate::dialect::Endpoint;
use crate::upstream::error::UpstreamError;
use crate::upstream::guard::Address;
use crate::upstream::kinds::vertex::{Account, Site, SiteError};
use crate::upstream::kinds::{Authentication, profile};
use crate::upstream::request::UpstreamRequest;
use crate::upstream::signature::{self, Credentials, Signed};
use crate::upstream::tokens::{AccessToken, AccessTokens, Purse};

pub(super) struct Access {
    pub version: Timestamp,
    pub client: awc::Client,
    /// Whether one of its connections may hold what belongs to nobody, so that none may be used again.
    pub is_spoilt: Cell<bool>,
    base: String,
    /// Where chat completions are: the usual call, read once.
    chat: Uri,
    key: Key,
    /// How it carries its dialects.
    pub carriage: Carriage,
}

/// What says who is calling. Kept while the provider stays as it is: opening its seal again for each call cost a fortieth of
/// the call.
enum Key {
    None,
    /// Marked so that it is never shown.
    Header(HeaderName, HeaderValue),
    /// Signs each call.
    Amazon(Credentials),
    /// Signs for a token, which is kept where all workers find it.
    Google(Box<Account>, Arc<Purse>),
}

impl Access {
    pub(super) fn open(
        provider: &Provider,
        vault: &dyn KeyVault,
        tokens: &AccessTokens,
    ) -> Result<Self, UpstreamError> {
        let address = Address::parse(&provider.base_url, provider.allow_private_network)
            .map_err(|error| UpstreamError::Misconfigured(error.to_string()))?;
        let chat = extended(&format!("{}/chat/completions", address.base))?;
        let dialler = connector(SystemNames, provider.allow_private_network);
        let client = pool(dialler, provider.timeouts.connect());
        let key = Key::open(provider, &address.host, vault, tokens)?;
        let carriage = match (&key, profile(provider.kind).authentication) {
            (Key::Google(account, _), _) => Carriage::Vertex(Site::of(&address, account.project()).map_err(misplaced)?),
            (_, Authentication::Google) => return Err(UpstreamError::Misconfigured("it has no api_key".to_owned())),
            (_, Authentication::Amazon) => Carriage::Bedrock,
            _ => Carriage::Plain,
        };
        let is_spoilt = Cell::new(false);
        Ok(Self { version: provider.updated_at, client, is_spoilt, base: address.base, chat, key, carriage })
    }

    /// An address below the provider's own.
    pub(super) fn below(&self, path: &str) -> Result<Uri, UpstreamError> {
        extended(&format!("{}{path}", self.base))
    }

    /// Whether `text` has the provider's key in it. (What only signs is never sent, so nobody can repeat it.)
    pub(super) fn is_told_in(&self, text: &str) -> bool {
        let Key::Header(_, value) = &self.key else { return false };
        let value = value.to_str().unwrap_or_default();
        let key = value.strip_prefix("Bearer ").unwrap_or(value);
        !key.is_empty() && text.contains(key)
    }

    pub(super) fn uri(&self, request: &UpstreamRequest<'_>) -> Result<Uri, UpstreamError> {
        match (&self.carriage, request.endpoint, request.dialect) {
            (Carriage::Vertex(site), ..) => extended(&site.uri(request).ok_or_else(unspoken)?),
            (_, Endpoint::Conversation, Dialect::OpenaiChat) => Ok(self.chat.clone()),
            // The base is that of the OpenAI form, beside which Ollama's own stands.
            (Carriage::Plain, Endpoint::Conversation, Dialect::OllamaChat) => {
                extended(&format!("{}{}", self.base.strip_suffix("/v1").unwrap_or(&self.base), request.path()))
            }
            (Carriage::Bedrock, ..) => extended(&format!("{}{}", self.base, request.bedrock_path())),
            (Carriage::Plain, ..) => extended(&format!("{}{}", self.base, request.path())),
        }
    }

    /// The token to call with, where tokens are had for the key.
    ///
    /// # Errors
    /// As the exchange for it failed.
    pub(super) async fn token(&self, clock: &Clock) -> Result<Option<Arc<AccessToken>>, UpstreamError> {
        let Key::Google(account, purse) = &self.key else { return Ok(None) };
        // Boxed: few providers need one, and every call would carry the room for having it.
        Box::pin(purse.token(clock.now(), exchange(&self.client, account, clock))).await.map(Some)
    }

    /// Keeps `token`, which was refused, no longer.
    pub(super) async fn forget(&self, token: &Arc<AccessToken>) {
        if let Key::Google(_, purse) = &self.key {
            purse.forget(token).await;
        }
    }

    /// `call` of a URI with a body at `now`, with what says who is calling: the key, or the `token` had for it.
    pub(super) fn authorize(
        &self,
        call: ClientRequest,
        (uri, body): (&Uri, &[u8]),
        token: Option<&AccessToken>,
        now: Timestamp,
    ) -> ClientRequest {
        match &self.key {
            Key::None => call,
            Key::Google(..) => {
                let bearer = token.and_then(|token| sensitive(&format!("Bearer {}", token.text.expose())).ok());
                bearer.into_iter().fold(call, |call, bearer| call.insert_header((AUTHORIZATION, bearer)))
            }
            Key::Header(name, value) => call.insert_header((name, value.clone())),
            Key::Amazon(credentials) => {
                let headers = signed(credentials, uri, body, now).into_iter();
                headers.fold(call, |call, header| call.insert_header(header))
            }
        }
    }
}

impl Key {
    fn open(
        provider: &Provider,
        host: &str,
        vault: &dyn KeyVault,
        tokens: &AccessTokens,
    ) -> Result<Self, UpstreamError> {
        let Some(sealed) = &provider.api_key else { return Ok(Self::None) };
        let open = || vault.open(provider.id, host, sealed).map_err(UpstreamError::Misconfigured);
        match profile(provider.kind).authentication {
            Authentication::None => Ok(Self::None),
            Authentication::Bearer => Self::header(AUTHORIZATION, &format!("Bearer {}", open()?.expose())),
            Authentication::Header(name) => Self::header(HeaderName::from_static(name), open()?.expose()),
            Authentication::Google => {
                let account = Account::read(&open()?, provider.allow_private_network);
                let account = account.map_err(|error| UpstreamError::Misconfigured(format!("its api_key {error}")))?;
                Ok(Self::Google(Box::new(account), tokens.of(provider.id, provider.updated_at)))
            }
            Authentication::Amazon => {
                let key = open()?;
                let bearer = || Self::header(AUTHORIZATION, &format!("Bearer {}", key.expose()));
                Credentials::read(key.expose()).map_or_else(bearer, |credentials| Ok(Self::Amazon(credentials)))
            }
        }
    }

    fn header(name: HeaderName, value: &str) -> Result<Self, UpstreamError> {
        Ok(Self::Header(name, sensitive(value)?))
    }
}

fn sensitive(value: &str) -> Result<HeaderValue, UpstreamError> {
    let unfit = |_| UpstreamError::Misconfigured("its key cannot be sent in a header".to_owned());
    let mut value = HeaderValue::try_from(value).map_err(unfit)?;
    value.set_sensitive(true);
    Ok(value)
}

fn signed(credentials: &Credentials, uri: &Uri, body: &[u8], now: Timestamp) -> Vec<(&'static str, String)> {
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let (time, region, path) = (signature::stamp(now), signature::region(host), uri.path());
    credentials.sign(&Signed { host, path, body, region, service: "bedrock", time: &time })
}

fn misplaced(error: SiteError) -> UpstreamError {
    UpstreamError::Misconfigured(format!("its base_url {error}"))
}

fn unspoken() -> UpstreamError {
    UpstreamError::Misconfigured("its kind speaks only gemini and anthropic; change the model's dialects".to_owned())
}

fn extended(uri: &str) -> Result<Uri, UpstreamError> {
    uri.parse().map_err(|_| UpstreamError::Misconfigured("its base URL cannot be extended".to_owned()))
}
