//! Bodies: read whole within bounds of size and time, after the caller is known.
//! Refuses compressed bodies (a small one can hide gigabytes) and reads on a little after a refusal, so that a client
//! that is still sending hears it.

use std::pin::Pin;
use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::{HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::web::error::{Code, Problem};

/// How long a body may take in all.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is read and thrown away of a body that is too large, as a multiple of the limit.
const DISCARD: usize = 4;

/// The whole body.
///
/// # Errors
/// 413, 415, 408, or 400 if it breaks off.
pub async fn read(request: &HttpRequest, payload: web::Payload, limit: usize) -> Result<Bytes, Problem> {
    if request.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Problem::plain(Code::EncodingUnsupported));
    }
    let mut payload = payload;
    let whole = timeout(PATIENCE, collect(&mut payload, limit, announced(request))).await;
    match whole {
        Ok(Some(body)) => Ok(body?),
        Ok(None) => {
            // Best effort: whoever still sends after this was not listening.
            drop(timeout(PATIENCE, discard(&mut payload, limit.saturating_mul(DISCARD))).await);
            Err(Problem::new(Code::BodyTooLarge, format!("the body is larger than {limit} bytes")))
        }
        Err(_) => Err(Problem::plain(Code::BodyTimeout)),
    }
}

/// The body as JSON of a management request; unknown fields are errors by the type's own rule.
///
/// # Errors
/// As [`read`], or 400 naming the place.
pub async fn read_json<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
    limit: usize,
) -> Result<T, Problem> {
    let body = read(request, payload, limit).await?;
    let reader = &mut serde_json::Deserializer::from_slice(&body);
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let place = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() && place != "." {
            return Problem::new(Code::InvalidValue, format!("{place}: {error}")).at(place);
        }
        let code = if error.is_data() { Code::InvalidValue } else { Code::InvalidJson };
        Problem::new(code, error.to_string())
    })
}

fn announced(request: &HttpRequest) -> usize {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

/// The body, or `None` once it exceeds `limit`.
async fn collect(payload: &mut web::Payload, limit: usize, announced: usize) -> Option<Result<Bytes, Problem>> {
    if announced > limit {
        return None;
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(chunk) = next(payload).await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(problem) => return Some(Err(problem)),
        };
        if first.len().saturating_add(rest.len()).saturating_add(chunk.len()) > limit {
            return None;
        }
        // Most bodies arrive in one piece and are then not copied.
        if first.is_empty() {
            first = chunk;
        } else {
            rest.extend_from_slice(&chunk);
        }
    }
    if rest.is_empty() {
        return Some(Ok(first));
    }
    let mut whole = BytesMut::with_capacity(first.len().saturating_add(rest.len()));
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Some(Ok(whole.freeze()))
}

async fn discard(payload: &mut web::Payload, mut room: usize) {
    while let Some(Ok(chunk)) = next(payload).await {
        room = match room.checked_sub(chunk.len()) {
            Some(left) => left,
            None => return,
        };
    }
}

async fn next(payload: &mut web::Payload) -> Option<Result<Bytes, Problem>> {
    let chunk = std::future::poll_fn(|waker| Pin::new(&mut *payload).poll_next(waker)).await?;
    Some(chunk.map_err(|error| Problem::new(Code::InvalidJson, format!("the body broke off: {error}"))))
}
