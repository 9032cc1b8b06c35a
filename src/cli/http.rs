//! The command line's client of the management API. Owns one connection's settings: 30 s, no redirects, 16 MiB.
//! Refuses to send the token anywhere but to the address it was given for.

mod socket;

use std::time::Duration;

use awc::error::PayloadError;
use awc::error::{ConnectError, SendRequestError};
use awc::http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use awc::http::{Method, StatusCode, Uri, Version};
use bytes::Bytes;
use farthing_actors::domain::Secret;
use futures_core::Stream;
use serde_json::Value;
use thiserror::Error;

use super::output::harmless;
pub(super) use socket::{Ending, Heard};

/// A management call is answered in milliseconds; verifying large books takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Why a call brought no answer.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The address of the server is not one.
    #[error("{0:?} is not the address of a server; write it as http://127.0.0.1:8080")]
    Address(String),
    /// The token cannot be sent.
    #[error("the management token has characters no HTTP header can carry")]
    Token,
    /// Nothing listens there.
    #[error(
        "no server answers at {0}; start one with `farthing serve` (or `farthing demo` to try it out), or name another \
         with --url or FARTHING_URL"
    )]
    Refused(String),
    /// It could be reached, but the exchange failed.
    #[error("talking to {url} failed: {reason}")]
    Broken {
        /// The server.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// It took too long.
    #[error("{0} did not answer within 30 s")]
    Slow(String),
    /// The server said no.
    #[error("{message} ({code}, {request_id})")]
    Denied {
        /// In the server's words.
        message: String,
        /// The stable code.
        code: String,
        /// To find the request in the server's log.
        request_id: String,
    },
    /// What answered is not Farthing.
    #[error("{url} answered {status} without JSON; is it a Farthing server?")]
    Foreign {
        /// The server.
        url: String,
        /// The HTTP status.
        status: u16,
    },
}

/// The management API of one server.
pub(super) struct Api {
    client: awc::Client,
    base: String,
    authorization: HeaderValue,
}

impl Api {
    /// An API at `url` for the holder of `token`. Connects to nothing yet; must be called inside an actix system.
    #[expect(clippy::disallowed_methods, reason = "the command line's own calls; no provider is reached from here")]
    pub(super) fn new(url: &str, token: &Secret) -> Result<Self, HttpError> {
        let base = base_of(url).ok_or_else(|| HttpError::Address(harmless(url)))?;
        let bearer = format!("Bearer {}", token.expose());
        let mut authorization = HeaderValue::from_str(&bearer).map_err(|_| HttpError::Token)?;
        authorization.set_sensitive(true);
        let client =
            awc::Client::builder().disable_redirects().disable_timeout().max_http_version(Version::HTTP_11).finish();
        Ok(Self { client, base, authorization })
    }

    /// GET.
    pub(super) async fn get(&self, path: &str) -> Result<Value, HttpError> {
        self.call(Method::GET, path, None).await
    }

    /// GET of what is no JSON.
    pub(super) async fn get_text(&self, path: &str) -> Result<String, HttpError> {
        let (status, bytes) = self.patiently(Method::GET, path, None).await?;
        match String::from_utf8(bytes.to_vec()) {
            Ok(text) if status.is_success() => Ok(text),
            _ => self.json(status, &bytes).map(|json| json.to_string()),
        }
    }

    /// POST.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, HttpError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// PATCH.
    pub(super) async fn patch(&self, path: &str, body: &Value) -> Result<Value, HttpError> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    /// PUT.
    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Value, HttpError> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// DELETE.
    pub(super) async fn delete(&self, path: &str) -> Result<Value, HttpError> {
        self.call(Method::DELETE, path, None).await
    }

    /// POST of a file.
    pub(super) async fn post_text(&self, path: &str, text: Vec<u8>) -> Result<Value, HttpError> {
        let request = self.client.post(format!("{}{path}", self.base));
        let request = request.insert_header((AUTHORIZATION, self.authorization.clone()));
        let request = request.insert_header((ACCEPT, "application/json"));
        let exchange = async {
            let sent = request.content_type("text/plain; charset=utf-8").send_body(text).await;
            self.answer(sent.map_err(|error| self.failure(&error))?).await
        };
        let exchange = tokio::time::timeout(PATIENCE, exchange);
        let (status, bytes) = exchange.await.unwrap_or_else(|_| Err(HttpError::Slow(self.base.clone())))?;
        self.json(status, &bytes)
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, HttpError> {
        let (status, bytes) = self.patiently(method, path, body).await?;
        self.json(status, &bytes)
    }

    async fn patiently(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), HttpError> {
        let exchange = tokio::time::timeout(PATIENCE, self.exchange(method, path, body));
        exchange.await.unwrap_or_else(|_| Err(HttpError::Slow(self.base.clone())))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), HttpError> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request
            .insert_header((AUTHORIZATION, self.authorization.clone()))
            .insert_header((ACCEPT, "application/json, text/csv"));
        let sent = match body {
            Some(body) => request.send_json(body).await,
            None => request.send().await,
        };
        self.answer(sent.map_err(|error| self.failure(&error))?).await
    }

    async fn answer<S>(&self, mut answer: awc::ClientResponse<S>) -> Result<(StatusCode, Bytes), HttpError>
    where
        S: Stream<Item = Result<Bytes, PayloadError>>,
    {
        let bytes = answer.body().limit(LARGEST_ANSWER).await.map_err(|error| self.broken(&error))?;
        Ok((answer.status(), bytes))
    }

    fn json(&self, status: StatusCode, bytes: &[u8]) -> Result<Value, HttpError> {
        // An empty success, such as 204, is an answer too.
        let json =
            if bytes.is_empty() && status.is_success() { Ok(Value::Null) } else { serde_json::from_slice(bytes) };
        match json {
            Ok(json) if status.is_success() => Ok(json),
            Ok(json) if json.pointer("/error/message").is_some() => Err(denied(&json)),
            _ => Err(HttpError::Foreign { url: self.base.clone(), status: status.as_u16() }),
        }
    }

    fn failure(&self, error: &SendRequestError) -> HttpError {
        match error {
            SendRequestError::Connect(ConnectError::Io(_)) => HttpError::Refused(self.base.clone()),
            other => self.broken(other),
        }
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> HttpError {
        HttpError::Broken { url: self.base.clone(), reason: error.to_string() }
    }
}

fn denied(json: &Value) -> HttpError {
    let text = |pointer: &str| json.pointer(pointer).and_then(Value::as_str).map_or("-".to_owned(), harmless);
    HttpError::Denied {
        message: text("/error/message"),
        code: text("/error/code"),
        request_id: text("/error/request_id"),
    }
}

/// The address without a slash at its end; `None` unless it is plain http or https.
fn base_of(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?.as_str();
    let sound = matches!(uri.scheme_str(), Some("http" | "https")) && !authority.contains('@') && uri.query().is_none();
    sound.then(|| url.trim_end_matches('/').to_owned())
}

/// A path with its query, each value escaped; absent values are left out.
pub(super) fn query(path: &str, values: &[(&str, Option<String>)]) -> String {
    let given = values.iter().filter_map(|(name, value)| Some(format!("{name}={}", escape(value.as_deref()?))));
    let given = given.collect::<Vec<_>>().join("&");
    if given.is_empty() { path.to_owned() } else { format!("{path}?{given}") }
}

/// The text as one segment of a path or one value of a query.
pub(super) fn escape(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_web_addresses_are_servers() {
        assert_eq!(base_of("http://127.0.0.1:8080/").as_deref(), Some("http://127.0.0.1:8080"));
        assert_eq!(base_of("https://books.example/farthing").as_deref(), Some("https://books.example/farthing"));
        for url in ["", "127.0.0.1:8080", "ftp://x", "http://u:p@x", "http://x/?y=z", "file:///etc/passwd"] {
            assert_eq!(base_of(url), None, "{url}");
        }
    }

    #[test]
    fn values_cannot_leave_their_place() {
        assert_eq!(escape("a/../b?c&d=é"), "a%2F..%2Fb%3Fc%26d%3D%C3%A9");
        let values = [("project", Some("a&b".to_owned())), ("limit", None), ("cursor", Some("x".to_owned()))];
        assert_eq!(query("/api/requests", &values), "/api/requests?project=a%26b&cursor=x");
        assert_eq!(query("/api/requests", &[("limit", None)]), "/api/requests");
    }
}
