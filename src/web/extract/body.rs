//! Bodies: read whole within bounds of size and time, after the caller is known.
//! Owns the patience with a body that comes slowly. Refuses compressed bodies (a small one can hide gigabytes) and reads on
//! a little after a refusal, so that a client that is still sending hears it.

use std::pin::Pin;
use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::{HttpMessage, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep_until, timeout};

use crate::dialect::Bulk;
use crate::web::Gateway;
use crate::web::error::{Code, Problem};
use crate::web::room::Share;
use crate::web::routes::line::{Bodies, JSON};

/// What is read and thrown away of a body that is too large.
const DISCARD: usize = 64 * 1024;
/// How long that may take: whoever waits for an answer before sending gets it then.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// An upload larger than any JSON body may take this long, as long as it keeps its rate.
const UPLOAD: Duration = Duration::from_secs(590);
/// The least rate of a body in bytes a second, and when it begins to count at the earliest.
const RATE: u64 = 1024;
const RATE_FROM: Duration = Duration::from_secs(5);

/// What serde calls a whole number.
const WHOLE: [&str; 8] = ["u8", "u16", "u32", "u64", "usize", "i32", "i64", "i128"];

/// How slowly a body may come.
struct Pace {
    began: Instant,
    /// How long nothing may come.
    patience: Duration,
    is_upload: bool,
}

impl Pace {
    fn of(request: &HttpRequest, limit: usize) -> Self {
        let gateway = request.app_data::<web::Data<Gateway>>();
        let patience = gateway.map_or(Duration::from_secs(30), |gateway| gateway.client_patience);
        let is_upload = gateway.is_some_and(|gateway| limit > gateway.max_body_bytes);
        Self { began: Instant::now(), patience, is_upload }
    }

    /// When the next piece must be there, after `received` bytes.
    fn due(&self, received: usize) -> Instant {
        let most = if self.is_upload { UPLOAD } else { self.patience.saturating_mul(2) };
        let whole = self.earned(received).min(most);
        (Instant::now() + self.patience).min(self.began + whole)
    }

    /// How long a body may have taken for `received` bytes.
    fn earned(&self, received: usize) -> Duration {
        let seconds = u64::try_from(received).unwrap_or(u64::MAX) / RATE;
        self.patience.max(RATE_FROM).saturating_add(Duration::from_secs(seconds))
    }
}

/// The whole body.
///
/// # Errors
/// 413, 415, 408, or 400 if it breaks off.
pub async fn read(request: &HttpRequest, payload: web::Payload, limit: usize) -> Result<Bytes, Problem> {
    if request.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Problem::plain(Code::EncodingUnsupported));
    }
    let (mut payload, pace) = (payload, Pace::of(request, limit));
    if announced(request) <= limit
        && let Some(body) = collect(&mut payload, limit, (&pace, share(request))).await?
    {
        return Ok(body);
    }
    // Best effort: whoever still sends after this was not listening.
    drop(timeout(LAST_WORDS, discard(&mut payload, DISCARD)).await);
    Err(Problem::new(Code::BodyTooLarge, format!("the body is larger than {limit} bytes")))
}

/// A management request's body, read already, as JSON; unknown fields are errors by the type's own rule.
///
/// # Errors
/// 400 naming the place.
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    Bulk::check(body)?;
    let reader = &mut serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut *reader).map_err(|error| {
        let place = error.path().to_string();
        misread(&place, &error.into_inner())
    })?;
    reader.end().map_err(|error| misread(".", &error))?;
    Ok(value)
}

/// Whether there is a body.
pub fn is_there(request: &HttpRequest) -> bool {
    announced(request) > 0 || request.chunked().unwrap_or(true)
}

/// Lets a change pass whose body, if it has one, is JSON: what a form of another site sends unasked is none. A route that reads
/// something else changes nothing.
///
/// # Errors
/// 415.
pub fn as_json(request: &HttpRequest) -> Result<(), Problem> {
    let is_read_so = Bodies::kind(request).is_some_and(|kind| kind != JSON);
    let is_json = || request.content_type().eq_ignore_ascii_case(JSON);
    if is_read_so || !is_there(request) || is_json() {
        return Ok(());
    }
    Err(Problem::plain(Code::MediaTypeUnsupported))
}

fn misread(place: &str, error: &serde_json::Error) -> Problem {
    if error.is_data() { misfit(place, &said(error)) } else { Problem::new(Code::InvalidJson, error.to_string()) }
}

/// What serde said of a value that does not fit, at `place` (`.` is the whole): which field it is, and what is wrong.
pub fn misfit(place: &str, said: &str) -> Problem {
    let inside = |name: &str| if place == "." { name.to_owned() } else { format!("{place}.{name}") };
    let quoted = |what: &str| said.strip_prefix(what)?.split('`').next();
    if let Some(name) = quoted("missing field `") {
        let field = inside(name);
        return Problem::new(Code::MissingField, format!("{field}: it is required; send it")).at(field);
    }
    match (place, quoted("unknown field `")) {
        (".", Some(name)) => Problem::new(Code::InvalidValue, said).at(name),
        (".", None) => Problem::new(Code::InvalidValue, said),
        (place, _) => Problem::new(Code::InvalidValue, format!("{place}: {said}")).at(place),
    }
}

/// What is wrong with a value, for whoever typed it into a field: without the line and column that it had in the body, and
/// without Rust's names of numbers.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(said, _)| said);
    match text.rsplit_once("expected ") {
        Some((said, number)) if WHOLE.contains(&number) => format!("{said}expected a whole number"),
        _ => text.to_owned(),
    }
}

fn announced(request: &HttpRequest) -> usize {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

/// The room for one body.
fn share(request: &HttpRequest) -> Option<Share> {
    request.app_data::<web::Data<Gateway>>().map(|gateway| gateway.room.share())
}

/// The body, or `None` once it exceeds `limit`.
async fn collect(
    payload: &mut web::Payload,
    limit: usize,
    (pace, mut share): (&Pace, Option<Share>),
) -> Result<Option<Bytes>, Problem> {
    // Most bodies arrive in one piece and are then not copied.
    let Some(first) = next_in_time(payload, pace, 0).await? else { return Ok(Some(Bytes::new())) };
    if first.len() > limit {
        return Ok(None);
    }
    let Some(second) = next_in_time(payload, pace, first.len()).await? else { return Ok(Some(first)) };
    let (mut whole, mut chunk) = (BytesMut::from(first), second);
    let mut grow = |bytes| share.as_mut().is_none_or(|share| share.grow(bytes));
    let mut has_room = grow(whole.len());
    loop {
        if whole.len().saturating_add(chunk.len()) > limit {
            return Ok(None);
        }
        has_room = has_room && grow(chunk.len());
        if !has_room {
            return Err(Problem::plain(Code::Overloaded).retry_after(Duration::from_secs(1)));
        }
        whole.extend_from_slice(&chunk);
        match next_in_time(payload, pace, whole.len()).await? {
            Some(next) => chunk = next,
            None => break,
        }
    }
    let whole = whole.freeze();
    Ok(Some(match share {
        Some(share) => share.with(whole),
        None => whole,
    }))
}

/// The next piece. What is already here is taken without a look at the time.
async fn next_in_time(payload: &mut web::Payload, pace: &Pace, received: usize) -> Result<Option<Bytes>, Problem> {
    let piece = tokio::select! {
        biased;
        piece = next(payload) => piece,
        () = late(pace, received) => return Err(Problem::plain(Code::BodyTimeout)),
    };
    piece.transpose()
}

async fn late(pace: &Pace, received: usize) {
    sleep_until(pace.due(received)).await;
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
