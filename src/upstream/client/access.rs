//! A provider as one worker reaches it, until the provider is changed: its connections, its addresses, its key.
//! Owns how a key travels. Refuses to keep what an operator has changed: whoever asks compares versions.

use std::time::Duration;

use awc::ClientRequest;
use awc::http::Version;
use awc::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use farthing_actors::domain::{Dialect, Timestamp};
use farthing_actors::registry::catalogue::Provider;

use super::{KeyVault, Uri};
use crate::dialect::Endpoint;
use crate::upstream::error::UpstreamError;
use crate::upstream::guard::Address;
use crate::upstream::kinds::{Authentication, profile};
use crate::upstream::request::UpstreamRequest;
use crate::upstream::signature::{self, Credentials, Signed};

pub(super) struct Access {
    pub version: Timestamp,
    pub client: awc::Client,
    base: String,
    /// Where chat completions are: the usual call, read once.
    chat: Uri,
    key: Key,
    /// Whether conversations are carried as Bedrock carries them.
    pub bedrock: bool,
}

/// What says who is calling. Kept while the provider stays as it is: opening its seal again for each call cost a fortieth of
/// the call.
enum Key {
    None,
    /// Marked so that it is never shown.
    Header(HeaderName, HeaderValue),
    /// Signs each call.
    Amazon(Credentials),
}

impl Access {
    pub(super) fn open(provider: &Provider, vault: &dyn KeyVault) -> Result<Self, UpstreamError> {
        let address = Address::parse(&provider.base_url, provider.allow_private_network)
            .map_err(|error| UpstreamError::Misconfigured(error.to_string()))?;
        let chat = extended(&format!("{}/chat/completions", address.base))?;
        // Limit 0: awc counts calls in flight over all hosts; the bound on those is ours, at the door.
        let connector = awc::Connector::new()
            .timeout(provider.timeouts.connect())
            .limit(0)
            .conn_keep_alive(Duration::from_secs(60))
            .max_http_version(Version::HTTP_11);
        let client = awc::Client::builder().connector(connector).disable_redirects().disable_timeout().finish();
        let key = Key::open(provider, &address.host, vault)?;
        let bedrock = profile(provider.kind).authentication == Authentication::Amazon;
        Ok(Self { version: provider.updated_at, client, base: address.base, chat, key, bedrock })
    }

    pub(super) fn uri(&self, request: &UpstreamRequest<'_>) -> Result<Uri, UpstreamError> {
        match (request.endpoint, request.dialect) {
            (Endpoint::Conversation, Dialect::OpenaiChat) => Ok(self.chat.clone()),
            _ if self.bedrock => extended(&format!("{}{}", self.base, request.bedrock_path())),
            _ => extended(&format!("{}{}", self.base, request.path())),
        }
    }

    /// `call` of `uri` with `body` at `now`, with what says who is calling.
    pub(super) fn authorize(&self, call: ClientRequest, uri: &Uri, body: &[u8], now: Timestamp) -> ClientRequest {
        match &self.key {
            Key::None => call,
            Key::Header(name, value) => call.insert_header((name, value.clone())),
            Key::Amazon(credentials) => {
                let headers = signed(credentials, uri, body, now).into_iter();
                headers.fold(call, |call, header| call.insert_header(header))
            }
        }
    }
}

impl Key {
    fn open(provider: &Provider, host: &str, vault: &dyn KeyVault) -> Result<Self, UpstreamError> {
        let Some(sealed) = &provider.api_key else { return Ok(Self::None) };
        let open = || vault.open(provider.id, host, sealed).map_err(UpstreamError::Misconfigured);
        match profile(provider.kind).authentication {
            Authentication::None => Ok(Self::None),
            Authentication::Bearer => Self::header(AUTHORIZATION, &format!("Bearer {}", open()?.expose())),
            Authentication::Header(name) => Self::header(HeaderName::from_static(name), open()?.expose()),
            Authentication::Amazon => {
                let key = open()?;
                let bearer = || Self::header(AUTHORIZATION, &format!("Bearer {}", key.expose()));
                Credentials::read(key.expose()).map_or_else(bearer, |credentials| Ok(Self::Amazon(credentials)))
            }
        }
    }

    fn header(name: HeaderName, value: &str) -> Result<Self, UpstreamError> {
        let unfit = |_| UpstreamError::Misconfigured("its key cannot be sent in a header".to_owned());
        let mut value = HeaderValue::try_from(value).map_err(unfit)?;
        value.set_sensitive(true);
        Ok(Self::Header(name, value))
    }
}

fn signed(credentials: &Credentials, uri: &Uri, body: &[u8], now: Timestamp) -> Vec<(&'static str, String)> {
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let (time, region, path) = (signature::stamp(now), signature::region(host), uri.path());
    credentials.sign(&Signed { host, path, body, region, service: "bedrock", time: &time })
}

fn extended(uri: &str) -> Result<Uri, UpstreamError> {
    uri.parse().map_err(|_| UpstreamError::Misconfigured("its base URL cannot be extended".to_owned()))
}
