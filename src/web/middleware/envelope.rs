//! The envelope: the request's id at the start, the error's body, headers and one log line at the end.
//! Owns the choice of shape: the route's dialect under `/v1` and `/v1beta`, a page for people, Farthing's own JSON elsewhere. Logs ids and figures, never content, query
//! strings or headers.

use std::sync::atomic::Ordering;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Version};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use farthing_actors::domain::RequestId;

use crate::logging;
use crate::web::Gateway;
use crate::web::dashboard::refusal;
use crate::web::data::dialect_of;
use crate::web::error::{Code, Problem};
use crate::web::extract::request_id::ThisRequest;
use crate::web::extract::session;
use crate::web::forms;
use crate::web::middleware::{cors, headers, methods, record, unread};
use crate::web::strangers::Strangers;

/// The longest path with its query, in bytes.
const MAX_TARGET: usize = 8 * 1024;
/// The longest credential, in bytes: signed tokens are shorter.
const MAX_CREDENTIAL: usize = 8 * 1024;
const CREDENTIALS: [&str; 3] = ["authorization", "x-api-key", "x-goog-api-key"];
/// All headers together, in bytes.
const MAX_HEADERS: usize = 32 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-farthing-request-id");

/// Runs the request inside its envelope.
///
/// # Errors
/// What the inner layers could not turn into an answer.
pub async fn wrap(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let unread = unread::hold(&mut request);
    let id = RequestId::generate();
    request.extensions_mut().insert(ThisRequest(id));
    let gateway = request.app_data::<web::Data<Gateway>>().cloned();
    let clock = gateway.as_ref().map(|gateway| gateway.clock.clone());
    let arrived = clock.as_ref().map(|clock| clock.monotonic());
    let mut response = match (refusal(request.request()), cors::preflight(&request)) {
        (Some(problem), _) => request.error_response(problem),
        (None, Some(answer)) => request.into_response(answer),
        (None, None) if forms::is_form(&request) => forms::serve(request, &next).await?,
        (None, None) => next.call(request).await?.map_into_boxed_body(),
    };
    session::conclude(&mut response).await;
    // Asked after the answer: a stop may have begun meanwhile.
    let closing = gateway.as_ref().is_some_and(|gateway| !gateway.ready.load(Ordering::Acquire));
    let text = id.to_string();
    let problem = response.response_mut().extensions_mut().remove::<Problem>();
    if let Some(problem) = &problem {
        response = with_body(response, problem, &text);
    }
    if let Some(unread) = unread {
        response = unread::held(response, unread);
    }
    // An answer that is given again keeps the id it was first given under.
    if !response.headers().contains_key(REQUEST_ID)
        && let Ok(value) = HeaderValue::try_from(text)
    {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    cors::allow(&mut response);
    headers::add(&mut response);
    response = methods::conclude(response);
    if closing {
        // Whoever would send another request here must not find the connection gone.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    delimit(&mut response);
    let took = clock.zip(arrived).map(|(clock, arrived)| clock.monotonic().saturating_sub(arrived)).unwrap_or_default();
    if let Some(gateway) = &gateway {
        gateway.tally.answered(response.status().as_u16());
    }
    record::note(&response, problem.as_ref(), took);
    log_line(&response, id, problem.as_ref(), crate::relay::millis(took));
    Ok(response)
}

/// A client of HTTP/1.0 knows no chunks: what has no length ends with its connection there.
fn delimit(response: &mut ServiceResponse) {
    if response.request().version() < Version::HTTP_11 && response.response().body().size() == BodySize::Stream {
        let head = response.response_mut().head_mut();
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Close);
    }
}

/// Why nothing of the request is looked at.
fn refusal(request: &HttpRequest) -> Option<Problem> {
    let gateway = request.app_data::<web::Data<Gateway>>();
    let away = gateway.and_then(|gateway| gateway.strangers.admit(request).err());
    let hurried = || gateway.and_then(|gateway| Strangers::pass(gateway, request).err());
    away.or_else(hurried).or_else(|| oversized(request).map(Problem::plain)).or_else(|| misdirected(request))
}

/// A `Host` that two who read it may read differently: several, or one with what ends a host in an address.
fn misdirected(request: &HttpRequest) -> Option<Problem> {
    let mut hosts = request.headers().get_all(HOST);
    let host = hosts.next()?;
    let is_odd = |byte: &u8| !byte.is_ascii_graphic() || b"/?#@\\\"<>^`{|}".contains(byte);
    let is_bad = hosts.next().is_some() || host.as_bytes().iter().any(is_odd);
    is_bad.then(|| Problem::new(Code::InvalidValue, "Host must be one host, with its port if it has one").at("Host"))
}

/// What is too large about the head. actix takes 96 headers, and heads up to 128 KiB.
fn oversized(request: &HttpRequest) -> Option<Code> {
    if let Some(code) = no_credential(request) {
        return Some(code);
    }
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    // As written: a colon, a space and the line's end.
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    match (target > MAX_TARGET, headers.sum::<usize>() > MAX_HEADERS) {
        (true, _) => Some(Code::UriTooLong),
        (_, true) => Some(Code::HeadTooLarge),
        _ => None,
    }
}

/// A credential that is longer than any could be is a wrong one, and nothing is computed over it.
fn no_credential(request: &HttpRequest) -> Option<Code> {
    let is_long = |name| request.headers().get(name).is_some_and(|value| value.len() > MAX_CREDENTIAL);
    CREDENTIALS.into_iter().any(is_long).then_some(())?;
    match request.path() {
        path if dialect_of(request).is_some() || path.starts_with("/v1beta") => Some(Code::InvalidKey),
        path if path.starts_with("/api/") => Some(Code::Unauthorized),
        _ => None,
    }
}

fn with_body(response: ServiceResponse, problem: &Problem, id: &str) -> ServiceResponse {
    let body = match dialect_of(response.request()) {
        Some(dialect) => problem.body_for(dialect),
        None if refusal::is_for_people(response.request()) => return refusal::with_page(response, problem, id),
        None => problem.management_body(id),
    };
    response.map_body(|_, _| BoxBody::new(body))
}

/// The head of the answer is what is timed: a stream's end is in the ledger.
fn log_line(response: &ServiceResponse, id: RequestId, problem: Option<&Problem>, millis: u64) {
    let request = response.request();
    let route = request.match_pattern();
    log::info!(
        (logging::REQUEST_ID):% = id, (logging::METHOD) = request.method().as_str(),
        (logging::ROUTE) = route.as_deref().unwrap_or("none"), (logging::STATUS) = response.status().as_u16(),
        (logging::DURATION_MS) = millis, (logging::ERROR) = problem.map_or("", |problem| problem.code.name());
        "request answered"
    );
}
