//! The client: the only code that opens connections to providers.
//! Owns one connection pool per provider and worker, deadlines, and the header that carries a provider's key.
//! Refuses redirects, so that a key never follows one, and answers without bound.

#![expect(clippy::disallowed_methods, reason = "this file is the one place that makes HTTP clients")]

mod access;
mod carriage;
mod check;
mod document;
mod exchange;
mod resolver;
mod webhook;

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_tls::connect::ConnectorService;
use awc::error::{ConnectError, SendRequestError};
pub(super) use awc::http::Uri;
use awc::http::Version;
use awc::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HttpDate, RETRY_AFTER, TRANSFER_ENCODING};
use bytes::Bytes;
use farthing_actors::domain::{Clock, ProviderId, ProviderKind, Sealed, Secret, Timestamp};
use farthing_actors::registry::catalogue::Provider;
use futures_core::Stream;
use tokio::time::{Instant, timeout};

use super::error::UpstreamError;
use super::guard::AddressError;
use super::playback::{Playback, Sandbox};
use super::request::UpstreamRequest;
use super::tokens::{AccessToken, AccessTokens};
use crate::dialect::{UpstreamWords, bedrock};
use access::Access;
pub use check::Checked;
pub use document::{fetch, submit};
pub use webhook::post;

/// The most of a whole answer that is read.
const MAX_ANSWER: usize = 32 * 1024 * 1024;
/// The most of an error's body that is read: enough for any explanation.
const MAX_ERROR: usize = 64 * 1024;

/// Opens sealed provider keys. Implemented by the vault; named here so that this floor knows no cryptography.
pub trait KeyVault: Send + Sync {
    /// The key in the clear, for `provider` at `host`.
    ///
    /// # Errors
    /// Why it cannot be opened, fit for an operator's log.
    fn open(&self, provider: ProviderId, host: &str, sealed: &Sealed) -> Result<Secret, String>;
}

/// One worker's way to all providers.
pub struct Upstream {
    vault: Arc<dyn KeyVault>,
    tokens: Arc<AccessTokens>,
    sandbox: Sandbox,
    clock: Clock,
    accesses: RefCell<HashMap<ProviderId, Rc<Access>>>,
}

/// A provider's accepting answer.
pub struct UpstreamReply {
    /// Its body, unread.
    pub body: UpstreamBody,
    /// What it says its body is.
    pub content_type: Option<String>,
    /// How long it says its body is. A connection that ends too early looks like the end of the body.
    pub length: Option<usize>,
}

/// The rest of an answer. Dropping it closes the connection, which is how an upstream call is cancelled.
pub struct UpstreamBody {
    source: Source,
    idle: Duration,
    /// When it must be at its end, and how long that was from the start.
    deadline: Option<(Instant, Duration)>,
    /// Whether the end was given; awc's bodies must not be asked again.
    ended: bool,
}

enum Source {
    Http(Box<awc::ClientResponse>),
    Bedrock(Box<awc::ClientResponse>, bedrock::Opener),
    Sandbox(Playback),
}

impl Upstream {
    /// A worker's client with keys from `vault` and the `tokens` of all workers; `sandbox` answers for the built-in
    /// provider.
    pub fn new(vault: Arc<dyn KeyVault>, tokens: Arc<AccessTokens>, sandbox: Sandbox, clock: Clock) -> Self {
        Self { vault, tokens, sandbox, clock, accesses: RefCell::default() }
    }

    /// Sends one request and waits for the head of an accepting answer.
    ///
    /// # Errors
    /// [`UpstreamError`] for everything else, a provider's own error included.
    pub async fn send(
        &self,
        provider: &Provider,
        request: UpstreamRequest<'_>,
    ) -> Result<UpstreamReply, UpstreamError> {
        let total = provider.timeouts.total();
        let deadline = Instant::now() + total;
        let patience = provider.timeouts.first_byte(request.delivery.is_stream()).min(total);
        let answer = async {
            match provider.kind {
                ProviderKind::Sandbox => self.play(provider, &request).await,
                _ => self.call(provider, request).await,
            }
        };
        let mut reply = timeout(patience, answer).await.unwrap_or(Err(UpstreamError::Timeout(patience)))?;
        reply.body.deadline = Some((deadline, total));
        Ok(reply)
    }

    async fn call(&self, provider: &Provider, request: UpstreamRequest<'_>) -> Result<UpstreamReply, UpstreamError> {
        let (access, idle) = (self.access(provider)?, provider.timeouts.idle());
        let token = access.token(&self.clock).await?;
        let answer = self.post(&access, &request, token.as_deref(), idle).await;
        let (Some(refused), Err(UpstreamError::Status { status: 401, .. })) = (token, &answer) else { return answer };
        // A token can be withdrawn before its time; a new one that is refused too says more.
        access.forget(&refused).await;
        let token = access.token(&self.clock).await?;
        self.post(&access, &request, token.as_deref(), idle).await
    }

    async fn post(
        &self,
        access: &Access,
        request: &UpstreamRequest<'_>,
        token: Option<&AccessToken>,
        idle: Duration,
    ) -> Result<UpstreamReply, UpstreamError> {
        let (uri, body) = (access.uri(request)?, access.carriage.body(request));
        let call = access.client.post(uri.clone()).insert_header((CONTENT_TYPE, request.content_type));
        let mut call = access.authorize(call, (&uri, &body), token, self.clock.now());
        for header in request.headers().filter(|(name, _)| access.carriage.carries(name)) {
            call = call.insert_header(header);
        }
        let response = call.send_body(body).await.map_err(|error| connect_error(&error))?;
        let enclosed = access.carriage.encloses_streams() && request.delivery.is_stream();
        self.accept(access, response, idle, enclosed).await
    }

    async fn accept(
        &self,
        access: &Access,
        response: awc::ClientResponse,
        idle: Duration,
        enclosed: bool,
    ) -> Result<UpstreamReply, UpstreamError> {
        if is_unframed(&response) {
            access.is_spoilt.set(true);
            return Err(UpstreamError::Garbage("its answer says neither how long it is nor comes in chunks"));
        }
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers(), self.clock.now());
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let length = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let source = match Box::new(response) {
            response if enclosed && status == 200 => Source::Bedrock(response, bedrock::Opener::default()),
            response => Source::Http(response),
        };
        let body = UpstreamBody::new(source, idle);
        if status != 200 {
            return Err(refusal(status, retry_after, body).await);
        }
        Ok(UpstreamReply { body, content_type, length })
    }

    async fn play(&self, provider: &Provider, request: &UpstreamRequest<'_>) -> Result<UpstreamReply, UpstreamError> {
        let head = self.sandbox.answer(&request.body).await;
        let body = UpstreamBody::new(Source::Sandbox(head.playback), provider.timeouts.idle());
        if head.status != 200 {
            return Err(refusal(head.status, head.retry_after, body).await);
        }
        Ok(UpstreamReply { body, content_type: None, length: None })
    }

    fn access(&self, provider: &Provider) -> Result<Rc<Access>, UpstreamError> {
        let mut accesses = self.accesses.borrow_mut();
        if let Some(known) = accesses.get(&provider.id)
            && known.version == provider.updated_at
            && !known.is_spoilt.get()
        {
            return Ok(Rc::clone(known));
        }
        let access = Rc::new(Access::open(provider, &*self.vault, &self.tokens)?);
        accesses.insert(provider.id, Rc::clone(&access));
        Ok(access)
    }
}

/// Whether an answer of HTTP/1.1 ends nowhere but with its connection. awc takes it for empty and its connection for free: whatever
/// comes on it would be the answer to somebody else.
fn is_unframed(response: &awc::ClientResponse) -> bool {
    let headers = response.headers();
    let has_body = !matches!(response.status().as_u16(), 204 | 304);
    let framed = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    has_body && !framed && response.version() == Version::HTTP_11
}

async fn refusal(status: u16, retry_after: Option<Duration>, body: UpstreamBody) -> UpstreamError {
    // An error whose explanation cannot be read is still that error.
    let words = body.collect(MAX_ERROR).await.ok().and_then(|body| UpstreamWords::read(&body)).map(Box::new);
    UpstreamError::Status { status, words, retry_after }
}

/// OpenAI's `retry-after-ms`, else `Retry-After`: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(millis) = text("retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let wait = text(RETRY_AFTER.as_str())?;
    let until = || {
        let date = SystemTime::from(wait.parse::<HttpDate>().ok()?).duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(Duration::from_millis(Timestamp::default().plus(date).millis_since(now)))
    };
    wait.parse().map(Duration::from_secs).ok().or_else(until)
}

/// A pool of connections that `dialler` opens. It asks no proxy, whatever the environment says, and follows nobody.
fn pool(dialler: ConnectorService, patience: Duration) -> awc::Client {
    // Limit 0: awc counts calls in flight over all hosts; the bound on those is ours, at the door.
    let connector = awc::Connector::new()
        .connector(dialler)
        .timeout(patience)
        .limit(0)
        .conn_keep_alive(Duration::from_secs(60))
        .max_http_version(Version::HTTP_11);
    awc::Client::builder().connector(connector).disable_redirects().disable_timeout().finish()
}

fn connect_error(error: &SendRequestError) -> UpstreamError {
    use SendRequestError as E;
    if let E::Connect(ConnectError::Resolver(reason)) = error
        && let Some(refused) = reason.downcast_ref::<AddressError>()
    {
        return UpstreamError::Misconfigured(format!("its base_url is refused: {refused}"));
    }
    match error {
        // The connection was there and the request on its way: the provider may have worked.
        E::Connect(ConnectError::Disconnected) => UpstreamError::Cut("it ended before an answer".to_owned()),
        E::Response(fault) if fault.source().is_some_and(<dyn Error>::is::<io::Error>) => {
            UpstreamError::Cut(fault.to_string())
        }
        E::Connect(_) | E::Url(_) => UpstreamError::Connect(error.to_string()),
        E::Response(_) => UpstreamError::Garbage("it is not HTTP"),
        E::Timeout => UpstreamError::Connect("no connection in time".to_owned()),
        other => UpstreamError::Cut(other.to_string()),
    }
}

async fn piece(response: &mut awc::ClientResponse) -> Option<Result<Bytes, UpstreamError>> {
    let chunk = std::future::poll_fn(|waker| Pin::new(&mut *response).poll_next(waker)).await?;
    Some(chunk.map_err(|error| UpstreamError::Cut(error.to_string())))
}

impl UpstreamBody {
    fn new(source: Source, idle: Duration) -> Self {
        Self { source, idle, deadline: None, ended: false }
    }

    /// The next piece as it arrived; `None` at the end, however often it is asked.
    ///
    /// # Errors
    /// If it broke off, or nothing came for the provider's idle time.
    pub async fn next(&mut self) -> Option<Result<Bytes, UpstreamError>> {
        if self.ended {
            return None;
        }
        let piece = self.following().await;
        self.ended = piece.as_ref().is_none_or(Result::is_err);
        piece
    }

    async fn following(&mut self) -> Option<Result<Bytes, UpstreamError>> {
        match &mut self.source {
            Source::Http(response) => piece(response).await,
            Source::Bedrock(response, opener) => {
                let opened = |_| UpstreamError::Garbage("it is not an event stream of Amazon's");
                let chunk = piece(response).await?;
                Some(chunk.and_then(|chunk| opener.open(&chunk).map_err(opened)))
            }
            Source::Sandbox(playback) => playback.next().await,
        }
    }

    /// How long the provider may be silent between two pieces.
    pub fn idle(&self) -> Duration {
        self.idle
    }

    /// When its end is due, whatever comes until then, and the time that was given.
    pub fn deadline(&self) -> Option<(Instant, Duration)> {
        self.deadline
    }

    /// The whole rest, of a reasonable size.
    ///
    /// # Errors
    /// If it broke off, stalled or is too large.
    pub async fn read_all(self) -> Result<Bytes, UpstreamError> {
        self.collect(MAX_ANSWER).await
    }

    async fn collect(mut self, limit: usize) -> Result<Bytes, UpstreamError> {
        let first = self.next_in_time().await?.unwrap_or_default();
        let Some(second) = self.next_in_time().await? else {
            return Ok(first);
        };
        let mut whole = Vec::with_capacity(first.len().saturating_add(second.len()).saturating_mul(2));
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        while let Some(piece) = self.next_in_time().await? {
            if whole.len().saturating_add(piece.len()) > limit {
                return Err(UpstreamError::Garbage("it is too large"));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(Bytes::from(whole))
    }

    async fn next_in_time(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        let left = self.deadline.map(|(deadline, total)| (deadline.saturating_duration_since(Instant::now()), total));
        let (wait, told) = left.filter(|(left, _)| *left < self.idle).unwrap_or((self.idle, self.idle));
        timeout(wait, self.next()).await.map_err(|_| UpstreamError::Timeout(told))?.transpose()
    }
}

#[cfg(test)]
mod tests {
    use awc::http::header::HeaderValue;

    use super::*;

    #[test]
    fn when_to_come_back_is_told_in_milliseconds_seconds_or_as_a_date() {
        let now: Timestamp = "2026-11-27T08:00:00Z".parse().unwrap();
        let said = |name: &'static str, value: &'static str| {
            let header = (awc::http::header::HeaderName::from_static(name), HeaderValue::from_static(value));
            retry_after(&[header].into_iter().collect(), now).map(|wait| wait.as_millis())
        };
        assert_eq!(said("retry-after-ms", "1500"), Some(1_500));
        assert_eq!(said("retry-after", " 7 "), Some(7_000));
        assert_eq!(said("retry-after", "Fri, 27 Nov 2026 08:01:30 GMT"), Some(90_000));
        assert_eq!(said("retry-after", "Fri, 27 Nov 2026 07:00:00 GMT"), Some(0), "it is over");
        for nonsense in ["soon", "-1", "1.5", ""] {
            assert_eq!(said("retry-after", nonsense), None, "{nonsense}");
        }
    }
}
