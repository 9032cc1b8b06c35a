//! Checking a provider: whether it is there and knows the key, at no cost.
//! Owns the question for each kind and its patience. Refuses to make tokens, and to give back words that have the key in them.

use std::time::Duration;

use awc::http::header::ACCEPT;
use bytes::Bytes;
use farthing_actors::domain::Dialect;
use farthing_actors::registry::catalogue::Provider;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::timeout;

use super::access::Access;
use super::{Upstream, UpstreamBody};
use crate::dialect::Endpoint;
use crate::upstream::error::UpstreamError;
use crate::upstream::kinds::{Check, dialects, profile};
use crate::upstream::request::{ANTHROPIC_VERSION, Delivery, UpstreamRequest};

/// An operator waits for it.
const PATIENCE: Duration = Duration::from_secs(10);
/// A model that nobody has, where no deployment names one: an empty request is refused all the same.
const NOBODYS_MODEL: &str = "farthing-check";

/// A provider that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// How many models it lists, where it was asked for that.
    pub models: Option<usize>,
}

/// A list of models, as far as it is counted: OpenAI's and Anthropic's, or Google's.
#[derive(Deserialize)]
struct Listed {
    #[serde(alias = "models")]
    data: Vec<IgnoredAny>,
}

/// What OpenRouter says of a key.
#[derive(Deserialize)]
struct OfKey {
    #[serde(rename = "data")]
    _data: serde_json::Map<String, serde_json::Value>,
}

impl Upstream {
    /// Tries `provider` with its key; `model` is one that a deployment there names.
    ///
    /// # Errors
    /// Why it does not work. What a provider says when it refuses a key is left out, because some repeat it.
    pub async fn check(&self, provider: &Provider, model: Option<&str>) -> Result<Checked, UpstreamError> {
        let check = profile(provider.kind).check;
        if check == Check::Nothing {
            return Ok(Checked { models: None });
        }
        let access = self.access(provider)?;
        let answer = async {
            match check {
                Check::Models(path) => {
                    let body = self.get(provider, &access, path).await?;
                    let listed: Result<Listed, _> = serde_json::from_slice(&body);
                    let listed = listed.map_err(|_| UpstreamError::Garbage("it is no list of models"))?;
                    Ok(Checked { models: Some(listed.data.len()) })
                }
                Check::Key(path) => {
                    let body = self.get(provider, &access, path).await?;
                    let said: Result<OfKey, _> = serde_json::from_slice(&body);
                    said.map_err(|_| UpstreamError::Garbage("it says nothing of the key"))?;
                    Ok(Checked { models: None })
                }
                Check::Refusal => self.be_refused(provider, model.unwrap_or(NOBODYS_MODEL)).await,
                Check::Nothing => Ok(Checked { models: None }),
            }
        };
        let checked = timeout(PATIENCE, answer).await.unwrap_or(Err(UpstreamError::Timeout(PATIENCE)));
        checked.map_err(|error| without_key(error, &access))
    }

    async fn get(&self, provider: &Provider, access: &Access, path: &str) -> Result<Bytes, UpstreamError> {
        let (uri, token) = (access.below(path)?, access.token(&self.clock).await?);
        let call = access.client.get(uri.clone()).insert_header((ACCEPT, "application/json"));
        let mut call = access.authorize(call, (&uri, b""), token.as_deref(), self.clock.now());
        if profile(provider.kind).dialects.contains(&Dialect::Anthropic) {
            call = call.insert_header(("anthropic-version", ANTHROPIC_VERSION));
        }
        let response = call.send().await.map_err(|error| super::connect_error(&error))?;
        self.accept(access, response, provider.timeouts.idle(), false).await?.body.read_all().await
    }

    /// An empty request has nothing to generate from, so every provider refuses it; who does not know the key says that first.
    async fn be_refused(&self, provider: &Provider, model: &str) -> Result<Checked, UpstreamError> {
        let request = UpstreamRequest {
            body: Bytes::from_static(b"{}"),
            content_type: "application/json",
            endpoint: Endpoint::Conversation,
            dialect: dialects(provider.kind, model).first().copied().unwrap_or(Dialect::OpenaiChat),
            model,
            delivery: Delivery::Whole,
            headers: &[],
        };
        match self.call(provider, request).await.map(|reply| reply.body) {
            Err(UpstreamError::Status { status: 400 | 404 | 422, words: Some(_), .. }) => Ok(Checked { models: None }),
            Err(error) => Err(error),
            Ok(body) => Err(unasked(body)),
        }
    }
}

/// Dropping the body closes the connection, so nothing more is made.
fn unasked(body: UpstreamBody) -> UpstreamError {
    drop(body);
    UpstreamError::Garbage("it answers an empty request")
}

fn without_key(error: UpstreamError, access: &Access) -> UpstreamError {
    match error {
        UpstreamError::Status { status, words, retry_after } => {
            let fit = words.filter(|words| !matches!(status, 401..=403) && !access.is_told_in(&words.message));
            UpstreamError::Status { status, words: fit, retry_after }
        }
        other => other,
    }
}
